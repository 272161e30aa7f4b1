//! The command line.

use std::ffi::OsString;
use std::fmt::Display;
use std::num::{IntErrorKind, ParseIntError};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use lexopt::prelude::*;
use url::Url;

use super::page::without_fragment;

pub(crate) const HELP: &str = "\
Walks through HTML pages and prefetches in the background what they link to.

usage: prefetch [options]

  --root DIR       serve this directory (default: the documentation of the
                   toolchain, or else texts of this crate)
  --url URL        walk an http:// server that is running already, from URL on
  --pages N        how many pages to visit (default: 40)
  --in-flight N    how many prefetches may be under way at once (default: 8)
  --pause MS       how long to stay on a page (default: 20 milliseconds)
  --latency MS     how long the built-in server holds an answer back
                   (default: 20 milliseconds)
  --timeout S      how long a request may take (default: 10 seconds)
  --read-ahead     fetch the next pages of the walk ahead of it, as many as
                   --in-flight says, and no others
  --no-prefetch    fetch each page when the walk comes to it
  --untracked      spawn detached tasks instead of children of a scope, and
                   show what is left of them
  --timeline FILE  draw the run into FILE, as SVG: when each task was spawned,
                   ran and waited, and what went on when all was closed
  --trace FILE     write every poll into FILE, for https://ui.perfetto.dev
  --help           show this

Ctrl-C ends the walk early; everything is closed and reported all the same.

exit code: 0, or 1 if the first page cannot be fetched, or 2 for bad usage,
or 130 after Ctrl-C
";

/// What the user asks for.
#[derive(Debug)]
pub(crate) enum Request {
    Help,
    Run(Box<Options>),
}

#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) source: Source,
    pub(crate) pages: usize,
    pub(crate) in_flight: usize,
    pub(crate) pause: Duration,
    pub(crate) latency: Duration,
    pub(crate) timeout: Duration,
    pub(crate) mode: Mode,
    /// Files to write.
    pub(crate) timeline: Option<PathBuf>,
    pub(crate) trace: Option<PathBuf>,
}

/// How pages are prefetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// By background children, one for each link.
    Background,
    /// By a stream that runs ahead of the walk.
    ReadAhead,
    /// Not at all.
    OnDemand,
    /// By detached tasks, one for each link.
    Untracked,
}

impl Mode {
    /// What a picture of the run is called.
    pub(crate) fn heading(self) -> &'static str {
        match self {
            Self::Background => "Background children of a scope",
            Self::ReadAhead => "A stream that reads ahead",
            Self::OnDemand => "Nothing ahead",
            Self::Untracked => "Detached tasks",
        }
    }
}

/// Where the pages come from.
#[derive(Debug)]
pub(crate) enum Source {
    /// The built-in server, with what is found on this machine.
    ThisMachine,
    /// The built-in server, with a directory.
    Directory(PathBuf),
    /// Another server; the page to start at.
    Server(Url),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            source: Source::ThisMachine,
            pages: 40,
            in_flight: 8,
            pause: Duration::from_millis(20),
            latency: Duration::from_millis(20),
            timeout: Duration::from_secs(10),
            mode: Mode::Background,
            timeline: None,
            trace: None,
        }
    }
}

/// Reads the command line, without the name of the program. An error is a message for the user.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Request, String> {
    read(lexopt::Parser::from_args(arguments))
        .map_err(|error| format!("{error}; `--help` lists the options"))
}

fn read(mut parser: lexopt::Parser) -> Result<Request, lexopt::Error> {
    let mut options = Options::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("root") => options.set_source(Source::Directory(parser.value()?.into()))?,
            Long("url") => options.set_source(Source::Server(url(parser.value()?)?))?,
            Long("pages") => options.pages = count("--pages", parser.value()?)?,
            Long("in-flight") => options.in_flight = count("--in-flight", parser.value()?)?,
            Long("pause") => options.pause = milliseconds("--pause", parser.value()?)?,
            Long("latency") => options.latency = milliseconds("--latency", parser.value()?)?,
            Long("timeout") => options.timeout = seconds("--timeout", parser.value()?)?,
            Long("read-ahead") => options.set_mode(Mode::ReadAhead)?,
            Long("no-prefetch") => options.set_mode(Mode::OnDemand)?,
            Long("untracked") => options.set_mode(Mode::Untracked)?,
            Long("timeline") => options.timeline = Some(parser.value()?.into()),
            Long("trace") => options.trace = Some(parser.value()?.into()),
            Long("help") | Short('h') => return Ok(Request::Help),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Request::Run(Box::new(options)))
}

impl Options {
    fn set_mode(&mut self, mode: Mode) -> Result<(), lexopt::Error> {
        if ![Mode::Background, mode].contains(&self.mode) {
            return Err("give one of `--read-ahead`, `--no-prefetch` and `--untracked`".into());
        }
        self.mode = mode;
        Ok(())
    }

    fn set_source(&mut self, source: Source) -> Result<(), lexopt::Error> {
        if !matches!(self.source, Source::ThisMachine) {
            return Err("give `--root` or `--url`, and only once".into());
        }
        self.source = source;
        Ok(())
    }
}

fn url(value: OsString) -> Result<Url, lexopt::Error> {
    let text = value.string()?;
    let url = Url::parse(&text).map_err(|error| {
        format!("`--url {text}`: {error}; write it like http://127.0.0.1:8000/index.html")
    })?;
    if url.scheme() != "http" {
        return Err(format!("`--url {text}`: only http:// is spoken here").into());
    }
    Ok(without_fragment(&url))
}

fn count(option: &str, value: OsString) -> Result<usize, lexopt::Error> {
    let wanted = "a whole number of at least 1";
    match whole(option, &value, wanted, usize::MAX)? {
        0 => Err(bad(option, &value, wanted)),
        count => Ok(count),
    }
}

fn milliseconds(option: &str, value: OsString) -> Result<Duration, lexopt::Error> {
    let number = whole(option, &value, "a whole number of milliseconds", u64::MAX)?;
    Ok(Duration::from_millis(number))
}

fn seconds(option: &str, value: OsString) -> Result<Duration, lexopt::Error> {
    let number = value.to_str().and_then(|text| text.parse::<f64>().ok());
    match number.map(Duration::try_from_secs_f64) {
        Some(Ok(duration)) if !duration.is_zero() => Ok(duration),
        Some(Err(_)) if number > Some(1.0) => {
            Err(too_large(option, &value, Duration::MAX.as_secs()))
        }
        _ => Err(bad(option, &value, "a number of seconds above 0")),
    }
}

/// Reads a whole number of at most `most`, which is all that its type holds.
fn whole<N: FromStr<Err = ParseIntError> + Display>(
    option: &str,
    value: &OsString,
    wanted: &str,
    most: N,
) -> Result<N, lexopt::Error> {
    let text = value.to_str().unwrap_or_default();
    text.parse()
        .map_err(|error: ParseIntError| match error.kind() {
            IntErrorKind::PosOverflow => too_large(option, value, most),
            _ => bad(option, value, wanted),
        })
}

fn bad(option: &str, value: &OsString, wanted: &str) -> lexopt::Error {
    format!("`{option}` takes {wanted}, not {value:?}").into()
}

fn too_large(option: &str, value: &OsString, most: impl Display) -> lexopt::Error {
    format!("`{option}` takes {most} at most, and {value:?} is more").into()
}
