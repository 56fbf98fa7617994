//! A sink that writes a file, one event a line.
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use tokio::sync::Mutex;

use super::event::{AuditEvent, AuditHead};
use super::sink::{AuditError, AuditSink};

/// How far from the end the last event is looked for.
const TAIL: u64 = 256 * 1024;

/// Writes the audit to a file, one event a line, which only its owner may read where the system knows such a thing. It is appended to,
/// by one process at a time, and never rotated: move it away while no process runs, and keep the whole.
///
/// Each event is handed to the operating system before the next, so that it outlives the process, however that ends. Whether it
/// outlives the machine is for the file system to say, unless [`sync_each`](Self::sync_each) waits for the disk.
#[derive(Clone, Debug)]
pub struct AuditJsonLines {
    file: Arc<Mutex<File>>,
    is_synced: bool,
}

/// What a line is read for.
#[derive(Deserialize)]
struct Line {
    chain: String,
    sequence: u64,
    mac: String,
}

impl AuditJsonLines {
    /// Appends to the file of this name, which is made if there is none.
    ///
    /// # Errors
    ///
    /// [`AuditError`] if it cannot be opened for that.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, AuditError> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(AuditError::new)?;
        Ok(Self { file: Arc::new(Mutex::new(file)), is_synced: false })
    }

    /// Waits for the disk after each event (`fdatasync`), some milliseconds each. Default: no.
    #[must_use]
    pub fn sync_each(self) -> Self {
        Self { is_synced: true, ..self }
    }

    /// Runs what blocks where that is allowed: in the order of the calls, and to its end once it has begun, also where nobody waits for it
    /// any more. Whoever asks afterwards is told of it.
    async fn blocking<T: Send + 'static>(
        &self,
        run: impl FnOnce(&mut File) -> io::Result<T> + Send + 'static,
    ) -> Result<T, AuditError> {
        let mut file = Arc::clone(&self.file).lock_owned().await;
        let ran = tokio::task::spawn_blocking(move || run(&mut file));
        ran.await.map_err(AuditError::new)?.map_err(AuditError::new)
    }
}

impl AuditSink for AuditJsonLines {
    async fn record(&self, event: AuditEvent) -> Result<(), AuditError> {
        let (line, is_synced) = (event.to_line() + "\n", self.is_synced);
        self.blocking(move |file| {
            let before = file.metadata()?.len();
            let written =
                file.write_all(line.as_bytes()).and_then(|()| if is_synced { file.sync_data() } else { Ok(()) });
            // Half a line would be taken for a changed one.
            written.inspect_err(|_| drop(file.set_len(before)))
        })
        .await
    }

    async fn last(&self) -> Result<Option<AuditHead>, AuditError> {
        self.blocking(|file| {
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
            let mut tail = Vec::new();
            file.read_to_end(&mut tail)?;
            if tail.last().is_some_and(|byte| *byte != b'\n') {
                // The end of a process that was torn from a machine: the next event begins a line of its own.
                file.write_all(b"\n")?;
            }
            let lines = tail.split(|byte| *byte == b'\n').rev();
            let last = lines.filter_map(|line| serde_json::from_slice::<Line>(line).ok()).next();
            Ok(last.map(|Line { chain, sequence, mac }| AuditHead { chain, sequence, mac }))
        })
        .await
    }
}
