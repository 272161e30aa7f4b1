//! Children that spawn their like: with a declared return type, or boxed.

use futures_lite::future::block_on;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use taskpen::{Scope, TryScope, scope, try_scope};

fn need_send<T: Send>(value: T) -> T {
    value
}

struct Tree {
    children: Vec<Tree>,
}

impl Tree {
    fn of_depth(depth: u32) -> Self {
        let children = if depth == 0 { 0 } else { 2 };
        Self {
            children: (0..children).map(|_| Self::of_depth(depth - 1)).collect(),
        }
    }
}

/// All nodes are children of one scope.
fn walk<'env>(
    s: Scope<'env>,
    tree: &'env Tree,
    visited: &'env AtomicU32,
) -> impl Future<Output = ()> + Send + 'env {
    async move {
        visited.fetch_add(1, Ordering::Relaxed);
        for child in &tree.children {
            s.spawn(walk(s.clone(), child, visited));
        }
    }
}

/// The same with an error and `spawn_with`.
fn try_walk<'env>(s: &TryScope<'env, &'env Tree>, tree: &'env Tree, left: &'env AtomicU32) {
    s.spawn_with(async move |s: TryScope<'env, &'env Tree>| {
        if left.fetch_sub(1, Ordering::Relaxed) == 0 {
            return Err(tree);
        }
        for child in &tree.children {
            try_walk(&s, child, left);
        }
        Ok(())
    });
}

/// Each node has a scope of its own.
fn size(tree: &Tree) -> Pin<Box<dyn Future<Output = u32> + Send + '_>> {
    Box::pin(scope(async |s| {
        let children: Vec<_> = tree
            .children
            .iter()
            .map(|child| s.spawn(size(child)))
            .collect();
        let mut sum = 1;
        for child in children {
            sum += child.await;
        }
        sum
    }))
}

fn main() {
    let tree = Tree::of_depth(5);
    let visited = AtomicU32::new(0);
    block_on(need_send(scope(async |s| walk(s, &tree, &visited).await)));
    assert_eq!(visited.into_inner(), 63);
    assert_eq!(block_on(need_send(size(&tree))), 63);

    let left = AtomicU32::new(40);
    let outcome = block_on(need_send(try_scope(async |s| {
        try_walk(&s, &tree, &left);
        Ok(())
    })));
    assert!(outcome.is_err());
}
