//! The first error ends everything: `try_scope`.
//!
//! ```sh
//! cargo run --example first_error
//! ```

use std::time::Duration;

use async_std::task::{block_on, sleep};
use taskpen::{TryScope, try_scope};

/// Stands for a download. Says so if it is dropped before it is done.
async fn fetch(page: &'static str) -> Result<usize, String> {
    struct Started(&'static str);

    impl Drop for Started {
        fn drop(&mut self) {
            println!("{}: over", self.0);
        }
    }

    let _started = Started(page);
    match page {
        "missing" => Err(format!("there is no page {page:?}")),
        _ => {
            sleep(Duration::from_secs(3600)).await;
            Ok(page.len())
        }
    }
}

fn main() {
    let outcome = block_on(try_scope(async |s: TryScope<'_, String>| {
        let pages = ["index", "guide", "missing"].map(|page| s.spawn(fetch(page)));
        let mut total = 0;
        for page in pages {
            total += page.await; // a `usize`: whoever waits here is dropped if a child fails
        }
        Ok(total)
    }));
    // An hour early: the other two were dropped where they stood.
    println!("{outcome:?}");
}
