//! What a subscriber is told of children, closures and scopes.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::thread;

use futures_lite::future::{block_on, poll_once, yield_now};
use taskpen::{Scope, scope};
use tracing::span::{Attributes, Id};
use tracing::subscriber::with_default;
use tracing::{Event, Span, info_span};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::blocked::{LONG, be_slow_for};
use crate::lenders::Pool;
use crate::life::{Gate, OnDrop, watched};
use crate::recorder::{events, named, one_named, record};

fn current() -> Option<u64> {
    Span::current().id().map(|id| id.into_u64())
}

/// V5: one span per child and scope, inside of the one that was current at `spawn`, with what
/// tokio-console shows; it is entered for every poll, and closed when the child is gone.
#[test]
fn of_children_and_scopes() {
    record();
    let gate = Gate::default();
    let line = line!() + 3;
    let outer = scope(async |s: Scope<'_>| {
        let s = s.named("spans::child");
        s.spawn(async {
            assert_eq!(current(), Some(one_named("spans::child").0));
            gate.wait().await;
            let inner = scope(async |_: Scope<'_>| yield_now().await);
            inner.named("spans::inner").await;
        });
        yield_now().await;
        yield_now().await;
        let (_, child) = one_named("spans::child");
        assert_eq!(
            (child.entered.len(), child.exited, child.is_closed),
            (1, 1, false)
        );
        gate.open();
    });
    block_on(outer.named("spans::outer").serial()); // or it could be polled less often
    let (outer, noted) = one_named("spans::outer");
    assert_eq!(noted.fields["span"], "scope");
    assert!(noted.is_closed);
    let (child, noted) = one_named("spans::child");
    assert_eq!(noted.parent, Some(outer));
    assert_eq!(noted.fields["span"], "runtime.spawn");
    assert_eq!(noted.fields["kind"], "child");
    assert_eq!(noted.fields["loc.file"], file!());
    assert_eq!(noted.fields["loc.line"], line.to_string());
    assert!(noted.is_closed);
    assert!(noted.entered.len() >= 3 && noted.exited == noted.entered.len());
    let (_, inner) = one_named("spans::inner");
    assert_eq!(inner.parent, Some(child));
    let wakes = events("runtime::waker").into_iter();
    let of_child = wakes.filter(|it| it.fields["task.id"] == child.to_string());
    let told: Vec<_> = of_child.map(|it| it.fields["op"].clone()).collect();
    let by_gate_and_itself = ["waker.wake_by_ref"; 2];
    assert_eq!(told, [&["waker.clone"], &by_gate_and_itself[..]].concat());
}

/// V5: the parent is the span in which `spawn` was called, whatever is current when it is polled.
#[test]
fn parent_as_at_spawn() {
    record();
    block_on(scope(async |s: Scope<'_>| {
        let span = info_span!("around the spawn", name = "spans::around");
        let s = s.named("spans::inside");
        span.in_scope(|| s.spawn(async {}));
    }));
    let (around, _) = one_named("spans::around");
    assert_eq!(one_named("spans::inside").1.parent, Some(around));
}

/// V5: also on other threads.
#[test]
fn on_helpers() {
    record();
    watched(|| {
        let home = thread::current().id();
        let work = scope(async |s: Scope<'_>| {
            for _ in 0..8 {
                s.named("spans::helped").spawn(async {
                    for _ in 0..20 {
                        let id = current().unwrap();
                        assert!(named("spans::helped").iter().any(|(it, _)| *it == id));
                        be_slow_for(LONG / 4);
                        yield_now().await;
                    }
                });
            }
        });
        block_on(work.on(Pool::new(2)));
        let spans = named("spans::helped");
        assert_eq!(spans.len(), 8);
        let entered = spans.iter().flat_map(|(_, noted)| noted.entered.clone());
        assert!(entered.into_iter().any(|thread| thread != home));
        assert!(spans.iter().all(|(_, noted)| noted.is_closed));
    });
}

