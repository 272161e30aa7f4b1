//! An automator that walks through HTML pages and prefetches what they link to, so that it finds
//! the next page in its cache.
//!
//! ```text
//! cargo run --release -p prefetch
//! cargo run --release -p prefetch -- --read-ahead
//! cargo run --release -p prefetch -- --no-prefetch
//! cargo run --release -p prefetch -- --untracked
//! cargo run --release -p prefetch -- --timeline run.svg --trace run.json
//! ```
//!
//! The first two runs leave nothing behind: one prefetches whatever is linked to, the other one
//! what the walk is about to visit, in one line. The third one fetches each page when the walk
//! comes to it, and shows by how long it takes what the others gain. `--untracked` does the work of
//! the first the way it is usually done, with detached tasks, and shows what is still alive after
//! the automator was closed. The difference is the reason for the library; a
//! [timeline](self::timeline) is a picture of it.
//!
//! # The tasks
//!
//! ```text
//! scope ─ body: the walk, in a scope of its own ┬ one background child per prefetch
//!       │                                       └ one per page that is parsed, on the blocking pool
//!       ├ background child: the server, a scope ─ one child per connection
//!       └ background child: waits for Ctrl-C
//! ```
//!
//! The sockets are real ones. hyper serves and asks over async-std's sockets, because a connection
//! of hyper is a plain future: a child of a scope can own it, or drive it beside its request.
//! Others spawn it where no scope reaches it: isahc brings a thread of its own, surf and trillium
//! detach a task per connection (and today's trillium needs a newer compiler than this crate).
//!
//! Pages are parsed and hashed on the blocking pool, so that a long one holds nobody up. A thread
//! cannot be cancelled: a page that is being parsed when the automator is closed is waited for,
//! those behind it are skipped.
//!
//! Ctrl-C cancels the outer scope and, with it, the inner one, where the walk waits for that: it
//! stops, and everything is closed and reported as at its end. The exit code tells.

mod ahead;
mod automator;
mod cache;
mod client;
mod detached;
mod interrupt;
mod ledger;
mod options;
mod page;
mod process;
mod progress;
mod report;
mod run;
mod server;
mod site;
mod timeline;
mod walk;
mod watch;

#[cfg(test)]
mod tests;

use std::env;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use options::{HELP, Options, Request};
use report::Report;
use run::Failure;
use watch::Watch;

/// What shells say of a program that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let result = match options::parse(env::args_os().skip(1)) {
        Ok(Request::Help) => {
            say(HELP);
            return ExitCode::SUCCESS;
        }
        Ok(Request::Run(options)) => watched(&options),
        Err(message) => Err(Failure::Usage(message)),
    };
    let (message, code) = match result {
        Ok(report) => {
            say(&report);
            return ExitCode::from(if report.tally.stopped { INTERRUPTED } else { 0 });
        }
        Err(Failure::Run(message)) => (message, 1),
        Err(Failure::Usage(message)) => (message, 2),
    };
    let _ = writeln!(io::stderr(), "prefetch: {message}");
    ExitCode::from(code)
}

/// Walks, and writes the files that were asked for, whatever became of the walk.
fn watched(options: &Options) -> Result<Report, Failure> {
    let watch = Watch::begin(options).map_err(Failure::Usage)?;
    let result = run::run(options, |line| say(format!("{line}\n")));
    watch.end(options.mode.heading()).map_err(Failure::Run)?;
    result
}

/// Prints, unless nobody listens any more (`prefetch | head`).
fn say(text: impl Display) {
    let _ = write!(io::stdout(), "{text}");
}
