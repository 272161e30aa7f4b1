//! Why a scope was asked to stop.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// Why everything in a scope should stop; [`StopToken::cause`](crate::StopToken::cause) tells.
///
/// The first cause is kept. It is an [`Error`], so a child that gives up can return it.
///
/// # Examples
///
/// ```
/// use taskpen::{Cause, scope};
///
/// # futures_lite::future::block_on(async {
/// let token = scope(async |s| {
///     s.request_stop("the disk is full");
///     s.request_stop("I am bored"); // too late
///     s.stop_token()
/// })
/// .await;
///
/// let cause = token.cause().unwrap();
/// assert!(matches!(cause, Cause::Requested { .. }));
/// assert_eq!(cause.reason(), Some("the disk is full"));
/// assert!(cause.to_string().ends_with(": the disk is full")); // and says where, before that
/// # });
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// `request_stop` was called.
    #[non_exhaustive]
    Requested {
        /// The reason that the call gave.
        reason: Cow<'static, str>,
        /// Where the call stands.
        location: &'static Location<'static>,
    },
    /// The body or a child of a [`try_scope`](crate::try_scope) gave an `Err`.
    Failed,
    /// The body, a child or a destructor panicked.
    Panicked,
    /// The scope came to its normal end.
    Ended,
    /// The scope's future was dropped before its end, or cut off by
    /// [`until`](crate::Scoped::until).
    Dropped,
    /// A scope around this one stops, for the cause in here, which is never `Parent` itself.
    Parent(Arc<Cause>),
}

impl Cause {
    /// Returns the cause in the scope where the stop began: this one, or what is in `Parent`.
    pub fn root(&self) -> &Self {
        match self {
            Self::Parent(cause) => cause.root(),
            own => own,
        }
    }

    /// Returns the reason that `request_stop` was given, in this scope or in one around it.
    pub fn reason(&self) -> Option<&str> {
        match self.root() {
            Self::Requested { reason, .. } => Some(reason),
            _ => None,
        }
    }

    /// Returns where `request_stop` was called, in this scope or in one around it.
    pub fn location(&self) -> Option<&'static Location<'static>> {
        match self.root() {
            Self::Requested { location, .. } => Some(location),
            _ => None,
        }
    }

    /// Returns what a scope is told when this is the cause in one around it.
    pub(crate) fn for_nested(&self) -> Self {
        Self::Parent(match self {
            Self::Parent(root) => Arc::clone(root),
            own => Arc::new(own.clone()),
        })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requested { reason, location } => {
                write!(f, "a stop was requested at {location}: {reason}")
            }
            Self::Failed => f.write_str("the body or a child of the scope failed"),
            Self::Panicked => f.write_str("the body or a child of the scope panicked"),
            Self::Ended => f.write_str("the scope has ended"),
            Self::Dropped => f.write_str("the scope was dropped"),
            Self::Parent(cause) => write!(f, "a scope around this one stops: {cause}"),
        }
    }
}

impl Error for Cause {}
