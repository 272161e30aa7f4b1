//! Ways for the steps of a program to wait.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::task::{Poll, Waker};
use std::thread;

pub(crate) type Boxed<'s, T> = Pin<Box<dyn Future<Output = T> + Send + 's>>;

/// Polls a future at most so many times and then drops it.
pub(crate) async fn at_most<T>(polls: Option<usize>, mut future: Boxed<'_, T>) -> Option<T> {
    let mut left = polls.unwrap_or(usize::MAX);
    poll_fn(move |cx| {
        let poll = match left {
            0 => return Poll::Ready(None),
            _ => future.as_mut().poll(cx).map(Some),
        };
        left -= 1;
        match left {
            0 if poll.is_pending() => Poll::Ready(None),
            _ => poll,
        }
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
