//! Random programs for a scope, and the sequential model that says what they give.
#![allow(dead_code, reason = "each test file uses a part of this")]

use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// One step of a task. An index picks one of the handles that the task has at that point.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Yield,
    /// Return `Pending`, and be woken by another thread.
    Park,
    /// Keep the thread busy.
    Work(Duration),
    Spawn(How, Task),
    Join(usize),
    /// Cancel, and wait until the child is gone.
    Cancel(usize),
    CancelInPassing(usize),
    DropHandle(usize),
    Nest(Nest),
    /// Return an error.
    Fail,
    Panic,
}

/// How a child is spawned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Ordinary,
    Background,
    With,
    /// Through the plain handle of a fallible scope.
    Isolated,
}

/// A body or a child.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) ops: Vec<Op>,
    pub(crate) bomb: Bomb,
}

/// What panics when it is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bomb {
    None,
    Future,
    /// The value, if nobody takes it.
    Value,
}

/// A scope within a task.
#[derive(Clone, Debug)]
pub(crate) struct Nest {
    pub(crate) fallible: bool,
    /// After how many polls the scope is dropped.
    pub(crate) polls: Option<usize>,
    /// Whether its panic ends here.
    pub(crate) caught: bool,
    pub(crate) body: Task,
}

impl Task {
    /// What the task gives if it runs to its end: nothing if it fails on the way.
    ///
    /// A task takes its steps one after the other, so this does not depend on any schedule.
    pub(crate) fn outcome(&self) -> Option<u64> {
        let mut handles: Vec<&Task> = Vec::new();
        let mut value = Self::START;
        for op in &self.ops {
            let step = match op {
                Op::Spawn(_, task) => {
                    handles.push(task);
                    0
                }
                Op::Join(index) => take(&mut handles, *index)
                    .and_then(Task::outcome)
                    .unwrap_or(0),
                Op::Cancel(index) | Op::CancelInPassing(index) | Op::DropHandle(index) => {
                    take(&mut handles, *index);
                    0
                }
                Op::Nest(nest) => nest.contribution(),
                Op::Yield | Op::Park | Op::Work(_) => 0,
                Op::Fail | Op::Panic => return None,
            };
            value = Self::advance(value, step);
        }
        Some(value)
    }

    pub(crate) const START: u64 = 1;

    /// The value after one more step.
    pub(crate) fn advance(value: u64, step: u64) -> u64 {
        value.wrapping_mul(31).wrapping_add(step + 1)
    }

    /// True if nothing in the task can fail.
    fn is_clean(&self) -> bool {
        self.bomb == Bomb::None
            && self.ops.iter().all(|op| match op {
                Op::Spawn(_, task) => task.is_clean(),
                Op::Nest(nest) => nest.body.is_clean(),
                Op::Fail | Op::Panic => false,
                _ => true,
            })
    }
}

impl Nest {
    /// What the scope adds to the value of its task. Whether a scope in which something can fail
    /// gets that far depends on the schedule: it adds nothing.
    pub(crate) fn contribution(&self) -> u64 {
        match self.body.outcome() {
            Some(value) if self.is_certain() => value % 1000,
            _ => 0,
        }
    }

    /// True if the scope gives the body's value on every schedule.
    pub(crate) fn is_certain(&self) -> bool {
        self.polls.is_none() && self.body.is_clean()
    }
}

/// Takes one of the handles out, if there are any.
pub(crate) fn take<T>(handles: &mut Vec<T>, index: usize) -> Option<T> {
    (!handles.is_empty()).then(|| handles.swap_remove(index % handles.len()))
}

/// Scopes in which nothing fails: all their values are known.
pub(crate) fn clean() -> impl Strategy<Value = Nest> {
    let leaf = leaf().boxed();
    let bomb = Just(Bomb::None).boxed();
    nest(tasks(leaf, bomb.clone()), bomb, Just(None).boxed())
}

/// Scopes in which anything can fail, and which may be dropped half-way.
pub(crate) fn failing() -> impl Strategy<Value = Nest> {
    let leaf = prop_oneof![12 => leaf(), 1 => Just(Op::Fail), 1 => Just(Op::Panic)].boxed();
    nest(
        tasks(leaf, bombs()),
        bombs(),
        option::weighted(0.3, 0..6_usize).boxed(),
    )
}

/// The same with tasks that work for so long that it pays to ask for help.
pub(crate) fn busy() -> impl Strategy<Value = Nest> {
    let work = (0..100_u64).prop_map(|micros| Op::Work(Duration::from_micros(micros)));
    let leaf = prop_oneof![12 => leaf(), 8 => work, 1 => Just(Op::Fail), 1 => Just(Op::Panic)];
    nest(
        tasks(leaf.boxed(), bombs()),
        bombs(),
        option::weighted(0.3, 0..6_usize).boxed(),
    )
}

fn bombs() -> BoxedStrategy<Bomb> {
    prop_oneof![
        10 => Just(Bomb::None),
        1 => Just(Bomb::Future),
        1 => Just(Bomb::Value),
    ]
    .boxed()
}

/// A step that contains no other.
fn leaf() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => Just(Op::Yield),
        2 => Just(Op::Park),
        4 => (0..4_usize).prop_map(Op::Join),
        2 => (0..4_usize).prop_map(Op::Cancel),
        1 => (0..4_usize).prop_map(Op::CancelInPassing),
        1 => (0..4_usize).prop_map(Op::DropHandle),
    ]
}

/// Steps of every kind, a few levels deep.
fn tasks(leaf: BoxedStrategy<Op>, bomb: BoxedStrategy<Bomb>) -> BoxedStrategy<Op> {
    let how = prop_oneof![
        4 => Just(How::Ordinary),
        2 => Just(How::Background),
        1 => Just(How::With),
        1 => Just(How::Isolated),
    ];
    let polls = option::weighted(0.3, 0..6_usize).boxed();
    leaf.prop_recursive(4, 64, 6, move |op| {
        let task = (vec(op.clone(), 0..6), bomb.clone());
        let spawn =
            (how.clone(), task).prop_map(|(how, (ops, bomb))| Op::Spawn(how, Task { ops, bomb }));
        let nest = nest(op.clone(), bomb.clone(), polls.clone()).prop_map(Op::Nest);
        prop_oneof![2 => op, 5 => spawn, 1 => nest]
    })
    .boxed()
}

fn nest(
    op: BoxedStrategy<Op>,
    bomb: BoxedStrategy<Bomb>,
    polls: BoxedStrategy<Option<usize>>,
) -> impl Strategy<Value = Nest> {
    (any::<bool>(), polls, any::<bool>(), vec(op, 0..8), bomb).prop_map(
        |(fallible, polls, caught, ops, bomb)| Nest {
            fallible,
            polls,
            caught,
            body: Task { ops, bomb },
        },
    )
}
