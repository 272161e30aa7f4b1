//! Runtimes that lend helpers, and the choice among them.
//!
//! A scope asks for help by handing a [`Ticket`] to a [`Runtime`]. Which one:
//!
//! 1. the one it was given with `.on(…)`, or none after `.serial()`;
//! 2. else what the scope decided in whose child (or body) it is polled;
//! 3. else the one that is detected around this very poll: tokio's if a handle of it is current,
//!    else async-std's if one of its tasks is;
//! 4. else none: the scope runs its children alone.
//!
//! Nothing is guessed. A child that uses the timers of one runtime panics or hangs on the threads
//! of another, so helpers must come from the runtime that the children were written for.
#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::panic::quietly;

pub use crate::helper::Ticket;

#[cfg(feature = "async-std")]
mod async_std;
#[cfg(feature = "smol")]
mod smol;
#[cfg(feature = "tokio")]
mod tokio;

#[cfg(feature = "async-std")]
pub use self::async_std::AsyncStd;
#[cfg(feature = "smol")]
pub use self::smol::Smol;
#[cfg(feature = "tokio")]
pub use self::tokio::Tokio;

/// A source of helper threads.
///
/// Implement it to lend the threads of a runtime or a pool to scopes; give it to a scope with
/// [`Scoped::on`](crate::Scoped::on).
///
/// # Examples
///
/// One thread per ticket, which is simple and slow; `examples/rayon.rs` lends a pool.
///
/// ```
/// use taskpen::{Runtime, Ticket, scope};
///
/// struct Threads;
///
/// impl Runtime for Threads {
///     fn dispatch(&self, ticket: Ticket) {
///         std::thread::spawn(|| ticket.run());
///     }
///     fn parallelism(&self) -> usize {
///         4
///     }
/// }
///
/// # futures_lite::future::block_on(async {
/// let words = ["one", "two", "three"];
/// scope(async |s| {
///     for word in words {
///         s.spawn(async move { word.len() });
///     }
/// })
/// .on(Threads)
/// .await;
/// # });
/// ```
///
/// A pool that the program chooses when it runs is an `Arc<dyn Runtime>`, which is a `Runtime` too.
pub trait Runtime: Send + Sync + 'static {
    /// Has [`ticket.run()`](Ticket::run) called soon, on a thread that can run the scope's
    /// children.
    ///
    /// Called inside the `poll` of a scope, so it should return at once. It may drop the ticket,
    /// keep it for long, or run it here and now: that costs speed, and nothing else. A panic is
    /// ignored.
    fn dispatch(&self, ticket: Ticket);

    /// How many threads can usefully poll the children of one scope at the same time, the one that
    /// polls the scope included.
    ///
    /// A scope asks for one helper less than this at most; `.workers(n)` can only lower that. It is
    /// called before each window, so it should be cheap. A panic in it ends the scope.
    fn parallelism(&self) -> usize;
}

impl<R: Runtime + ?Sized> Runtime for Arc<R> {
    fn dispatch(&self, ticket: Ticket) {
        R::dispatch(self, ticket);
    }

    fn parallelism(&self) -> usize {
        R::parallelism(self)
    }
}

/// The number in a variable of the environment, if there is one.
#[cfg(any(feature = "async-std", feature = "smol"))]
fn number_in(variable: &str) -> Option<usize> {
    std::env::var(variable).ok()?.parse().ok()
}

/// A runtime that was chosen. Its destructor is foreign code, which has no business in the places
/// where the last reference happens to go: the drop of a scope, or the end of a ticket.
#[derive(Clone)]
pub(crate) struct Lender(Option<Arc<dyn Runtime>>);

impl Lender {
    pub(crate) fn new(runtime: impl Runtime) -> Self {
        Self(Some(Arc::new(runtime)))
    }
}

impl Deref for Lender {
    type Target = dyn Runtime;

    fn deref(&self) -> &Self::Target {
        match &self.0 {
            Some(runtime) => &**runtime,
            None => unreachable!("it is there until we are dropped"),
        }
    }
}

impl Drop for Lender {
    fn drop(&mut self) {
        quietly(|| drop(self.0.take()));
    }
}

/// What a scope was told about helpers.
#[derive(Clone)]
pub(crate) enum Choice {
    /// Nothing: inherit or detect.
    Ambient,
    /// Never ask.
    Serial,
    /// Ask this one.
    On(Lender),
}

thread_local! {
    /// The choice of the innermost scope on this thread's stack that made one.
    static INHERITED: RefCell<Choice> = const { RefCell::new(Choice::Ambient) };
}

impl Choice {
    /// Makes this the choice that scopes polled inside inherit, until the guard is dropped.
    pub(crate) fn enter(&self) -> Entered {
        Entered(match self {
            Self::Ambient => None,
            made => INHERITED
                .try_with(|inherited| inherited.replace(made.clone()))
                .ok(),
        })
    }

    /// The runtime to ask; `None` if there is nobody to ask.
    pub(crate) fn resolve(&self) -> Option<Lender> {
        let inherited;
        let choice = match self {
            Self::Ambient => {
                let found = INHERITED.try_with(|inherited| inherited.borrow().clone());
                inherited = found.unwrap_or(Self::Ambient);
                &inherited
            }
            made => made,
        };
        match choice {
            Self::Ambient => detect(),
            Self::Serial => None,
            Self::On(runtime) => Some(runtime.clone()),
        }
    }
}

impl fmt::Debug for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ambient => "Ambient",
            Self::Serial => "Serial",
            Self::On(_) => "On",
        })
    }
}

/// Restores the choice that was inherited before.
pub(crate) struct Entered(Option<Choice>);

impl Drop for Entered {
    fn drop(&mut self) {
        if let Some(before) = self.0.take() {
            // A thread that is past its thread locals has nothing to restore.
            let _ = INHERITED.try_with(|inherited| inherited.replace(before));
        }
    }
}

/// The runtime that is positively known to be running around us.
fn detect() -> Option<Lender> {
    #[cfg(feature = "tokio")]
    if let Some(tokio) = Tokio::detect() {
        return Some(Lender::new(tokio));
    }
    #[cfg(feature = "async-std")]
    if let Some(async_std) = AsyncStd::detect() {
        return Some(Lender::new(async_std));
    }
    // For tests that want every window open: children of theirs need no runtime around them.
    #[cfg(all(taskpen_force_windows, feature = "async-std"))]
    return Some(Lender::new(AsyncStd));
    #[cfg(not(all(taskpen_force_windows, feature = "async-std")))]
    None
}
