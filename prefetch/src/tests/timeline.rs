//! What is seen of a run, and how it is drawn.

use std::time::Duration;

use futures_lite::future::{block_on, yield_now};
use taskpen::scope;
use tracing::subscriber::with_default;
use tracing::trace_span;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt;

use crate::detached;
use crate::timeline::{Bar, Bars, Kind, Record, Recorder, State, draw, rows};

/// What is seen of `act`.
fn seen(act: impl FnOnce()) -> Record {
    let recorder = Recorder::new();
    with_default(Registry::default().with(recorder.clone()), act);
    recorder.finish()
}

/// The name of each bar, the place of the one above it, and its states.
fn outline(record: &Record) -> Vec<(&str, Option<usize>, Vec<State>)> {
    let bars = record.bars.iter();
    bars.map(|bar| {
        let states = bar.states.iter().map(|(_, state)| *state);
        (&*bar.name, bar.parent, states.collect())
    })
    .collect()
}

/// A child is ready, runs, is suspended and woken; a scope runs and is suspended.
#[test]
fn states_of_children() {
    use State::{Ready, Running, Suspended};
    let record = seen(|| {
        let outer = scope(async |s| {
            let child = s.named("yields").spawn(async {
                yield_now().await;
                scope(async |s| s.spawn(async {}).await)
                    .named("inner")
                    .await;
            });
            child.await;
        });
        block_on(outer.named("outer").serial());
        tracing::info!(name: "closed", target: "prefetch", "closed");
        let task = trace_span!("something else").in_scope(|| detached::span("task"));
        task.in_scope(|| {});
    });
    let outer = (Some(0), [Ready, Running, Suspended]);
    assert_eq!(
        outline(&record),
        [
            ("outer", None, outline(&record)[0].2.clone()),
            (
                "yields",
                outer.0,
                [&outer.1[..], &[Ready, Running, Suspended]].concat()
            ),
            ("inner", Some(1), outline(&record)[2].2.clone()),
            ("child", Some(2), outer.1.to_vec()),
            ("task", None, outer.1.to_vec()),
        ]
    );
    for scope in [0, 2] {
        let states = &outline(&record)[scope].2;
        assert_eq!(states[..2], [Suspended, Running]);
        assert_eq!(record.bars[scope].kind, Kind::Scope);
    }
    assert_eq!(record.left(), 0, "{record:?}");
    let closed = record.closed.unwrap();
    assert!(
        record.bars[..4]
            .iter()
            .all(|bar| bar.end.unwrap() <= closed)
    );
    assert!(record.bars[4].begin() >= closed && record.end >= closed);
    assert_eq!(record.bars[0].begin(), Duration::ZERO);
}

/// What a child spawns belongs to the scope, as it does.
#[test]
fn what_children_spawn() {
    let record = seen(|| {
        let scope = scope(async |s| {
            let inner = s.clone();
            s.spawn(async move { inner.named("parse").spawn_blocking(|| ()).await });
        });
        block_on(scope);
    });
    let parents: Vec<_> = record.bars.iter().map(|bar| bar.parent).collect();
    assert_eq!(parents, [None, Some(0), Some(0)]);
    assert_eq!(record.bars[2].name, "parse");
    let ran = record.bars[2].states.iter().map(|(_, state)| *state);
    assert_eq!(ran.collect::<Vec<_>>()[..2], [State::Ready, State::Running]);
}

/// What goes on has no end.
#[test]
fn what_goes_on() {
    let (_kept, record) = {
        let mut kept = None;
        let record = seen(|| kept = Some(detached::span("task")));
        (kept, record)
    };
    assert_eq!(record.left(), 1);
    assert_eq!(record.closed, None);
}

/// A bar that lasts from one millisecond to another one, and runs in the middle third of that.
fn bar(name: &str, kind: Kind, parent: Option<usize>, [from, to]: [u64; 2]) -> Bar {
    let [from, to] = [from, to].map(Duration::from_millis);
    let third = (to - from) / 3;
    Bar {
        name: name.to_owned(),
        kind,
        parent,
        states: vec![
            (from, State::Ready),
            (from + third, State::Running),
            (to - third, State::Suspended),
        ],
        end: Some(to),
    }
}

