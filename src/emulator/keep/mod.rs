//! The state of an emulator in a file, so that it outlives its process.
//!
//! The file is JSON with a version. It holds everything that was told to the emulator, the key of its tokens and its API
//! secret key: whoever reads it can pass for its users. So on Unix only its owner may.
//!
//! It is written at most once a second while something changes, and when the emulator ends: into a file beside it, which
//! then takes its place, so that there is always a whole one. A file that can't be read isn't overwritten; the emulator
//! doesn't start.
mod disk;
mod form;

use std::io;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use tokio::task::JoinHandle;

pub(super) use self::disk::open;

use self::form::Saved;
use super::Shared;
use super::world::World;

/// How often it is written at most.
const PAUSE: Duration = Duration::from_secs(1);

/// The world, locked. Whoever changes it leaves a note for the file.
pub(super) struct Held<'a> {
    pub(super) world: MutexGuard<'a, World>,
    pub(super) changed: &'a AtomicBool,
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
pub(super) struct StateFile {
    path: PathBuf,
    /// Taken by whoever writes.
    last: Mutex<Last>,
}

/// What came of the last writing.
#[derive(Default)]
struct Last {
    ahead: SignedDuration,
    error: Option<String>,
}

impl StateFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, last: Mutex::default() }
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Writes the state into its file, if there is one and anything has changed. Blocks.
    pub(super) fn save(&self) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut last = file.last();
        let ahead = self.clock.ahead();
        if !self.changed.swap(false, Ordering::Relaxed) && last.ahead == ahead {
            return Ok(());
        }
        let written = Saved::of(self).and_then(|saved| disk::write(&file.path, &saved));
        if written.is_err() {
            self.changed.store(true, Ordering::Relaxed);
        }
        *last = Last { ahead, error: written.as_ref().err().map(ToString::to_string) };
        written
    }

    /// Why the state could not be written.
    pub(super) fn unsaved(&self) -> Option<String> {
        self.file.as_ref()?.last().error.clone()
    }
}

/// Writes the state as it changes, until it is aborted.
pub(super) fn watch(shared: &Arc<Shared>) -> JoinHandle<()> {
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
                    tracing::warn!(%error, "the emulator's state could not be written; it is tried again");
                }
                Ok(Ok(())) => complained = false,
                _ => {}
            }
        }
    })
}
