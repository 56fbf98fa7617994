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
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use tokio::task::JoinHandle;

use crate::emulator::persist::disk::Disk;

use crate::emulator::db::World;
use crate::emulator::persist::form::Saved;
use crate::emulator::state::Shared;

/// How often it is written at most.
const PAUSE: Duration = Duration::from_secs(1);

/// The world, locked. Whoever changes it leaves a note for the file.
pub(crate) struct Held<'a> {
    pub(crate) world: MutexGuard<'a, World>,
    pub(crate) changed: &'a AtomicBool,
}

impl Deref for Held<'_> {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut World {
        self.changed.store(true, Ordering::Relaxed);
        &mut self.world
    }
}

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

    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Writes the state into its file, if there is one and anything has changed. Blocks.
    pub(crate) fn save(&self) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut last = file.last();
        let last = &mut *last;
        let Some(disk) = &mut last.disk else { return Ok(()) };
        let ahead = self.clock.ahead();
        if !self.changed.swap(false, Ordering::Relaxed) && last.ahead == ahead {
            return Ok(());
        }
        let written = Saved::of(self).and_then(|saved| disk.write(&saved));
        if written.is_err() {
            self.changed.store(true, Ordering::Relaxed);
        }
        (last.ahead, last.error) = (ahead, written.as_ref().err().map(ToString::to_string));
        written
    }

    /// Leaves the file to whoever wants it next. Nothing is written any more.
    pub(crate) fn let_go(&self) {
        if let Some(file) = &self.file {
            file.last().disk = None;
        }
    }

    /// Why the state could not be written.
    pub(crate) fn unsaved(&self) -> Option<String> {
        self.file.as_ref()?.last().error.clone()
    }
}

/// Writes the state as it changes, until it is aborted.
pub(crate) fn watch(shared: &Arc<Shared>) -> JoinHandle<()> {
    let shared = Arc::downgrade(shared);
    tokio::spawn(async move {
        let mut complained = false;
        loop {
            tokio::time::sleep(PAUSE).await;
            let Some(shared) = shared.upgrade() else { return };
            let saved = tokio::task::spawn_blocking(move || shared.save()).await;
            match saved {
                Ok(Err(error)) if !complained => {
                    complained = true;
                    tracing::error!(%error, "the emulator's state could not be saved; it is tried again every second");
                }
                Ok(Ok(())) if complained => {
                    complained = false;
                    tracing::warn!("the emulator's state is saved again");
                }
                Err(error) if error.is_panic() => tracing::error!("saving the emulator's state panicked"),
                _ => {}
            }
        }
    })
}
