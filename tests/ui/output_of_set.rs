//! A child whose value is of another type, or which cannot fail where children can.

use std::num::ParseIntError;
use taskpen::{JoinSet, TryScope, scope, try_scope};

fn main() {
    let _ = scope(async |s| {
        let mut set: JoinSet<'_, usize> = s.join_set();
        set.spawn(async { "one" });
    });
    let _ = scope(async |s| {
        let mut set = s.join_set();
        set.spawn(async { String::new() });
        set.extend([async { 1 }]);
    });
    let _ = try_scope(async |s: TryScope<'_, ParseIntError>| {
        s.join_set().spawn(async { 1 });
        let _ = s.buffered(2, [async { 1 }]);
        Ok(())
    });
    let _ = try_scope(async |s: TryScope<'_, ParseIntError>| {
        s.join_set().spawn(async { Err::<(), _>("lost") });
        Ok(())
    });
}
