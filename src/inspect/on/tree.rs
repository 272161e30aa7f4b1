//! What a tree is, and how one is taken.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use super::record::{Doing, Id, Reading};
use super::scopes::all;
use crate::queue;
use crate::run::closures::Closures;
use crate::run::shared::Shared;

/// What is alive at a moment: see [`tree`].
///
/// Its `Display` is the tree as text.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Tree {
    /// The scopes and pens that are inside of no child, and closures whose scope was dropped.
    pub roots: Vec<Node>,
}

/// A scope, a pen, a child or a closure.
///
/// Its `Display` is the tree below it as text.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// What it was named, or the handle by which it was spawned.
    pub name: Option<Cow<'static, str>>,
    /// Where it was opened or spawned.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::text::location"))]
    pub location: &'static Location<'static>,
    /// What it does.
    pub state: State,
    /// For how long it has been there.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::text::seconds"))]
    pub age: Duration,
    /// The time since its last poll ended; while it is running, since that began.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::text::seconds"))]
    pub idle: Duration,
    /// How often it was polled. A pen is not.
    pub polls: u64,
    /// How long the polls took that are over, those of a scope with the children that it ran in
    /// them.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::text::seconds"))]
    pub busy: Duration,
    /// What is inside of it.
    pub children: Vec<Node>,
}

/// What a [`Node`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize),
    serde(rename_all = "lowercase")
)]
pub enum Kind {
    /// A scope that has begun and has not ended.
    Scope,
    /// A pen.
    Pen,
    /// A child that its scope waits for.
    Child,
    /// A background child.
    Background,
    /// A closure of `spawn_blocking`, and the child that waits for it.
    Blocking,
}

/// What a [`Node`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize),
    serde(rename_all = "lowercase")
)]
pub enum State {
    /// It was woken and waits for its turn, or has not begun.
    Ready,
    /// It is inside of a poll.
    Running,
    /// It waits to be woken.
    Suspended,
}

/// A scope or pen that was looked at.
struct Seen {
    shared: Arc<Shared>,
    node: Node,
    members: Vec<(Id, Node)>,
    /// In which scope it began, by its address, and in which child of that.
    around: Option<(usize, Option<Id>)>,
}

/// Takes the tree of all scopes and pens that have begun and not ended.
///
/// Never blocks on a child, a body or foreign code. See the [module](crate::inspect).
pub fn tree() -> Tree {
    Tree {
        roots: assemble(None),
    }
}

/// Takes that of one scope or pen.
pub(crate) fn tree_of(shared: &Arc<Shared>) -> Node {
    let found = assemble(Some(shared)).into_iter().next();
    found.unwrap_or_else(|| look(Arc::clone(shared)).node)
}

/// Puts together what there is; only what is at or below `top`, if that is given.
fn assemble(top: Option<&Arc<Shared>>) -> Vec<Node> {
    let mut seen: Vec<Seen> = all().into_iter().map(look).collect();
    seen.sort_by_key(|it| it.shared.members.record.id().spawned());
    // Those that are over may have closures that are not.
    let (over, seen): (Vec<_>, Vec<_>) = seen
        .into_iter()
        .partition(|it| it.shared.queue.is_ended() && it.shared.closures.is_closed());
    let places: HashMap<usize, usize> = seen
        .iter()
        .enumerate()
        .map(|(index, it)| (address(&it.shared), index))
        .collect();
    let mut forest = Forest::new(seen, &places);
    for it in over {
        let owner = Closures::with_owner(&it.shared, address);
        let closures = it.members.into_iter().map(|(_, node)| node);
        match places.get(&owner) {
            Some(&owner) => forest.seen[owner].node.children.extend(closures),
            None => forest.roots.extend(closures),
        }
    }
    match top {
        None => forest.grow_all(),
        Some(top) => places
            .get(&address(top))
            .map(|&index| forest.grow(index))
            .into_iter()
            .collect(),
    }
}

/// What was seen, by what it is inside of.
struct Forest {
    seen: Vec<Seen>,
    /// Those inside of a child, or of a body.
    inside: HashMap<(usize, Option<Id>), Vec<usize>>,
    tops: Vec<usize>,
    roots: Vec<Node>,
}

