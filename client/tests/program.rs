//! The program as a user runs it.
#![forbid(unsafe_code)]

mod support;

use client::server::Server;
use smol::io::AsyncWriteExt;
use smol::process::{Command, Output, Stdio};

use support::run;

/// Runs the program with this on its stdin.
async fn program(arguments: &[&str], input: &str) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_client"));
    program.args(arguments).stdin(Stdio::piped());
    program.stdout(Stdio::piped()).stderr(Stdio::piped());
    program.kill_on_drop(true); // a test that fails leaves no process behind
    let mut process = program.spawn().unwrap();
    let mut stdin = process.stdin.take().unwrap();
    let _ = stdin.write_all(input.as_bytes()).await; // it may not read it
    drop(stdin);
    process.output().await.unwrap()
}

fn lines(output: &[u8]) -> Vec<&str> {
    std::str::from_utf8(output).unwrap().lines().collect()
}

#[test]
fn demonstration() {
    let output = run(program(&[], ""));
    assert_eq!(lines(&output.stderr), [""; 0]);
    assert!(output.status.success());
    let lines = lines(&output.stdout);
    let answers = [
        "  sleep 200: slept 200",
        "  upper hello: HELLO",
        "  quit: no answer: the connection was lost before the answer came",
        "  echo here again: here again",
    ];
    for answer in answers {
        assert!(lines.contains(&answer), "{answer} is not in {lines:#?}");
    }
    assert_eq!(lines.last(), Some(&"closed"));
}

#[test]
fn commands_from_stdin() {
    run(async {
        let server = Server::start("127.0.0.1:0").await.unwrap();
        let address = server.address().to_string();
        let input = "echo a\nsleep 1\nupper b\n\nupper c";
        let output = program(&["--connect", &address], input).await;
        assert_eq!(lines(&output.stderr), [""; 0]);
        assert!(output.status.success());
        let mut lines = lines(&output.stdout);
        lines.sort_unstable();
        let answers = [
            "  : error: there is no command \"\"",
            "  echo a: a",
            "  sleep 1: slept 1",
            "  upper b: B",
            "  upper c: C",
        ];
        assert_eq!(lines, answers);
    });
}

#[test]
fn bad_usage() {
    let cases: [&[&str]; 6] = [
        &["--what"],
        &["what"],
        &["--connect"],
        &["--connect", "nowhere"],
        &["--connect", ":80"],
        &["--connect", "localhost:0"],
    ];
    for arguments in cases {
        let output = run(program(arguments, ""));
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let lines = lines(&output.stderr);
        assert!(lines[0].starts_with("client: "), "{lines:?}");
        assert!(
            lines[0].ends_with("`--help` lists the options"),
            "{lines:?}"
        );
    }
}

#[test]
fn no_server() {
    let output = run(program(&["--connect", "127.0.0.1:1"], ""));
    assert_eq!(output.status.code(), Some(1));
    assert!(lines(&output.stderr)[0].starts_with("client: cannot connect to 127.0.0.1:1: "));
}

#[test]
fn help() {
    let output = run(program(&["--help"], ""));
    assert!(output.status.success());
    assert!(lines(&output.stdout).contains(&"usage: client [options]"));
}
