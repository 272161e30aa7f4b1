//! The scopes and pens that have begun, where a tree finds them.
#![forbid(unsafe_code)]

use std::panic::Location;
use std::sync::{Arc, Weak};

use slab::Slab;

use super::record::{self, Id, Name};
use crate::run::shared::Shared;
use crate::sync::Mutex;

/// All that have begun, and some that are over.
static SCOPES: std::sync::LazyLock<Mutex<Slab<Weak<Shared>>>> =
    std::sync::LazyLock::new(Mutex::default);

/// What a scope or pen is, beside its record.
pub(crate) struct About {
    pub(super) name: Name,
    /// Where it was opened.
    pub(super) location: &'static Location<'static>,
    /// In which scope it began, and in which child of that.
    pub(super) around: Option<(Weak<Shared>, Option<Id>)>,
    /// Its place among all.
    key: Option<usize>,
}

impl About {
    #[track_caller]
    pub(super) fn new() -> Self {
        Self {
            name: Name::default(),
            location: Location::caller(),
            around: None,
            key: None,
        }
    }
}

/// A scope or pen begins, in this one.
pub(crate) fn begin(shared: &Arc<Shared>, around: Option<&Arc<Shared>>) {
    let key = SCOPES.lock().insert(Arc::downgrade(shared));
    let around = around.map(|around| {
        let child = record::inside(Arc::as_ptr(around).addr());
        (Arc::downgrade(around), child)
    });
    let mut about = shared.members.about();
    about.key = Some(key);
    about.around = around;
}

/// Its shared state is dropped.
pub(super) fn forget(about: &mut About) {
    if let Some(key) = about.key.take() {
        // Nothing but memory is dropped under the lock.
        SCOPES.lock().remove(key);
    }
}

/// Returns all that there are.
pub(super) fn all() -> Vec<Arc<Shared>> {
    let scopes = SCOPES.lock();
    scopes.iter().filter_map(|(_, it)| it.upgrade()).collect()
}
