//! How long one poll of a scope may last: R5. Each child here takes at least some time; so a poll
//! that is bounded in time makes few polls of children, however slow the machine is.
#![allow(
    unused_doc_comments,
    reason = "`each_form!` writes the tests it stands before"
)]

use std::time::{Duration, Instant};

use crate::life::{Counter, poll_once};
use futures_lite::future::yield_now;
use taskpen::scope;

/// Occupies the thread.
fn burn(duration: Duration) {
    let start = Instant::now();
    while start.elapsed() < duration {
        std::hint::spin_loop();
    }
}

/// How many polls of children each of these polls of a scope made, in which `count` children burn
/// so long in each poll and yield.
macro_rules! polls_of {
    ($scope:ident, $ok:ident, $count:expr, $duration:expr) => {{
        let polls = Counter::default();
        let mut scoped = Box::pin(
            $scope(async |s| {
                for _ in 0..$count {
                    let polls = polls.clone();
                    s.spawn(async move {
                        loop {
                            burn($duration);
                            polls.add();
                            yield_now().await;
                        }
                        #[allow(unreachable_code)]
                        $ok(())
                    });
                }
                $ok(())
            })
            .serial(),
        );
        [(); 5].map(|()| {
            let before = polls.get();
            assert!(poll_once(scoped.as_mut()).is_pending());
            polls.get() - before
        })
    }};
}

/// R5: beside children of milliseconds a poll of the scope is over after a few of them, and after
/// one as soon as it is known how slow they are.
each_form!(slow_children, |scope, ok| {
    let polls = polls_of!(scope, ok, 30, Duration::from_millis(1));
    assert!(polls[0] <= 6, "{polls:?}");
    assert_eq!(polls[1..], [1; 4]);
});

/// R5: beside children of some microseconds after as many as fill the time.
#[test]
fn short_children() {
    use crate::life::plain as ok;
    let polls = polls_of!(scope, ok, 64, Duration::from_micros(20));
    assert!(polls[0] <= 16, "{polls:?}");
    assert!(polls[1..].iter().all(|polls| *polls <= 4), "{polls:?}");
}

/// R5: children that do not yield are bounded likewise: they finish over several polls.
#[test]
fn children_that_finish() {
    let finished = Counter::default();
    let mut scoped = Box::pin(
        scope(async |s| {
            for _ in 0..20 {
                let finished = finished.clone();
                s.spawn(async move {
                    burn(Duration::from_millis(1));
                    finished.add();
                });
            }
        })
        .serial(),
    );
    let mut before = 0;
    while poll_once(scoped.as_mut()).is_pending() {
        let most = if before == 0 { 6 } else { 1 };
        assert!(finished.get() - before <= most);
        before = finished.get();
    }
    assert_eq!(finished.get(), 20);
}

/// R5: polls of the body count like those of children.
each_form!(slow_body, |scope, ok| {
    let polls = Counter::default();
    let mut scoped = Box::pin(
        scope(async |_| {
            loop {
                burn(Duration::from_millis(1));
                polls.add();
                yield_now().await;
            }
            #[allow(unreachable_code)]
            ok(())
        })
        .serial(),
    );
    for round in 0..5 {
        let before = polls.get();
        assert!(poll_once(scoped.as_mut()).is_pending());
        let most = if round == 0 { 8 } else { 1 };
        assert!(polls.get() - before <= most, "in poll {round}");
    }
});

/// R5: scopes in scopes do not multiply it.
#[test]
fn nested() {
    let polls = Counter::default();
    let mut scoped = Box::pin(
        scope(async |s| {
            for _ in 0..10 {
                let polls = polls.clone();
                s.spawn(scope(async move |s| {
                    for _ in 0..10 {
                        let polls = polls.clone();
                        s.spawn(async move {
                            loop {
                                burn(Duration::from_millis(1));
                                polls.add();
                                yield_now().await;
                            }
                        });
                    }
                }));
            }
        })
        .serial(),
    );
    for round in 0..20 {
        let before = polls.get();
        assert!(poll_once(scoped.as_mut()).is_pending());
        let most = if round == 0 { 24 } else { 6 };
        assert!(
            polls.get() - before <= most,
            "in poll {round}: {}",
            polls.get() - before
        );
    }
}

/// Polls that are short are not cut off by the clock: as many are made as before.
#[test]
fn short_polls() {
    let polls = Counter::default();
    let mut scoped = Box::pin(
        scope(async |s| {
            for _ in 0..1000 {
                let polls = polls.clone();
                s.spawn(async move { polls.add() });
            }
        })
        .serial(),
    );
    let mut rounds = 0;
    while poll_once(scoped.as_mut()).is_pending() {
        rounds += 1;
        assert!(rounds <= 1000);
    }
    assert_eq!(polls.get(), 1000);
}
