//! The guides: how to use scopes, in prose. There is no code in here.
//!
//! 1. [`life`]: the life of a task, from `spawn` to the drop of its future.
//! 2. [`cleanup`]: what is cleaned up, when, on each way out of a scope.
//! 3. [`resources`]: what a scope holds, and how to test for a leak.
//! 4. [`many`]: what is built on a scope every day, with many children.
//! 5. [`recipes`]: what people ask for, and how it is put together: ending and failing.
//! 6. [`structure`]: more recipes: limits, jobs beside the work, and the layout of a program.
//! 7. [`moving`]: moving an async-std code base, step by step.
//! 8. [`endless`]: my scope does not end; how to find the child that it waits for.
//! 9. [`errors`]: the compiler errors that users meet, and their cures.
//! 10. [`soundness`]: why borrowing children are safe.

/// The life of a task: states, handles, and the order in which a scope ends.
pub mod life {
    #![doc = include_str!("guide/life.md")]
}

/// How clean-up works: return, error, panic, drop, forget, shutdown, grace periods.
pub mod cleanup {
    #![doc = include_str!("guide/cleanup.md")]
}

/// What a scope holds, what a leak looks like, and how to test for one.
pub mod resources {
    #![doc = include_str!("guide/resources.md")]
}

/// Many children: sets and streams of them, asking them to stop, and work that blocks.
pub mod many {
    #![doc = include_str!("guide/many.md")]
}

/// Recipes for ending and failing: time limits, races, `select!`, retries, handshakes.
pub mod recipes {
    #![doc = include_str!("guide/recipes.md")]
}

/// Recipes for structure: limits, progress bars, periodic jobs, structs with a handle, leak tests.
pub mod structure {
    #![doc = include_str!("guide/structure.md")]
}

/// Moving an async-std code base from `task::spawn` to scopes.
pub mod moving {
    #![doc = include_str!("guide/moving.md")]
}

/// My scope does not end: how to find the child that it waits for, and the usual reasons.
pub mod endless {
    #![doc = include_str!("guide/endless.md")]
}

/// The compiler errors that users meet: the words, the reason, the cure.
pub mod errors {
    #![doc = include_str!("guide/errors.md")]
}

/// Why borrowing children are safe: the argument behind the `unsafe` code.
pub mod soundness {
    #![doc = include_str!("guide/soundness.md")]
}
