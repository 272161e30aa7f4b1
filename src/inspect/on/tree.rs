//! What a tree is, and how one is taken.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::mem;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use super::record::{Id, Reading, State};
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

/// Levels below which nodes stand beside each other: programs recurse where they read a tree, and
/// pens can be in each other without that.
const DEEPEST: usize = 100;

/// Takes the tree of all scopes and pens that have begun and not ended.
///
/// Never blocks on a child, a body or foreign code. See the [module](crate::inspect).
pub fn tree() -> Tree {
    Tree {
        roots: Forest::of(all()).grow_all(),
    }
}

/// Takes that of one scope or pen.
pub(crate) fn tree_of(shared: &Arc<Shared>) -> Node {
    let mut scopes = all_below(shared);
    if scopes.is_empty() {
        scopes.push(Arc::clone(shared)); // it has not begun
    }
    Forest::of(scopes).grow(0, 0)
}

/// Returns this scope, first, and all inside of it.
fn all_below(top: &Arc<Shared>) -> Vec<Arc<Shared>> {
    let scopes = all();
    let around: HashMap<usize, usize> = scopes
        .iter()
        .filter_map(|it| Some((address(it), around(it)?.0)))
        .collect();
    let top = address(top);
    let is_below = |mut it: usize| {
        while it != top {
            match around.get(&it) {
                Some(&outer) => it = outer,
                None => return false,
            }
        }
        true
    };
    let (mut found, below): (Vec<_>, Vec<_>) = scopes
        .into_iter()
        .filter(|it| is_below(address(it)))
        .partition(|it| address(it) == top);
    found.extend(below);
    found
}

/// In which scope it began, by its address, and in which child of that.
type Around = (usize, Option<Id>);

fn around(shared: &Arc<Shared>) -> Option<Around> {
    let about = shared.members.about();
    let around = about.around.as_ref();
    around.map(|(scope, child)| (scope.as_ptr().addr(), *child))
}

/// A scope or pen that was looked at.
struct Seen {
    shared: Arc<Shared>,
    node: Node,
    members: Vec<(Id, Node)>,
    around: Option<Around>,
    /// Set if it is over. There can be closures yet, and children of a pen that a thread has in
    /// hand.
    is_over: bool,
}

/// What was seen, by what it is inside of: by numbers.
struct Forest {
    seen: Vec<Seen>,
    /// Those inside of a child, or of a body.
    inside: HashMap<(usize, Option<Id>), Vec<usize>>,
    tops: Vec<usize>,
    roots: Vec<Node>,
}

impl Forest {
    fn of(scopes: Vec<Arc<Shared>>) -> Self {
        let seen: Vec<Seen> = scopes.into_iter().map(look).collect();
        let numbers = seen.iter().enumerate();
        let numbers: HashMap<_, _> = numbers.map(|(i, it)| (address(&it.shared), i)).collect();
        let mut forest = Self {
            inside: HashMap::new(),
            tops: Vec::new(),
            roots: Vec::new(),
            seen,
        };
        forest.place(&numbers);
        forest.clear_up(&numbers);
        forest
    }

    /// Notes what each is inside of.
    fn place(&mut self, numbers: &HashMap<usize, usize>) {
        let Self { seen, inside, .. } = self;
        // As a rule few have something inside, and none is looked for.
        let mut children: Option<HashSet<(usize, Id)>> = None;
        let mut is_there = |child: &(usize, Id)| {
            let of = |(i, it): (usize, &Seen)| it.members.iter().map(|(id, _)| (i, *id)).collect();
            let all = || seen.iter().enumerate().flat_map::<Vec<_>, _>(of).collect();
            children.get_or_insert_with(all).contains(child)
        };
        for (index, it) in seen.iter().enumerate().filter(|(_, it)| !it.is_over) {
            let around = it.around.and_then(|(scope, child)| {
                let around = *numbers.get(&scope)?;
                let child = child.filter(|id| is_there(&(around, *id)));
                let is_gone = child.is_none() && seen[around].is_over;
                // A pen can outlive the child in which it was made.
                let has_left = child.is_none() && it.left_child();
                (!is_gone && !has_left).then_some((around, child))
            });
            match around {
                Some(around) => inside.entry(around).or_default().push(index),
                None => self.tops.push(index),
            }
        }
    }

