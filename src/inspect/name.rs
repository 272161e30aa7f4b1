//! Names.
#![forbid(unsafe_code)]

use std::borrow::Cow;
#[cfg(any(feature = "inspect", feature = "tracing"))]
use std::sync::Arc;

/// The name of a handle, a scope or a child: one word where anybody asks for it, and nothing
/// elsewhere.
#[derive(Clone, Debug, Default)]
pub(crate) struct Name {
    #[cfg(any(feature = "inspect", feature = "tracing"))]
    text: Option<Arc<Cow<'static, str>>>,
}

#[cfg(any(feature = "inspect", feature = "tracing"))]
impl Name {
    pub(crate) fn new(name: impl Into<Cow<'static, str>>) -> Self {
        let text = Some(Arc::new(name.into()));
        Self { text }
    }

    #[cfg(feature = "inspect")]
    pub(super) fn get(&self) -> Option<Cow<'static, str>> {
        self.text.as_deref().cloned()
    }

    #[cfg(feature = "tracing")]
    pub(super) fn as_str(&self) -> Option<&str> {
        self.text.as_deref().map(|it| &**it)
    }
}

#[cfg(not(any(feature = "inspect", feature = "tracing")))]
impl Name {
    pub(crate) fn new(_: impl Into<Cow<'static, str>>) -> Self {
        Self {}
    }
}
