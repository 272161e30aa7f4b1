//! What the program writes of its run: the timeline and the trace.

use std::fs;

use serde_json::Value;

use crate::outcome::{Outcome, run, run_gated};
use crate::running::hanging;
use crate::stub::Directory;

/// Walks as `walk_and_close` does, with `option FILE`, and gives what is in the file then.
fn write(option: &str, mode: &[&str]) -> (Outcome, String) {
    let directory = Directory::new(&[&[option], mode].concat().concat(), &[("file", b"old")]);
    let file = directory.path().join("file");
    let options = [
        "--in-flight",
        "4",
        "--pages",
        "2",
        option,
        file.to_str().unwrap(),
    ];
    let options = [&options, mode]
        .concat()
        .iter()
        .map(|it| (*it).to_owned())
        .collect();
    let outcome = run_gated(hanging(), 1 + 1 + 3, Vec::<String>::clone(&options));
    (outcome, fs::read_to_string(file).unwrap())
}

/// The texts in a picture: each has a line of its own.
fn texts(picture: &str) -> Vec<&str> {
    let lines = picture.lines().zip(picture.lines().skip(1));
    let texts = lines.filter(|(line, _)| line.starts_with("<text"));
    texts.map(|(_, text)| text).collect()
}

/// Everything that the run spawned is in the picture, and ended when the automator was closed.
#[test]
fn timeline_of_children() {
    let (outcome, picture) = write("--timeline", &[]);
    outcome.assert_success().assert_nothing_left();
    let texts = texts(&picture);
    for text in [
        "Background children of a scope",
        "scope prefetch",
        "scope automator",
        "closed",
    ] {
        assert!(texts.contains(&text), "{text}: {texts:?}");
    }
    for path in ["/gated", "/0", "/5"] {
        let name = format!("fetch {path}");
        assert!(texts.contains(&&*name), "{name}: {texts:?}");
    }
    assert_eq!(texts.iter().filter(|text| **text == "parse").count(), 2);
    assert!(texts[1].ends_with("ms: nothing is left"), "{texts:?}");
    assert!(!picture.contains("class=\"left\""), "{picture}");
    assert!(picture.ends_with("</svg>"));
}

/// Detached tasks go on past the line, as far as the picture goes.
#[test]
fn timeline_of_detached_tasks() {
    let (outcome, picture) = write("--timeline", &["--untracked"]);
    outcome.assert_success();
    let texts = texts(&picture);
    assert_eq!(texts[0], "Detached tasks");
    let left = outcome.number("alive 100ms later");
    assert!(
        texts[1].ends_with(&format!("ms: {left} tasks go on")),
        "{texts:?}"
    );
    assert_eq!(picture.matches("class=\"left\"").count(), left, "{picture}");
}

/// A trace is JSON that Perfetto reads: what each thread began it ended, last begun first; and the
/// polls of children bear their names.
#[test]
fn trace() {
    let (outcome, trace) = write("--trace", &[]);
    outcome.assert_success().assert_nothing_left();
    let Ok(Value::Array(events)) = serde_json::from_str(&trace) else {
        panic!("{trace}");
    };
    let text = |event: &Value, key: &str| event[key].as_str().unwrap_or_default().to_owned();
    let mut open = std::collections::HashMap::<u64, Vec<String>>::new();
    let (mut polls, mut last) = (Vec::new(), 0.0);
    for event in &events {
        let stack = open.entry(event["tid"].as_u64().unwrap()).or_default();
        match &*text(event, "ph") {
            "B" => {
                stack.push(text(event, "name"));
                polls.push(text(event, "name"));
            }
            "E" => assert_eq!(stack.pop(), Some(text(event, "name")), "{event}"),
            _ => {}
        }
        last = event["ts"].as_f64().unwrap_or(last);
    }
    assert!(open.values().all(Vec::is_empty), "{open:?}");
    assert!(last > 0.0, "microseconds");
    for name in ["prefetch", "automator", "fetch /gated", "fetch /0", "parse"] {
        assert!(polls.iter().any(|poll| poll == name), "{name}: {polls:?}");
    }
    let polled = |name: &str| polls.iter().filter(|poll| *poll == name).count();
    assert!(polled("fetch /gated") > 1, "it waited for the network");
    let closed = events.iter().filter(|event| event["name"] == "closed");
    assert_eq!(closed.count(), 1);
}

/// A file that cannot be written is found out before the walk.
#[test]
fn unwritable_files() {
    for option in ["--timeline", "--trace"] {
        let outcome = run(&[option, "/no/such/folder/file"]);
        outcome.assert_failure(2, "cannot write /no/such/folder/file: ");
        assert!(outcome.stdout.is_empty(), "{outcome:?}");
    }
}
