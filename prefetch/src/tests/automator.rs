//! The automator keeps the promises of the original report.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use futures_lite::future::pending;
use futures_lite::{FutureExt, StreamExt};
use taskpen::scope;
use url::Url;

use crate::ahead::ReadAhead;
use crate::automator::{Automator, How, OnDemand, Open, Shared};
use crate::client::{Client, FetchError, NoPage};
use crate::ledger::Counts;
use crate::walk::{Plan, Tally, walk};

use super::stub::{Answer, LIMIT, Stub, beside, links, until};

/// What the automator of a test shares; its requests last as long as the test lets them.
fn shared(stub: &Stub) -> Shared {
    bounded(stub, 8)
}

/// The same with another bound of prefetches in flight.
fn bounded(stub: &Stub, in_flight: usize) -> Shared {
    Shared::new(Client::new(vec![stub.address()], LIMIT), in_flight)
}

/// The address of a page of the server.
fn at(stub: &Stub, path: &str) -> Url {
    Url::parse(&format!("http://{}{path}", stub.address())).unwrap()
}

/// The start page, with links to the pages `/0`, `/1`, `/2`, which give `answer`.
fn three(answer: Answer) -> [(&'static str, Answer); 4] {
    [
        ("/", links(&["0", "1", "2"])),
        ("/0", answer.clone()),
        ("/1", answer.clone()),
        ("/2", answer),
    ]
}

/// A1: a prefetch is in the books, and a child of the scope, before it runs for the first time,
/// while it waits for its turn, and while it is under way.
#[test]
fn tracking_from_creation() {
    beside(three(Answer::Hang), async |stub| {
        let shared = bounded(stub, 2);
        scope(async |s| {
            let automator = Automator::new(s.clone(), &shared);
            automator.open(&at(stub, "/")).await.unwrap();
            let tracked = Counts {
                spawned: 3,
                alive: 3,
                ..Counts::default()
            };
            assert_eq!((shared.ledger.counts(), s.len()), (tracked, 3));

            until(|| stub.asked.load(SeqCst) == 3).await;
            assert_eq!((shared.ledger.counts(), s.len()), (tracked, 3));
        })
        .await;
        assert_eq!(shared.ledger.counts().alive, 0);
    });
}

/// A2: each prefetch leaves the books and the scope when it is done, not when the others are.
#[test]
fn departure_when_done() {
    beside(three(Answer::Gated("text".to_owned())), async |stub| {
        let shared = shared(stub);
        scope(async |s| {
            let automator = Automator::new(s.clone(), &shared);
            automator.open(&at(stub, "/")).await.unwrap();
            for left in [2, 1, 0] {
                stub.open_gate(1);
                until(|| s.len() == left).await;
                let expected = Counts {
                    spawned: 3,
                    finished: 3 - left,
                    alive: left,
                    ..Counts::default()
                };
                assert_eq!(shared.ledger.counts(), expected);
            }
        })
        .await;
    });
}

/// A3: closing cancels the prefetches that are under way and those that wait for their turn, and
/// they are gone when it returns; the server sees their connections closed.
#[test]
fn closing_cancels_and_waits() {
    beside(three(Answer::Hang), async |stub| {
        let shared = bounded(stub, 2);
        scope(async |s| {
            let automator = Automator::new(s, &shared);
            automator.open(&at(stub, "/")).await.unwrap();
            until(|| stub.asked.load(SeqCst) == 3).await;
        })
        .await;
        let closed = Counts {
            spawned: 3,
            cancelled: 3,
            ..Counts::default()
        };
        assert_eq!(shared.ledger.counts(), closed);
        until(|| stub.hung_up.load(SeqCst) == 2).await;
        assert_eq!(stub.asked.load(SeqCst), 3, "nobody fetched on");
    });
}

/// A3, L3: an automator that is dropped in the middle of a visit is closed as well.
#[test]
fn closing_by_drop() {
    beside(three(Answer::Hang), async |stub| {
        let shared = shared(stub);
        let is_visiting = AtomicBool::new(false);
        let endless = scope(async |s| {
            let automator = Automator::new(s, &shared);
            automator.open(&at(stub, "/")).await.unwrap();
            until(|| stub.asked.load(SeqCst) == 4).await;
            is_visiting.store(true, SeqCst);
            // Waits for the prefetch, which does not come.
            automator.open(&at(stub, "/0")).await.map(drop).unwrap();
        });
        until(|| is_visiting.load(SeqCst)).or(endless).await;
        let closed = Counts {
            spawned: 3,
            cancelled: 3,
            ..Counts::default()
        };
        assert_eq!(shared.ledger.counts(), closed);
        until(|| stub.hung_up.load(SeqCst) == 3).await;
    });
}

/// A5, F4: a clean-up that fails, before or after the others in line, keeps none of them from
/// being done; and whoever closes learns of it.
#[test]
fn failing_clean_up() {
    struct Fails<'a>(&'a AtomicUsize);
    impl Drop for Fails<'_> {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
            panic!("this clean-up fails on purpose");
        }
    }

    beside(three(Answer::Hang), async |stub| {
        let shared = shared(stub);
        let failed = AtomicUsize::new(0);
        let closing = scope(async |s| {
            let spawn_failing = || {
                let fails = Fails(&failed);
                s.spawn_background(async move {
                    pending::<()>().await;
                    drop(fails);
                });
            };
            spawn_failing();
            let automator = Automator::new(s.clone(), &shared);
            automator.open(&at(stub, "/")).await.unwrap();
            spawn_failing();
            until(|| stub.asked.load(SeqCst) == 4).await;
        });
        let raised = AssertUnwindSafe(closing).catch_unwind().await;
        assert!(raised.is_err(), "the failure is not swallowed");
        assert_eq!(failed.load(SeqCst), 2);
        let counts = shared.ledger.counts();
        assert_eq!((counts.cancelled, counts.alive), (3, 0));
        until(|| stub.hung_up.load(SeqCst) == 3).await;
    });
}

