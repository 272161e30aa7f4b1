//! The executors that run the children of a pen.

/// Writes one test for each executor. The pattern is a function that makes a pen on it, for a test
/// that is itself run by that executor's own `block_on`, where it has one.
macro_rules! each_executor {
    ($(#[$doc:meta])* async fn $name:ident($pen:ident) $test:block) => {
        $(#[$doc])*
        mod $name {
            use super::*;
            use crate::life::watched;

            async fn test($pen: impl Fn() -> taskpen::Pen + Clone + Send + Sync + 'static) $test

            #[cfg(feature = "async-std")]
            #[test]
            fn async_std() {
                watched(|| ::async_std::task::block_on(test(taskpen::Pen::new)));
            }

            #[cfg(feature = "smol")]
            #[test]
            fn smol() {
                watched(|| ::smol::block_on(test(|| taskpen::Pen::on(taskpen::Smol))));
            }

            #[cfg(feature = "tokio")]
            #[test]
            fn tokio_threads() {
                watched(|| {
                    let mut builder = tokio::runtime::Builder::new_multi_thread();
                    let runtime = builder.worker_threads(2).enable_all().build().unwrap();
                    runtime.block_on(test(taskpen::Pen::new));
                });
            }

            #[cfg(feature = "tokio")]
            #[test]
            fn tokio_current_thread() {
                watched(|| {
                    let mut builder = tokio::runtime::Builder::new_current_thread();
                    let runtime = builder.enable_all().build().unwrap();
                    runtime.block_on(test(taskpen::Pen::new));
                });
            }

            /// It has no tasks: tickets only.
            #[test]
            fn pool() {
                watched(|| {
                    let pool = crate::lenders::Pool::new(2);
                    let on = pool.clone();
                    futures_lite::future::block_on(test(move || taskpen::Pen::on(on.clone())));
                    drop(pool); // here, and not on one of its threads
                });
            }
        }
    };
}
