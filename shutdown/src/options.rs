//! The command line.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use lexopt::prelude::*;

pub(crate) const HELP: &str = "\
Passes messages on over HTTP, until SIGTERM or Ctrl-C.

usage: shutdown [options]

  --listen ADDR    where to listen (default: 127.0.0.1:8080); port 0 takes a
                   free one
  --grace S        how long requests that are in flight may take once we are
                   asked to stop (default: 10 seconds); a second signal cuts
                   them off at once
  --help           show this

  GET /next        waits for the next message
  POST /next       sends one to everybody who waits

exit code: 0, or 1 if the address cannot be had, or 2 for bad usage
";

/// What the user asks for.
#[derive(Debug)]
pub(crate) enum Request {
    Help,
    Run(Options),
}

#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) listen: SocketAddr,
    pub(crate) grace: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 8080).into(),
            grace: Duration::from_secs(10),
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
            Long("listen") => options.listen = address(&parser.value()?)?,
            Long("grace") => options.grace = seconds(&parser.value()?)?,
            Long("help") | Short('h') => return Ok(Request::Help),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Request::Run(options))
}

fn address(value: &OsString) -> Result<SocketAddr, lexopt::Error> {
    let address = value.to_str().and_then(|text| text.parse().ok());
    let wanted = "an address and a port, like 127.0.0.1:8080";
    address.ok_or_else(|| format!("`--listen` takes {wanted}, not {value:?}").into())
}

fn seconds(value: &OsString) -> Result<Duration, lexopt::Error> {
    let number = value.to_str().and_then(|text| text.parse().ok());
    let duration = number.and_then(|number| Duration::try_from_secs_f64(number).ok());
    duration.ok_or_else(|| format!("`--grace` takes a number of seconds, not {value:?}").into())
}
