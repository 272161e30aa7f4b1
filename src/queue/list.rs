//! A queue of runnables that needs no memory: each knows the one behind it.
//!
//! First in, first out. To take all, or to put one list behind another, is to move two pointers,
//! however many there are; so nothing is ever copied or given back when a burst of children is
//! over, and to push calls no allocator.
//!
//! # Invariants
//!
//! 1. A runnable that is in a list has been given up by whoever put it there: nothing but the list
//!    has it, until it is taken out. There is one runnable of a task at most; so its
//!    [link](Link) is the list's alone, and it is in one list at most.
//! 2. From `first` on the links lead through `len` runnables to `last`. If there is none, `first`
//!    is null and `last` of no meaning. So is the link of the last one.

use std::marker::PhantomData;
use std::mem::{self, ManuallyDrop};
use std::ptr;

use crate::sync::PointerCell;

/// Where a runnable has the one behind it.
pub(crate) struct Link(PointerCell);

// SAFETY: one thread at a time has the runnable, or the list in which that is, and so may call what
// is below.
unsafe impl Send for Link {}
// SAFETY: as above.
unsafe impl Sync for Link {}

impl Default for Link {
    #[inline]
    fn default() -> Self {
        Self(PointerCell::new(ptr::null_mut()))
    }
}

impl Link {
    /// # Safety
    ///
    /// The caller has the runnable, or has borrowed the list in which that is.
    #[inline]
    unsafe fn get(&self) -> *mut () {
        // SAFETY: no other thread writes it meanwhile, as promised. It need not be aligned.
        self.0.with(|it| unsafe { it.read_unaligned() })
    }

    /// # Safety
    ///
    /// The caller has the runnable, or has borrowed the list in which that is to change it.
    #[inline]
    unsafe fn set(&self, to: *mut ()) {
        // SAFETY: no other thread reads or writes it meanwhile, as promised.
        self.0.with_mut(|it| unsafe { it.write_unaligned(to) });
    }
}

/// A runnable that can be in a [`List`].
///
/// # Safety
///
/// `from_raw` gives back what `into_raw` was given, and both call no foreign code. Made twice from
/// the same pointer it can be looked at, as if through a reference, if neither is dropped. Only
/// this module uses the link, which stays the same one.
pub(crate) unsafe trait Linked: Sized {
    /// Makes a pointer of it, which is not null.
    fn into_raw(self) -> *mut ();

    /// # Safety
    ///
    /// The pointer is one that `into_raw` has made, and nothing was made of it since; or something
    /// was, and what this gives is only looked at, while that is not used or dropped.
    unsafe fn from_raw(raw: *mut ()) -> Self;

    fn link(&self) -> &Link;
}

/// Runnables, first in, first out.
pub(crate) struct List<R: Linked> {
    first: *mut (),
    last: *mut (),
    len: usize,
    owned: PhantomData<R>,
}

// SAFETY: it is its runnables, and no one else has them (invariant 1).
unsafe impl<R: Linked + Send> Send for List<R> {}

impl<R: Linked> Default for List<R> {
    #[inline]
    fn default() -> Self {
        Self {
            first: ptr::null_mut(),
            last: ptr::null_mut(),
            len: 0,
            owned: PhantomData,
        }
    }
}

impl<R: Linked> List<R> {
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_null()
    }

    #[inline]
    pub(crate) fn push_back(&mut self, runnable: R) {
        let raw = runnable.into_raw();
        self.connect(raw);
        self.last = raw;
        self.len += 1;
    }

    #[inline]
    pub(crate) fn pop_front(&mut self) -> Option<R> {
        if self.first.is_null() {
            return None;
        }
        // SAFETY: it is in this list, and is taken out here: with this it is made of the pointer
        // that has brought it here, and of that alone (invariant 1).
        let runnable = unsafe { R::from_raw(self.first) };
        self.len -= 1;
        self.first = match self.len {
            0 => ptr::null_mut(),
            // SAFETY: we have the runnable.
            _ => unsafe { runnable.link().get() },
        };
        Some(runnable)
    }

    /// Calls `look` with the first one.
    #[inline]
    pub(crate) fn front<T>(&self, look: impl FnOnce(&R) -> T) -> Option<T> {
        (!self.is_empty()).then(|| look(&self.peek(self.first)))
    }

    /// Appends all of `other`, which is empty then.
    #[inline]
    pub(crate) fn append(&mut self, other: &mut Self) {
        if !other.is_empty() {
            self.connect(other.first);
            self.last = other.last;
            self.len += other.len;
            mem::forget(mem::take(other));
        }
    }

    /// Puts all of `other` in front, which is empty then.
    #[inline]
    pub(crate) fn prepend(&mut self, other: &mut Self) {
        other.append(self);
        mem::swap(self, other);
    }

    /// Takes the first ones, so many or all there are.
    pub(crate) fn split_front(&mut self, most: usize) -> Self {
        if most >= self.len {
            return mem::take(self);
        }
        let Some(steps) = most.checked_sub(1) else {
            return Self::default();
        };
        let mut last = self.first;
        for _ in 0..steps {
            last = self.behind(last);
        }
        let front = Self {
            first: self.first,
            last,
            len: most,
            owned: PhantomData,
        };
        self.first = self.behind(last);
        self.len -= most;
        front
    }

    /// Has the last one lead to this one.
    #[inline]
    fn connect(&mut self, raw: *mut ()) {
        if self.is_empty() {
            self.first = raw;
        } else {
            // SAFETY: the last one is in this list, which is borrowed to change it.
            unsafe { self.peek(self.last).link().set(raw) };
        }
    }

    /// The one behind this one, which is not the last.
    #[inline]
    fn behind(&self, raw: *mut ()) -> *mut () {
        // SAFETY: it is in this list, which is borrowed.
        unsafe { self.peek(raw).link().get() }
    }

    /// Looks at one that is in this list.
    #[inline]
    fn peek(&self, raw: *mut ()) -> ManuallyDrop<R> {
        // SAFETY: it is one of this list, which is borrowed, so it is not taken out meanwhile; what
        // is made of the pointer here is looked at, and is not dropped.
        ManuallyDrop::new(unsafe { R::from_raw(raw) })
    }
}

impl<R: Linked> Drop for List<R> {
    #[inline]
    fn drop(&mut self) {
        while let Some(runnable) = self.pop_front() {
            drop(runnable);
        }
    }
}
