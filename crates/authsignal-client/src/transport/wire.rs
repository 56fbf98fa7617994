//! The seam: whatever carries one HTTP request to the service, and brings its answer or none.
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use tower::{Service, ServiceExt as _};

/// Any error, as services of tower's have them.
pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// The body of an answer, whichever transport it came by.
pub(crate) type AnswerBody = UnsyncBoxBody<Bytes, BoxError>;

/// An answer on its way.
pub(crate) type Exchanged = Pin<Box<dyn Future<Output = Result<Response<AnswerBody>, BoxError>> + Send>>;

/// One request to the service and its answer back: no more, and no less. Tries, deadlines, limits and redaction are above.
pub(crate) trait Exchange: Send + Sync {
    fn exchange(&self, request: Request<Bytes>) -> Exchanged;
}

/// What carries the requests of a client, whatever it is made of.
#[derive(Clone)]
pub(crate) struct Wire(Arc<dyn Exchange>);

impl Wire {
    pub(crate) fn new(exchange: impl Exchange + 'static) -> Self {
        Self(Arc::new(exchange))
    }

    /// Takes a service of the user's.
    pub(crate) fn serving<S, B>(service: S) -> Self
    where
        S: Service<Request<Bytes>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self::new(Served(service))
    }

    pub(crate) fn exchange(&self, request: Request<Bytes>) -> Exchanged {
        self.0.exchange(request)
    }
}

struct Served<S>(S);

impl<S, B> Exchange for Served<S>
where
    S: Service<Request<Bytes>, Response = Response<B>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn exchange(&self, request: Request<Bytes>) -> Exchanged {
        let answer = self.0.clone().oneshot(request);
        Box::pin(
            async move { Ok(answer.await.map_err(Into::into)?.map(|body| body.map_err(Into::into).boxed_unsync())) },
        )
    }
}

/// Why a transport of your own brought no answer, as far as it matters: see
/// [`ClientBuilder::transport`](crate::ClientBuilder::transport).
///
/// # Examples
///
/// ```
/// use authsignal_client::TransportError;
///
/// let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
/// assert!(TransportError::connect(refused).is_connect());
/// ```
#[derive(Debug)]
pub struct TransportError {
    cause: Unanswered,
    source: BoxError,
    /// Whether the source is known to show nothing of the request.
    is_clean: bool,
}

/// What became of a request without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// There was no connection, so nothing was sent; or the service said that it did not look at what was.
    Unsent,
    /// Something of it may have been sent.
    Lost,
}

impl TransportError {
    /// No connection was made, so nothing of the request was sent: any call is safe to repeat.
    pub fn connect(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { cause: Unanswered::Unsent, source: source.into(), is_clean: false }
    }

    /// The connection was lost, or spoke no HTTP, after something may have been sent. Every error that is no `TransportError`
    /// is taken for this.
    pub fn interrupted(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { cause: Unanswered::Lost, source: source.into(), is_clean: false }
    }

    /// Of a transport of ours.
    #[cfg(any(feature = "reqwest", feature = "hyper"))]
    pub(crate) fn ours(cause: Unanswered, source: impl Into<BoxError>) -> Self {
        Self { cause, source: source.into(), is_clean: true }
    }

    /// Whether it says that no connection was made.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        self.cause == Unanswered::Unsent
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.cause {
            Unanswered::Unsent => "no connection was made",
            Unanswered::Lost => "the connection was lost",
        })
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.source)
    }
}

/// What became of a request that was lost on an HTTP/2 connection: of one that it refused, or left behind when it was closed in
/// order, the service has looked at nothing (RFC 9113, sections 6.8 and 8.7).
#[cfg(any(feature = "reqwest", feature = "hyper"))]
pub(crate) fn lost(error: &(dyn StdError + 'static)) -> Unanswered {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            let reason = error.reason();
            let is_left = error.is_go_away() && reason == Some(h2::Reason::NO_ERROR);
            let is_refused = error.is_reset() && reason == Some(h2::Reason::REFUSED_STREAM);
            return if error.is_remote() && (is_left || is_refused) { Unanswered::Unsent } else { Unanswered::Lost };
        }
        next = error.source();
    }
    Unanswered::Lost
}

/// What an error of a transport says about the request: it, or whatever caused it, is one that says so.
pub(crate) fn unanswered(error: &BoxError) -> Unanswered {
    let mut next: Option<&(dyn StdError + 'static)> = Some(&**error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<TransportError>() {
            return error.cause;
        }
        #[cfg(feature = "reqwest")]
        if error.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_connect) {
            return Unanswered::Unsent;
        }
        #[cfg(feature = "hyper")]
        if error.downcast_ref::<hyper_util::client::legacy::Error>().is_some_and(|error| error.is_connect()) {
            return Unanswered::Unsent;
        }
        // An `io::Error` hands on the source of what it holds, and not that itself.
        let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = held.map(|held| held as &(dyn StdError + 'static)).or_else(|| error.source());
    }
    Unanswered::Lost
}

/// What may stand as the source of an error of ours: the error itself where it is known to show nothing of the request, else
/// its words, with and without its own sources, as `cut` lets them through. A transport of the user's may well put URLs and
/// headers into its errors.
pub(crate) fn presentable(error: BoxError, cut: impl FnOnce(&str) -> String) -> BoxError {
    match error.downcast::<TransportError>() {
        Ok(error) if error.is_clean => error.source,
        Ok(error) => Box::new(Words(cut(&chain(&*error)))),
        Err(error) => Box::new(Words(cut(&chain(&*error)))),
    }
}

/// An error of which its words are left.
struct Words(String);

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Words {}

/// An error and its sources in one line.
pub(crate) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> io::Error {
        io::Error::new(io::ErrorKind::ConnectionRefused, "POST https://host/?key=canary: refused")
    }

    /// What is not said to be safe is not: nobody else knows whether something was sent.
    #[test]
    fn an_error_counts_as_unsent_only_where_it_says_so() {
        let wrapped = io::Error::other(TransportError::connect(refused()));
        let table: [(BoxError, Unanswered); 4] = [
            (TransportError::connect(refused()).into(), Unanswered::Unsent),
            (wrapped.into(), Unanswered::Unsent),
            (TransportError::interrupted(refused()).into(), Unanswered::Lost),
            (refused().into(), Unanswered::Lost),
        ];
        for (error, expected) in table {
            assert_eq!(unanswered(&error), expected, "{error:?}");
        }
    }

    /// T97: whatever a transport of somebody's puts into an error, of it only cut words are left.
    #[test]
    fn t97_an_error_of_a_foreign_transport_becomes_its_words() {
        let cut = |text: &str| text.replace("canary", "[cut]");
        for error in [BoxError::from(refused()), TransportError::connect(refused()).into()] {
            let error = presentable(error, cut);
            assert!(error.to_string().contains("refused") && error.source().is_none(), "{error}");
            assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
        }
    }
}
