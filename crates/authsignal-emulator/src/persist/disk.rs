//! The file on disk: held, so that no other emulator writes it, and written so that there is always a whole one.
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use crate::persist::form::{Before, Saved};

/// A state file, for as long as an emulator has it.
pub(crate) struct Disk {
    /// As it was named.
    name: PathBuf,
    /// Where it is, links followed.
    path: PathBuf,
    /// Open for its lock.
    held: File,
    /// Whether it can't be replaced by another.
    in_place: bool,
}

impl Disk {
    /// Takes hold of a file, which is made if there is none, and gives what it says: nothing, if it is empty. One that
    /// could not be written later is refused now.
    pub(crate) fn open(name: &Path) -> io::Result<(Self, Before)> {
        let refused = |why: io::Error| named(name, &why);
        let mut held = hold(name).map_err(refused)?;
        let path = fs::canonicalize(name).map_err(refused)?;
        let mut bytes = Vec::new();
        held.read_to_end(&mut bytes).map_err(refused)?;
        let before = if bytes.trim_ascii().is_empty() {
            Before::default()
        } else {
            Saved::parse(name, &bytes).map_err(|why| or_beside(&path, why))?
        };
        let mut disk = Self { name: name.to_owned(), path, held, in_place: false };
        disk.put(&bytes).map_err(refused)?;
        Ok((disk, before))
    }

    /// Puts what is to be kept in the place of what was.
    pub(super) fn write(&mut self, saved: &Saved) -> io::Result<()> {
        let bytes = serde_json::to_vec(saved).map_err(io::Error::from);
        bytes.and_then(|bytes| self.put(&bytes)).map_err(|why| named(&self.name, &why))
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !self.in_place {
            match self.replace(bytes) {
                Err(why) if is_kept_from_replacing(&why) => {
                    tracing::warn!(
                        file = %self.name.display(), error = %why,
                        "the emulator's state file can't be replaced, as when it is mounted by itself, and is written in \
                         place, where a crash in the middle cuts it: mount its folder instead of it"
                    );
                    self.in_place = true;
                }
                done => return done,
            }
        }
        self.overwrite(bytes)
    }

    /// Writes a file beside it, which takes its place at once.
    fn replace(&mut self, bytes: &[u8]) -> io::Result<()> {
        let beside = beside(&self.path);
        let replaced = write_new(&beside, bytes).and_then(|file| {
            // Before it has the name: whoever opens that finds it held.
            lock(&file)?;
            fs::rename(&beside, &self.path)?;
            Ok(file)
        });
        if replaced.is_err() {
            let _ = fs::remove_file(&beside);
        }
        self.held = replaced?;
        Ok(())
    }

    /// Writes the file itself, while a whole one is beside it wherever that can be.
    fn overwrite(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().read(true).write(true).open(&self.path)?;
        keep_private(&self.name, &file);
        let mut before = Vec::new();
        file.read_to_end(&mut before)?;
        if before == bytes {
            return Ok(());
        }
        let beside = beside(&self.path);
        match write_new(&beside, bytes) {
            Err(why) if !is_kept_from_replacing(&why) => {
                let _ = fs::remove_file(&beside);
                return Err(why);
            }
            _ => {}
        }
        io::Seek::rewind(&mut file)?;
        file.write_all(bytes)?;
        file.set_len(bytes.len() as u64)?;
        file.sync_all()?;
        match fs::remove_file(&beside) {
            Err(why) if why.kind() != ErrorKind::NotFound && !is_kept_from_replacing(&why) => Err(why),
            _ => Ok(()),
        }
    }
}

/// Opens a file that no other emulator has.
fn hold(path: &Path) -> io::Result<File> {
    loop {
        let file = open(path)?;
        lock(&file)?;
        // Another may have replaced it between the two, and has the new one.
        if is_at(&file, path)? {
            return Ok(file);
        }
    }
}

fn lock(file: &File) -> io::Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(io::Error::new(
            ErrorKind::WouldBlock,
            "another emulator keeps its state there; of two on one file each would undo what the other saved",
        )),
        Err(TryLockError::Error(error)) => {
            tracing::warn!(%error, "the emulator's state file can't be locked: let no other emulator have it");
            Ok(())
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true);
    match private(&mut options).open(path) {
        // A folder in which files can be replaced is enough.
        Err(why) if is_kept_from_replacing(&why) && path.exists() => File::open(path),
        opened => opened,
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;

    let held = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) => Ok((held.dev(), held.ino()) == (there.dev(), there.ino())),
        Err(why) if why.kind() == ErrorKind::NotFound => Ok(false),
        Err(why) => Err(why),
    }
}

#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}

/// A file in the same folder: taking the place of another is done at once only within one file system.
fn beside(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".new");
    path.with_file_name(name)
}

/// A new file with all of this in it.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(why) if why.kind() != ErrorKind::NotFound => return Err(why),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    let mut file = private(&mut options).open(path)?;
    file.write_all(bytes)?;
    // Otherwise a name may reach the disk before what it names.
    file.sync_all()?;
    Ok(file)
}

/// Files that are made by this are for their owner alone.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// A file that somebody else has made may be for all to read.
#[cfg(unix)]
fn keep_private(name: &Path, file: &File) {
    use std::os::unix::fs::PermissionsExt as _;

    let Ok(known) = file.metadata() else { return };
    if known.permissions().mode() & 0o077 != 0
        && let Err(error) = file.set_permissions(fs::Permissions::from_mode(0o600))
    {
        tracing::warn!(file = %name.display(), %error, "others than its owner may read the emulator's state file");
    }
}

#[cfg(not(unix))]
fn keep_private(_: &Path, _: &File) {}

/// Whether a file may be written that can't be replaced: it is a mount point, or its folder isn't ours to change.
fn is_kept_from_replacing(why: &io::Error) -> bool {
    matches!(
        why.kind(),
        ErrorKind::ResourceBusy
            | ErrorKind::CrossesDevices
            | ErrorKind::PermissionDenied
            | ErrorKind::ReadOnlyFilesystem
    )
}

/// Says where a whole one is, if one was left when writing in place was cut off.
fn or_beside(path: &Path, why: io::Error) -> io::Error {
    let beside = beside(path);
    if !beside.exists() {
        return why;
    }
    io::Error::new(why.kind(), format!("{why}; what was being written to it is in {}", beside.display()))
}

fn named(path: &Path, why: &io::Error) -> io::Error {
    io::Error::new(why.kind(), format!("{}: {why}", path.display()))
}
