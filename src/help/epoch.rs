//! How the helpers inside a [window](crate::help::window) are counted: by epoch, in two numbers of
//! one word.
#![forbid(unsafe_code)]

/// Which of the two numbers counts those that enter.
pub(super) const EPOCH: usize = 16;
/// One helper inside, in the first number.
pub(super) const HELPER: usize = 32;
/// How many bits a number has.
const BITS: u32 = (usize::BITS - HELPER.trailing_zeros()) / 2;
/// Helpers that fit into one.
pub(super) const MOST: usize = (1 << BITS) - 1;

/// One helper in an epoch: `EPOCH` of a word.
pub(super) fn one(epoch: usize) -> usize {
    if epoch == 0 { HELPER } else { HELPER << BITS }
}

/// How many a word counts in an epoch.
pub(super) fn count(word: usize, epoch: usize) -> usize {
    (word / one(epoch)) & MOST
}

/// Whom the scope's thread waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Awaited {
    /// All helpers: until they have left.
    All,
    /// Those that were inside when the epoch began: until they have come back from their polls.
    Earlier,
}

impl Awaited {
    /// Returns true if nobody of those is left.
    pub(super) fn is_none_left(self, word: usize) -> bool {
        match self {
            Self::All => word < HELPER,
            Self::Earlier => count(word, !word & EPOCH) == 0,
        }
    }
}
