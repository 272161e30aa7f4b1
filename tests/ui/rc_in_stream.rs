//! C4: so may the items of a stream; the iterator itself stays where it is.

use std::rc::Rc;
use taskpen::scope;

fn main() {
    let _ = scope(async |s| {
        let shared = Rc::new(0);
        s.buffered(2, (0..*shared).map(|number| async move { Rc::new(number) }));
    });
}
