//! Ways for the steps of a program to wait.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::task::{Poll, Waker};
use std::thread;

pub(crate) type Boxed<'s, T> = Pin<Box<dyn Future<Output = T> + Send + 's>>;

/// Polls a future at most so many times and then drops it, which must not raise anything.
pub(crate) async fn at_most<T>(polls: Option<usize>, future: Boxed<'_, T>) -> Option<T> {
    let mut left = polls.unwrap_or(usize::MAX);
    let mut future = Some(future);
    poll_fn(move |cx| {
        if let (1.., Some(future)) = (left, &mut future) {
            left -= 1;
            let poll = future.as_mut().poll(cx).map(Some);
            if left > 0 || poll.is_ready() {
                return poll;
            }
        }
        let drop_it = AssertUnwindSafe(|| drop(future.take()));
        if catch_unwind(drop_it).is_err() {
            panic!("the drop of a scope raised a panic");
        }
        Poll::Ready(None)
    })
    .await
}

/// Waits until another thread has woken the task.
pub(crate) async fn park() {
    static WAKERS: OnceLock<mpsc::Sender<(Arc<AtomicBool>, Waker)>> = OnceLock::new();
    let sender = WAKERS.get_or_init(|| {
        let (sender, receiver) = mpsc::channel::<(Arc<AtomicBool>, Waker)>();
        thread::spawn(move || {
            for (woken, waker) in receiver {
                woken.store(true, Ordering::Release);
                waker.wake();
            }
        });
        sender
    });
    let woken = Arc::new(AtomicBool::new(false));
    let mut sent = false;
    poll_fn(|cx| {
        if woken.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        if !sent {
            sent = true;
            let message = (Arc::clone(&woken), cx.waker().clone());
            sender.send(message).expect("that thread does not end");
        }
        Poll::Pending
    })
    .await;
}
