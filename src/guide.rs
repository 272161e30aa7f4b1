//! The guides: how to use scopes, in prose. There is no code in here.
//!
//! 1. [`life`]: the life of a task, from `spawn` to the drop of its future.
//! 2. [`owner`]: which owner, a block or a value: scopes and pens.
//! 3. [`cleanup`]: what is cleaned up, when, on each way out of a scope.
//! 4. [`resources`]: what a scope holds, and how to test for a leak.
//! 5. [`many`]: what is built on a scope every day, with many children.
//! 6. [`recipes`]: what people ask for, and how it is put together: ending and failing.
//! 7. [`structure`]: more recipes: limits, jobs beside the work, and the layout of a program.
//! 8. [`moving`]: moving an async-std code base, step by step.
//! 9. [`endless`]: my scope does not end; how to find the child that it waits for.
//! 10. [`seeing`]: what is running, in which state, and since when.
//! 11. [`testing`]: a thousand orders from a thousand seeds.
//! 12. [`errors`]: the compiler errors that users meet, and their cures.
//! 13. [`soundness`]: why borrowing children are safe.

/// The life of a task: states, handles, and the order in which a scope ends.
///
#[doc = include_str!("guide/life.md")]
pub mod life {}

/// Which owner a task has, a block of code or a value: scopes and pens.
///
#[doc = include_str!("guide/owner.md")]
pub mod owner {}

/// How clean-up works: return, error, panic, drop, forget, shutdown, grace periods.
///
#[doc = include_str!("guide/cleanup.md")]
pub mod cleanup {}

/// What a scope holds, what a leak looks like, and how to test for one.
///
#[doc = include_str!("guide/resources.md")]
pub mod resources {}

/// Many children: sets and streams of them, asking them to stop, and work that blocks.
///
#[doc = include_str!("guide/many.md")]
pub mod many {}

/// Recipes for ending and failing: time limits, races, `select!`, retries, handshakes.
///
#[doc = include_str!("guide/recipes.md")]
pub mod recipes {}

/// Recipes for structure: limits, progress bars, periodic jobs, structs with a handle, leak tests.
///
#[doc = include_str!("guide/structure.md")]
pub mod structure {}

/// Moving an async-std code base from `task::spawn` to scopes.
///
#[doc = include_str!("guide/moving.md")]
pub mod moving {}

/// My scope does not end: how to find the child that it waits for, and the usual reasons.
///
#[doc = include_str!("guide/endless.md")]
pub mod endless {}

/// Seeing inside: names, the tree of what is running, and what to do with it.
///
#[doc = include_str!("guide/seeing.md")]
pub mod seeing {}

/// Testing: orders that are drawn from a seed.
///
#[doc = include_str!("guide/testing.md")]
pub mod testing {}

/// The compiler errors that users meet: the words, the reason, the cure.
///
#[doc = include_str!("guide/errors.md")]
pub mod errors {}

/// Why borrowing children are safe: the argument behind the `unsafe` code.
///
#[doc = include_str!("guide/soundness.md")]
pub mod soundness {}
