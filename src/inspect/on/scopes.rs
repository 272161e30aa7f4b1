//! The scopes and pens that have begun, where a tree finds them.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::panic::Location;
use std::sync::{Arc, LazyLock, Weak};

use super::record::{self, Id};
use crate::inspect::Name;
use crate::run::shared::Shared;
use crate::sync::Mutex;

/// All that have begun, and some that are over, by their addresses.
static SCOPES: LazyLock<Mutex<HashMap<usize, Weak<Shared>>>> = LazyLock::new(Mutex::default);

/// Memory for so many is kept.
const SPARE: usize = 1_000;

/// What a scope or pen is, beside its record.
pub(crate) struct About {
    pub(super) name: Name,
    /// Where it was opened.
    pub(super) location: &'static Location<'static>,
    /// In which scope it began, and in which child of that.
    pub(super) around: Option<(Weak<Shared>, Option<Id>)>,
    /// Set once it has begun.
    address: Option<usize>,
}

impl About {
    #[track_caller]
    pub(super) fn new() -> Self {
        Self {
            name: Name::default(),
            location: Location::caller(),
            around: None,
            address: None,
        }
    }
}

/// A scope or pen begins, in this one.
pub(crate) fn begin(shared: &Arc<Shared>, around: Option<&Arc<Shared>>) {
    let address = Arc::as_ptr(shared).addr();
    SCOPES.lock().insert(address, Arc::downgrade(shared));
    let around = around.map(|around| {
        let child = record::inside(Arc::as_ptr(around).addr());
        (Arc::downgrade(around), child)
    });
    let mut about = shared.members.about();
    about.address = Some(address);
    about.around = around;
}

/// Its shared state is dropped.
pub(super) fn forget(about: &mut About) {
    if let Some(address) = about.address.take() {
        let mut scopes = SCOPES.lock();
        scopes.remove(&address); // which frees memory at most
        if scopes.capacity() > 4 * scopes.len() + SPARE {
            let most = 2 * scopes.len();
            scopes.shrink_to(most);
        }
    }
}

/// Returns all that there are, in the order in which they were opened.
pub(super) fn all() -> Vec<Arc<Shared>> {
    let scopes = SCOPES.lock();
    let mut all: Vec<_> = scopes.values().filter_map(Weak::upgrade).collect();
    drop(scopes);
    all.sort_by_key(|it| it.members.record.id());
    all
}
