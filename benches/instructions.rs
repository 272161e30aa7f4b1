//! Instructions per child, counted by callgrind: they are the same on a noisy machine.
//!
//! ```sh
//! cargo bench -p taskpen-benches --bench instructions
//! ```
//!
//! The program runs itself under `valgrind --tool=callgrind`, each path twice: the difference of
//! the two counts is that of the extra rounds alone, without the start of the process. Where
//! valgrind is missing it says so, and succeeds. With `-- --check` it fails if a path needs more,
//! in proportion to `FuturesUnordered`, than is allowed below.
//!
//! Scopes are serial here: others read the clock, and what they decide would depend on how slow
//! callgrind is.
//!
//! A crate for this (gungraun, formerly iai-callgrind) needs a runner that is installed separately,
//! in exactly its own version; without it `cargo bench` fails. On a fresh machine cargo is all
//! there is.

mod common;

use std::env;
use std::error::Error;
use std::hint::black_box;
use std::io::ErrorKind;
use std::process::{Command, ExitCode};

use futures_lite::future::block_on;

use common::IN_FLIGHT;
use common::bodies::{value, yields};
use common::sets::{Limited, Set, Streams};
use common::taskpen::{Serial, Taskpen};
use common::unordered::Unordered;

/// A hot path.
struct Path {
    name: &'static str,
    children: usize,
    /// What the ratio to `FuturesUnordered` may be: a little more than it is. To be lowered when
    /// the path has become cheaper.
    most: f64,
    ours: fn(),
    theirs: fn(),
}

/// The same expression for taskpen, or a part of it, and for `FuturesUnordered`.
macro_rules! path {
    ($name:literal, $children:expr, $most:literal, |$Peer:ident = $Ours:ident| $main:expr) => {
        Path {
            name: $name,
            children: $children,
            most: $most,
            ours: || {
                type $Peer = $Ours<Serial>;
                black_box(block_on($main));
            },
            theirs: || {
                type $Peer = Unordered;
                black_box(block_on($main));
            },
        }
    };
    ($name:literal, $children:expr, $most:literal, |$Peer:ident| $main:expr) => {
        path!($name, $children, $most, |$Peer = Taskpen| $main)
    };
}

const PATHS: &[Path] = &[
    path!("spawn + join", 1_000, 1.95, |Peer| Peer::join(1_000, value)),
    path!("one child", 1, 2.9, |Peer| Peer::join(1, value)),
    path!("10 yields", 1_000, 1.1, |Peer| Peer::join(1_000, |i| {
        yields(i, 10)
    })),
    path!("suspend + drop", 1_000, 1.9, |Peer| async {
        let parent = Peer::suspend(1_000).await;
        Peer::end(parent).await;
    }),
    path!("nested, fan-out 8", 512, 2.0, |Peer| Peer::join(8, |_| {
        Peer::join(8, |_| Peer::join(8, value))
    })),
    path!("bounded, 32 in flight", 1_000, 1.22, |Peer| {
        Peer::bounded(1_000, IN_FLIGHT, |i| yields(i, 4))
    }),
    path!("set: spawn + read", 1_000, 1.8, |Peer = Set| {
        Peer::join(1_000, value)
    }),
    path!("set: bounded, 32 in flight", 1_000, 1.5, |Peer = Set| {
        Peer::bounded(1_000, IN_FLIGHT, |i| yields(i, 4))
    }),
    path!("limited set, 32 at a time", 1_000, 2.0, |Peer = Limited| {
        Peer::bounded(1_000, IN_FLIGHT, value)
    }),
    path!("unordered, 32 ahead", 1_000, 2.1, |Peer = Streams| {
        Peer::unordered(1_000, IN_FLIGHT, value)
    }),
    path!("in order, 32 ahead", 1_000, 1.65, |Peer = Streams| {
        Peer::ordered(1_000, IN_FLIGHT, value)
    }),
];

/// Rounds of the shorter run, which are not counted, and of the longer.
const ROUNDS: [u64; 2] = [2, 6];

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let has = |option: &str| arguments.iter().any(|argument| argument == option);
    if let [option, path, peer, rounds] = &arguments[..] {
        if option == "--run" {
            run(path, peer, rounds);
            return ExitCode::SUCCESS;
        }
    }
    if !has("--bench") {
        // `cargo test --benches` wants to see that everything runs.
        PATHS.iter().for_each(|path| {
            (path.ours)();
            (path.theirs)();
        });
        return ExitCode::SUCCESS;
    }
    match compare() {
        Ok(too_many) if too_many && has("--check") => ExitCode::FAILURE,
        Ok(_) => ExitCode::SUCCESS,
        Err(error) if is_missing(&*error) => {
            println!("valgrind is not installed: no instructions were counted");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// What is counted: the rounds of one path.
fn run(path: &str, peer: &str, rounds: &str) {
    let path = PATHS.iter().find(|known| known.name == path);
    let path = path.expect("we name paths that we know");
    let round = if peer == "ours" {
        path.ours
    } else {
        path.theirs
    };
    let rounds: u64 = rounds.parse().expect("we write numbers");
    (0..rounds).for_each(|_| round());
}

/// Prints the table; whether a path needs more than it may.
fn compare() -> Result<bool, Box<dyn Error>> {
    Command::new("valgrind").arg("--version").output()?;
    let head = [
        "instructions per child",
        "taskpen",
        "FuturesUnordered",
        "ratio",
        "at most",
    ];
    let [name, ours, theirs, ratio, most] = head;
    println!("| {name:<22} | {ours:>8} | {theirs:>16} | {ratio:>5} | {most:>7} |");
    println!(
        "|{:-<24}|{:->9}:|{:->17}:|{:->6}:|{:->8}:|",
        "", "", "", "", ""
    );
    let mut too_many = false;
    for path in PATHS {
        let (ours, theirs) = (per_child(path, "ours")?, per_child(path, "theirs")?);
        let (name, ratio, most) = (path.name, ours / theirs, path.most);
        println!("| {name:<22} | {ours:>8.0} | {theirs:>16.0} | {ratio:>5.2} | {most:>7.2} |");
        too_many |= ratio > most;
    }
    Ok(too_many)
}

fn per_child(path: &Path, peer: &str) -> Result<f64, Box<dyn Error>> {
    let [short, long] = ROUNDS;
    let more = count(path, peer, long)?.saturating_sub(count(path, peer, short)?);
    Ok(more as f64 / (path.children as u64 * (long - short)) as f64)
}

/// The instructions of a process that runs so many rounds.
fn count(path: &Path, peer: &str, rounds: u64) -> Result<u64, Box<dyn Error>> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .args(["--run", path.name, peer, &rounds.to_string()])
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    match collected {
        Some((_, count)) if output.status.success() => Ok(count.trim().parse()?),
        _ => Err(format!("callgrind failed:\n{said}").into()),
    }
}

fn is_missing(error: &(dyn Error + 'static)) -> bool {
    let error = error.downcast_ref::<std::io::Error>();
    error.is_some_and(|error| error.kind() == ErrorKind::NotFound)
}