/// A scope with a scope in it, and children of both.
fn bars(children: usize) -> Vec<Bar> {
    let mut bars = vec![
        bar("outer", Kind::Scope, None, [0, 90]),
        bar("alone", Kind::Task, Some(0), [10, 90]),
        bar("inner", Kind::Scope, Some(1), [20, 90]),
    ];
    for i in 0..children {
        let name = format!("fetch {i}");
        bars.push(bar(&name, Kind::Task, Some(0), [30, 60]));
        bars.push(bar("parse", Kind::Task, Some(2), [40, 50]));
    }
    bars
}

/// The depth of each row, and what it shows.
fn shown(bars: &[Bar], most: usize) -> Vec<(usize, String)> {
    let rows = rows(bars, most).into_iter();
    rows.map(|row| match row.bars {
        Bars::One(place) => (row.depth, bars[place].name.clone()),
        Bars::Folded(places) => (row.depth, format!("+{}", places.len())),
    })
    .collect()
}

/// Each bar stands below its parent, and those that do the same together.
#[test]
fn rows_are_a_tree() {
    let all = [
        (0, "outer"),
        (1, "alone"),
        (2, "inner"),
        (3, "parse"),
        (3, "parse"),
        (1, "fetch 0"),
        (1, "fetch 1"),
    ];
    let all = all.map(|(depth, name)| (depth, name.to_owned()));
    assert_eq!(shown(&bars(2), 7), all);
}

/// What there is no room for is folded: each group shows the first and the last, and some between.
#[test]
fn rows_are_folded() {
    let rows = shown(&bars(101), 13);
    let names: Vec<_> = rows.iter().map(|(_, name)| &**name).collect();
    assert_eq!(names[..3], ["outer", "alone", "inner"]);
    assert_eq!(names.len(), 13);
    assert_eq!(names[3..8], ["parse", "parse", "parse", "parse", "+97"]);
    assert_eq!(
        names[8..],
        ["fetch 0", "fetch 33", "fetch 66", "fetch 100", "+97"]
    );
}

/// At least one of each group is shown, though that takes more room.
#[test]
fn something_of_each_group() {
    let rows = shown(&bars(5), 1);
    let names: Vec<_> = rows.iter().map(|(_, name)| &**name).collect();
    assert_eq!(
        names,
        ["outer", "alone", "inner", "parse", "+4", "fetch 0", "+4"]
    );
    assert!(shown(&[], 1).is_empty());
}

/// The picture says what it shows, and what goes on is in another colour.
#[test]
fn drawing() {
    let mut record = Record {
        bars: bars(100),
        closed: Some(Duration::from_millis(95)),
        end: Duration::from_millis(97),
    };
    let picture = draw(&record, "Tasks & more");
    let says = |picture: &str, text: &str| {
        assert!(picture.contains(text), "{text}: {picture}");
    };
    says(&picture, "Tasks &amp; more");
    says(&picture, "closed after 95 ms: nothing is left");
    for name in [
        "scope outer",
        "alone",
        "scope inner",
        "fetch 0",
        "parse",
        "closed",
        " more",
    ] {
        says(&picture, name);
    }
    for class in ["running", "ready", "suspended", "closed"] {
        says(&picture, &format!("class=\"{class}\""));
    }
    assert!(!picture.contains("class=\"left\""));

    record.bars[4].end = None;
    let picture = draw(&record, "Tasks");
    says(&picture, "one task goes on");
    says(&picture, "class=\"left\"");
    record.closed = None;
    says(&draw(&record, "Tasks"), "not closed");
}

/// Nothing was seen, or for ever so long: there is a picture of it.
#[test]
fn drawing_of_extremes() {
    for end in [0, 1, 999, 60_000, 100_000_000] {
        let end = Duration::from_millis(end);
        let picture = draw(
            &Record {
                end,
                ..Record::default()
            },
            "Nothing",
        );
        assert!(picture.ends_with("</svg>"), "{end:?}");
        assert!(
            !picture.contains("NaN") && !picture.contains("inf"),
            "{end:?}: {picture}"
        );
    }
}