/// A poll that takes long is warned of, with the line in which the child was spawned.
#[test]
fn slow_poll() {
    record();
    let line = line!() + 3;
    block_on(scope(async |s: Scope<'_>| {
        s.named("spans::slow")
            .spawn(async { be_slow_for(4 * LONG) });
        s.named("spans::quick").spawn(async {});
    }));
    let [slow, quick] = ["spans::slow", "spans::quick"].map(|name| one_named(name).0);
    let warned = |id| {
        let events = events("taskpen").into_iter();
        events
            .filter(move |it| it.span == Some(id))
            .collect::<Vec<_>>()
    };
    let [warning] = &warned(slow)[..] else {
        panic!("one warning: {:?}", warned(slow));
    };
    assert_eq!(warning.fields["loc.line"], line.to_string());
    assert!(warning.fields["poll.ms"].parse::<u64>().unwrap() >= 10);
    assert!(warned(quick).is_empty());
}

/// A child that is dropped, or refused, is dropped inside of its span, which is closed then.
#[test]
fn of_what_is_dropped() {
    record();
    let dropped_in = Arc::new(Mutex::new(None));
    let mut dropped = Box::pin(scope(async |s: Scope<'_>| {
        let dropped_in = Arc::clone(&dropped_in);
        let guard = OnDrop::new(move || *dropped_in.lock().unwrap() = current());
        s.named("spans::dropped").spawn(async {
            let _guard = guard;
            pending::<()>().await;
        });
        pending::<()>().await;
    }));
    assert!(block_on(poll_once(dropped.as_mut())).is_none());
    assert!(block_on(poll_once(dropped.as_mut())).is_none());
    drop(dropped);
    let (span, noted) = one_named("spans::dropped");
    assert!(noted.is_closed);
    assert_eq!(*dropped_in.lock().unwrap(), Some(span));
    let gone = block_on(scope(async |s: Scope<'_>| s));
    gone.named("spans::refused").spawn(async {});
    assert!(one_named("spans::refused").1.is_closed);
}

/// A subscriber that panics at every opportunity.
struct Panics;

impl<S: tracing::Subscriber> Layer<S> for Panics {
    fn on_new_span(&self, _: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        panic!("a new span");
    }

    fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
        panic!("an event");
    }
}

/// The same, but spans are made.
struct PanicsLater;

impl<S: tracing::Subscriber> Layer<S> for PanicsLater {
    fn on_enter(&self, _: &Id, _: Context<'_, S>) {
        panic!("entered");
    }

    fn on_exit(&self, _: &Id, _: Context<'_, S>) {
        panic!("left");
    }

    fn on_close(&self, _: Id, _: Context<'_, S>) {
        panic!("closed");
    }
}

/// A panic of the subscriber is nobody's: children run, and the scope ends.
#[test]
fn subscriber_that_panics() {
    let run = || {
        block_on(scope(async |s: Scope<'_>| {
            let cancelled = s.spawn(pending::<()>());
            let seven = s.spawn(async {
                yield_now().await;
                be_slow_for(4 * LONG);
                7
            });
            assert_eq!(seven.await, 7);
            drop(cancelled.cancel());
        }));
    };
    with_default(tracing_subscriber::registry().with(Panics), run);
    with_default(tracing_subscriber::registry().with(PanicsLater), run);
}

/// Closures have one span, and run inside of it.
#[cfg(feature = "blocking")]
#[test]
fn of_closures() {
    record();
    block_on(scope(async |s: Scope<'_>| {
        let inside = s.named("spans::closure").spawn_blocking(current);
        assert_eq!(inside.await, Some(one_named("spans::closure").0));
    }));
    let (_, closure) = one_named("spans::closure");
    assert_eq!(closure.fields["kind"], "blocking");
    assert_eq!(closure.entered.len(), 1);
}
