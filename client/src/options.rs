//! The command line.

use std::ffi::OsString;

use lexopt::prelude::*;

pub(crate) const HELP: &str = "\
Makes requests to a server that answers lines, many at the same time.

usage: client [options]

  --connect HOST:PORT    sends each line of stdin as a command to this server,
                         and prints the answers as they come; without it, shows
                         what the client does against a server of its own
  --help                 show this

exit code: 0, or 1 if there is no connection, or 2 for bad usage
";

/// What the user asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Help,
    Demo,
    /// A host and a port.
    Connect(String),
}

/// Reads the command line, without the name of the program. An error is a message for the user.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Request, String> {
    read(lexopt::Parser::from_args(arguments))
        .map_err(|error| format!("{error}; `--help` lists the options"))
}

fn read(mut parser: lexopt::Parser) -> Result<Request, lexopt::Error> {
    let mut request = Request::Demo;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("connect") => request = Request::Connect(address(&parser.value()?)?),
            Long("help") | Short('h') => return Ok(Request::Help),
            other => return Err(other.unexpected()),
        }
    }
    Ok(request)
}

/// Checks that there is a host and a port. Whether there is a server shows when we connect.
fn address(value: &OsString) -> Result<String, lexopt::Error> {
    let bad = || format!("`--connect` takes a host and a port, like localhost:8080, not {value:?}");
    let text = value.to_str().ok_or_else(bad)?;
    let (host, port) = text.rsplit_once(':').ok_or_else(bad)?;
    match port.parse::<u16>() {
        Ok(1..) if !host.is_empty() => Ok(text.to_owned()),
        _ => Err(bad().into()),
    }
}