    /// Puts what is left of scopes that are over where somebody waits for it, or to the top.
    fn clear_up(&mut self, numbers: &HashMap<usize, usize>) {
        for index in 0..self.seen.len() {
            if self.seen[index].is_over {
                let left = self.grow(index, 1).children;
                let owner = Closures::with_owner(&self.seen[index].shared, address);
                let owner = numbers.get(&owner).filter(|it| !self.seen[**it].is_over);
                match owner {
                    Some(&owner) => self.seen[owner].node.children.extend(left),
                    None => self.roots.extend(left),
                }
            }
        }
    }

    fn grow_all(mut self) -> Vec<Node> {
        let tops = mem::take(&mut self.tops);
        let mut roots: Vec<Node> = tops.into_iter().map(|it| self.grow(it, 0)).collect();
        roots.append(&mut self.roots);
        roots
    }

    /// Puts into a scope what is inside of it.
    fn grow(&mut self, index: usize, depth: usize) -> Node {
        let it = &mut self.seen[index];
        let (mut node, members) = (it.node.clone(), mem::take(&mut it.members));
        let mut children = self.grow_inside((index, None), depth);
        children.append(&mut node.children);
        for (id, mut child) in members {
            let mut below = self.grow_inside((index, Some(id)), depth + 1);
            if depth < DEEPEST {
                child.children = mem::take(&mut below);
            }
            children.push(child);
            children.append(&mut below);
        }
        node.children = children;
        node
    }

    /// Grows the scopes that are inside of this child or body.
    fn grow_inside(&mut self, around: (usize, Option<Id>), depth: usize) -> Vec<Node> {
        let mut inside = self.inside.remove(&around).unwrap_or_default();
        if depth < DEEPEST {
            return inside
                .into_iter()
                .map(|it| self.grow(it, depth + 1))
                .collect();
        }
        let mut beside = Vec::new();
        inside.reverse();
        while let Some(index) = inside.pop() {
            let it = &mut self.seen[index];
            beside.push(it.node.clone());
            let members = mem::take(&mut it.members);
            let mut next = self.inside.remove(&(index, None)).unwrap_or_default();
            for (id, child) in members {
                beside.push(child);
                next.extend(self.inside.remove(&(index, Some(id))).into_iter().flatten());
            }
            inside.extend(next.into_iter().rev());
        }
        beside
    }
}

impl Seen {
    /// Returns true if it is a pen that was made in a child.
    fn left_child(&self) -> bool {
        self.node.kind == Kind::Pen && matches!(self.around, Some((_, Some(_))))
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
        let (record, origin) = (meta.record(), meta.origin());
        let mut node = node(kind, origin.location(), record.read());
        node.name = origin.name();
        members.push((record.id(), node));
    });
    // In the order in which they were spawned; and those that were seen twice stand together.
    members.sort_by_key(|(id, _): &(Id, Node)| *id);
    members.dedup_by_key(|(id, _)| *id);
    let around = around(&shared);
    let about = shared.members.about();
    let is_pen = shared.queue.is_pen();
    let kind = if is_pen { Kind::Pen } else { Kind::Scope };
    let reading = shared.members.record.read();
    let mut node = node(kind, about.location, reading);
    node.name = about.name.get();
    drop(about);
    if is_pen {
        node.state = state_of_pen(&members);
    } else if node.state == State::Suspended && !shared.queue.is_ended() && !shared.queue.is_idle()
    {
        node.state = State::Ready;
    }
    let is_over = shared.queue.is_ended() && shared.closures.is_closed();
    Seen {
        shared,
        node,
        members,
        around,
        is_over,
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
        name: None,
        location,
        state: reading.state,
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
