//! What is running: names, the tree, and what it says of each.
#![cfg(feature = "inspect")]

#[path = "../support/blocked.rs"]
mod blocked;
#[path = "../support/lenders.rs"]
mod lenders;
#[path = "../support/life.rs"]
mod life;

mod anywhere;
#[cfg(feature = "blocking")]
mod closures;
mod places;
mod readings;
mod text;

use taskpen::inspect::{Node, tree};

/// All nodes of the tree with this name. Other tests of the program have scopes as well.
fn named(name: &str) -> Vec<Node> {
    fn find(nodes: &[Node], name: &str, found: &mut Vec<Node>) {
        for node in nodes {
            if node.name.as_deref() == Some(name) {
                found.push(node.clone());
            }
            find(&node.children, name, found);
        }
    }
    let mut found = Vec::new();
    find(&tree().roots, name, &mut found);
    found
}

/// The one with this name.
fn one_named(name: &str) -> Node {
    let mut found = named(name);
    assert_eq!(found.len(), 1, "{name}: {found:#?}");
    found.remove(0)
}

/// The names of what is inside of it.
fn names(node: &Node) -> Vec<&str> {
    let names = node.children.iter().map(|it| it.name.as_deref());
    let mut names: Vec<_> = names.map(Option::unwrap_or_default).collect();
    names.sort_unstable();
    names
}
