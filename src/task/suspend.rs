//! What a child does that is pending.
#![forbid(unsafe_code)]

use std::task::Waker;

use crate::run::shared::Shared;
use crate::task::metadata::Meta;

/// Enters a child that is pending for the first time in the registry of suspended children, and
/// notes whether its poll was slow where that matters. Returns true if it has to wake itself, to be
/// dropped: nobody else would, for its pen has ended.
#[inline(always)]
pub(super) fn suspend(meta: &Meta<Shared>, shared: &Shared, waker: &Waker) -> bool {
    let queue = &shared.queue;
    match meta.key() {
        // In a window, or in a pen.
        Some(_) if queue.window.is_in_use() => {
            if queue.window.is_watched() {
                meta.note_poll(&queue.window);
            }
            queue.is_left_in_hand()
        }
        Some(_) => false,
        None => match queue.suspend(waker) {
            Some(key) => {
                meta.set_key(key);
                meta.is_suspended();
                if !key.is_at_home() && queue.window.is_watched() {
                    meta.note_poll(&queue.window);
                }
                false
            }
            None => true,
        },
    }
}
