//! What carries a client's calls: which HTTP, by which HTTP client.
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower::Service;

use super::ClientBuilder;
use crate::transport::settings::{Carrier, HttpVersion};
use crate::transport::wire::Wire;

impl ClientBuilder {
    /// Speaks HTTP/2 where the service offers it during the TLS handshake, and HTTP/1.1 elsewhere, so by plain `http`, too.
    /// Default: off, a pool of HTTP/1.1 connections.
    ///
    /// Through reqwest there is one HTTP/2 connection, and servers limit how many calls it carries at a time, commonly to about
    /// 100: more wait for each other. With the feature `hyper` and `ClientBuilder::hyper` another connection is opened for
    /// every 100 calls that are on their way at once.
    pub fn http2(mut self) -> Self {
        self.http = HttpVersion::Negotiated;
        self
    }

    /// Speaks HTTP/2 from the first byte, without asking: for a proxy or an emulator that is reached by plain `http` and is known to
    /// speak it. Whatever does not, answers no call. Over TLS HTTP/2 is all that is offered. Default: off; else as
    /// [`http2`](Self::http2).
    pub fn http2_prior_knowledge(mut self) -> Self {
        self.http = HttpVersion::Http2;
        self
    }

    /// Sends through hyper alone, in place of reqwest: the same TLS and the same roots, and less work for each call. Proxies that
    /// the environment names are not used. With [`http2`](Self::http2) another connection is opened for every 100 calls that are on
    /// their way at once. Default: reqwest, where its feature is on.
    #[cfg(feature = "hyper")]
    pub fn hyper(mut self) -> Self {
        self.carrier = Carrier::Hyper;
        self
    }

    /// Sends through a service of your own: an HTTP client with your middleware, or one that answers by itself in a test.
    /// Default: an HTTP client of this crate's, by its features `reqwest` and `hyper`.
    ///
    /// It gets requests with an absolute address, whole bodies, and everything in their headers but `Host`, and gives back
    /// whatever the service answers. Everything else is done above it, the same for each transport: which host the secret may go
    /// to, the deadline, how long one try may take, what is repeated, how much of an answer is read, what errors show. So it must not
    /// follow redirects, which would take the secret elsewhere, and should not repeat anything by itself.
    /// [`connect_timeout`](Self::connect_timeout) and [`http2`](Self::http2) are for the HTTP clients of this crate and mean
    /// nothing to it.
    ///
    /// An error that is, or is caused by, a [`TransportError::connect`](crate::TransportError::connect), an error of reqwest's
    /// or one of hyper-util's that says the same (each where its feature is on) becomes
    /// [`ErrorKind::Connect`](crate::ErrorKind::Connect): nothing was sent. Any other becomes
    /// [`ErrorKind::Interrupted`](crate::ErrorKind::Interrupted). Of its texts only what cannot be a secret is kept.
    ///
    /// # Examples
    ///
    /// A client that asks nobody:
    ///
    /// ```
    /// use std::convert::Infallible;
    /// use authsignal_client::{ActionState, Client};
    /// use bytes::Bytes;
    /// use http::{Request, Response};
    /// use http_body_util::Full;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let blocks = tower::service_fn(|request: Request<Bytes>| async move {
    ///     let asked: serde_json::Value = serde_json::from_slice(request.body()).unwrap_or_default();
    ///     let answer = serde_json::json!({ "state": "BLOCK", "idempotencyKey": asked["idempotencyKey"] });
    ///     Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(answer.to_string()))))
    /// });
    /// let client = Client::builder("any-key").transport(blocks).build()?;
    /// assert_eq!(client.track("ada", "withdrawal").await?.state, ActionState::Block);
    /// # Ok(())
    /// # }
    /// ```
    pub fn transport<S, B>(mut self, service: S) -> Self
    where
        S: Service<Request<Bytes>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.carrier = Carrier::Own(Wire::serving(service));
        self
    }
}
