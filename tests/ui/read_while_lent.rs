//! C7: a child may write as long as the scope is there, awaited or not.

use taskpen::scope;

async fn check() {
    let mut total = 0;
    scope(async |s| {
        s.spawn(async { total += 1 }).await;
        println!("{total}");
    })
    .await;
}

fn main() {}
