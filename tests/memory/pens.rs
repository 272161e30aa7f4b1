//! Pens whose children come and go: P12. Their executor is this very thread, so that its
//! allocations can be counted.

use std::future::pending;
use std::sync::{Arc, Mutex};

use futures_lite::future::{block_on, yield_now};
use taskpen::{Executor, Pen, Ticket};

use crate::{MANY, TEN_MILLION, Watch, live};

/// Keeps tickets until they are run, by hand.
#[derive(Clone, Default)]
struct ByHand(Arc<Mutex<Vec<Ticket>>>);

impl ByHand {
    fn run(&self) {
        while let Some(ticket) = self.next() {
            ticket.run();
        }
    }

    fn next(&self) -> Option<Ticket> {
        self.0.lock().unwrap().pop()
    }
}

impl Executor for ByHand {
    fn dispatch(&self, ticket: Ticket) {
        self.0.lock().unwrap().push(ticket);
    }

    fn parallelism(&self) -> usize {
        1
    }
}

/// Runs `count` children one after the other, which are suspended once.
fn one_after_the_other(count: usize) {
    let executor = ByHand::default();
    let pen = Pen::on(executor.clone());
    let mut watch = Watch::default();
    for round in 0..count {
        let child = pen.spawn(async move {
            let on_the_heap = Box::new(round);
            yield_now().await;
            *on_the_heap
        });
        executor.run();
        assert_eq!(block_on(child), round);
        watch.look();
    }
    block_on(pen.close());
}

/// P12: many children one after the other run in constant memory.
#[test]
fn children_one_after_the_other() {
    one_after_the_other(MANY);
}

/// P12: the full promise.
#[test]
#[ignore = "takes half a minute"]
fn ten_million_children_one_after_the_other() {
    one_after_the_other(TEN_MILLION);
}

/// P3, P4: a pen that is over holds nothing, however it came to its end.
#[test]
fn nothing_is_left() {
    let ends: [fn(Pen); 3] = [
        drop,
        |pen| block_on(pen.cancel()),
        |pen| {
            pen.request_stop("enough");
            block_on(pen.close());
        },
    ];
    block_on(async {}); // keeps something for its next call
    let before = live();
    for end in ends {
        let executor = ByHand::default();
        let pen = Pen::on(executor.clone());
        for _ in 0..1_000 {
            pen.spawn_background(async {
                let _on_the_heap = Box::new([0; 100]);
                pending::<()>().await;
            });
        }
        executor.run();
        end(pen);
        drop(executor);
        assert_eq!(live(), before);
    }
}
