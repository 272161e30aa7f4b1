//! The automator parses its pages on the blocking pool: what becomes of that when it is closed
//! (A4).
//!
//! The pool of this process has one thread, so that one page is being parsed and others wait.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use futures_lite::FutureExt;
use futures_lite::future::{block_on, pending};
use taskpen::scope;
use url::Url;

// The parts of the program, as its `main.rs` puts them together; but with a `page` of the test.
#[path = "../src/automator.rs"]
#[allow(dead_code, reason = "the other tests use more of it")]
mod automator;
#[path = "../src/cache.rs"]
mod cache;
#[path = "../src/client.rs"]
#[allow(dead_code, reason = "the other tests use more of it")]
mod client;
#[path = "../src/ledger.rs"]
#[allow(dead_code, reason = "the other tests use more of it")]
mod ledger;
#[path = "../src/page.rs"]
#[allow(dead_code, reason = "the command line uses more of it")]
mod real;

#[path = "support/stub.rs"]
mod stub;

use automator::{Automator, Open, Shared};
use client::Client;
use ledger::Counts;
use stub::{Answer, LIMIT, beside, links, until};

/// Pages that take as long to parse as the test wants, but for the first.
mod page {
    use super::{ENDED, LIMIT, SHUT, STARTED, Url, real};
    use std::sync::atomic::Ordering::SeqCst;
    use std::thread;
    use std::time::Instant;

    #[derive(Debug)]
    pub(crate) struct Page {
        pub(crate) links: Vec<Url>,
    }

    impl Page {
        pub(crate) fn parse(url: &Url, html: &str) -> Self {
            let links = real::Page::parse(url, html).links;
            if url.path() != "/" {
                STARTED.fetch_add(1, SeqCst);
                let start = Instant::now();
                while SHUT.load(SeqCst) && start.elapsed() < LIMIT {
                    thread::yield_now();
                }
                ENDED.fetch_add(1, SeqCst);
            }
            Self { links }
        }
    }
}

static STARTED: AtomicUsize = AtomicUsize::new(0);
static ENDED: AtomicUsize = AtomicUsize::new(0);
/// Whether those that parse have to wait.
static SHUT: AtomicBool = AtomicBool::new(false);

/// Resets the counts; one test at a time.
fn begin() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    blocking::set_max_blocking_threads(NonZeroUsize::MIN);
    STARTED.store(0, SeqCst);
    ENDED.store(0, SeqCst);
    SHUT.store(true, SeqCst);
    turn
}

fn three() -> [(&'static str, Answer); 4] {
    let page = Answer::Page("text".to_owned());
    [
        ("/", links(&["0", "1", "2"])),
        ("/0", page.clone()),
        ("/1", page.clone()),
        ("/2", page),
    ]
}

/// What the books say of three prefetches that were cancelled.
const CANCELLED: Counts = Counts {
    spawned: 3,
    finished: 0,
    failed: 0,
    cancelled: 3,
    alive: 0,
};

/// Waits until everything in the pool's queue has had its turn.
fn empty_the_queue() {
    block_on(blocking::unblock(|| ()));
}

/// A4: closing waits for the page that is being parsed, without blocking, when all prefetches are
/// gone already; pages that wait to be parsed are skipped.
#[test]
fn closing_waits_for_the_pool() {
    let _turn = begin();
    beside(three(), async |stub| {
        let shared = Shared::new(Client::new(vec![stub.address()], LIMIT), 3);
        let start = Url::parse(&format!("http://{}/", stub.address())).unwrap();
        let closing = scope(async |s| {
            let automator = Automator::new(s.clone(), &shared);
            automator.open(&start).await.unwrap();
            // Three prefetches, and the parsing of each.
            until(|| s.len() == 6 && STARTED.load(SeqCst) == 1).await;
        });
        let observer = async {
            until(|| shared.ledger.counts() == CANCELLED).await;
            assert_eq!(ENDED.load(SeqCst), 0, "it is still being parsed");
            SHUT.store(false, SeqCst);
            pending().await
        };
        closing.or(observer).await;
        assert_eq!(ENDED.load(SeqCst), 1);
        assert_eq!(shared.ledger.counts(), CANCELLED);
        empty_the_queue();
        assert_eq!(STARTED.load(SeqCst), 1, "the others were skipped");
    });
}

/// A4: so does an automator that is cut off.
#[test]
fn cutting_off_waits_for_the_pool() {
    let _turn = begin();
    beside(three(), async |stub| {
        let shared = Shared::new(Client::new(vec![stub.address()], LIMIT), 3);
        let start = Url::parse(&format!("http://{}/", stub.address())).unwrap();
        let is_parsing = AtomicBool::new(false);
        let endless = scope(async |s| {
            let automator = Automator::new(s.clone(), &shared);
            automator.open(&start).await.unwrap();
            until(|| s.len() == 6 && STARTED.load(SeqCst) == 1).await;
            is_parsing.store(true, SeqCst);
            let token = s.stop_token();
            thread::spawn(move || {
                block_on(token.clone());
                SHUT.store(false, SeqCst);
            });
            pending::<()>().await;
        });
        let cut_off = endless.until(until(|| is_parsing.load(SeqCst))).await;
        assert!(cut_off.is_none());
        // Others may have begun before they were dropped, but none of them runs.
        let started = STARTED.load(SeqCst);
        assert!(started > 0);
        assert_eq!(ENDED.load(SeqCst), started);
        assert_eq!(shared.ledger.counts(), CANCELLED);
        empty_the_queue();
        assert_eq!(STARTED.load(SeqCst), started);
    });
}
