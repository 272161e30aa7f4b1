//! Slow polls: a push calls for help, and the thread of a scope serves what becomes ready as long
//! as a helper is inside. A model in which nothing serves is a deadlock, which loom reports.

use std::sync::Arc;
use std::task::Waker;

use loom::thread;

use crate::child::Task;
use crate::help::ticket::Call;
use crate::help::window::Window;
use crate::pens::One;
use crate::queue::Kind;
use crate::run::current::enter;
use crate::run::shared::Shared;
use crate::support::{Bell, Outcome, Scope, Threads, assert_over, explore_within, run};
use crate::sync::Instant;

/// Three children: the first shows that help pays, the third is in a slow poll until the second has
/// finished, and that is woken by a foreign thread once the slow poll has begun.
struct Slow {
    threads: Threads,
    scope: Scope,
    children: [Arc<Task>; 3],
    foreign: thread::JoinHandle<()>,
}

impl Slow {
    fn new() -> Self {
        let threads = Threads::default();
        let scope = Scope::helped_by(threads.clone());
        let children = [(); 3].map(|()| scope.spawn(Kind::Ordinary));
        let (began, served) = (Arc::new(Bell::default()), Arc::new(Bell::default()));
        let (begin, wait) = (Arc::clone(&began), Arc::clone(&served));
        children[2].at_last(move || {
            begin.ring();
            wait.wait();
        });
        children[1].at_last(move || served.ring());
        children[0].let_finish();
        children[2].let_finish();
        let second = Arc::clone(&children[1]);
        let foreign = thread::spawn(move || {
            began.wait();
            second.let_finish();
        });
        Self {
            threads,
            scope,
            children,
            foreign,
        }
    }

    fn shared(&self) -> Arc<Shared> {
        self.scope.shared()
    }

    fn all(&self) -> [&Task; 3] {
        self.children.each_ref().map(|child| &**child)
    }
}

/// N1, N2: the scope comes to its end, whatever thread the slow poll is on.
#[test]
fn slow_poll_and_a_push() {
    static HERE: Outcome = Outcome::new("the slow poll was on the scope's thread");
    static THERE: Outcome = Outcome::new("the slow poll was on a helper");

    explore_within(2, || {
        let mut slow = Slow::new();
        let waker = Waker::noop();
        while !slow.scope.poll(waker) {
            thread::yield_now();
        }
        match slow.children[2].was_polled_here() {
            true => HERE.mark(),
            false => THERE.mark(),
        }
        assert_over(&slow.shared(), &slow.all());
        slow.foreign.join().unwrap();
        slow.threads.join();
        assert_over(
            &slow.scope.shared(),
            &slow.children.each_ref().map(|child| &**child),
        );
    });
    HERE.assert_seen();
    THERE.assert_seen();
}

/// A ticket comes while the door is shut, and there may be no other. When the thread of the scope
/// has opened it, pushes a child, and blocks for that, either this ticket finds it or another one
/// is called. (If not, that is a deadlock.)
#[test]
fn ticket_at_a_door_that_opens() {
    static ENTERED: Outcome = Outcome::new("the ticket found the door open");
    static CALLED: Outcome = Outcome::new("another one was called");
    ticket_at_a_door(&ENTERED, &CALLED, |window| {
        window.begin_epoch(Instant::now())
    });
}

/// The same if it is ajar, and the thread of the scope has been in a poll for a while.
#[test]
fn ticket_at_a_door_ajar() {
    static ENTERED: Outcome = Outcome::new("the ticket found the door ajar");
    static CALLED: Outcome = Outcome::new("another one was called");
    ticket_at_a_door(&ENTERED, &CALLED, |window| window.set_ajar(Instant::now()));
}

fn ticket_at_a_door(entered: &'static Outcome, called: &'static Outcome, open_door: fn(&Window)) {
    explore_within(2, move || {
        let threads = Threads::default();
        let call = Arc::new(Call::given_to_pen(One(threads.clone())));
        let shared = Shared::new();
        shared.tickets.set_call(Some(Arc::clone(&call)));
        let (child, bell) = (
            Task::new(&shared, Kind::Ordinary),
            Arc::new(Bell::default()),
        );
        child.let_finish();
        let ring = Arc::clone(&bell);
        child.at_last(move || ring.ring());
        enter(&shared, None, true, |_| {
            shared.queue.home.enter(|| {
                let window = &shared.queue.window;
                let open = window.open(Instant::now(), true);
                window.let_none_in();
                call.dispatch(&shared, 1, false, 1);
                let away = shared.queue.share();
                open_door(window);
                assert!(child.add());
                bell.wait();
                drop(away);
                drop(open);
            });
        });
        match threads.join() {
            1 => entered.mark(),
            _ => called.mark(),
        }
    });
    entered.assert_seen();
    called.assert_seen();
}

