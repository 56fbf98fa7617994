//! One call, ready to be sent any number of times.
use std::borrow::Cow;

use bytes::Bytes;
use http::{Method, Uri};

use super::path;
use super::retry::Repeat;
use crate::error::Error;

/// The most bytes of an answer that are read.
const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// The same where the answer lists things, be it a list itself or an object with one: thirty days of a busy user's actions are
/// thousands, and so are the refusals of a batch.
const MAX_LIST_BYTES: usize = 4 * 1024 * 1024;

pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) body: Option<Bytes>,
    pub(crate) repeat: Repeat,
    /// Whether it may be on its way twice at once.
    pub(crate) hedged: bool,
    /// Secrets that the request carries, to be cut out of whatever comes back.
    pub(crate) carries: Vec<Cow<'a, str>>,
    /// The most bytes of its answer that are read.
    pub(crate) max_bytes: usize,
    /// Whether a success holds secrets that no error may show a piece of.
    pub(crate) confidential: bool,
    /// Whether it goes without the secret.
    pub(crate) anonymous: bool,
}

impl<'a> Call<'a> {
    /// A call without a body, safe to repeat if it only asks.
    pub(crate) fn new(method: Method, uri: Uri) -> Self {
        let repeat = if method == Method::GET { Repeat::Safe } else { Repeat::Unsafe };
        Self {
            method,
            uri,
            body: None,
            repeat,
            hedged: false,
            carries: Vec::new(),
            max_bytes: MAX_ANSWER_BYTES,
            confidential: false,
            anonymous: false,
        }
    }

    /// Asks with those of `pairs` that have a value.
    pub(crate) fn asking<'q>(
        mut self,
        pairs: impl IntoIterator<Item = (&'static str, Option<&'q str>)>,
    ) -> Result<Self, Error> {
        let pairs = pairs.into_iter().filter_map(|(name, value)| Some((name, value?)));
        self.uri = path::with_query(&self.uri, pairs)?;
        Ok(self)
    }

    /// Says that a second copy does no more than the first.
    pub(crate) fn safe_to_repeat(mut self) -> Self {
        self.repeat = Repeat::Safe;
        self
    }

    /// Says that it only asks, so that two at once are no more than one.
    pub(crate) fn hedged(mut self) -> Self {
        self.hedged = true;
        self
    }

    /// Says that the answer is about many things.
    pub(crate) fn about_many(mut self) -> Self {
        self.max_bytes = MAX_LIST_BYTES;
        self
    }

    /// Says that a success holds secrets.
    pub(crate) fn confidential(mut self) -> Self {
        self.confidential = true;
        self
    }

    /// Leaves the secret out: what is asked for is public.
    #[cfg(feature = "jwks")]
    pub(crate) fn anonymous(mut self) -> Self {
        self.anonymous = true;
        self
    }

    /// Says that the request carries a secret.
    pub(crate) fn carrying(mut self, secret: impl Into<Cow<'a, str>>) -> Self {
        self.carries.push(secret.into());
        self
    }
}
