//! What a pen is, for the compiler.

#[cfg(feature = "async-std")]
use std::{
    fmt::Debug,
    panic::{RefUnwindSafe, UnwindSafe},
};

use taskpen::{Pen, Worker};

#[cfg(feature = "async-std")]
const fn everything<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe + Debug + 'static>() {}
#[cfg(feature = "async-std")]
const fn is_send<T: Send>(_: &T) {}

/// It goes wherever its owner goes; and so do the futures of its end.
#[cfg(feature = "async-std")]
#[test]
fn traits() {
    everything::<Pen>();
    async_std::task::block_on(async {
        let (one, other) = (Pen::new(), Pen::default());
        assert_eq!(format!("{one:?}"), "Pen { len: 0, is_ended: false, .. }");
        let close = one.close();
        is_send(&close);
        let cancel = other.cancel();
        is_send(&cancel);
        close.await;
        drop(cancel); // never polled: the pen is dropped
    });
}

/// A worker can be spawned on any executor.
#[test]
fn worker() {
    const fn is_task<T: Future<Output = ()> + Send + 'static>() {}
    is_task::<Worker>();
}

/// Without a runtime around it `new` says what to do. (Unless all windows are forced: then there is
/// always one.)
#[cfg(not(taskpen_force_windows))]
#[test]
#[should_panic(expected = "Pen::on(executor)")]
fn no_runtime() {
    drop(Pen::new());
}
