//! What must not compile, and what must: the folders `tests/ui` and `tests/ui/pass`.
//!
//! The files in the first come with the errors that the compiler gives. Those change from version
//! to version, so they are compared only where they were written:
//! `TRYBUILD=overwrite cargo test -p taskpen-ui` writes them anew.

// Windows change nothing for a compiler.
#![cfg(not(taskpen_force_windows))]

use std::env;
use std::io::Write;
use std::process::Command;

/// The compiler whose words are in the `.stderr` files.
const BLESSED: &str = "rustc 1.95.";

/// C1 to C8, traps 1 and 13; and what must compile.
#[test]
fn what_compiles_and_what_does_not() {
    let compiling = trybuild::TestCases::new();
    compiling.pass("pass/*.rs");
    drop(compiling); // tries them. Those that only have to be checked are quicker on their own.
    let version = compiler();
    if version.starts_with(BLESSED) {
        trybuild::TestCases::new().compile_fail("*.rs");
    } else {
        // Straight to stderr: what a test prints is shown only if it fails.
        let mut stderr = std::io::stderr();
        let _ = writeln!(
            stderr,
            "skipped tests/ui: its errors are those of {BLESSED}*, this is {version}"
        );
    }
}

/// What the compiler that cargo uses here says of itself.
fn compiler() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output();
    let output = output.expect("the compiler tells its version");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
