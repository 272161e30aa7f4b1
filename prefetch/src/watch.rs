//! What of a run is written to files: a timeline, and a trace.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tracing::subscriber::set_global_default;
use tracing_chrome::{ChromeLayerBuilder, EventOrSpan, FlushGuard};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;

use super::options::Options;
use super::timeline::{Called, Recorder, draw};

/// Listens to the spans of this process, and writes the files that were asked for when it ends.
#[derive(Default)]
pub(crate) struct Watch {
    timeline: Option<(Recorder, File, PathBuf)>,
    /// Writes from a thread of its own, until it is dropped.
    trace: Option<FlushGuard>,
}

impl Watch {
    /// Nothing listens if nothing was asked for. An error is a message for the user.
    pub(crate) fn begin(options: &Options) -> Result<Self, String> {
        let mut watch = Self::default();
        if options.timeline.is_none() && options.trace.is_none() {
            return Ok(watch);
        }
        let recorder = Recorder::new();
        let spans = Registry::default().with(recorder.clone());
        if let Some(path) = &options.timeline {
            watch.timeline = Some((recorder, create(path)?, path.clone()));
        }
        let set = match &options.trace {
            Some(path) => {
                let builder = ChromeLayerBuilder::new().writer(create(path)?);
                let (layer, guard) = builder.include_args(true).name_fn(Box::new(name)).build();
                watch.trace = Some(guard);
                set_global_default(spans.with(layer))
            }
            None => set_global_default(spans),
        };
        set.map_err(|error| error.to_string())?;
        Ok(watch)
    }

    /// Writes the rest. `heading` says what the run was. An error is a message for the user.
    pub(crate) fn end(self, heading: &str) -> Result<(), String> {
        drop(self.trace);
        if let Some((recorder, mut file, path)) = self.timeline {
            let picture = draw(&recorder.finish(), heading);
            let written = file.write_all(picture.as_bytes());
            written.map_err(|error| cannot_write(&path, &error))?;
        }
        Ok(())
    }
}

fn create(path: &Path) -> Result<File, String> {
    File::create(path).map_err(|error| cannot_write(path, &error))
}

fn cannot_write(path: &Path, error: &io::Error) -> String {
    format!("cannot write {}: {error}", path.display())
}

/// What a trace calls a span or an event.
fn name<S>(of: &EventOrSpan<'_, '_, S>) -> String
where
    S: for<'a> LookupSpan<'a> + tracing::Subscriber + Send + Sync,
{
    match of {
        EventOrSpan::Event(event) if event.metadata().target() == "runtime::waker" => "wake".into(),
        EventOrSpan::Event(event) => event.metadata().name().to_owned(),
        EventOrSpan::Span(span) => match span.extensions().get::<Called>() {
            Some(Called(name)) => name.clone(),
            None => span.name().to_owned(),
        },
    }
}