/// Two children, of which one has been suspended; a foreign thread wakes that while a poll of the
/// scope runs the other one, so that it may call for help at any moment of this poll or after it.
fn push_at_any_moment(then: impl Fn(Scope, [Arc<Task>; 2], &Threads) + Send + Sync + 'static) {
    explore_within(3, move || {
        let threads = Threads::default();
        let mut scope = Scope::helped_by(threads.clone());
        let children = [(); 2].map(|()| scope.spawn(Kind::Ordinary));
        assert!(!scope.poll(Waker::noop()));
        threads.join();
        children[0].wake();
        let foreign = thread::spawn({
            let child = Arc::clone(&children[1]);
            move || child.let_finish()
        });
        let is_over = scope.poll(Waker::noop());
        assert!(!is_over, "a child is left");
        then(scope, children, &threads);
        foreign.join().unwrap();
        threads.join();
    });
}

/// N4, L3: the scope is dropped, and a ticket comes late.
#[test]
fn push_and_drop() {
    static FINISHED: Outcome = Outcome::new("the child that was woken had finished");
    static DROPPED: Outcome = Outcome::new("it was dropped with the scope");

    push_at_any_moment(|scope, children, _| {
        let shared = scope.shared();
        match shared.queue.len() {
            1 => FINISHED.mark(),
            _ => DROPPED.mark(),
        }
        drop(scope);
        assert_over(&shared, &children.each_ref().map(|child| &**child));
    });
    FINISHED.assert_seen();
    DROPPED.assert_seen();
}

/// N4, L4: the scope is forgotten, and a ticket comes late: nothing is polled any more.
#[test]
fn push_and_forget() {
    static LATE: Outcome = Outcome::new("the push came after the poll");

    push_at_any_moment(|scope, children, threads| {
        let polls = children.each_ref().map(|child| child.polls());
        children.iter().for_each(|child| child.lent().reclaim());
        if scope.shared().queue.len() == 2 {
            LATE.mark();
        }
        let forgotten = scope.forget();
        threads.join();
        assert_eq!(children.each_ref().map(|child| child.polls()), polls);
        drop(forgotten);
    });
    LATE.assert_seen();
}

/// The budget is spent while a helper is inside: the poll cannot return, lets none in any more, and
/// goes on; and returns when the helper is out.
#[test]
fn spent_with_a_helper_inside() {
    static RETURNED: Outcome = Outcome::new("the poll returned with its budget spent");
    static OVER: Outcome = Outcome::new("the child was polled as often as it yields");
    spend_with_a_helper_inside(false, &RETURNED, &OVER);
    OVER.assert_seen();
}

/// The same with a child that is slow: it is set aside, and put back.
#[test]
fn spent_with_a_slow_child() {
    static RETURNED: Outcome = Outcome::new("the poll returned with its budget spent");
    static OVER: Outcome = Outcome::new("the child was polled as often as it yields");
    spend_with_a_helper_inside(true, &RETURNED, &OVER);
}

fn spend_with_a_helper_inside(is_slow: bool, returned: &'static Outcome, over: &'static Outcome) {
    explore_within(2, move || {
        let around = Shared::new();
        let threads = Threads::default();
        let mut scope = Scope::helped_by(threads.clone());
        let children = [(); 3].map(|()| scope.spawn(Kind::Ordinary));
        children[0].let_finish();
        children[1].let_yield(2);
        if is_slow {
            children[1].be_slow();
        }
        children[2].let_finish();
        // A scope inside another one has one restless pass.
        let mut poll = |waker: &Waker| enter(&around, None, true, |_| scope.poll(waker));
        assert!(!poll(Waker::noop()), "a child is left");
        match children[1].polls() < 3 {
            true => returned.mark(),
            false => over.mark(),
        }
        children[1].let_finish();
        // Asleep in between: the last child can finish on a helper that is about to leave.
        run(&mut poll);
        assert_over(&scope.shared(), &children.each_ref().map(|child| &**child));
        threads.join();
    });
    returned.assert_seen();
}

/// The last child finishes on a helper, which leaves while the scope looks whether all is done: on
/// its way out of a poll whose budget is spent, when no other helper can come.
#[test]
fn finished_by_the_last_helper() {
    static HERE: Outcome = Outcome::new("the last child was polled on the scope's thread");
    static THERE: Outcome = Outcome::new("it was polled on a helper");

    explore_within(2, || {
        let around = Shared::new();
        let threads = Threads::at_most(1);
        let mut scope = Scope::helped_by(threads.clone());
        let children = [(); 3].map(|()| scope.spawn(Kind::Ordinary));
        children[1].let_yield(2);
        for child in &children {
            child.let_finish();
        }
        run(|waker| enter(&around, None, true, |_| scope.poll(waker)));
        threads.join();
        match children[1].was_polled_here() {
            true => HERE.mark(),
            false => THERE.mark(),
        }
        assert_over(&scope.shared(), &children.each_ref().map(|child| &**child));
    });
    HERE.assert_seen();
    THERE.assert_seen();
}