/// A6: prefetches that fail, each in its own way, are counted; the others arrive. A page that did
/// not come is asked for again when it is visited, and one that does not exist is not.
#[test]
fn failing_prefetches() {
    let pages = [
        ("/", links(&["missing", "latin1", "silence", "good"])),
        ("/latin1", Answer::Latin1),
        ("/silence", Answer::Silence),
        ("/good", links(&[])),
    ];
    beside(pages, async |stub| {
        let shared = shared(stub);
        scope(async |s| {
            let automator = Automator::new(s.clone(), &shared);
            automator.open(&at(stub, "/")).await.unwrap();
            until(|| s.is_empty()).await;

            let open = async |path| automator.open(&at(stub, path)).await;
            assert_eq!(open("/good").await.unwrap().how, How::Cached);
            let error = open("/missing").await.unwrap_err();
            assert!(
                matches!(error, FetchError::Known(NoPage::Status(status, None)) if status == 404)
            );
            let error = open("/latin1").await.unwrap_err();
            assert!(matches!(error, FetchError::Known(NoPage::NotUtf8)));
            let error = open("/silence").await.unwrap_err();
            assert!(matches!(error, FetchError::Http(_)));
        })
        .await;
        assert_eq!(stub.asked.load(SeqCst), 5 + 1, "one was asked for again");
        let counts = shared.ledger.counts();
        let all_ended = Counts {
            spawned: 4,
            finished: 1,
            failed: 3,
            cancelled: 0,
            alive: 0,
        };
        assert_eq!(counts, all_ended);
        assert_eq!(shared.ledger.reasons().len(), 3);
    });
}

/// A6: a prefetch that takes too long is a failed one, and takes nobody's place any more.
#[test]
fn slow_prefetches() {
    let pages = [
        ("/", links(&["hang", "good"])),
        ("/hang", Answer::Hang),
        ("/good", links(&[])),
    ];
    beside(pages, async |stub| {
        let client = Client::new(vec![stub.address()], Duration::from_millis(500));
        let shared = Shared::new(client, 1);
        scope(async |s| {
            let automator = Automator::new(s.clone(), &shared);
            automator.open(&at(stub, "/")).await.unwrap();
            until(|| s.is_empty()).await;
        })
        .await;
        let counts = shared.ledger.counts();
        assert_eq!((counts.finished, counts.failed), (1, 1));
        until(|| stub.hung_up.load(SeqCst) == 1).await;
    });
}

