//! Why a body is not read as a transaction, and where in it.
use std::fmt;

use authsignal_client::visible;

/// Why a body was refused by a layer that [reads a transaction](crate::AuthsignalLayer::transaction), and where in it.
///
/// It holds names out of the body, and nothing that stood behind them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BodyFault {
    /// Which field it is, as in `items[2].amount`; empty for the body as a whole. Names come from whoever sent it, at most 128
    /// characters, as they were sent; `Display` has nothing unseen in them.
    pub path: String,
    /// What is wrong with it.
    pub kind: BodyFaultKind,
}

/// What is wrong with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BodyFaultKind {
    /// It breaks off, has something behind its end, or is not written as its content type says.
    Syntax,
    /// It begins with a byte order mark.
    ByteOrderMark,
    /// It is not UTF-8.
    NotUtf8,
    /// A name stands twice beside another, upper and lower case counting as the same.
    DuplicateName,
    /// A number that two programs may read as two: past 2^53 - 1, with an exponent, with more than 15 significant digits in a
    /// fraction, `-0`, or in a form one with a sign or zeros in front. It can be sent as a string.
    Number,
    /// U+0000, or half of a surrogate pair.
    Character,
    /// Lists and objects stand more than 32 deep in each other.
    TooDeep,
    /// A field is missing that the type asks for.
    MissingField,
    /// A field that the type does not know, where it refuses those.
    UnknownField,
    /// A text where the type asks for a number, and the like.
    WrongType,
    /// A value that the type does not take.
    WrongValue,
    /// What would have to be shown is too long, or too much.
    TooLong,
}

/// The longest path that is told, in characters.
const MAX_PATH: usize = 128;

impl BodyFault {
    pub(crate) fn new(path: &str, kind: BodyFaultKind) -> Self {
        Self { path: path.chars().take(MAX_PATH).collect(), kind }
    }
}

impl BodyFaultKind {
    /// A short name, for logs and for the member `fault` of a problem document.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::ByteOrderMark => "byte_order_mark",
            Self::NotUtf8 => "not_utf8",
            Self::DuplicateName => "duplicate_name",
            Self::Number => "number",
            Self::Character => "character",
            Self::TooDeep => "too_deep",
            Self::MissingField => "missing_field",
            Self::UnknownField => "unknown_field",
            Self::WrongType => "wrong_type",
            Self::WrongValue => "wrong_value",
            Self::TooLong => "too_long",
        }
    }

    /// What whoever writes the client can do about it.
    pub(crate) fn detail(self) -> &'static str {
        match self {
            Self::Syntax => "the body is not written as its content type says",
            Self::ByteOrderMark => "the body begins with a byte order mark: leave it out",
            Self::NotUtf8 => "the body is not UTF-8",
            Self::DuplicateName => "the same name stands twice, upper and lower case counting as the same",
            Self::Number => {
                "a number that programs read differently: at most 2^53 - 1, no exponent, a fraction of at most 15 significant \
                 digits, no -0, no sign or zeros in front; send any other as a string"
            }
            Self::Character => "U+0000 or half of a surrogate pair, which programs read differently",
            Self::TooDeep => "lists and objects stand too deep in each other",
            Self::MissingField => "a field is missing",
            Self::UnknownField => "an unknown field",
            Self::WrongType => "a value of another type is asked for",
            Self::WrongValue => "this value is not taken",
            Self::TooLong => "too long to be shown to whoever approves it",
        }
    }
}

impl fmt::Display for BodyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", visible(&self.path))?;
        }
        f.write_str(self.kind.detail())
    }
}
