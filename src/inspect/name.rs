//! Names.
#![forbid(unsafe_code)]

use std::borrow::Cow;
#[cfg(feature = "inspect")]
use std::panic::Location;
#[cfg(any(feature = "inspect", feature = "tracing"))]
use std::sync::Arc;
#[cfg(feature = "inspect")]
use std::sync::OnceLock;

/// The name of a handle, a scope or a child: one word where anybody asks for it, and nothing
/// elsewhere.
#[derive(Clone, Debug, Default)]
pub(crate) struct Name {
    #[cfg(any(feature = "inspect", feature = "tracing"))]
    label: Option<Arc<Label>>,
}

/// A name that there is.
#[cfg(any(feature = "inspect", feature = "tracing"))]
#[derive(Debug)]
pub(crate) struct Label {
    text: Cow<'static, str>,
    /// Where children with this name are spawned.
    #[cfg(feature = "inspect")]
    at: OnceLock<&'static Location<'static>>,
}

#[cfg(any(feature = "inspect", feature = "tracing"))]
impl Name {
    pub(crate) fn new(name: impl Into<Cow<'static, str>>) -> Self {
        let label = Label {
            text: name.into(),
            #[cfg(feature = "inspect")]
            at: OnceLock::new(),
        };
        Self {
            label: Some(Arc::new(label)),
        }
    }

    #[cfg(feature = "inspect")]
    pub(super) fn get(&self) -> Option<Cow<'static, str>> {
        self.label.as_deref().map(|it| it.text.clone())
    }

    /// Returns the name with this place beside it, if there is a name: the very same, unless it has
    /// another place.
    #[cfg(feature = "inspect")]
    #[inline]
    pub(super) fn label_at(self, location: &'static Location<'static>) -> Option<Arc<Label>> {
        let label = self.label?;
        Some(match *label.at.get_or_init(|| location) == location {
            true => label,
            false => Arc::new(Label {
                text: label.text.clone(),
                at: OnceLock::from(location),
            }),
        })
    }

    #[cfg(feature = "tracing")]
    pub(super) fn as_str(&self) -> Option<&str> {
        self.label.as_deref().map(|it| &*it.text)
    }
}

#[cfg(feature = "inspect")]
impl Label {
    pub(super) fn text(&self) -> &Cow<'static, str> {
        &self.text
    }

    /// Where those are spawned that have it from [`Name::label_at`].
    pub(super) fn location(&self) -> &'static Location<'static> {
        self.at.get().expect("it was set with the first of them")
    }
}

#[cfg(not(any(feature = "inspect", feature = "tracing")))]
impl Name {
    pub(crate) fn new(_: impl Into<Cow<'static, str>>) -> Self {
        Self {}
    }
}
