//! Why a webhook is not taken.
use std::fmt;

/// Why a webhook is not taken.
///
/// It holds nothing of the webhook itself, so it may be logged as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    /// What is wrong, where the kind alone does not say.
    detail: Option<String>,
}

/// What kind of thing is wrong with it, in the order in which it is looked at. The first three are the errors of the
/// official SDKs (node `src/webhook.ts`), the last is what go alone checks (`client/webhook.go`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no signature header, or no single one, or it has no time or no signature. "Signature format is invalid."
    Format,
    /// It was signed too long ago, or, where that is looked at, too far ahead. "Timestamp is outside the tolerance zone."
    Tolerance,
    /// No signature is that of this secret for this body. "Signature mismatch."
    Mismatch,
    /// It is Authsignal's, and cannot be read: no JSON, or an object that is neither an event with a type nor a batch.
    Payload,
}

impl Error {
    pub(super) fn new(kind: ErrorKind) -> Self {
        Self { kind, detail: None }
    }

    /// `detail` must hold no value of the payload.
    pub(super) fn payload(detail: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Payload, detail: Some(detail.into()) }
    }

    /// What kind of thing is wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl ErrorKind {
    /// A short name for logs and for the sender.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Format => "signature_format",
            Self::Tolerance => "signature_tolerance",
            Self::Mismatch => "signature_mismatch",
            Self::Payload => "payload",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            ErrorKind::Format => "the signature header cannot be read",
            ErrorKind::Tolerance => "the signature's time is outside the tolerance",
            ErrorKind::Mismatch => "no signature matches",
            ErrorKind::Payload => "the payload cannot be read",
        })?;
        match &self.detail {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
