//! The command line.

use std::path::PathBuf;

pub(crate) const USAGE: &str = "\
cargo bench -p taskpen-benches --bench peers -- [OPTIONS] [FILTER]

  FILTER          only workloads whose name contains it
  --quick         everything once and with few children, to see that it runs
  --json FILE     writes the numbers
  --publish FILE  measures nothing; writes docs/peers.md and docs/peers.svg from the
                  numbers in FILE
  --list          names the workloads
  --help          prints this

FILE is relative to the folder benches.";

#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) quick: bool,
    pub(crate) list: bool,
    pub(crate) help: bool,
    pub(crate) json: Option<PathBuf>,
    pub(crate) publish: Option<PathBuf>,
    pub(crate) filter: Option<String>,
}

impl Options {
    pub(crate) fn parse() -> Result<Self, lexopt::Error> {
        use lexopt::prelude::*;
        let mut options = Self::default();
        let mut is_bench = false;
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("bench") => is_bench = true,
                Long("quick" | "test") => options.quick = true,
                Long("list") => options.list = true,
                Long("help") | Short('h') => options.help = true,
                Long("json") => options.json = Some(parser.value()?.into()),
                Long("publish") => options.publish = Some(parser.value()?.into()),
                Value(filter) if options.filter.is_none() => {
                    options.filter = Some(filter.string()?);
                }
                _ => return Err(argument.unexpected()),
            }
        }
        // `cargo bench` says so; `cargo test --benches` does not, and wants to see that it runs.
        options.quick |= !is_bench;
        Ok(options)
    }
}
