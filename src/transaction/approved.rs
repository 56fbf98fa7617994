//! The value of a request that passed: what the handler takes.
use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;

use super::Transaction;
use super::slot::{NotGiven, Slot};
use crate::refusal::Refusal;
use crate::response::headers::unguarded;
use crate::verdict::Verdict;

/// The [`Transaction`] of a request that passed, with the [`Verdict`]: an extractor for handlers behind a layer that
/// [reads it](crate::AuthsignalLayer::transaction).
///
/// It is the very value that Authsignal was told of, that people were shown, and that the approval is bound to: it was read once,
/// and is handed on, not read again. It is given once: a second extractor, or a copy of the request that some layer further in
/// makes, gets none. The body goes on untouched beside it.
///
/// That a request passed is not that somebody was asked: the [verdict](Self::verdict) says why.
///
/// Without such a layer, or behind one that reads another type, extracting it fails with 500
/// ([`RefusalReason::Unguarded`](crate::RefusalReason::Unguarded)), and the log says which layer is missing. A
/// [`GuardedRouter`](crate::GuardedRouter) finds that when it is built, and its
/// [`transaction`](crate::GuardedRouter::transaction) when it is compiled.
///
/// See [`Transaction`] for an example.
// The bound is here, and not at the extractor alone, so that a handler with a type that is none has it said of its own argument:
// of a bound further in the compiler says no more than that the handler is none.
pub struct Approved<T: Transaction> {
    value: T,
    verdict: Verdict,
}

/// How the compiler begins the name of one.
pub(super) const TYPE_NAME: &str = concat!(module_path!(), "::Approved<");

impl<T: Transaction> Approved<T> {
    /// As the value that passed with this verdict, which the caller knows it is.
    #[cfg(feature = "testing")]
    pub(crate) fn from_parts(value: T, verdict: Verdict) -> Self {
        Self { value, verdict }
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &T {
        &self.value
    }

    /// Why it passed.
    #[must_use]
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// The value by itself.
    #[must_use]
    pub fn into_value(self) -> T {
        self.value
    }

    /// Both.
    #[must_use]
    pub fn into_parts(self) -> (T, Verdict) {
        (self.value, self.verdict)
    }
}

impl<T: Transaction> Deref for Approved<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// Without the value, which is the user's.
impl<T: Transaction> fmt::Debug for Approved<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Approved")
            .field("type", &type_name::<T>())
            .field("verdict", &self.verdict)
            .finish_non_exhaustive()
    }
}

/// The rejection of [`Approved`] where no layer has read its type; and where the layer stops nothing, since it is
/// [observed](crate::AuthsignalLayer::observe) or [off](crate::AuthsignalLayer::off), and the body is none of the type: the answer is
/// the one that the layer would have given.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MissingTransaction {
    wanted: &'static str,
    found: Found,
}

#[derive(Clone, Debug)]
enum Found {
    Nothing,
    Other(&'static str),
    Gone,
    Unread(Arc<http::Response<Bytes>>),
}

impl MissingTransaction {
    fn new<T>(found: Found, _: PhantomData<T>) -> Self {
        Self { wanted: type_name::<T>(), found }
    }
}

impl fmt::Display for MissingTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wanted = self.wanted;
        write!(f, "axum-authsignal: this handler takes an `Approved<{wanted}>`, ")?;
        match &self.found {
            Found::Nothing => write!(
                f,
                "but its innermost `AuthsignalLayer` reads none; add one with `.route_layer(AuthsignalLayer::new(&authsignal, \
                 \"the-action\").transaction::<{wanted}>())`"
            ),
            Found::Other(other) => write!(
                f,
                "and its layer reads a `{other}`: make that `.transaction::<{wanted}>()`, or have the handler take an \
                 `Approved<{other}>`"
            ),
            Found::Gone => f.write_str(
                "which was taken already: it is given once, to one extractor of one request; what makes copies of a request \
                 (a retry) belongs outside of the layer",
            ),
            Found::Unread(answer) => {
                let refusal = answer.extensions().get::<Refusal>();
                write!(f, "and the body is none ({})", refusal.map_or("", |refusal| refusal.reason().code()))
            }
        }
    }
}

impl std::error::Error for MissingTransaction {}

impl IntoResponse for MissingTransaction {
    fn into_response(self) -> Response {
        if let Found::Unread(answer) = self.found {
            return Arc::unwrap_or_clone(answer).map(Body::from);
        }
        tracing::error!(wanted = self.wanted, setter = "AuthsignalLayer::transaction", "{self}");
        unguarded(self.to_string())
    }
}

impl<T: Transaction, S: Sync> FromRequestParts<S> for Approved<T> {
    type Rejection = MissingTransaction;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let missing = |found| MissingTransaction::new(found, PhantomData::<T>);
        let slot = parts.extensions.get::<Slot>().ok_or_else(|| missing(Found::Nothing))?;
        match slot.take::<T>() {
            Ok((value, verdict)) => Ok(Self { value, verdict }),
            Err(NotGiven::OtherType(other)) => Err(missing(Found::Other(other))),
            Err(NotGiven::Gone) => Err(missing(Found::Gone)),
            Err(NotGiven::Unread(answer)) => Err(missing(Found::Unread(answer))),
        }
    }
}
