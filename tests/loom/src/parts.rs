//! Parts on their own: what each promises without the help of the others around it.

use std::sync::Arc;

use loom::thread;

use crate::child::Task;
use crate::help::epoch::Awaited;
use crate::help::window::Window;
use crate::queue::Kind;
use crate::queue::home::Home;
use crate::queue::list::List;
use crate::run::current::enter;
use crate::run::shared::Shared;
use crate::support::{Lent, Outcome, explore, explore_within};
use crate::sync::{AtomicBool, Instant, Ordering};

/// A thread that comes home sees what the one before left there, though the two have nothing else
/// in common.
#[test]
fn home_publishes() {
    static HERE: Outcome = Outcome::new("this thread came second");
    static THERE: Outcome = Outcome::new("the other thread came second");

    /// Comes home, unless the other thread is there, and gives how many came before.
    fn visit(scope: &Arc<Shared>, home: &Home<usize>, is_taken: &AtomicBool) -> Option<usize> {
        // It lets one of them in at a time, and orders nothing.
        if is_taken.swap(true, Ordering::Relaxed) {
            return None;
        }
        let before = enter(scope, None, true, |_| {
            home.enter(|| {
                home.visit(|visits| {
                    let visits = visits.expect("we are at home");
                    *visits += 1;
                    *visits - 1
                })
            })
        });
        is_taken.store(false, Ordering::Relaxed);
        Some(before)
    }

    explore(|| {
        let parts = Arc::new((Shared::new(), Home::new(0), AtomicBool::new(false)));
        let other = thread::spawn({
            let parts = Arc::clone(&parts);
            move || visit(&parts.0, &parts.1, &parts.2)
        });
        let here = visit(&parts.0, &parts.1, &parts.2);
        match (here, other.join().unwrap()) {
            (Some(1), Some(0)) => HERE.mark(),
            (Some(0), Some(1)) => THERE.mark(),
            (Some(_), Some(_)) => panic!("what one left was lost on the other"),
            _ => {} // they met
        }
    });
    HERE.assert_seen();
    THERE.assert_seen();
}

/// A helper that is let in sees what the thread of the scope did before it opened the window.
#[test]
fn window_publishes() {
    static INSIDE: Outcome = Outcome::new("the helper was inside");
    static OUTSIDE: Outcome = Outcome::new("the helper found the window shut");

    explore(|| {
        let window = Arc::new(Window::default());
        let lent = Arc::new(Lent::new());
        let helper = thread::spawn({
            let (window, lent) = (Arc::clone(&window), Arc::clone(&lent));
            move || match window.enter() {
                Some(_inside) => {
                    lent.borrow();
                    INSIDE.mark();
                }
                None => OUTSIDE.mark(),
            }
        });
        lent.reclaim();
        drop(window.open(Instant::now(), false));
        helper.join().unwrap();
    });
    INSIDE.assert_seen();
    OUTSIDE.assert_seen();
}

/// A helper hands back what it has not run, while the thread of the scope sleeps and another helper
/// stays inside, which will not wake it: that thread finds it.
#[test]
fn handed_back_to_a_sleeper() {
    static TAKEN: Outcome = Outcome::new("the helper had taken the child");
    static LEFT: Outcome = Outcome::new("the helper came too late");

    explore(|| {
        let shared = Shared::new();
        let child = Task::new(&shared, Kind::Ordinary);
        let helper = thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                let mut batch = List::default();
                shared.queue.take(&mut batch, 1);
                match batch.len() {
                    0 => LEFT.mark(),
                    _ => TAKEN.mark(),
                }
                shared.queue.hand_back(&mut batch);
            }
        });
        enter(&shared, None, true, |_| {
            shared.queue.home.enter(|| {
                shared.queue.take_body_woken();
                assert!(child.add());
                drop(shared.queue.share());
                let window = &shared.queue.window;
                let open = window.open(Instant::now(), false);
                let stays = window.enter().expect("it is open");
                let mut batch = List::default();
                while batch.is_empty() {
                    shared.queue.sleep(Awaited::All);
                    shared.queue.take(&mut batch, 1);
                }
                drop(stays);
                drop(open);
            });
        });
        helper.join().unwrap();
    });
    TAKEN.assert_seen();
    LEFT.assert_seen();
}

/// What is taken comes behind what was taken before and has not run: when the last ordinary child
/// finishes the scope's thread stops in the middle of its batch, and goes on if a helper has
/// spawned another one meanwhile. Nothing is dropped for that.
#[test]
fn taken_behind_others() {
    explore(|| {
        let shared = Shared::new();
        let children = [(); 3].map(|()| Task::new(&shared, Kind::Background));
        enter(&shared, None, true, |_| {
            shared.queue.home.enter(|| {
                children.iter().for_each(|child| assert!(child.add()));
                drop(shared.queue.share());
                let mut batch = List::default();
                for left in [2, 0] {
                    let most = batch.len() + 1;
                    assert_eq!(shared.queue.take(&mut batch, most), left);
                }
                assert_eq!(batch.len(), children.len());
                for child in &children {
                    let runnable = batch.pop_front().expect("there are as many");
                    assert!(std::ptr::eq(runnable.metadata(), &raw const **child));
                }
            });
        });
    });
}

/// `len` from a thread that has nothing to do with the scope: never more than there were, and never
/// less than none.
#[test]
fn len_from_outside() {
    static NONE: Outcome = Outcome::new("no child was counted");
    static ONE: Outcome = Outcome::new("a child was counted");

    explore_within(4, || {
        let shared = Shared::new();
        let looking = thread::spawn({
            let shared = Arc::clone(&shared);
            move || match shared.queue.len() {
                0 => NONE.mark(),
                1 | 2 => ONE.mark(),
                len => panic!("{len} children were counted, of two"),
            }
        });
        enter(&shared, None, true, |_| {
            shared.queue.home.enter(|| {
                for _ in 0..2 {
                    let child = Task::new(&shared, Kind::Ordinary);
                    assert!(child.add());
                    drop(shared.queue.count_out(Kind::Ordinary, None));
                }
            });
        });
        looking.join().unwrap();
        assert_eq!(shared.queue.len(), 0);
        std::mem::forget(shared); // with runnables whose children were counted out already
    });
    NONE.assert_seen();
    ONE.assert_seen();
}

/// The same if there is one all the time: each spawns one of the other kind before it finishes.
#[test]
fn len_of_two_kinds() {
    explore_within(4, || {
        let shared = Shared::new();
        enter(&shared, None, true, |_| {
            shared.queue.home.enter(|| {
                let add = |kind| assert!(Task::new(&shared, kind).add());
                add(Kind::Background);
                let looking = thread::spawn({
                    let shared = Arc::clone(&shared);
                    move || assert!(shared.queue.len() > 0)
                });
                for [before, next] in [
                    [Kind::Background, Kind::Ordinary],
                    [Kind::Ordinary, Kind::Background],
                ] {
                    add(next);
                    drop(shared.queue.count_out(before, None));
                }
                looking.join().unwrap();
            });
        });
        std::mem::forget(shared); // with runnables whose children were counted out already
    });
}
