//! Finds the examples, for tests that run them as programs.

use std::env;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

/// The program of an example, which cargo builds before it runs all tests; but not before it runs
/// some.
pub(crate) fn example(name: &str) -> Command {
    let test = env::current_exe().unwrap();
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    let path = test.ancestors().nth(2).unwrap().join("examples").join(file);
    assert!(
        is_up_to_date(&path, &format!("examples/{name}")).unwrap_or(false),
        "{} is not there or old: run all tests, or `cargo build --example {name}` first",
        path.display()
    );
    let mut program = Command::new(path);
    program.stdin(Stdio::null());
    program
}

/// True if no source of the program is younger than it is.
fn is_up_to_date(program: &Path, sources: &str) -> io::Result<bool> {
    let built = program.metadata()?.modified()?;
    for source in fs::read_dir(sources)? {
        if source?.metadata()?.modified()? > built {
            return Ok(false);
        }
    }
    Ok(true)
}
