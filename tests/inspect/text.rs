//! What a tree looks like: as text, and as JSON.

use std::panic::Location;
use std::time::Duration;

use taskpen::inspect::{Kind, Node, State, Tree};

fn node(kind: Kind, name: Option<&'static str>, state: State, children: Vec<Node>) -> Node {
    Node {
        kind,
        name: name.map(Into::into),
        location: Location::caller(),
        state,
        age: Duration::from_secs(90),
        idle: Duration::from_millis(1_234),
        polls: 3,
        busy: Duration::from_nanos(12_345),
        children,
    }
}

/// A tree with one of each, without the places in the source.
fn example() -> Tree {
    use Kind::{Background, Blocking, Child, Pen, Scope};
    use State::{Ready, Running, Suspended};
    let inner = node(
        Scope,
        None,
        Suspended,
        vec![node(Child, None, Ready, vec![])],
    );
    let children = vec![
        node(Child, Some("fetch \"/a\""), Suspended, vec![inner]),
        node(Blocking, Some("parse"), Running, vec![]),
        Node {
            polls: 1,
            busy: Duration::from_nanos(240),
            idle: Duration::from_secs(7_300),
            ..node(Background, None, Suspended, vec![])
        },
    ];
    let pen = node(Pen, None, Suspended, vec![]);
    Tree {
        roots: vec![node(Scope, Some("crawl"), Running, children), pen],
    }
}

fn without_places(text: &str) -> String {
    let here = |word: &&str| !word.contains(".rs:");
    let lines = text.lines().map(|line| {
        let words: Vec<_> = line.split(' ').filter(here).collect();
        words.join(" ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn as_text() {
    let text = without_places(&example().to_string());
    let expected = "\
scope \"crawl\"   running 1.2 s, 3 polls, 12 µs busy
├─ child \"fetch \\\"/a\\\"\"   suspended 1.2 s, 3 polls, 12 µs busy
│  └─ scope   suspended 1.2 s, 3 polls, 12 µs busy
│     └─ child   ready 1.2 s, 3 polls, 12 µs busy
├─ closure \"parse\"   running 1.2 s
└─ background child   suspended 2.0 h, 1 poll, 240 ns busy
pen   suspended, open for 1.5 min";
    assert_eq!(text, expected);
    assert_eq!(
        Tree { roots: vec![] }.to_string(),
        "no scope or pen is open"
    );
}

#[cfg(feature = "serde")]
#[test]
fn as_json() {
    let tree = Tree {
        roots: vec![node(Kind::Background, Some("a"), State::Ready, vec![])],
    };
    let json = serde_json::to_value(&tree).unwrap();
    let root = &json["roots"][0];
    assert_eq!(root["kind"], "background");
    assert_eq!(root["state"], "ready");
    assert_eq!(root["name"], "a");
    assert_eq!(root["age"], 90.0);
    assert_eq!(root["idle"], 1.234);
    assert_eq!(root["polls"], 3);
    assert!(
        root["location"]
            .as_str()
            .unwrap()
            .starts_with("tests/inspect/text.rs:")
    );
    assert_eq!(root["children"].as_array().unwrap().len(), 0);
}
