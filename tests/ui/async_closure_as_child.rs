//! What an async closure returns cannot be required to be `Send`: there is no `par_map`.

use taskpen::scope;

async fn par_map<U: Send>(urls: Vec<String>, f: impl AsyncFn(String) -> U) {
    scope(async |s| {
        for url in urls {
            s.spawn(f(url));
        }
    })
    .await
}

fn main() {
    let _ = par_map(vec![], async |url| url.len());
}
