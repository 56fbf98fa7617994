//! The state of an emulator in a file, so that it outlives its process.
//!
//! The file is JSON with a version. It holds everything that was told to the emulator, the key of its tokens and its API
//! secret key: whoever reads it can pass for its users. So on Unix only its owner may.
//!
//! It is written at most once a second while something changes, and when the emulator ends: into a file beside it, which
//! then takes its place, so that there is always a whole one. Where nothing can take its place, as where the file itself is
//! mounted into a container, it is written in place. A file that can't be read isn't overwritten; the emulator doesn't
//! start, nor while another emulator has the file.
pub(crate) mod disk;
pub(crate) mod form;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::SignedDuration;

use crate::persist::disk::Disk;
use crate::persist::form::Saved;

/// The file that an emulator's state is kept in.
pub(crate) struct StateFile {
    /// Taken by whoever writes.
    last: Mutex<Last>,
}

/// The file, and what came of the last writing.
struct Last {
    /// None once the emulator is gone.
    disk: Option<Disk>,
    ahead: SignedDuration,
    error: Option<String>,
}

impl StateFile {
    pub(crate) fn new(disk: Disk) -> Self {
        Self { last: Mutex::new(Last { disk: Some(disk), ahead: SignedDuration::ZERO, error: None }) }
    }

    /// Writes what is to be kept, if anything has changed. Blocks.
    pub(crate) fn save(
        &self,
        changed: &AtomicBool,
        ahead: impl FnOnce() -> SignedDuration,
        state: impl FnOnce(SignedDuration) -> Saved,
    ) -> io::Result<()> {
        let mut last = self.last();
        let last = &mut *last;
        let Some(disk) = &mut last.disk else { return Ok(()) };
        let ahead = ahead();
        if !changed.swap(false, Ordering::Relaxed) && last.ahead == ahead {
            return Ok(());
        }
        let written = disk.write(&state(ahead));
        if written.is_err() {
            changed.store(true, Ordering::Relaxed);
        }
        (last.ahead, last.error) = (ahead, written.as_ref().err().map(ToString::to_string));
        written
    }

    /// Leaves the file to whoever wants it next. Nothing is written any more.
    pub(crate) fn let_go(&self) {
        self.last().disk = None;
    }

    /// Why the state could not be written.
    pub(crate) fn unsaved(&self) -> Option<String> {
        self.last().error.clone()
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
