//! What can go wrong with a store.
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// Why a store gave no answer.
pub struct Error {
    kind: ErrorKind,
    message: &'static str,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What kind of fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The store could not be reached, lost the answer, or took too long: whether it wrote is unknown.
    Unavailable,
    /// The store takes no more records for now. It did not write.
    Full,
    /// So many others wrote the same record at once that we gave up. It did not write.
    Contended,
}

impl ErrorKind {
    /// A short name, for logs and as the label of a metric.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Full => "full",
            Self::Contended => "contended",
        }
    }
}

impl Error {
    /// The store could not be reached, or lost the answer.
    #[must_use]
    pub fn unavailable(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind: ErrorKind::Unavailable, message: "the store could not be asked", source: Some(source.into()) }
    }

    /// The store takes no more records; `message` says which limit it is.
    #[must_use]
    pub fn full(message: &'static str) -> Self {
        Self { kind: ErrorKind::Full, message, source: None }
    }

    /// The store did not answer within `timeout`.
    pub(crate) fn too_slow(timeout: Duration) -> Self {
        let source = format!("no answer within {timeout:?}; `AuthsignalBuilder::store_timeout` sets how long that is");
        Self::unavailable(source)
    }

    pub(crate) fn contended() -> Self {
        Self { kind: ErrorKind::Contended, message: "the record kept changing", source: None }
    }

    /// What kind of fault it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error").field("kind", &self.kind).field("message", &self.message).finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
