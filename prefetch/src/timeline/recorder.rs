//! A layer of `tracing-subscriber` that keeps what spans say.

use std::fmt::Debug;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::record::{Bar, Kind, Record, State};

/// Listens for as long as there are spans.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    start: Instant,
    seen: Arc<Mutex<Record>>,
}

/// The name of a span, for other layers.
#[derive(Debug)]
pub(crate) struct Called(pub(crate) String);

/// The place of a span's bar in the record.
struct Place(usize);

impl Recorder {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            seen: Arc::default(),
        }
    }

    /// What was seen until now. Nothing that comes later is kept.
    pub(crate) fn finish(&self) -> Record {
        let mut record = mem::take(&mut *self.seen());
        let first = record.bars.first().map_or(Duration::ZERO, Bar::begin);
        for bar in &mut record.bars {
            let states = bar.states.iter_mut().map(|(at, _)| at);
            states.chain(&mut bar.end).for_each(|at| *at -= first);
        }
        record.closed = record.closed.map(|at| at.saturating_sub(first));
        record.end = self.start.elapsed() - first;
        record
    }

    fn seen(&self) -> MutexGuard<'_, Record> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bar of a span has changed.
    fn change(&self, place: Option<usize>, change: impl FnOnce(&mut Bar, Duration)) {
        let mut seen = self.seen();
        let now = self.start.elapsed(); // under the lock, so that times are in order
        if let Some(bar) = place.and_then(|place| seen.bars.get_mut(place)) {
            change(bar, now);
        }
    }

    /// The same, for a bar that does something else from now on.
    fn turn(&self, place: Option<usize>, to: State) {
        self.change(place, |bar, now| bar.states.push((now, to)));
    }
}

impl<S> Layer<S> for Recorder
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else {
            return;
        };
        let Some(kind) = kind_of(&span) else {
            return;
        };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let name = fields.name.or(fields.kind);
        let name = name.unwrap_or_else(|| span.name().to_owned());
        // A task belongs to the scope around it, a scope is inside of a task or of another one.
        let above = span.scope().skip(1);
        let parent = above
            .filter(|it| kind == Kind::Scope || kind_of(it) == Some(Kind::Scope))
            .find_map(|it| place_of(&it));
        let begin = match kind {
            Kind::Scope => State::Suspended,
            Kind::Task => State::Ready,
        };

        let mut seen = self.seen();
        let mut extensions = span.extensions_mut();
        extensions.insert(Place(seen.bars.len()));
        extensions.insert(Called(name.clone()));
        seen.bars.push(Bar {
            name,
            kind,
            parent,
            states: vec![(self.start.elapsed(), begin)],
            end: None,
        });
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        self.turn(place(id, &context), State::Running);
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        self.turn(place(id, &context), State::Suspended);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        self.change(place(&id, &context), |bar, now| bar.end = Some(now));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        match (event.metadata().target(), event.metadata().name()) {
            ("runtime::waker", _) => {
                let mut fields = Fields::default();
                event.record(&mut fields);
                let woken = fields.id.filter(|id| fields.is_wake && *id != 0);
                let place = woken.and_then(|id| place(&Id::from_u64(id), &context));
                self.change(place, |bar, now| {
                    // It is told once the child stands in line, and may be polled by then.
                    if !matches!(bar.states.last(), Some((_, State::Running))) {
                        bar.states.push((now, State::Ready));
                    }
                });
            }
            ("prefetch", "closed") => self.seen().closed = Some(self.start.elapsed()),
            _ => {}
        }
    }
}

fn kind_of<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>) -> Option<Kind> {
    match (span.metadata().target(), span.name()) {
        ("taskpen", "scope") => Some(Kind::Scope),
        ("taskpen" | "prefetch", "runtime.spawn") => Some(Kind::Task),
        _ => None,
    }
}

fn place_of<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>) -> Option<usize> {
    Some(span.extensions().get::<Place>()?.0)
}

fn place<S: for<'a> LookupSpan<'a> + Subscriber>(
    id: &Id,
    context: &Context<'_, S>,
) -> Option<usize> {
    place_of(&context.span(id)?)
}

/// What spans and events say that matters here.
#[derive(Default)]
struct Fields {
    name: Option<String>,
    kind: Option<String>,
    id: Option<u64>,
    /// Of an event, that it is about a wake.
    is_wake: bool,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "name" | "task.name" => self.name = Some(value.to_owned()),
            "kind" => self.kind = Some(value.to_owned()),
            "op" => self.is_wake = value.starts_with("waker.wake"),
            _ => {}
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "task.id" {
            self.id = Some(value);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}
