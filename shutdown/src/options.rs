//! The command line.

use std::ffi::OsString;
use std::num::IntErrorKind;
use std::time::Duration;

use lexopt::prelude::*;

pub(crate) const HELP: &str = "\
Passes messages on over HTTP, until SIGTERM or Ctrl-C.

usage: shutdown [options]

  --listen ADDR    where to listen (default: 127.0.0.1:8080): a name or an
                   address, and a port; port 0 takes a free one
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
    /// A name or an address, and a port.
    pub(crate) listen: String,
    pub(crate) grace: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
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

/// Checks that there is a port. Whether there is such a place shows when we listen there.
fn address(value: &OsString) -> Result<String, lexopt::Error> {
    let wanted = "a name or an address, and a port, like localhost:8080";
    let bad = || format!("`--listen` takes {wanted}, not {value:?}");
    let text = value.to_str().ok_or_else(bad)?;
    let (host, port) = text.rsplit_once(':').ok_or_else(bad)?;
    if host.is_empty() {
        return Err(bad().into());
    }
    match port.parse::<u16>() {
        Ok(_) => Ok(text.to_owned()),
        Err(error) if *error.kind() == IntErrorKind::PosOverflow => {
            Err(format!("`--listen {text}`: ports go up to {}", u16::MAX).into())
        }
        Err(_) => Err(bad().into()),
    }
}

fn seconds(value: &OsString) -> Result<Duration, lexopt::Error> {
    let number = value.to_str().and_then(|text| text.parse::<f64>().ok());
    match number.map(Duration::try_from_secs_f64) {
        Some(Ok(duration)) => Ok(duration),
        Some(Err(_)) if number > Some(1.0) => {
            let most = Duration::MAX.as_secs();
            Err(format!("`--grace` takes {most} at most, and {value:?} is more").into())
        }
        _ => Err(format!("`--grace` takes a number of seconds, not {value:?}").into()),
    }
}
