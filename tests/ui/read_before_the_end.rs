//! C7: nor can the caller read before the scope is over.

use taskpen::scope;

async fn check() {
    let mut total = 0;
    let sc = scope(async |s| {
        s.spawn(async { total += 1 });
    });
    println!("{total}");
    sc.await;
}

fn main() {}
