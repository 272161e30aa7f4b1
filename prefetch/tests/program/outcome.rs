//! Runs the program, and reads its report.

use std::ffi::OsStr;
use std::future::pending;
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc;
use std::thread;

use async_std::task;
use futures_lite::future::or;

use crate::stub::{Answer, LIMIT, beside, until};

/// What a run of the program left.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The program.
pub(crate) fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_prefetch"));
    program.stdin(Stdio::null());
    program
}

/// Runs the program to its end.
pub(crate) fn run<S: AsRef<OsStr>>(arguments: &[S]) -> Outcome {
    finish(program().args(arguments))
}

/// Runs a command to its end, and ends it if it hangs.
pub(crate) fn finish(command: &mut Command) -> Outcome {
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let stdout = read_all(&mut child, |child| child.stdout.take().unwrap());
    let stderr = read_all(&mut child, |child| child.stderr.take().unwrap());
    let Ok(stdout) = stdout.recv_timeout(LIMIT) else {
        child.kill().unwrap();
        panic!("the program hangs");
    };
    Outcome {
        stdout,
        stderr: stderr.recv().unwrap(),
        status: child.wait().unwrap(),
    }
}

/// Reads an output of a process to its end, in a thread.
fn read_all<R: Read + Send + 'static>(
    child: &mut Child,
    output: fn(&mut Child) -> R,
) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    let mut output = output(child);
    thread::spawn(move || {
        let mut text = String::new();
        output.read_to_string(&mut text).unwrap();
        let _ = sender.send(text);
    });
    receiver
}

/// Runs the program against a server of the test, from the page `/` on.
pub(crate) fn run_against(
    answers: impl IntoIterator<Item = (&'static str, Answer)>,
    options: &[&'static str],
) -> Outcome {
    run_gated(answers, 0, options.to_vec())
}

/// The same; the gate is opened for one request when `asked` have come in.
pub(crate) fn run_gated(
    answers: impl IntoIterator<Item = (&'static str, Answer)>,
    asked: usize,
    options: Vec<impl AsRef<OsStr> + Send + 'static>,
) -> Outcome {
    beside(answers, async |stub| {
        let url = format!("http://{}/", stub.address());
        let run = move || finish(program().args(["--url", &url]).args(options));
        let run = task::spawn_blocking(run);
        let gate = async {
            until(|| stub.asked.load(SeqCst) >= asked).await;
            stub.open_gate(1);
            pending().await
        };
        or(run, gate).await
    })
}

impl Outcome {
    pub(crate) fn assert_success(&self) -> &Self {
        assert!(self.status.success() && self.stderr.is_empty(), "{self:?}");
        self
    }

    /// Fails unless the program said all that it had to, and then that it was interrupted.
    pub(crate) fn assert_interrupted(&self) -> &Self {
        assert_eq!(self.status.code(), Some(130), "{self:?}");
        assert!(self.stderr.is_empty(), "{self:?}");
        self
    }

    /// Fails unless the program ended with `code` and one line that has `part` in it.
    pub(crate) fn assert_failure(&self, code: i32, part: &str) {
        assert_eq!(self.status.code(), Some(code), "{self:?}");
        assert!(self.stderr.starts_with("prefetch: "), "{self:?}");
        assert!(self.stderr.contains(part), "{part}: {self:?}");
        assert_eq!(self.stderr.lines().count(), 1, "{self:?}");
    }

    /// The text behind a label of the report.
    pub(crate) fn text(&self, label: &str) -> &str {
        let mut lines = self.stdout.lines();
        let found =
            lines.find_map(|line| line.trim_start().strip_prefix(label)?.strip_prefix(": "));
        found.unwrap_or_else(|| panic!("no line {label:?} in {self:?}"))
    }

    /// The first words of the lines about pages that were visited.
    pub(crate) fn sources(&self) -> Vec<&str> {
        let lines = self.stdout.lines();
        let rows = lines.take_while(|line| !line.starts_with("pages visited"));
        rows.skip(1) // their head
            .filter_map(|row| row.split_whitespace().next())
            .collect()
    }

    pub(crate) fn number(&self, label: &str) -> usize {
        self.text(label).parse().unwrap()
    }

    /// A time.
    pub(crate) fn seconds(&self, label: &str) -> f64 {
        self.text(label)
            .strip_suffix(" s")
            .unwrap()
            .parse()
            .unwrap()
    }

    /// The numbers before and after; `None` where the system does not tell.
    pub(crate) fn before_and_after(&self, label: &str) -> Option<(usize, usize)> {
        let text = self.text(label);
        if !cfg!(target_os = "linux") && text == "not available on this system" {
            return None;
        }
        let (before, after) = text.split_once(" → ").unwrap();
        Some((before.parse().unwrap(), after.parse().unwrap()))
    }

    /// Every background task ended in one of the ways there are, and the process holds what it
    /// held before.
    pub(crate) fn assert_nothing_left(&self) -> &Self {
        assert_eq!(self.number("alive"), 0);
        let ended = ["finished", "failed", "cancelled"].map(|label| self.number(label));
        assert_eq!(self.number("spawned"), ended.iter().sum::<usize>());
        for label in ["sockets", "open files", "threads"] {
            if let Some((before, after)) = self.before_and_after(label) {
                assert_eq!(before, after, "{label}: {self:?}");
            }
        }
        self
    }
}
