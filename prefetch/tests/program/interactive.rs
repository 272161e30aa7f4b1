//! With somebody in front of it: Ctrl-C, and the progress bar.
#![cfg(unix)]

use std::future::pending;
use std::process::{Child, Stdio};
use std::sync::atomic::Ordering::SeqCst;

use async_std::task;
use futures_lite::future::or;
use rustix::process::{Pid, Signal, kill_process};

use crate::outcome::{Outcome, program};
use crate::stub::{Answer, beside, links, until};

/// Runs the program against a server of the test, and interrupts it when `asked` requests have come
/// in.
fn interrupt(
    answers: impl IntoIterator<Item = (&'static str, Answer)>,
    asked: usize,
    options: &[&str],
) -> Outcome {
    beside(answers, async |stub| {
        let url = format!("http://{}/", stub.address());
        let mut program = program();
        program.args(["--url", &url]).args(options);
        program.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = program.spawn().unwrap();
        let process = Pid::from_child(&child);
        let run = task::spawn_blocking(|| finish(child));
        let ctrl_c = async {
            until(|| stub.asked.load(SeqCst) >= asked).await;
            kill_process(process, Signal::INT).unwrap();
            pending().await
        };
        or(run, ctrl_c).await
    })
}

fn finish(child: Child) -> Outcome {
    let output = child.wait_with_output().unwrap();
    Outcome {
        status: output.status,
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A start page with links to three pages that never come.
fn hanging() -> [(&'static str, Answer); 4] {
    let [a, b, c] = ["/a", "/b", "/c"].map(|path| (path, Answer::Hang));
    [("/", links(&["/a", "/b", "/c"])), a, b, c]
}

/// A7: Ctrl-C ends a walk that waits for a page. It is reported as far as it got, nothing is left
/// of what was under way, and the exit code is what a shell expects.
#[test]
fn interrupted_walk() {
    for mode in [&[][..], &["--read-ahead"]] {
        let outcome = interrupt(hanging(), 4, mode);
        outcome.assert_interrupted().assert_nothing_left();
        assert!(
            outcome.stdout.contains("\nstopped by Ctrl-C\n"),
            "{outcome:?}"
        );
        assert_eq!(outcome.number("pages visited"), 1);
        assert_eq!(outcome.number("pages that could not be fetched"), 0);
        // On a slow machine the walk comes to one of the three before its prefetch has begun.
        assert!(outcome.number("cancelled") >= 2, "{outcome:?}");
    }
}

/// With detached tasks the walk ends as well, but they don't.
#[test]
fn interrupted_walk_with_detached_tasks() {
    let outcome = interrupt(hanging(), 4, &["--untracked"]);
    outcome.assert_interrupted();
    assert!(
        outcome.stdout.contains("\nstopped by Ctrl-C\n"),
        "{outcome:?}"
    );
    assert_eq!(outcome.number("pages visited"), 1);
    assert!(outcome.number("alive") >= 2, "{outcome:?}");
}

/// There is a report even if Ctrl-C comes before the first page does.
#[test]
fn interrupted_start() {
    let outcome = interrupt([("/", Answer::Hang)], 1, &[]);
    outcome.assert_interrupted().assert_nothing_left();
    assert!(
        outcome.stdout.starts_with("stopped by Ctrl-C\n"),
        "{outcome:?}"
    );
    assert_eq!(outcome.number("pages visited"), 0);
}

/// On a terminal a bar moves with each page, and is gone in the end. It does not get into the lines
/// of the report, which may go elsewhere. (That there is none without a terminal is what every test
/// of the program checks: nothing else is said on stderr.)
#[test]
#[cfg(target_os = "linux")]
fn progress_bar() {
    use crate::stub::Directory;

    let page: &[u8] = b"<a href=a.html>a</a><a href=missing.html>m</a><a href=b.html>b</a>";
    let files = [("index.html", page), ("a.html", b"a"), ("b.html", b"b")];
    let directory = Directory::new("progress-bar", &files);
    let (terminal, stderr) = open_terminal();
    let mut program = program();
    program.args(["--pages", "3", "--pause", "0", "--latency", "0"]);
    program.arg("--root").arg(directory.path());
    program.env("TERM", "xterm");
    program.stdout(Stdio::piped()).stderr(stderr);
    let child = program.spawn().unwrap();
    drop(program); // and our end of stderr
    let screen = read_screen(terminal);
    let outcome = finish(child);

    outcome.assert_success().assert_nothing_left();
    assert_eq!(outcome.number("pages visited"), 3);
    assert!(!outcome.stdout.contains('\x1b'), "{outcome:?}");
    for position in 1..=3 {
        let text = format!(" {position}/3 pages");
        assert!(screen.contains(&text), "{text:?}: {screen:?}");
    }
    let (_, end) = screen.rsplit_once(" pages").unwrap();
    assert!(end.contains("\x1b[2K"), "the line is cleared: {screen:?}");
}

/// A terminal: its screen, and what a program writes to.
#[cfg(target_os = "linux")]
fn open_terminal() -> (std::fs::File, std::fs::File) {
    use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
    use rustix::termios::{Winsize, tcsetwinsize};

    // Not to be inherited: the screen ends when the program does.
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let screen = openpt(flags).unwrap();
    grantpt(&screen).unwrap();
    unlockpt(&screen).unwrap();
    let size = Winsize {
        ws_row: 24,
        ws_col: 80,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&screen, size).unwrap();
    let end = ioctl_tiocgptpeer(&screen, flags).unwrap();
    (screen.into(), end.into())
}

/// All that is shown until nobody writes any more, which a terminal reports as an error.
#[cfg(target_os = "linux")]
fn read_screen(mut screen: std::fs::File) -> String {
    use std::io::Read;

    let mut text = Vec::new();
    let mut piece = [0; 1024];
    while let Ok(length @ 1..) = screen.read(&mut piece) {
        text.extend(&piece[..length]);
    }
    String::from_utf8(text).unwrap()
}
