//! Names that travel in paths: they can only be made valid.
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::fmt::Hyphenated;

use crate::error::Error;

/// Why a text cannot be a [`UserId`], an [`ActionCode`] or an [`IdempotencyKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidId {
    /// It is empty.
    #[error("it is empty")]
    Empty,
    /// It is longer than the service is assumed to take.
    #[error("{length} bytes, at most {max}")]
    #[non_exhaustive]
    TooLong {
        /// The bytes that it has.
        length: usize,
        /// The most bytes that are taken.
        max: usize,
    },
    /// It holds a control character.
    #[error("it holds a control character")]
    Control,
    /// It is `.` or `..`, which no encoding keeps a URL parser from walking up the path with.
    #[error("it is `.` or `..`")]
    DotSegment,
    /// It holds a character that an action code may not have.
    #[error("an action code has only letters, digits, `_` and `-`")]
    Charset,
}

/// The most bytes of a user's id.
const MAX_USER_ID: usize = 1024;

/// What every id that becomes one segment of a path has to keep.
fn segment(text: &str, max: usize) -> Result<(), InvalidId> {
    if text.is_empty() {
        return Err(InvalidId::Empty);
    }
    if text.len() > max {
        return Err(InvalidId::TooLong { length: text.len(), max });
    }
    // Most ids are plain, which is seen many bytes at a time.
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if !is_plain && text.chars().any(char::is_control) {
        return Err(InvalidId::Control);
    }
    if matches!(text, "." | "..") {
        return Err(InvalidId::DotSegment);
    }
    Ok(())
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes `text` if it is valid.
            ///
            /// # Errors
            ///
            /// [`InvalidId`] says what is wrong with it.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidId> {
                Self::of(&text.into())
            }

            fn of(text: &str) -> Result<Self, InvalidId> {
                Self::check(text).map(|()| Self(text.into()))
            }

            /// Whether `text` is valid.
            fn check(text: &str) -> Result<(), InvalidId> {
                let check: fn(&str) -> Result<(), InvalidId> = $check;
                check(text)
            }

            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:?})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::of(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.as_str().to_owned()
            }
        }

        impl From<$name> for Arc<str> {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;

                impl Visitor<'_> for Text {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a string")
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        $name::of(text).map_err(E::custom)
                    }
                }

                deserializer.deserialize_str(Text)
            }
        }
    };
}

id!(
    /// The application's own id of a user: 1 to 1,024 bytes (the service documents no limit, an assumption), no control characters, not `.` or `..`.
    ///
    /// Two ids are the same user only when they are the same bytes; nothing is folded or normalised (threat T71).
    UserId,
    |text| segment(text, MAX_USER_ID)
);

id!(
    /// The code of an action: `^[a-zA-Z0-9_-]{1,64}$` (documented by Authsignal for the `action` path parameter).
    ActionCode,
    |text| {
        segment(text, 64)?;
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if text.bytes().all(legal) { Ok(()) } else { Err(InvalidId::Charset) }
    }
);

id!(
    /// The key of one attempt at an action: 1 to 128 bytes (an assumption, the service documents no limit), no control
    /// characters, not `.` or `..`.
    IdempotencyKey,
    |text| segment(text, 128)
);

impl IdempotencyKey {
    /// A new random key, a version 4 UUID as the service itself makes them.
    #[must_use]
    pub fn random() -> Self {
        Self::from_random(*uuid::Uuid::new_v4().as_bytes())
    }

    /// The key of these bytes, for whoever has random ones at hand: a version 4 UUID, which keeps 122 of their 128 bits.
    /// They have to come from a generator that is fit for keys: whoever can guess them can name the attempt.
    #[must_use]
    pub fn from_random(bytes: [u8; 16]) -> Self {
        let key = uuid::Builder::from_random_bytes(bytes).into_uuid();
        Self(key.hyphenated().encode_lower(&mut [0; Hyphenated::LENGTH])[..].into())
    }
}

/// The text itself, if it is a [`UserId`].
pub(crate) fn user_id_of(text: &str) -> Result<&str, Error> {
    UserId::check(text).map(|()| text).map_err(|error| refused("user id", error))
}

/// The text itself, if it is an [`ActionCode`].
pub(crate) fn action_code_of(text: &str) -> Result<&str, Error> {
    ActionCode::check(text).map(|()| text).map_err(|error| refused("action code", error))
}

/// The text itself, if it is an [`IdempotencyKey`].
pub(crate) fn idempotency_key_of(text: &str) -> Result<&str, Error> {
    IdempotencyKey::check(text).map(|()| text).map_err(|error| refused("idempotency key", error))
}

fn refused(what: &str, error: InvalidId) -> Error {
    Error::invalid_input(format!("invalid {what}: {error}"))
}

#[cfg(test)]
mod tests;
