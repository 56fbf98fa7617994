//! Reading the file, and writing it so that there is always a whole one.
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::form::{Before, Saved};

/// What the file says; nothing when there is none yet. One that could not be written later is refused now.
pub(in crate::emulator) fn open(path: &Path) -> io::Result<Before> {
    let before = match fs::read(path) {
        Ok(bytes) => Saved::parse(path, &bytes)?,
        Err(why) if why.kind() == io::ErrorKind::NotFound => Before::default(),
        Err(why) => return Err(named(path, &why)),
    };
    let beside = beside(path);
    create(&beside).and_then(|_| fs::remove_file(&beside)).map_err(|why| named(path, &why))?;
    Ok(before)
}

/// Puts what is to be kept in the place of what was.
pub(super) fn write(path: &Path, saved: &Saved) -> io::Result<()> {
    let beside = beside(path);
    let bytes = serde_json::to_vec(saved).map_err(|why| named(path, &why.into()))?;
    let written = create(&beside).and_then(|mut file| {
        file.write_all(&bytes)?;
        // Otherwise the name may reach the disk before what it names.
        file.sync_all()?;
        fs::rename(&beside, path)
    });
    written.map_err(|why| {
        let _ = fs::remove_file(&beside);
        named(path, &why)
    })
}

/// A file in the same folder: taking the place of another is done at once only within one file system.
fn beside(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}", std::process::id()));
    path.with_file_name(name)
}

/// A new file, that only its owner may read.
fn create(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn named(path: &Path, why: &io::Error) -> io::Error {
    io::Error::new(why.kind(), format!("{}: {why}", path.display()))
}
