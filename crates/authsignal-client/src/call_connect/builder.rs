//! What a client of Call Connect is told before it is built.
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower::Service;

use super::CallConnect;
use crate::builder::ClientBuilder;
use crate::config::ConfigError;

/// Where Call Connect is (node `src/call-connect.ts`; older pages have `https://connect.authsignal.com/v1`).
const BASE_URL: &str = "https://us-connect.authsignal.com";

/// Builds a [`CallConnect`]; made by [`CallConnect::builder`]. The settings are those of [`ClientBuilder`], where more is
/// said about them; there is one region.
#[derive(Clone)]
#[must_use]
pub struct CallConnectBuilder(ClientBuilder);

impl CallConnectBuilder {
    pub(super) fn new(secret: String) -> Self {
        Self(ClientBuilder::new(secret))
    }

    /// The base URL, under the same rules as [`ClientBuilder::base_url`]. Default: `https://us-connect.authsignal.com`.
    pub fn base_url(self, url: impl Into<String>) -> Self {
        Self(self.0.base_url(url))
    }

    /// Also takes a base URL of `http` on this one host, which is not this machine: see the
    /// [danger](ClientBuilder::dangerous_allow_http_to) of it. Default: none.
    pub fn dangerous_allow_http_to(self, host: impl Into<String>) -> Self {
        Self(self.0.dangerous_allow_http_to(host))
    }

    /// How long one try may take to connect, TLS included. Default: 1 s.
    pub fn connect_timeout(self, timeout: Duration) -> Self {
        Self(self.0.connect_timeout(timeout))
    }

    /// How long one call may take in all, every try included. Default: 5 s, at most a day.
    pub fn deadline(self, deadline: Duration) -> Self {
        Self(self.0.deadline(deadline))
    }

    /// How many times a call is repeated after its first try, where nothing of it was sent or the service asks for it:
    /// neither of the two calls is safe to repeat. Default: 2; 0 turns repeating off.
    pub fn retries(self, retries: u32) -> Self {
        Self(self.0.retries(retries))
    }

    /// Speaks HTTP/2 where the service offers it. Default: off.
    pub fn http2(self) -> Self {
        Self(self.0.http2())
    }

    /// Sends through hyper alone: see [`ClientBuilder::hyper`].
    #[cfg(feature = "hyper")]
    pub fn hyper(self) -> Self {
        Self(self.0.hyper())
    }

    /// Sends through a service of your own: see [`ClientBuilder::transport`].
    pub fn transport<S, B>(self, service: S) -> Self
    where
        S: Service<Request<Bytes>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Self(self.0.transport(service))
    }

    /// Builds the client. Nothing is sent.
    ///
    /// # Errors
    ///
    /// As [`ClientBuilder::build`].
    pub fn build(self) -> Result<CallConnect, ConfigError> {
        Ok(CallConnect { transport: Arc::new(self.0.connect(BASE_URL)?.0) })
    }
}

impl fmt::Debug for CallConnectBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CallConnectBuilder").field(&self.0).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CallConnect;

    #[test]
    fn settings() {
        let base = |builder: CallConnectBuilder| builder.build().map(|calls| calls.transport.base().to_string());
        assert_eq!(base(CallConnect::builder("s")), Ok(format!("{BASE_URL}/")));
        assert_eq!(base(CallConnect::builder("s").base_url("http://localhost:1/")), Ok("http://localhost:1/".into()));
        assert_eq!(base(CallConnect::builder("")), Err(ConfigError::MissingSecret));
        assert_eq!(base(CallConnect::builder("s").deadline(Duration::ZERO)), Err(ConfigError::ZeroDeadline));
        assert_eq!(base(CallConnect::builder("s").connect_timeout(Duration::ZERO)), Err(ConfigError::ZeroDeadline));
        let elsewhere = CallConnect::builder("s").base_url("http://us-connect.authsignal.com");
        assert!(matches!(base(elsewhere), Err(ConfigError::BaseUrl { .. })));
    }

    /// T97
    #[test]
    fn debug_shows_no_secret() {
        let builder = CallConnect::builder("canary-secret");
        let calls = builder.clone().build().unwrap();
        assert!(!format!("{builder:?} {calls:?}").contains("canary"), "{builder:?} {calls:?}");
    }
}
