//! What a scope expects of its children, from those of the last one like it on this thread: it asks
//! for help before the first of them has run, if that has paid.

use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_lite::future::block_on;
use taskpen::{Scope, scope};

use crate::blocked::be_slow_for;
use crate::lenders::Decline;
use crate::life::watched;

/// Runs some children, all of them at this place in the program; returns how often help was asked
/// for before each.
fn children(number: usize, each: Duration) -> Vec<usize> {
    let declined = Decline::default();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let work = async |s: Scope<'_>| {
        for _ in 0..number {
            let (declined, asked) = (declined.clone(), Arc::clone(&asked));
            s.spawn(async move {
                asked.lock().unwrap().push(declined.0.load(SeqCst));
                be_slow_for(each);
            });
        }
    };
    block_on(scope(work).on(declined.clone()));
    Arc::into_inner(asked).unwrap().into_inner().unwrap()
}

const LONG: Duration = Duration::from_micros(500);

#[cfg_attr(taskpen_force_windows, ignore = "all is shared in any case")]
#[test]
fn from_the_last_scope() {
    watched(|| {
        assert_eq!(children(4, LONG)[0], 0, "nothing is known");
        assert!(children(4, LONG)[0] > 0, "they took long");
        assert!(
            children(4, Duration::ZERO)[0] > 0,
            "that they are short is not known yet"
        );
        assert_eq!(children(4, Duration::ZERO)[3], 0, "they were short");
        assert_eq!(children(4, LONG)[0], 0);
        assert!(children(4, LONG)[0] > 0);
    });
}

/// With many the first one is soon over, and then it is known.
#[cfg_attr(taskpen_force_windows, ignore = "all is shared in any case")]
#[test]
fn not_for_many() {
    watched(|| {
        children(4, LONG);
        assert_eq!(children(100, LONG)[0], 0);
    });
}

/// Nor for one, which nobody could help with.
#[cfg_attr(taskpen_force_windows, ignore = "all is shared in any case")]
#[test]
fn not_for_one() {
    watched(|| {
        children(4, LONG);
        assert_eq!(children(1, LONG), [0]);
    });
}
