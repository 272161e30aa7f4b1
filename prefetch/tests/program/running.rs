//! Its messages and exit codes, and the process before and after (A7).

use std::process::Stdio;

use crate::outcome::{Outcome, finish, program, run, run_against, run_gated};
use crate::stub::{Answer, Directory, links};

/// A start page with links to six pages that never come, and first to one that does, once the gate
/// is opened.
pub(crate) fn hanging() -> Vec<(&'static str, Answer)> {
    let hanging = ["/0", "/1", "/2", "/3", "/4", "/5"];
    let mut answers: Vec<_> = hanging.map(|path| (path, Answer::Hang)).into();
    answers.push(("/", links(&["/gated", "/0", "/1", "/2", "/3", "/4", "/5"])));
    answers.push(("/gated", Answer::Gated("text".to_owned())));
    answers
}

/// Visits the first page and the gated one, which comes when three others are under way; then the
/// automator is closed.
fn walk_and_close(mode: &'static [&str]) -> Outcome {
    let options = ["--in-flight", "4", "--pages", "2"];
    let start_gated_and_three = 1 + 1 + 3;
    run_gated(hanging(), start_gated_and_three, [&options, mode].concat())
}

/// A3, A7: prefetches that are under way, or wait for their turn, when the automator is closed are
/// cancelled, and the process holds no socket, file or thread more than before.
#[test]
fn nothing_left_of_hanging_prefetches() {
    let outcome = walk_and_close(&[]);
    outcome.assert_success().assert_nothing_left();
    assert_eq!(outcome.number("spawned"), 7);
    assert!(outcome.number("cancelled") >= 6, "{outcome:?}");
}

/// T6, A3, A7: so is what a walk that reads ahead has not got to. It fetches only so many pages as
/// may be ahead of it, and one more in place of each that it visits.
#[test]
fn nothing_left_of_read_ahead() {
    let outcome = walk_and_close(&["--read-ahead"]);
    outcome.assert_success().assert_nothing_left();
    let numbers = ["spawned", "finished", "cancelled", "alive"].map(|name| outcome.number(name));
    assert_eq!(numbers, [1 + 4 + 1, 2, 4, 0]);
}

/// The same walk with detached tasks leaves them all behind, and the sockets of those that are
/// under way.
#[test]
fn everything_left_of_detached_tasks() {
    let outcome = walk_and_close(&["--untracked"]);
    outcome.assert_success();
    assert_eq!(
        (outcome.number("spawned"), outcome.number("cancelled")),
        (7, 0)
    );
    assert!(outcome.number("alive") >= 6, "{outcome:?}");
    assert!(outcome.number("alive 100ms later") >= 6, "{outcome:?}");
    if let Some((before, after)) = outcome.before_and_after("sockets") {
        assert!(after >= before + 3, "{outcome:?}");
    }
}

/// A7: the built-in server, its connections and the walk are gone as well.
#[test]
fn nothing_left_of_the_server() {
    let options = ["--pages", "5", "--pause", "0", "--latency", "1"];
    let outcome = finish(program().args(options).env("RUSTC", "/no/compiler"));
    outcome.assert_success().assert_nothing_left();
    assert_eq!(outcome.number("pages visited"), 5);
}

/// Detached, it keeps its port.
#[test]
fn sockets_left_of_a_detached_server() {
    let options = ["--untracked", "--pages", "1"];
    let outcome = finish(program().args(options).env("RUSTC", "/no/compiler"));
    outcome.assert_success();
    assert!(outcome.number("spawned") > 20, "{outcome:?}");
    if let Some((before, after)) = outcome.before_and_after("sockets") {
        assert!(after > before, "{outcome:?}");
    }
}

/// Without options the program walks over what it finds on this machine.
#[test]
fn default_walk() {
    let outcome = run(&["--pages", "3"]);
    outcome.assert_success().assert_nothing_left();
    assert_eq!(outcome.number("pages visited"), 3);
}

