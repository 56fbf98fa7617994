//! Why an access token is not taken.
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::error::Error;

/// Why an access token is not taken.
///
/// It holds nothing of the token, so it may be logged as it is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SessionFault {
    /// It is no JWT of this kind: no signed JSON, longer than 16 KiB, without the id of a key, or without a claim that a
    /// session has.
    Malformed,
    /// It is signed with another algorithm than RS256.
    Algorithm,
    /// The tenant publishes no such key, as far as is known: it may have been added less than a minute ago.
    UnknownKey,
    /// It was not signed with that key.
    Signature,
    /// It is for none of the app clients that were named.
    Audience,
    /// It has expired.
    Expired,
    /// It is not valid yet.
    NotYetValid,
    /// The keys cannot be had, so that nothing is known about the token. Refuse it as an outage, with 503.
    Unavailable(Arc<Error>),
}

impl SessionFault {
    /// Whether nothing is known about the token, because the keys cannot be had.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl fmt::Display for SessionFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "it is no access token of a session",
            Self::Algorithm => "the access token is not signed with RS256",
            Self::UnknownKey => "the access token is signed with a key that the tenant does not publish",
            Self::Signature => "the signature of the access token is wrong",
            Self::Audience => "the access token is for another app client",
            Self::Expired => "the access token has expired",
            Self::NotYetValid => "the access token is not valid yet",
            Self::Unavailable(_) => "the keys of the tenant cannot be fetched",
        })
    }
}

impl StdError for SessionFault {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Unavailable(error) => Some(&**error),
            _ => None,
        }
    }
}
