//! What the file says.
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::credentials::signing_key::Keys;
use crate::db::snapshot::Snapshot;

/// The version of the form that is written here. Another number for every form that those before can't read.
pub(crate) const VERSION: u64 = 1;

/// An emulator's state.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Saved {
    pub(crate) version: u64,
    pub(crate) tenant_id: String,
    pub(crate) secret: String,
    /// The key of its tokens, PKCS #8 in base64.
    pub(crate) key: String,
    /// How much its clock is ahead of the system's.
    pub(crate) ahead_milliseconds: i64,
    pub(crate) db: Snapshot,
}

/// What an emulator goes on from: nothing, or a state.
#[derive(Default)]
pub(crate) struct Before {
    pub(crate) tenant_id: Option<String>,
    pub(crate) secret: Option<String>,
    pub(crate) keys: Option<Arc<Keys>>,
    pub(crate) ahead: Option<SignedDuration>,
    pub(crate) db: Option<Snapshot>,
}

#[derive(Deserialize)]
struct Version {
    version: u64,
}

impl Saved {
    /// Reads the bytes of a file.
    pub(super) fn parse(path: &Path, bytes: &[u8]) -> io::Result<Before> {
        let version: Version = serde_json::from_slice(bytes).map_err(|why| match why.classify() {
            serde_json::error::Category::Data => refused(path, "invalid state of an emulator: no version"),
            _ => refused(path, format_args!("invalid JSON, cut off or damaged {}", place(&why))),
        })?;
        if version.version != VERSION {
            let why = format!("the state is of version {}, and this emulator reads version {VERSION}", version.version);
            return Err(refused(path, why));
        }
        let json = &mut serde_json::Deserializer::from_slice(bytes);
        // What a value is instead is not told: it may be a secret.
        let saved: Self = serde_path_to_error::deserialize(json).map_err(|why| {
            let member = why.path().to_string();
            let member = if member == "." { "state" } else { &member };
            refused(path, format_args!("invalid {member}: not of the type that it has to be, {}", place(why.inner())))
        })?;
        let keys = Keys::import(&saved.key).ok_or_else(|| refused(path, "invalid key: not of RSA"))?;
        Ok(Before {
            tenant_id: Some(saved.tenant_id),
            secret: Some(saved.secret),
            keys: Some(Arc::new(keys)),
            ahead: Some(SignedDuration::from_millis(saved.ahead_milliseconds)),
            db: Some(saved.db),
        })
    }
}

fn place(why: &serde_json::Error) -> String {
    format!("at line {}, column {}", why.line(), why.column())
}

/// Why a file is not taken.
fn refused(path: &Path, why: impl fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: {why}", path.display()))
}
