//! [`Pen`]: a scope that belongs to a value.
//!
//! # What it promises
//!
//! * Its children run on the threads of an executor, without anybody polling the pen.
//! * When [`close`](Pen::close) or [`cancel`](Pen::cancel) returns, every future has been dropped.
//! * When its drop returns, so has every future but those that a thread has in hand: it polls or
//!   drops them at that moment, or is about to. They are dropped by that thread, when it comes back
//!   from them. Drop waits for none of them, wherever it happens.
//! * After that none is taken in hand to be polled, and a handle refuses.
//!
//! # How it works
//!
//! Its children are `'static` and `Send`, so nothing requires that only a poll touches them. A pen
//! is the shared state of a scope whose window is open for as long as the pen lasts: the same ready
//! queue, the same registry of suspended children, the same tickets, counts and stop. What differs:
//!
//! * Nobody is [at home](crate::queue::home). Each thread that runs its children has a [local
//!   queue](crate::queue::local), of which it takes one at a time; what others push is under the
//!   lock of the ready queue. Whoever ends the pen reaches all of them, and knows what each thread
//!   has in hand.
//! * A push calls a [thread](crate::help::worker), since nobody polls.
//! * It has no body. The [end](life) can come on any thread, and on several.
//!
//! # States
//!
//! | | left by |
//! |---|---|
//! | **open**: children are added and run | `close`, once no ordinary child is alive; `cancel`; drop; a panic |
//! | **ended**: children are refused, and none is polled any more; the local queues are shut; those [in hand](crate::queue::hands) go when their thread comes back | – |
#![forbid(unsafe_code)]

mod closing;
pub(crate) mod life;

use std::fmt;
use std::future::poll_fn;
use std::ops::Deref;

use crate::help::executor::Executor;
use crate::help::ticket::Call;
use crate::pen::closing::{Asked, How, poll};
use crate::pen::life::{abandon, begin};
use crate::scope::Scope;

/// Tasks that belong to a value: a client, an actor, a stream, a response body.
///
/// A pen is a field. Its children are spawned like those of a [`scope`](crate::scope()), by the
/// methods of [`Scope`], but they are `'static`, and run on the executor by themselves. When the
/// value goes they go with it.
///
/// **Drop** cancels. No child can be added, and every future has been dropped when it returns,
/// except those that a thread has in hand: it polls them at that moment, or is about to, and drops
/// each when that poll returns. After that none is polled. So a child can drop its own pen.
/// Drop waits for no poll; a closure of `spawn_blocking` that is running is asked to stop, and runs
/// on alone. To wait for all that, [`close`](Self::close) or [`cancel`](Self::cancel).
///
/// A child that owns its pen, by an `Arc` of the value in which that is a field, keeps it from
/// being dropped: give it a part of the value, or a `Weak`. To spawn siblings it needs no pen:
/// [`to_static`](Scope::to_static).
///
/// **Slow children.** A child that blocks its thread does not hold up the others while the executor
/// has a thread to spare, from the second time on, if that is within ten seconds of the first.
/// Until a first such poll is over, what its thread has taken with that child waits, and what the
/// child wakes. What others push does not, nor what the child goes on to spawn; but what comes in
/// the first half millisecond waits for the next push, or the end of the poll. A poll that never
/// returns belongs into `spawn_blocking`, or on a thread of its own. So does what would call
/// `block_in_place` of tokio: that frees a worker of the runtime, but no thread of the pen, of
/// which there are as many as workers.
///
/// # Panics
///
/// A panic of a child cancels all others at once. `close` and `cancel` re-raise it; a pen that is
/// dropped does not. [`stop_cause`](Scope::stop_cause) tells of it.
///
/// # Examples
///
/// A client whose reader is gone when the client is:
///
#[cfg_attr(feature = "async-std", doc = "```")]
#[cfg_attr(not(feature = "async-std"), doc = "```ignore")]
/// use async_std::channel::{Receiver, unbounded};
/// use taskpen::Pen;
///
/// struct Client {
///     lines: Receiver<String>,
///     _pen: Pen,
/// }
///
/// impl Client {
///     fn connect() -> Self {
///         let (send, lines) = unbounded();
///         let pen = Pen::new();
///         pen.spawn(async move {
///             // reads from a socket
///             while send.send("a line".to_string()).await.is_ok() {}
///         });
///         Self { lines, _pen: pen }
///     }
/// }
///
/// # async_std::task::block_on(async {
/// let client = Client::connect();
/// assert_eq!(client.lines.recv().await.unwrap(), "a line");
/// drop(client); // and the reader is gone
/// # });
/// ```
#[must_use = "dropping the pen cancels its children"]
pub struct Pen {
    scope: Scope<'static>,
}

impl Pen {
    /// Makes a pen on the runtime around the caller: tokio's if one is current, else async-std's
    /// inside one of its tasks. In a child of a scope that was given an executor, on that.
    ///
    /// # Panics
    ///
    /// If there is none: under smol, a bare `block_on`, or outside of any. Say which executor with
    /// [`on`](Self::on).
    #[track_caller]
    pub fn new() -> Self {
        match Call::for_pen() {
            Some(call) => Self::with(call),
            None => panic!(
                "`Pen::new` found no runtime around it; make the pen inside one, or say which \
                 executor runs its children: `Pen::on(executor)`"
            ),
        }
    }

    /// Makes a pen whose children run on this executor.
    ///
    /// # Panics
    ///
    /// If [`parallelism`](Executor::parallelism) does.
    #[cfg_attr(feature = "inspect", track_caller)]
    pub fn on(executor: impl Executor) -> Self {
        Self::with(Call::given_to_pen(executor))
    }

    #[cfg_attr(feature = "inspect", track_caller)]
    fn with(call: Call) -> Self {
        let scope = Scope::new(begin(call));
        Self { scope }
    }

    async fn over(self, how: How) {
        let mut asked = Asked::default();
        poll_fn(|cx| poll(self.scope.shared(), how, &mut asked, cx)).await;
    }

    /// Waits until the ordinary children have finished, then cancels background children and waits
    /// until those are gone, as a scope does at its end.
    ///
    /// Until then children can be added. Running closures are waited for. If the executor does not
    /// run its children any more, as that of a runtime that was shut down, they are cancelled; so
    /// they are if it declines twice when it is asked for that.
    ///
    /// **Drop.** Dropping this future is dropping the pen.
    ///
    /// # Panics
    ///
    /// If a child has panicked: with its payload, when all children are gone.
    ///
    /// # Cancel safety
    ///
    /// There is no way back: the pen is in the future. To limit the wait, ask before:
    /// [`request_stop`](Scope::request_stop), then `close` inside a time limit.
    pub async fn close(self) {
        self.over(How::Close).await;
    }

    /// Cancels all children, and waits until they are gone: also for polls and closures that are
    /// running.
    ///
    /// **Drop.** Dropping this future is dropping the pen, whether it was polled or not.
    ///
    /// # Panics
    ///
    /// If a child has panicked: with its payload, when all children are gone.
    pub async fn cancel(self) {
        self.over(How::Cancel).await;
    }
}

impl Default for Pen {
    /// [`Pen::new`].
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for Pen {
    type Target = Scope<'static>;

    fn deref(&self) -> &Scope<'static> {
        &self.scope
    }
}

impl fmt::Debug for Pen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.scope.shared().debug("Pen", f)
    }
}

impl Drop for Pen {
    fn drop(&mut self) {
        abandon(self.scope.shared());
    }
}
