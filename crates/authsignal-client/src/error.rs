//! Why a call has no result.
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// Why a call of the [`Client`](crate::Client) has no result.
///
/// It holds no request, no id, no token and no secret, so it may be logged as it is; `Display` is one line without its
/// [`source`](StdError::source). Texts of the service's own are shortened and lose whatever looks like a secret.
///
/// # Examples
///
/// ```no_run
/// # async fn example(client: authsignal_client::Client) -> Result<(), authsignal_client::Error> {
/// match client.get_action("user-1", "withdrawal", "an-idempotency-key").await {
///     Ok(action) => println!("{}", action.state),
///     Err(error) if error.is_not_found() => println!("no such attempt"),
///     Err(error) => return Err(error),
/// }
/// # Ok(())
/// # }
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    /// What is wrong, where the kind alone does not say.
    detail: Option<String>,
    status: Option<u16>,
    code: Option<String>,
    description: Option<String>,
    retry_after: Option<Duration>,
    excerpt: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What kind of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request cannot be sent as it is, an id that is not one for example. Nothing was sent.
    InvalidInput,
    /// No connection was made in time: name, address, TLS. Nothing was sent; or, by HTTP/2, the service said that it looked at
    /// nothing of what was.
    Connect,
    /// The deadline of the call passed.
    Timeout,
    /// The connection was lost, or spoke no HTTP, after something was sent and before an answer began.
    ///
    /// A caller can bring this about where a service hangs up on a request that it does not like.
    Interrupted,
    /// Too many requests, status 429.
    RateLimited,
    /// The secret key is wrong, or of another region, or the call says that a token is: status 401.
    Unauthorized,
    /// The service refused the request: every other status from 400 to 499.
    Rejected,
    /// The service answered with a redirect, status 300 to 399. It was not followed.
    Redirected,
    /// The service failed: status 500 to 599.
    Server,
    /// The service agreed, but its answer is not what it should be: not JSON, cut short, of another shape, or about
    /// something else than was asked.
    Malformed,
    /// The answer is longer than 256 KiB; than 4 MiB where it lists things, in an object or by itself.
    TooLarge,
}

impl Error {
    fn new(kind: ErrorKind) -> Self {
        Self(Box::new(Inner {
            kind,
            detail: None,
            status: None,
            code: None,
            description: None,
            retry_after: None,
            excerpt: None,
            source: None,
        }))
    }

    pub(crate) fn invalid_input(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput).with_detail(detail)
    }

    pub(crate) fn timeout() -> Self {
        Self::new(ErrorKind::Timeout)
    }

    pub(crate) fn connect() -> Self {
        Self::new(ErrorKind::Connect)
    }

    pub(crate) fn interrupted() -> Self {
        Self::new(ErrorKind::Interrupted)
    }

    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Malformed).with_detail(detail)
    }

    pub(crate) fn too_large() -> Self {
        Self::new(ErrorKind::TooLarge)
    }

    /// The error of a status that is not a success.
    pub(crate) fn from_status(status: u16) -> Self {
        let kind = match status {
            300..=399 => ErrorKind::Redirected,
            401 => ErrorKind::Unauthorized,
            429 => ErrorKind::RateLimited,
            400..=499 => ErrorKind::Rejected,
            500..=599 => ErrorKind::Server,
            _ => ErrorKind::Malformed,
        };
        Self::new(kind).with_status(status)
    }

    pub(crate) fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    /// What the service says about itself; both texts have to be redacted already.
    pub(crate) fn with_report(mut self, code: Option<String>, description: Option<String>) -> Self {
        self.0.code = code;
        self.0.description = description;
        self
    }

    pub(crate) fn with_retry_after(mut self, after: Option<Duration>) -> Self {
        self.0.retry_after = after;
        self
    }

    /// A piece of the answer; it has to be redacted already.
    pub(crate) fn with_excerpt(mut self, excerpt: String) -> Self {
        self.0.excerpt = Some(excerpt).filter(|excerpt| !excerpt.is_empty());
        self
    }

    pub(crate) fn with_source(mut self, source: Box<dyn StdError + Send + Sync>) -> Self {
        self.0.source = Some(source);
        self
    }

    /// What kind of thing went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The HTTP status of the answer, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The service's own code, such as `invalid_request`: `errorCode`, else `error` (the SDKs read one or the other).
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// What the service says in words: `errorDescription`, else `message` (its gateway's). At most 400 characters,
    /// for a log and not for the user.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// How long the service asks to be left alone, from `Retry-After`.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// A piece of an answer that could not be read: at most 200 characters, control characters escaped, without the
    /// secret key, long runs of token characters, runs of digits, and e-mail addresses. Of an answer that may hold
    /// recovery codes or the tokens of a session, it is `[withheld]`.
    #[must_use]
    pub fn excerpt(&self) -> Option<&str> {
        self.0.excerpt.as_deref()
    }

    /// Whether the deadline passed.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.0.kind == ErrorKind::Timeout
    }

    /// Whether no connection was made, so that nothing was sent.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        self.0.kind == ErrorKind::Connect
    }

    /// Whether the service knows no such thing: status 404.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.0.status == Some(404)
    }

    /// Whether the same call may succeed later. It says nothing about whether the first one had an effect.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        use ErrorKind::{Connect, Interrupted, RateLimited, Server, Timeout};
        matches!(self.0.kind, Connect | Timeout | Interrupted | RateLimited | Server)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0.kind {
            ErrorKind::InvalidInput => "the request cannot be sent",
            ErrorKind::Connect => "no connection to authsignal",
            ErrorKind::Timeout => "authsignal did not answer within the deadline",
            ErrorKind::Interrupted => "the connection to authsignal was lost",
            ErrorKind::RateLimited => "authsignal has had too many requests",
            ErrorKind::Unauthorized => "authsignal does not accept the secret key or a token",
            ErrorKind::Rejected => "authsignal refused the request",
            ErrorKind::Redirected => "authsignal answered with a redirect, which is not followed",
            ErrorKind::Server => "authsignal failed",
            ErrorKind::Malformed => "the answer of authsignal cannot be read",
            ErrorKind::TooLarge => "the answer of authsignal is too large",
        })?;
        match (self.0.status, &self.0.code) {
            (Some(status), Some(code)) => write!(f, " ({status} {code})")?,
            (Some(status), None) => write!(f, " ({status})")?,
            (None, _) => {}
        }
        match &self.0.detail {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, detail, status, code, description, retry_after, excerpt, source } = &*self.0;
        let mut out = f.debug_struct("Error");
        out.field("kind", kind);
        for (name, text) in [("detail", detail), ("code", code), ("description", description), ("excerpt", excerpt)] {
            if let Some(text) = text {
                out.field(name, text);
            }
        }
        if let Some(status) = status {
            out.field("status", status);
        }
        if let Some(after) = retry_after {
            out.field("retry_after", after);
        }
        if let Some(source) = source {
            out.field("source", source);
        }
        out.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
