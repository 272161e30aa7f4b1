//! What there is of the feature when it is on.
//!
//! | module | what |
//! |---|---|
//! | `record` | what is known of one child, closure or scope: its polls and their times |
//! | `origin` | where a child was spawned, and its name |
//! | `members` | the children and closures of a scope, where a tree finds them |
//! | `scopes` | likewise all scopes and pens |
//! | `tree` | what a tree is, and how one is taken |
//! | `text` | as text, and for serde |
//! | `clock` | the clock |

mod clock;
mod members;
mod origin;
mod record;
mod scopes;
mod text;
mod tree;

#[cfg(feature = "blocking")]
pub(crate) use members::ClosureRecord;
pub(crate) use members::{Members, Place};
pub(crate) use origin::Origin;
pub(crate) use record::Record;
pub(crate) use scopes::begin;
pub(crate) use tree::tree_of;

/// What users see.
pub(super) mod public {
    pub use super::record::State;
    pub use super::tree::{Kind, Node, Tree, tree};
}
