//! A first scope: children that borrow, and are gone when it returns.
//!
//! ```sh
//! cargo run --example hello
//! ```

use std::time::Duration;

use async_std::task::{block_on, sleep};
use taskpen::scope;

/// Stands for a download: the longer the name, the longer it takes.
async fn length(page: &str) -> usize {
    sleep(Duration::from_millis(page.len() as u64)).await;
    page.len()
}

fn main() {
    let pages = ["index".to_string(), "guide".to_string()];
    let mut total = 0;
    block_on(scope(async |s| {
        // All children run at the same time. They borrow `pages`: no `Arc`, no clone, no `'static`.
        let lengths: Vec<_> = pages.iter().map(|page| s.spawn(length(page))).collect();
        for length in lengths {
            total += length.await;
        }
    }));
    println!("{} pages, {total} bytes, and no task is left", pages.len());
}
