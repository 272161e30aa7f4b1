//! What stands for a runnable in a list of them, for programs that compile that once more.

use crate::list::{Link, Linked};

/// In a box it can be in a list.
pub(crate) struct Node<T> {
    link: Link,
    pub(crate) contents: T,
}

impl<T> Node<T> {
    pub(crate) fn new(contents: T) -> Box<Self> {
        let link = Link::default();
        Box::new(Self { link, contents })
    }
}

// SAFETY: a box is made of the pointer that it came from.
unsafe impl<T> Linked for Box<Node<T>> {
    fn into_raw(self) -> *mut () {
        Self::into_raw(self).cast()
    }

    unsafe fn from_raw(raw: *mut ()) -> Self {
        // SAFETY: as promised, this comes from `into_raw`.
        unsafe { Self::from_raw(raw.cast()) }
    }

    fn link(&self) -> &Link {
        &self.link
    }
}
