//! Scopes in tasks of multi-threaded runtimes, whose `spawn` asks for `Send + 'static`.

use std::sync::Arc;
use taskpen::{TryScope, scope, try_scope};

async fn work(pages: Arc<Vec<String>>) -> usize {
    let local = String::from("local");
    let sum = scope(async |s| {
        let handles = [0, 1].map(|i| {
            let page = &pages[i];
            s.spawn(async { page.len() + local.len() })
        });
        let mut sum = 0;
        for handle in handles {
            sum += handle.await;
        }
        sum
    })
    .await;
    let outcome = try_scope(async |s: TryScope<'_, &str>| {
        s.spawn(async {
            if local.is_empty() {
                Err("empty")
            } else {
                Ok(())
            }
        });
        Ok(sum)
    })
    .await;
    outcome.unwrap()
}

fn main() {
    let pages = Arc::new(vec!["index".to_string(), "guide".to_string()]);

    let task = async_std::task::spawn(work(pages.clone()));
    assert_eq!(async_std::task::block_on(task), 20);

    let tokio = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let task = tokio.spawn(work(pages.clone()));
    assert_eq!(tokio.block_on(task).unwrap(), 20);

    let task = smol::spawn(work(pages));
    assert_eq!(smol::block_on(task), 20);

    let task = async_std::task::spawn(async { scope(async |s| s.spawn(async { 7 }).await).await });
    assert_eq!(async_std::task::block_on(task), 7);
}
