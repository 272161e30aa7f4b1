//! What a user reads: where the pages came from, and how long it took.

use crate::outcome::{Outcome, finish, program};
use crate::stub::Directory;

/// Runs the program over a start page and eight more, each of which takes 100 milliseconds to come.
fn run_slowly(mode: &[&str]) -> Outcome {
    let names = ["0", "1", "2", "3", "4", "5", "6", "7"].map(|name| format!("{name}.html"));
    let links: String = names
        .iter()
        .map(|name| format!("<a href={name}>"))
        .collect();
    let mut files = vec![("index.html", links.as_bytes())];
    files.extend(names.iter().map(|name| (name.as_str(), &b"text"[..])));
    let directory = Directory::new(&format!("slow{}", mode.concat()), &files);
    let mut command = program();
    command
        .args(["--latency", "100", "--pause", "0"])
        .args(mode);
    let outcome = finish(command.arg("--root").arg(directory.path()));
    outcome.assert_success().assert_nothing_left();
    assert_eq!(outcome.number("pages visited"), 9);
    outcome
}

/// Whoever compares a run that prefetches with one that does not sees what it gains: less waiting,
/// and where each page came from.
#[test]
fn gain() {
    let one_by_one = run_slowly(&["--no-prefetch"]);
    assert!(one_by_one.seconds("the walk took") >= 0.9, "{one_by_one:?}");
    assert_eq!(one_by_one.sources(), ["direct"; 9]);
    assert_eq!(one_by_one.number("fetched directly"), 9);
    assert_eq!(one_by_one.number("spawned"), 0);

    // All eight are under way while the walk waits for the first of them.
    let read_ahead = run_slowly(&["--read-ahead"]);
    // The walk has nothing else to do when it comes to the start page, and to the first behind it.
    let expected = [&["direct"; 2][..], &["ahead"; 7]].concat();
    assert_eq!(read_ahead.sources(), expected);
    assert_eq!(read_ahead.number("fetched ahead"), 7);
    let prefetched = run_slowly(&[]);
    assert_eq!(prefetched.number("fetched ahead"), 0);
    for faster in [read_ahead, prefetched] {
        let [time, all] = [&faster, &one_by_one].map(|run| run.seconds("the walk took"));
        assert!(time < all, "{time} s instead of {all} s");
    }
}

/// The lines about pages have a head, and sizes that a reader can take in.
#[test]
fn columns() {
    let files: [(&str, &[u8]); 3] = [
        ("index.html", b"<a href=b.html></a><a href=c.html></a>"),
        ("b.html", &[b'x'; 1536]),
        ("c.html", &[b'x'; 3 << 19]),
    ];
    let directory = Directory::new("columns", &files);
    let outcome = finish(program().arg("--root").arg(directory.path()));
    let mut lines = outcome.stdout.lines();
    let head = "source  SHA-256…        size  links  page";
    assert_eq!(lines.next(), Some(head), "{outcome:?}");
    for (line, columns) in lines.zip(["38 B      2", "1.5 KiB      0", "1.5 MiB      0"]) {
        let ends_here = head.find("  page").unwrap() - "…".len() + 1;
        assert!(line[..ends_here].ends_with(columns), "{outcome:?}");
    }
}
