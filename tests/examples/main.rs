//! The examples: their parts, and the programs as a user runs them.

#[cfg(feature = "blocking")]
#[path = "../../examples/prefetch/ahead.rs"]
mod ahead;
#[cfg(feature = "blocking")]
#[path = "../../examples/prefetch/automator.rs"]
mod automator;
#[cfg(feature = "blocking")]
#[path = "../../examples/prefetch/cache.rs"]
mod cache;
#[cfg(feature = "blocking")]
#[path = "../../examples/prefetch/client.rs"]
mod client;
#[cfg(feature = "blocking")]
#[path = "../../examples/prefetch/ledger.rs"]
mod ledger;
#[path = "../../examples/prefetch/page.rs"]
#[allow(dead_code, reason = "the command line uses more of it")]
mod page;
#[path = "../../examples/prefetch/server.rs"]
mod server;
#[path = "../../examples/prefetch/site.rs"]
#[allow(dead_code, reason = "the program uses more of it")]
mod site;
#[cfg(feature = "blocking")]
#[path = "../../examples/prefetch/walk.rs"]
mod walk;

#[path = "../support/example.rs"]
mod example;
#[path = "../support/prefetch.rs"]
mod prefetch;
#[cfg(feature = "blocking")]
#[path = "../support/program.rs"]
mod program;

mod prefetch_automator;
mod prefetch_interactive;
mod prefetch_pages;
mod prefetch_program;
mod prefetch_server;
mod shutdown;
