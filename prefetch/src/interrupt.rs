//! Ctrl-C, which ends the walk early; what comes after the walk is done as ever.

use std::future::pending;
use std::io;

use async_signal::{Signal, Signals};
use futures_lite::StreamExt;

/// From when this is made on, Ctrl-C does not kill the process any more.
#[derive(Debug)]
pub(crate) struct Interrupt(Signals);

impl Interrupt {
    pub(crate) fn new() -> io::Result<Self> {
        Signals::new([Signal::Int]).map(Self)
    }

    /// Resolves when Ctrl-C is pressed.
    pub(crate) async fn pressed(&mut self) {
        match self.0.next().await {
            Some(Ok(_)) => {}
            // Nobody can interrupt us any more.
            Some(Err(_)) | None => pending().await,
        }
    }
}
