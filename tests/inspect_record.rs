//! V2: what is known of one child, beside a clock that only moves when a test says so. The file
//! under test is compiled here once more.
#![cfg(feature = "inspect")]

use std::cell::Cell;

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(0) };
}

/// Let so many moments pass. A moment is the coarsest unit in which a record keeps times.
fn pass(moments: u64) {
    NOW.set(NOW.get() + moments * MOMENT);
}

const MOMENT: u64 = 64;

mod inspect {
    use std::ptr;
    use std::time::Duration;

    use record::{Record, State};

    use super::{MOMENT, NOW, pass};

    /// The clock.
    mod clock {
        pub(super) fn now() -> u64 {
            super::NOW.get()
        }

        pub(super) fn duration(units: u64) -> super::Duration {
            super::Duration::from_nanos(units)
        }
    }

    #[allow(dead_code, unreachable_pub, reason = "not all of it is tested here")]
    #[path = "../../src/inspect/on/record.rs"]
    mod record;

    /// What a record says, in moments.
    fn read(record: &Record) -> (State, [u64; 3], u64) {
        let it = record.read();
        let times = [it.age, it.idle, it.busy];
        let times = times.map(|it| u64::try_from(it.as_nanos()).unwrap() / MOMENT);
        (it.state, times, it.polls)
    }

    #[test]
    fn times_and_polls() {
        // Some begin before an end of what a record has room for, and go on beyond.
        for start in [
            0,
            1_000_000,
            (1 << 48) - 1,
            (1 << 54) / MOMENT - 20,
            1 << 53,
        ] {
            NOW.set(start * MOMENT);
            one_child();
        }
    }

    fn one_child() {
        let record = Record::new();
        pass(3);
        assert_eq!(read(&record), (State::Ready, [3, 3, 0], 0));
        for polls in 0..3 {
            let in_poll = record.begin_poll(ptr::null());
            assert_eq!(read(&record).0, State::Running);
            pass(10);
            let (state, [_, idle, busy], polled) = read(&record);
            assert_eq!((state, idle), (State::Running, 10), "since it began");
            assert_eq!(
                (busy, polled),
                (10 * polls, polls),
                "of polls that are over"
            );
            drop(in_poll);
            pass(5);
            let age = 3 + 20 * polls + 15;
            assert_eq!(
                read(&record),
                (State::Suspended, [age, 5, 10 * (polls + 1)], polls + 1)
            );
            record.is_ready();
            pass(5);
            let age = age + 5;
            assert_eq!(
                read(&record),
                (State::Ready, [age, 10, 10 * (polls + 1)], polls + 1)
            );
        }
        assert_eq!(record.read().age, Duration::from_nanos(63 * MOMENT));
    }

    /// Whatever the times are, those of its polls and that since the last one are parts of its age;
    /// also if that is years.
    #[test]
    fn parts_of_its_age() {
        for step in 1..200 {
            let record = Record::new();
            let in_poll = record.begin_poll(ptr::null());
            NOW.set(NOW.get() + step);
            drop(in_poll);
            NOW.set(NOW.get() + step % 7);
            let it = record.read();
            let parts = it.idle + it.busy;
            assert!(parts <= it.age, "{parts:?} of {:?}", it.age);
        }
        NOW.set(0);
        let record = Record::new();
        let age = (1 << 54) / 4 * 3;
        NOW.set(age);
        assert_eq!(record.read().age, Duration::from_nanos(age));
    }

    /// Who is inside of whom: the innermost child, and only for its own scope.
    #[test]
    fn inside() {
        let [outer, inner] = [(); 2].map(|()| Record::new());
        let scopes = [(); 2].map(|()| Box::new(0_u8));
        let [one, other] = [0, 1].map(|i| ptr::from_ref(&*scopes[i]).cast::<()>());
        let inside = |scope: *const ()| record::inside(scope.addr());
        assert_eq!(inside(one), None);
        let in_outer = outer.begin_poll(one);
        assert_eq!(inside(one), Some(outer.id()));
        assert_eq!(inside(other), None);
        let in_inner = inner.begin_poll(other);
        assert_eq!(inside(other), Some(inner.id()));
        assert_eq!(inside(one), None);
        drop(in_inner);
        assert_eq!(inside(one), Some(outer.id()));
        drop(in_outer);
        assert_eq!(inside(one), None);
    }
}
