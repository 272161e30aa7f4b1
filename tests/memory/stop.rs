//! Scopes in scopes, and waits for their cancellation: K10, L10.

use std::cell::Cell;
use std::future::{Future, pending};
use std::pin::{Pin, pin};
use std::rc::Rc;

use taskpen::{local_scope, scope};

use crate::life::{Gate, poll_once, run};
use crate::{MANY, Watch, live};

/// K10, L10: scopes that come and go in a long-lived one, and waits for the cancellation of either,
/// run in constant memory, whether they end, are cancelled or are dropped.
#[test]
fn cancelled_scopes_one_after_the_other() {
    let mut watch = Watch::default();
    run(scope(async |outer| {
        for round in 0..MANY / 40 {
            let mut nested = Box::pin(scope(async |s| {
                let mut waits = [pin!(s.stop_token()), pin!(outer.stop_token())];
                for waits in &mut waits {
                    assert!(poll_once(waits.as_mut()).is_pending());
                }
                match round % 3 {
                    0 => {}
                    1 => s.request_stop(String::from("round")),
                    _ => pending().await,
                }
            }));
            assert_eq!(poll_once(nested.as_mut()).is_pending(), round % 3 == 2);
            drop(nested);
            watch.look();
        }
    })
    .serial());
    assert_eq!(watch.rounds, MANY / 40);
}

type Generation = (Gate, Pin<Box<dyn Future<Output = ()>>>);

/// A scope that opens its successor when it is told to, polls it once, hands it over, and ends.
fn generation(successor: &Rc<Cell<Option<Generation>>>, has_token: bool) -> Generation {
    let (gate, successor) = (Gate::default(), Rc::clone(successor));
    let told = gate.wait();
    let this = local_scope(async move |s| {
        let _token = has_token.then(|| s.stop_token());
        told.await;
        let (gate, mut next) = generation(&successor, has_token);
        assert!(poll_once(next.as_mut()).is_pending());
        successor.set(Some((gate, next)));
    });
    (gate, Box::pin(this))
}

/// K10: each scope of a long row begins inside the one before. Only the last is alive, and it does
/// not keep the others; nor does its drop, which would have to drop them all, overflow the stack.
#[test]
fn relay() {
    for has_token in [false, true] {
        let last = |generations| {
            let before = live();
            let successor = Rc::default();
            let (mut gate, mut this) = generation(&successor, has_token);
            assert!(poll_once(this.as_mut()).is_pending());
            for _ in 0..generations {
                gate.open();
                run(this);
                (gate, this) = successor.take().unwrap();
            }
            (live() - before, this, gate)
        };
        let (short, ..) = last(10);
        let (long, ..) = last(20_000);
        assert!(long <= short, "{long} bytes instead of {short}");
    }
}
