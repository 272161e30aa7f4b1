//! Why a scope was cancelled.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// Why a scope was cancelled; [`CancelToken::cause`](crate::CancelToken::cause) tells.
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
///     s.cancel_because("the disk is full");
///     s.cancel(); // somebody was first
///     s.cancel_token()
/// })
/// .await;
///
/// let cause = token.cause().unwrap();
/// assert!(matches!(cause, Cause::Asked { .. }));
/// assert_eq!(cause.reason(), Some("the disk is full"));
/// assert!(cause.to_string().ends_with(": the disk is full")); // and says where, before that
/// # });
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// Somebody called `cancel` or `cancel_because`.
    #[non_exhaustive]
    Asked {
        /// What they said; `None` if they called `cancel`.
        reason: Option<Cow<'static, str>>,
        /// Where they called it.
        location: &'static Location<'static>,
    },
    /// The body or a child of a [`try_scope`](crate::try_scope) gave an `Err`.
    Failed,
    /// The body, a child or a destructor panicked.
    Panicked,
    /// The scope came to its normal end.
    Ended,
    /// The scope's future was dropped before its end.
    Dropped,
    /// A scope around this one was cancelled, for the cause in here, which is never `Parent`
    /// itself.
    Parent(Arc<Cause>),
}

impl Cause {
    /// The cause in the scope where the cancellation began: this one, or what is in `Parent`.
    pub fn root(&self) -> &Self {
        match self {
            Self::Parent(cause) => cause.root(),
            own => own,
        }
    }

    /// What was said by whoever asked for it, in this scope or in one around it.
    pub fn reason(&self) -> Option<&str> {
        match self.root() {
            Self::Asked { reason, .. } => reason.as_deref(),
            _ => None,
        }
    }

    /// Where it was asked for, in this scope or in one around it.
    pub fn location(&self) -> Option<&'static Location<'static>> {
        match self.root() {
            Self::Asked { location, .. } => Some(location),
            _ => None,
        }
    }

    /// What a scope is told when this is the cause in one around it.
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
            Self::Asked { reason, location } => {
                write!(f, "the scope was cancelled at {location}")?;
                match reason {
                    Some(reason) => write!(f, ": {reason}"),
                    None => Ok(()),
                }
            }
            Self::Failed => f.write_str("the body or a child of the scope failed"),
            Self::Panicked => f.write_str("the body or a child of the scope panicked"),
            Self::Ended => f.write_str("the scope has ended"),
            Self::Dropped => f.write_str("the scope was dropped"),
            Self::Parent(cause) => write!(f, "a scope around this one was cancelled: {cause}"),
        }
    }
}

impl Error for Cause {}
