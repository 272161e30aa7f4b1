//! V5: what spans do to the subscriber, and to what else it is told: nothing that it pays for.

use std::collections::HashSet;
use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Poll, Waker};
use std::thread;

use futures_lite::future::{block_on, poll_once, ready, yield_now};
use taskpen::{Scope, TryScope, scope, try_scope};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::with_default;
use tracing::{Event, Span, Subscriber, error, info_span};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry;
use tracing_subscriber::registry::LookupSpan;

use crate::blocked::{LONG, be_slow_for};
use crate::life::{OnDrop, watched};
use crate::recorder::{Noted, named, one_named, record};

/// A layer that calls a function with each event and the span around it.
struct Hears<F>(F);

impl<S, F> Layer<S> for Hears<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    F: Fn(&Event<'_>, Option<u64>) + 'static,
{
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let around = context.event_span(event);
        (self.0)(event, around.map(|span| span.id().into_u64()));
    }
}

/// A child that spawns the next one, and ends.
fn link<'env>(s: Scope<'env>, left: usize) -> Pin<Box<dyn Future<Output = ()> + Send + 'env>> {
    Box::pin(async move {
        if left > 0 {
            s.spawn(link(s.clone(), left - 1));
        }
        yield_now().await;
    })
}

/// L10: of children one after the other, each spawned by the one before it, some hundred spans are
/// open at a time, though each is in that of the one before.
#[test]
fn a_chain_of_children() {
    const LINKS: usize = 2_000;
    record();
    block_on(scope(async |s: Scope<'_>| {
        let s = s.named("beside::link");
        s.spawn(link(s.clone(), LINKS - 1));
        while !s.is_empty() {
            for _ in 0..100 {
                yield_now().await; // to look at them takes long
            }
            let links = named("beside::link").into_iter();
            assert!(links.filter(|(_, it)| !it.is_closed).count() <= 252);
        }
    }));
    let links = named("beside::link");
    assert_eq!(links.len(), LINKS);
    assert!(links.iter().all(|(_, it)| it.is_closed));
    let ids: HashSet<_> = links.iter().map(|(id, _)| *id).collect();
    let is_in_another = |it: &Noted| it.parent.is_some_and(|parent| ids.contains(&parent));
    let firsts = links.iter().filter(|(_, it)| !is_in_another(it)).count();
    assert!(
        (LINKS / 250..=LINKS / 250 + 1).contains(&firsts),
        "{firsts}"
    );
}

/// Filters of layers that disagree about warnings lose no event of the user's.
#[test]
fn no_event_is_lost() {
    let heard = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
    let [errors, infos] = heard.clone().map(|heard| {
        Hears(move |_: &Event<'_>, _| {
            heard.fetch_add(1, Ordering::Relaxed);
        })
    });
    let subscriber = registry()
        .with(errors.with_filter(LevelFilter::ERROR))
        .with(infos.with_filter(LevelFilter::INFO));
    with_default(subscriber, || {
        let work = scope(async |s: Scope<'_>| {
            for _ in 0..100 {
                s.spawn(async { error!("the user's") });
            }
        });
        block_on(work.serial()); // the subscriber is that of this thread
    });
    assert_eq!(heard.map(|heard| heard.load(Ordering::Relaxed)), [100; 2]);
}

/// Who is told of a wake may drop the scope: the child stands in line by then, where its end finds
/// it.
#[test]
fn drop_by_who_hears_of_a_wake() {
    watched(|| {
        type Work = Pin<Box<dyn Future<Output = ()> + Send>>;
        let work: Arc<Mutex<Option<Work>>> = Arc::default();
        let (sender, wakers) = mpsc::channel::<Waker>();
        let mut waits: Work = Box::pin(scope(async move |s: Scope<'static>| {
            let wait = poll_fn(move |cx| {
                sender.send(cx.waker().clone()).unwrap();
                Poll::<()>::Pending
            });
            s.spawn(wait).await;
        }));
        let trace = || registry().with(Hears(|_: &Event<'_>, _| {}));
        with_default(trace(), || {
            assert!(block_on(poll_once(waits.as_mut())).is_none());
        });
        *work.lock().unwrap() = Some(waits);
        let ends = {
            let work = Arc::clone(&work);
            registry().with(Hears(move |event: &Event<'_>, _| {
                if event.metadata().target() == "runtime::waker" {
                    let work = work.lock().unwrap().take();
                    drop(work);
                }
            }))
        };
        let waker = wakers.recv().unwrap();
        let wakes = thread::spawn(move || with_default(ends, || waker.wake()));
        wakes.join().unwrap();
        assert!(work.lock().unwrap().is_none());
    });
}

/// A slow poll is warned of once, however many scopes are around it; and beside the spans of
/// children that nobody wants, inside of the user's.
#[test]
fn one_warning() {
    let warnings = Arc::new(Mutex::new(Vec::new()));
    let layer = {
        let warnings = Arc::clone(&warnings);
        Hears(move |event: &Event<'_>, around| {
            if event.metadata().target() == "taskpen" {
                warnings.lock().unwrap().push(around);
            }
        })
    };
    let request = with_default(registry().with(layer).with(LevelFilter::INFO), || {
        let request = info_span!("a request");
        request.in_scope(|| {
            let work = scope(async |s: Scope<'_>| {
                s.spawn(async {
                    scope(async |s: Scope<'_>| {
                        s.spawn(async { be_slow_for(4 * LONG) });
                    })
                    .await;
                });
            });
            block_on(work.serial());
        });
        request.id().map(|id| id.into_u64())
    });
    assert!(request.is_some());
    assert_eq!(*warnings.lock().unwrap(), [request]);
}

/// What is left of a body is dropped inside of the scope's span, however the scope ends.
#[test]
fn bodies_that_are_dropped() {
    record();
    let dropped_in = Arc::new(Mutex::new(None));
    let guard = || {
        let dropped_in = Arc::clone(&dropped_in);
        OnDrop::new(move || *dropped_in.lock().unwrap() = Span::current().id())
    };
    let in_span = |name| {
        let dropped_in = dropped_in.lock().unwrap().take();
        assert_eq!(
            dropped_in.map(|id| id.into_u64()),
            Some(one_named(name).0),
            "{name}"
        );
    };
    let body = async |_: Scope<'_>| {
        let _guard = guard();
        pending::<()>().await;
    };
    block_on(scope(body).named("beside::cut off").until(ready(())));
    in_span("beside::cut off");
    let mut dropped = Box::pin(scope(body).named("beside::dropped"));
    assert!(block_on(poll_once(dropped.as_mut())).is_none());
    drop(dropped);
    in_span("beside::dropped");
    let failed = try_scope(async |s: TryScope<'_, u32>| {
        let _guard = guard();
        s.spawn(async { Err::<(), _>(7) });
        pending::<Result<(), u32>>().await
    });
    assert_eq!(block_on(failed.named("beside::failed")), Err(7));
    in_span("beside::failed");
}
