//! One field of a form: as it was sent, as it is kept, and why it is not.
use serde::{Deserialize, Serialize};

/// One field of a kept form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) value: Value,
}

/// What is kept of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Value {
    Text(String),
    /// Its name says that it is a secret, which the user types again.
    Secret,
    /// A file of this name, which the user chooses again.
    File(String),
    /// A field for a file where none was chosen.
    NoFile,
}

/// A field that keeps its form from being kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unkept {
    pub(crate) name: String,
    pub(crate) why: UnkeptReason,
}

/// Why a field of a form was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum UnkeptReason {
    /// It is a file.
    File,
    /// It is too long, or makes the form too long.
    TooLong,
    /// It is in another encoding than UTF-8, or written as no browser would send it again.
    Encoding,
}

/// A field as it was sent.
pub(super) struct Sent {
    pub(super) name: String,
    pub(super) value: Result<Value, UnkeptReason>,
}
