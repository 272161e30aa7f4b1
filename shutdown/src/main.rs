//! An HTTP service that stops well: on SIGTERM or Ctrl-C it accepts no more connections, answers
//! the requests that are in flight, and after a grace time cuts off those that are still not done.
//!
//! ```text
//! cargo run -p shutdown -- --listen 127.0.0.1:8080 --grace 10
//! curl http://127.0.0.1:8080/next &                         # waits for a message
//! curl http://127.0.0.1:8080/next --data 'hello, everybody' # sends one
//! kill -USR1 $(pgrep shutdown)                              # shows what is running
//! ```
//!
//! The service passes messages on to everybody who waits for one, so that requests stay in flight
//! until somebody sends one, and a message itself can take its time to arrive.
//!
//! # The tasks
//!
//! ```text
//! scope ─ body: accepts connections
//!       └ one child per connection
//! until: waits for a signal, and then for the grace time to pass
//! ```
//!
//! Both halves of a shutdown are there already. *Asking*: the signal asks the scope to stop through
//! its token, and what awaits that comes to an end: the loop that accepts connections at once, a
//! connection when its request is answered. *Cutting off*: `until` ends the scope when the grace
//! time is over, and every connection with it. There is no list of connections, and nothing can be
//! missing from it. Who was cut off is said by the tree of what is running.

mod options;
mod service;

use std::env;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use async_signal::{Signal, Signals};
use async_std::net::TcpListener;
use async_std::task;
use futures_lite::StreamExt;
use futures_lite::future::{block_on, or, pending};
use taskpen::{StopToken, inspect};

use options::{HELP, Options, Request};
use service::Service;

/// What makes the service stop.
const SIGNALS: &[Signal] = if cfg!(unix) {
    &[Signal::Term, Signal::Int]
} else {
    &[Signal::Int] // Ctrl-C is all there is
};

fn main() -> ExitCode {
    let (message, code) = match options::parse(env::args_os().skip(1)) {
        Ok(Request::Help) => {
            say(HELP.trim_end());
            return ExitCode::SUCCESS;
        }
        Ok(Request::Run(options)) => match task::block_on(run(&options)) {
            Ok(()) => return ExitCode::SUCCESS,
            Err(message) => (message, 1),
        },
        Err(message) => (message, 2),
    };
    let _ = writeln!(io::stderr(), "shutdown: {message}");
    ExitCode::from(code)
}

/// Serves until a signal comes, and says on stdout what happens. An error is a message for the
/// user.
async fn run(options: &Options) -> Result<(), String> {
    // Before anybody can know that we are here, or an early signal would kill us.
    let mut signals =
        Signals::new(SIGNALS).map_err(|error| format!("cannot wait for signals: {error}"))?;
    let address = options.listen.as_str();
    let refused = |error| format!("cannot listen on {address}: {error}; `--listen` takes another");
    // Looks a name up, and takes the first of its addresses that can be had.
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    show_on_signal()?;
    say(format!("listening on {address}"));

    let outcome = serve(listener, &mut signals, options.grace).await;
    say(outcome);
    Ok(())
}

/// Serves until a signal comes; then until all requests are answered, the grace time is over, or
/// another signal comes. Nothing of the service is left when this returns, and what it returns
/// says how it went.
async fn serve(listener: TcpListener, signals: &mut Signals, grace: Duration) -> String {
    let service = Service::new(say);
    let mut left = Vec::new();
    let grace_is_over = async |token: StopToken| {
        token.request_stop(next(signals).await);
        let impatient = async {
            next(signals).await;
        };
        or(task::sleep(grace), impatient).await;
        left = service::connections();
    };
    if service.serve(listener, grace_is_over).await.is_some() {
        return "drained".to_owned();
    }
    for connection in &left {
        say(format!("not done: {connection}"));
    }
    format!("cut off {}", left.len())
}

/// Has a thread show what is running whenever SIGUSR1 comes: also if all others are stuck.
#[cfg(unix)]
fn show_on_signal() -> Result<(), String> {
    let mut asked = Signals::new([Signal::Usr1])
        .map_err(|error| format!("cannot wait for SIGUSR1: {error}"))?;
    let show = move || {
        block_on(async {
            while let Some(Ok(_)) = asked.next().await {
                say(inspect::tree());
            }
        });
    };
    let thread = thread::Builder::new()
        .name("inspect".to_owned())
        .spawn(show);
    thread.map_err(|error| format!("cannot start a thread: {error}"))?;
    Ok(())
}

#[cfg(not(unix))]
fn show_on_signal() -> Result<(), String> {
    Ok(())
}

/// Waits for a signal, and gives its name.
async fn next(signals: &mut Signals) -> &'static str {
    match signals.next().await {
        Some(Ok(Signal::Term)) => "SIGTERM",
        Some(Ok(_)) => "Ctrl-C",
        // Nobody can ask us to stop any more, so we don't.
        Some(Err(_)) | None => pending().await,
    }
}

/// Prints a line, unless nobody listens any more.
fn say(line: impl Display) {
    let _ = writeln!(io::stdout(), "{line}");
}
