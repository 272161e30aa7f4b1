//! Where a child was spawned, and what it is named: in one word, for each child has it.
//!
//! What has no name has a pointer to the place in the source. What has one shares that with the
//! handle that names its children, and the place stands beside the name. The first child of the
//! handle says which place that is; for those that are spawned elsewhere by the same handle there
//! is a copy of the name, one for each place.
//!
//! # Invariants
//!
//! 1. The pointer is that of a `&'static Location`; or, with [`NAMED`] added, one that
//!    `Arc::into_raw` has made, and then this owns the reference that was counted.
//! 2. Whatever has no name has not got [`NAMED`] in its address: both types are aligned to more.

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use crate::inspect::Name;
use crate::inspect::name::Label;

/// Where a child was spawned, and its name.
pub(crate) struct Origin(*const ());

const NAMED: usize = 1;
const _: () = assert!(align_of::<Location<'_>>() > NAMED && align_of::<Label>() > NAMED);

// SAFETY: it is a `&'static Location` or an `Arc<Label>`, which both may go to another thread.
unsafe impl Send for Origin where Arc<Label>: Send {}
// SAFETY: likewise.
unsafe impl Sync for Origin where Arc<Label>: Sync {}

impl Origin {
    #[inline]
    pub(crate) fn new(name: Name, location: &'static Location<'static>) -> Self {
        Self(match name.label_at(location) {
            None => (&raw const *location).cast(),
            Some(label) => {
                let named = Arc::into_raw(label).map_addr(|address| address | NAMED);
                named.cast()
            }
        })
    }

    /// Returns the name, with which the place stands, if it has one.
    #[inline]
    fn label(&self) -> Option<*const Label> {
        let is_named = self.0.addr() & NAMED != 0;
        is_named.then(|| self.0.map_addr(|address| address & !NAMED).cast())
    }

    pub(crate) fn location(&self) -> &'static Location<'static> {
        match self.label() {
            // SAFETY: it is that of a `&'static Location` (invariants 1 and 2).
            None => unsafe { &*self.0.cast() },
            // SAFETY: it is that of an `Arc`, of which we own a reference (invariant 1).
            Some(label) => unsafe { &*label }.location(),
        }
    }

    pub(super) fn name(&self) -> Option<Cow<'static, str>> {
        // SAFETY: it is that of an `Arc`, of which we own a reference (invariant 1).
        self.label().map(|label| unsafe { &*label }.text().clone())
    }
}

impl Drop for Origin {
    #[inline]
    fn drop(&mut self) {
        if let Some(label) = self.label() {
            // SAFETY: it was made by `into_raw`, and the reference is ours (invariant 1). Nobody
            // uses it after us.
            drop(unsafe { Arc::from_raw(label) }); // a string, which is not foreign
        }
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Origin").field(self.location()).finish()
    }
}