impl Forest {
    fn new(seen: Vec<Seen>, places: &HashMap<usize, usize>) -> Self {
        let mut inside: HashMap<_, Vec<usize>> = HashMap::new();
        let mut tops = Vec::new();
        let children = |index: usize| {
            let members = seen[index].members.iter();
            members.map(move |(id, _)| (index, *id))
        };
        // As a rule a few of them have something inside, and none is looked for.
        let mut there = None;
        let mut is_there = |child: (usize, Id)| {
            let all = || (0..seen.len()).flat_map(children).collect::<HashSet<_>>();
            there.get_or_insert_with(all).contains(&child)
        };
        for (index, it) in seen.iter().enumerate() {
            let around = it.around.and_then(|(scope, child)| {
                let around = *places.get(&scope)?;
                match (child, it.node.kind) {
                    (Some(id), _) if is_there((around, id)) => Some((around, Some(id))),
                    // A pen can outlive the child in which it was made.
                    (Some(_), Kind::Pen) => None,
                    _ => Some((around, None)),
                }
            });
            match around {
                Some(around) => inside.entry(around).or_default().push(index),
                None => tops.push(index),
            }
        }
        Self {
            seen,
            inside,
            tops,
            roots: Vec::new(),
        }
    }

    fn grow_all(mut self) -> Vec<Node> {
        let tops = std::mem::take(&mut self.tops);
        let mut roots: Vec<Node> = tops.into_iter().map(|index| self.grow(index)).collect();
        roots.append(&mut self.roots);
        roots
    }

    /// Puts into a scope what is inside of it.
    fn grow(&mut self, index: usize) -> Node {
        let mut children = self.grow_inside((index, None));
        let it = &mut self.seen[index];
        let mut node = it.node.clone();
        children.append(&mut node.children);
        for (id, mut child) in std::mem::take(&mut it.members) {
            child.children = self.grow_inside((index, Some(id)));
            children.push(child);
        }
        node.children = children;
        node
    }

    fn grow_inside(&mut self, around: (usize, Option<Id>)) -> Vec<Node> {
        let inside = self.inside.remove(&around).unwrap_or_default();
        inside.into_iter().map(|index| self.grow(index)).collect()
    }
}

/// Looks at one.
fn look(shared: Arc<Shared>) -> Seen {
    let mut members = Vec::new();
    shared.members.each(|meta| {
        let kind = match (meta.place().is_closure(), meta.kind()) {
            (true, _) => Kind::Blocking,
            (false, queue::Kind::Ordinary) => Kind::Child,
            (false, queue::Kind::Background) => Kind::Background,
        };
        let record = meta.record();
        members.push((record.id(), node(kind, meta.location(), record.read())));
    });
    // The order in which they were spawned.
    members.sort_by_key(|(id, _): &(Id, Node)| id.spawned());
    let about = shared.members.about();
    let is_pen = shared.queue.is_pen();
    let kind = if is_pen { Kind::Pen } else { Kind::Scope };
    let reading = shared.members.record.read();
    let mut node = node(kind, about.location, reading);
    node.name = about.name.get();
    let around = about.around.as_ref();
    let around = around.map(|(scope, child)| (scope.as_ptr().addr(), *child));
    drop(about);
    if is_pen {
        node.state = state_of_pen(&members);
    } else if node.state == State::Suspended && !shared.queue.is_idle() {
        node.state = State::Ready;
    }
    Seen {
        shared,
        node,
        members,
        around,
    }
}

/// Nobody polls a pen: it does what the most active of its children does.
fn state_of_pen(members: &[(Id, Node)]) -> State {
    let has = |state| members.iter().any(|(_, node)| node.state == state);
    match () {
        () if has(State::Running) => State::Running,
        () if has(State::Ready) => State::Ready,
        () => State::Suspended,
    }
}

fn node(kind: Kind, location: &'static Location<'static>, reading: Reading) -> Node {
    Node {
        kind,
        name: reading.name,
        location,
        state: match reading.doing {
            Doing::Ready => State::Ready,
            Doing::Running => State::Running,
            Doing::Suspended => State::Suspended,
        },
        age: reading.age,
        idle: reading.idle,
        polls: reading.polls,
        busy: reading.busy,
        children: Vec::new(),
    }
}

fn address(shared: &Arc<Shared>) -> usize {
    Arc::as_ptr(shared).addr()
}
