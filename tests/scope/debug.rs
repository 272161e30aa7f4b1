//! What `Debug` shows of scopes, handles and futures, whatever they are doing.

use std::fmt::Debug;
use std::future::pending;
use std::sync::{Mutex, mpsc};
use std::thread;

use crate::life::poll_once;
use futures_lite::future::{block_on, yield_now};
use taskpen::{Scope, TryScope, scope, try_local_scope, try_scope};

/// `Debug` shows what it can without waiting, whatever the scope is doing: here another thread
/// looks while a child is inside its poll, which goes on only when that thread has seen enough.
#[test]
fn debug_while_a_child_is_polled() {
    let (ask, asked) = mpsc::channel::<Vec<Box<dyn Debug + Send + '_>>>();
    let (answer, answers) = mpsc::channel();
    let answers = Mutex::new(answers);
    thread::scope(|threads| {
        threads.spawn(move || {
            for things in asked {
                answer.send(format!("{things:?}")).unwrap();
            }
        });
        let outcome = block_on(try_scope(async |s: TryScope<'_, ()>| {
            let plain: &Scope<'_> = &s;
            let idle = s.spawn_background(pending::<Result<(), ()>>());
            let gone = s.spawn_background(pending::<Result<(), ()>>()).cancel();
            let things: Vec<Box<dyn Debug + Send + '_>> = vec![
                Box::new(plain.clone()),
                Box::new(s.clone()),
                Box::new(idle),
                Box::new(gone),
            ];
            let (ask, answers) = (ask, &answers);
            let shown = s.spawn(async move {
                ask.send(things).unwrap();
                Ok(answers.lock().unwrap().recv().unwrap())
            });
            Ok(shown.await)
        }));
        let shown = outcome.unwrap();
        for part in [
            "Scope { len: ",
            "TryScope { len: ",
            "JoinHandle { ",
            "Join(",
        ] {
            assert!(shown.contains(part), "{shown}");
        }
    });
}

/// `Debug` of a handle says of which kinds the children are, of those that are not the usual one.
#[test]
fn debug_of_kinds() {
    block_on(scope(async |s| {
        s.spawn_background(pending::<()>());
        s.spawn_background(pending::<()>());
        let ordinary = s.spawn(pending::<()>());
        let shown = "Scope { len: 3, background: 2, is_ended: false, .. }";
        assert_eq!(format!("{s:?}"), shown);
        drop(ordinary.cancel());
    }));
}

/// `Debug` of the futures of a scope, before, between and after their polls.
#[test]
fn debug_of_a_scope() {
    let mut sc = Box::pin(scope(async |s| {
        s.spawn(pending::<()>());
        yield_now().await;
    }));
    assert_eq!(format!("{sc:?}"), "Scoped { len: 0, is_ended: false, .. }");
    assert!(poll_once(sc.as_mut()).is_pending());
    assert_eq!(format!("{sc:?}"), "Scoped { len: 1, is_ended: false, .. }");

    let mut sc = Box::pin(try_local_scope(async |s| {
        s.spawn_background(pending::<Result<(), ()>>());
        Ok::<_, ()>(s.spawn(async { Ok(7) }))
    }));
    assert_eq!(
        format!("{sc:?}"),
        "TryScoped { len: 0, is_ended: false, .. }"
    );
    let mut handle = block_on(&mut sc).unwrap();
    assert_eq!(
        format!("{sc:?}"),
        "TryScoped { len: 0, is_ended: true, .. }"
    );

    let shown = format!("{handle:?}");
    assert!(
        shown.contains("is_finished: true, is_cancelled: false"),
        "{shown}"
    );
    assert_eq!(block_on(&mut handle), 7);
    assert_eq!(format!("{handle:?}"), "JoinHandle { .. }");
}
