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
    /// The same name for those that are spawned elsewhere.
    #[cfg(feature = "inspect")]
    elsewhere: OnceLock<Arc<Label>>,
}

#[cfg(any(feature = "inspect", feature = "tracing"))]
impl Name {
    pub(crate) fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self {
            label: Some(Label::new(name.into())),
        }
    }

    #[cfg(feature = "inspect")]
    pub(super) fn get(&self) -> Option<Cow<'static, str>> {
        self.label.as_deref().map(|it| it.text.clone())
    }

    /// Returns the name with this place beside it, if there is a name: the same one for the same
    /// place. A handle spawns at few places, so they are gone through.
    #[cfg(feature = "inspect")]
    #[inline]
    pub(super) fn label_at(self, location: &'static Location<'static>) -> Option<Arc<Label>> {
        let mut label = self.label?;
        while *label.at.get_or_init(|| location) != location {
            let next = label
                .elsewhere
                .get_or_init(|| Label::new(label.text.clone()));
            label = Arc::clone(next);
        }
        Some(label)
    }

    #[cfg(feature = "tracing")]
    pub(super) fn as_str(&self) -> Option<&str> {
        self.label.as_deref().map(|it| &*it.text)
    }
}

#[cfg(any(feature = "inspect", feature = "tracing"))]
impl Label {
    fn new(text: Cow<'static, str>) -> Arc<Self> {
        Arc::new(Self {
            text,
            #[cfg(feature = "inspect")]
            at: OnceLock::new(),
            #[cfg(feature = "inspect")]
            elsewhere: OnceLock::new(),
        })
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
