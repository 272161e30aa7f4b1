use std::error::Error;
use taskpen::{TryScope, try_scope};

fn main() {
    let _ = try_scope(async |s: TryScope<'_, Box<dyn Error>>| {
        s.join_set().spawn(async { Err::<(), _>("lost".into()) });
        s.buffered(1, [async { Err::<(), _>("lost".into()) }]);
        Ok(())
    });
}
