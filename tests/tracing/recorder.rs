//! A subscriber that notes what it is told. It is that of the whole program, and is asked by name.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread::{self, ThreadId};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// What is known of one span.
#[derive(Clone, Debug, Default)]
pub(crate) struct Noted {
    pub(crate) fields: HashMap<&'static str, String>,
    pub(crate) parent: Option<u64>,
    pub(crate) entered: Vec<ThreadId>,
    pub(crate) exited: usize,
    pub(crate) is_closed: bool,
}

/// An event: its target, the span that it is in, its fields.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) target: &'static str,
    pub(crate) span: Option<u64>,
    pub(crate) fields: HashMap<&'static str, String>,
}

#[derive(Default)]
struct Notes {
    spans: HashMap<u64, Noted>,
    events: Vec<Told>,
}

static NOTES: LazyLock<Mutex<Notes>> = LazyLock::new(Mutex::default);

fn notes<T>(look: impl FnOnce(&mut Notes) -> T) -> T {
    look(&mut NOTES.lock().unwrap_or_else(PoisonError::into_inner))
}

struct Recorder;

#[derive(Default)]
struct Fields(HashMap<&'static str, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        fields
            .0
            .insert("span", attributes.metadata().name().to_owned());
        let parent = context.span(id).and_then(|span| span.parent());
        let noted = Noted {
            fields: fields.0,
            parent: parent.map(|parent| parent.id().into_u64()),
            ..Noted::default()
        };
        notes(|notes| notes.spans.insert(id.into_u64(), noted));
    }

    fn on_enter(&self, id: &Id, _: Context<'_, S>) {
        change(id, |noted| noted.entered.push(thread::current().id()));
    }

    fn on_exit(&self, id: &Id, _: Context<'_, S>) {
        change(id, |noted| noted.exited += 1);
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        change(&id, |noted| noted.is_closed = true);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let told = Told {
            target: event.metadata().target(),
            span: context.event_span(event).map(|span| span.id().into_u64()),
            fields: fields.0,
        };
        notes(|notes| notes.events.push(told));
    }
}

fn change(id: &Id, change: impl FnOnce(&mut Noted)) {
    notes(|notes| notes.spans.get_mut(&id.into_u64()).map(change));
}

/// From here on everything is noted.
pub(crate) fn record() {
    static SET: LazyLock<()> = LazyLock::new(|| {
        let subscriber = tracing_subscriber::registry().with(Recorder);
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
    LazyLock::force(&SET);
}

/// All spans of this name, with their ids.
pub(crate) fn named(name: &str) -> Vec<(u64, Noted)> {
    let is_it = |noted: &Noted| {
        let names = ["task.name", "name"].map(|field| noted.fields.get(field));
        names.into_iter().flatten().any(|it| it == name)
    };
    let mut found: Vec<_> = notes(|notes| {
        let found = notes.spans.iter().filter(|(_, noted)| is_it(noted));
        found.map(|(id, noted)| (*id, noted.clone())).collect()
    });
    found.sort_by_key(|(id, _)| *id);
    found
}

/// The one of this name.
pub(crate) fn one_named(name: &str) -> (u64, Noted) {
    let mut found = named(name);
    assert_eq!(found.len(), 1, "{name}: {found:?}");
    found.remove(0)
}

/// The events with this target.
pub(crate) fn events(target: &str) -> Vec<Told> {
    let is_it = |it: &&Told| it.target == target;
    notes(|notes| notes.events.iter().filter(is_it).cloned().collect())
}
