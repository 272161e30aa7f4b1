//! R1: the list of children that are ready, beside a queue of the standard library: what was put in
//! comes out once, in the same order, or is dropped with the list. The file under test is compiled
//! here once more.

use std::collections::VecDeque;
use std::sync::Arc;
use std::{iter, mem};

use proptest::collection::vec;
use proptest::prelude::*;

use list::List;
use node::Node;

#[path = "../src/queue/list.rs"]
mod list;
#[path = "support/node.rs"]
mod node;
#[allow(dead_code, unused_imports, reason = "the list needs one type of it")]
#[path = "../src/sync.rs"]
mod sync;

/// It counts, by what it shares with the test, whether it is there.
type Counted = Box<Node<(usize, Arc<()>)>>;

/// What is done to two lists.
#[derive(Clone, Debug)]
enum Step {
    Push,
    Pop,
    Append,
    Prepend,
    /// The first so many become the other list, which is dropped.
    Split(usize),
    Swap,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => Just(Step::Push),
        4 => Just(Step::Pop),
        1 => Just(Step::Append),
        1 => Just(Step::Prepend),
        2 => (0..6_usize).prop_map(Step::Split),
        2 => Just(Step::Swap),
    ];
    vec(step, 0..100)
}

proptest! {
    // A failure is replayed by its seed, not from a file.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn as_a_queue(steps in steps()) {
        let alive = Arc::new(());
        let (mut one, mut other) = (List::default(), List::default());
        let (mut queue, mut other_queue) = (VecDeque::new(), VecDeque::new());
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Push => {
                    one.push_back(Node::new((number, Arc::clone(&alive))));
                    queue.push_back(number);
                }
                Step::Pop => {
                    let popped = one.pop_front().map(|node: Counted| node.contents.0);
                    prop_assert_eq!(popped, queue.pop_front());
                }
                Step::Append => {
                    one.append(&mut other);
                    queue.append(&mut other_queue);
                }
                Step::Prepend => {
                    one.prepend(&mut other);
                    other_queue.append(&mut queue);
                    mem::swap(&mut queue, &mut other_queue);
                }
                Step::Split(most) => {
                    other = one.split_front(most);
                    other_queue = queue.drain(..most.min(queue.len())).collect();
                }
                Step::Swap => {
                    mem::swap(&mut one, &mut other);
                    mem::swap(&mut queue, &mut other_queue);
                }
            }
            prop_assert_eq!(one.len(), queue.len());
            prop_assert_eq!(one.is_empty(), queue.is_empty());
            prop_assert_eq!(one.front(|node| node.contents.0), queue.front().copied());
            prop_assert_eq!(Arc::strong_count(&alive), 1 + queue.len() + other_queue.len());
        }
        other.append(&mut one);
        other_queue.append(&mut queue);
        let rest = iter::from_fn(|| other.pop_front());
        prop_assert!(rest.map(|node| node.contents.0).eq(other_queue));
        prop_assert_eq!(Arc::strong_count(&alive), 1);
    }
}
