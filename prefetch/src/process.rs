//! What the system knows of this process: its open files, its sockets and its threads.

use std::fs;
use std::io;
use std::path::Path;

/// What the process holds at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Census {
    /// Open file descriptors, sockets included.
    pub(crate) files: usize,
    pub(crate) sockets: usize,
    pub(crate) threads: usize,
}

impl Census {
    /// Reads it from `/proc`; `None` on systems that have no such thing.
    pub(crate) fn take() -> Option<Self> {
        Self::read(Path::new("/proc/self")).ok()
    }

    fn read(process: &Path) -> io::Result<Self> {
        let mut census = Self {
            files: 0,
            sockets: 0,
            threads: fs::read_dir(process.join("task"))?.count(),
        };
        let descriptors: Vec<_> = fs::read_dir(process.join("fd"))?.collect();
        for descriptor in descriptors {
            // The one that read this directory is closed again.
            let Ok(target) = fs::read_link(descriptor?.path()) else {
                continue;
            };
            census.files += 1;
            census.sockets += usize::from(target.to_string_lossy().starts_with("socket:"));
        }
        Ok(census)
    }
}
