//! What tokio-console shows of scopes: see `tests`.