/// Where there is no documentation of a toolchain the program walks through texts of its own, to
/// the end: every page once.
#[test]
fn walk_without_a_toolchain() {
    let options = ["--pages", "1000", "--pause", "0", "--latency", "0"];
    let outcome = finish(program().args(options).env("RUSTC", "/no/compiler"));
    outcome.assert_success().assert_nothing_left();
    let visited = outcome.number("pages visited");
    assert!(visited > 20, "{outcome:?}");
    assert_eq!(outcome.number("spawned"), visited - 1, "all but the first");
}

/// A6: a page that is not UTF-8, and one that is not there, are counted, once each; the walk goes
/// on.
#[test]
fn bad_pages() {
    let files: [(&str, &[u8]); 3] = [
        (
            "index.html",
            b"<a href=latin1.html>1</a><a href=missing.html>2</a><a href=good.html>3</a>",
        ),
        ("latin1.html", b"caf\xe9"),
        ("good.html", b"good"),
    ];
    let directory = Directory::new("bad-pages", &files);
    let root = directory.path().to_str().unwrap();
    let outcome = run(&["--root", root]);
    outcome.assert_success().assert_nothing_left();
    assert_eq!(outcome.number("pages visited"), 2);
    assert_eq!(outcome.number("pages that could not be fetched"), 2);
    assert_eq!(outcome.number("found out by a background task"), 2);
    assert_eq!(outcome.number("spawned"), 3);
    assert_eq!(outcome.number("failed"), 2, "these are the same two");
    assert!(
        outcome.stdout.contains("the page is not UTF-8"),
        "{outcome:?}"
    );
    assert!(outcome.stdout.contains("404 Not Found"), "{outcome:?}");
}

/// A page that never comes is given up after the time that `--timeout` says, and counted.
#[test]
fn hanging_page() {
    let pages = [
        ("/", links(&["/hang", "/good"])),
        ("/hang", Answer::Hang),
        ("/good", links(&[])),
    ];
    let outcome = run_against(pages, &["--timeout", "0.5"]);
    outcome.assert_success().assert_nothing_left();
    assert_eq!(outcome.number("pages visited"), 2);
    assert_eq!(outcome.number("pages that could not be fetched"), 1);
    assert!(
        outcome.stdout.contains("no answer within 500ms"),
        "{outcome:?}"
    );
}

/// If the first page never comes, or not at all, there is nothing to walk over.
#[test]
fn hopeless_start() {
    let outcome = run_against([("/", Answer::Hang)], &["--timeout", "0.2"]);
    outcome.assert_failure(1, "no answer within 200ms; `--timeout` allows more");
    for mode in [&["--pages=1"][..], &["--untracked"]] {
        run_against([], mode).assert_failure(1, "the server answered 404 Not Found");
    }
    run_against([("/", Answer::Latin1)], &[]).assert_failure(1, "the page is not UTF-8");
    run_against([("/", Answer::Silence)], &[]).assert_failure(1, "the HTTP exchange failed");
}

/// A server that is not there.
#[test]
fn refused_connection() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    run(&["--url", &url]).assert_failure(1, "is the server running?");
}

/// Limits that are far beyond what there is are as good as none.
#[test]
fn huge_numbers() {
    let max = usize::MAX.to_string();
    let options = [
        "--pages",
        &max,
        "--in-flight",
        &max,
        "--timeout",
        "1e15",
        "--pause",
        "0",
    ];
    let directory = Directory::new("huge-numbers", &[("index.html", b"alone")]);
    let outcome = finish(program().args(options).arg("--root").arg(directory.path()));
    outcome.assert_success().assert_nothing_left();
    assert_eq!(outcome.number("pages visited"), 1);
}

/// A reader who goes away, as `head` does, is no reason to panic.
#[test]
fn closed_output() {
    let mut command = program();
    command.args(["--pages", "3"]).env("RUSTC", "/no/compiler");
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{output:?}"
    );
}