/// A visit finds a page in the cache, waits for one that is under way, and does not wait for one
/// whose turn has not come. No page is fetched twice.
#[test]
fn visits() {
    let pages = [
        ("/", links(&["slow"])),
        ("/slow", Answer::Gated("text".to_owned())),
        ("/other", links(&["next"])),
        ("/next", links(&[])),
    ];
    beside(pages, async |stub| {
        let shared = bounded(stub, 1);
        scope(async |s| {
            let automator = Automator::new(s.clone(), &shared);
            let open = async |path| automator.open(&at(stub, path)).await.unwrap().how;
            assert_eq!(open("/").await, How::Direct);
            until(|| stub.asked.load(SeqCst) == 2).await;
            assert_eq!(open("/other").await, How::Direct);
            assert_eq!(
                open("/next").await,
                How::Direct,
                "it waits behind the slow one"
            );
            assert_eq!((shared.ledger.counts().alive, s.len()), (2, 2));

            let (how, ()) = futures::join!(open("/slow"), async { stub.open_gate(1) });
            assert_eq!(how, How::Waited);
            assert_eq!(open("/slow").await, How::Cached);
            until(|| s.is_empty()).await;
        })
        .await;
        assert_eq!(stub.asked.load(SeqCst), 4);
        assert_eq!(shared.ledger.counts().finished, 2);
    });
}

/// No more prefetches are under way than allowed, no fewer either while there are some to do, and
/// all get their turn.
#[test]
fn in_flight_bound() {
    let paths: Vec<_> = (0..10).map(|n| format!("/{n}")).collect();
    let paths: Vec<_> = paths.iter().map(String::as_str).collect();
    let gated = Answer::Gated("text".to_owned());
    let mut pages: Vec<_> = paths.iter().map(|path| (*path, gated.clone())).collect();
    pages.push(("/", links(&paths)));
    beside(pages, async |stub| {
        let shared = bounded(stub, 3);
        scope(async |s| {
            let automator = Automator::new(s.clone(), &shared);
            automator.open(&at(stub, "/")).await.unwrap();
            for fetched in 0..10 {
                until(|| stub.asked.load(SeqCst) == 1 + 10.min(fetched + 3)).await;
                stub.open_gate(1);
            }
            until(|| s.is_empty()).await;
        })
        .await;
        assert_eq!(shared.ledger.counts().finished, 10);
        assert_eq!(stub.busiest.load(SeqCst), 3);
    });
}

/// A walk visits each page once, in the order of the links, however they go round, and whether it
/// prefetches, reads ahead, or fetches each page when it comes to it.
#[test]
fn walk_in_order() {
    let pages = [
        ("/", links(&["a", "b", "missing", "/"])),
        ("/a", links(&["b", "c", "a#top"])),
        ("/b", links(&["/", "d"])),
        ("/c", links(&["a"])),
        ("/d", links(&[])),
    ];
    beside(pages, async |stub| {
        let plan = Plan {
            pages: 100,
            pause: Duration::ZERO,
        };
        let start = at(stub, "/");
        for ahead in [None, Some(0), Some(1), Some(4)] {
            let shared = shared(stub);
            let mut visited = Vec::new();
            let observe = |url: &Url, _: &_| visited.push(url.path().to_owned());
            let mut tally = Tally::default();
            let sum = &mut tally;
            let walked = scope(async |s| match ahead {
                None => walk(&Automator::new(s, &shared), &start, plan, observe, sum).await,
                Some(0) => walk(&OnDemand::new(s, &shared), &start, plan, observe, sum).await,
                Some(n) => walk(&ReadAhead::new(s, &shared, n), &start, plan, observe, sum).await,
            });
            walked.await.unwrap();
            assert_eq!(visited, ["/", "/a", "/b", "/missing", "/c", "/d"]);
            assert_eq!((tally.visited(), tally.failed), (5, 1));
        }
    });
}

/// T1, T2, T3: while a walk that reads ahead is busy with a page the next ones are fetched, so many
/// as are allowed.
#[test]
fn read_ahead() {
    let paths: Vec<_> = (0..6).map(|n| format!("/{n}")).collect();
    let pages = paths.iter().map(|path| (path.as_str(), links(&[])));
    beside(pages, async |stub| {
        let shared = shared(stub);
        scope(async |s| {
            let automator = ReadAhead::new(s, &shared, 2);
            let urls = paths.iter().map(|path| at(stub, path)).collect();
            let mut visits = pin!(automator.open_all(urls));
            for (number, path) in paths.iter().enumerate() {
                let (url, visit) = visits.next().await.unwrap();
                assert_eq!(url.path(), path.as_str());
                let expected = if number == 0 { How::Direct } else { How::Ahead };
                assert_eq!(visit.unwrap().how, expected);
                let expected = paths.len().min(number + 1 + 2);
                until(|| stub.asked.load(SeqCst) == expected).await;
            }
        })
        .await;
        assert_eq!(shared.ledger.counts().finished, 6);
    });
}
