//! The door without a socket: what a client in this very process asks goes to the router as it is.
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use authsignal_client::TransportError;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use tower::{Service, ServiceExt as _};

use crate::server::listener::HangUp;

/// An emulator as what a client sends through, for
/// [`ClientBuilder::transport`](authsignal_client::ClientBuilder::transport); from [`Emulator::transport`](crate::Emulator::transport).
#[derive(Debug, Clone)]
pub struct EmulatorTransport {
    router: Router,
    /// Of the emulator, which may be gone.
    hang_up: HangUp,
}

impl EmulatorTransport {
    pub(crate) fn new(router: Router, hang_up: HangUp) -> Self {
        Self { router, hang_up }
    }

    /// What answers, for a listener.
    pub(crate) fn router(&self) -> Router {
        self.router.clone()
    }

    /// Answers nothing any more.
    pub(crate) fn close(&self) {
        self.hang_up.close();
    }
}

impl Service<Request<Bytes>> for EmulatorTransport {
    type Response = Response<Body>;
    type Error = TransportError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, TransportError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let (router, hang_up) = (self.router.clone(), self.hang_up.of_another());
        Box::pin(async move {
            if hang_up.done() {
                return Err(TransportError::connect(io::Error::from(io::ErrorKind::ConnectionRefused)));
            }
            let mut request = request.map(Body::from);
            // As a request over HTTP/1.1 says where it goes.
            if let Some(Ok(host)) = request.uri().authority().map(|host| HeaderValue::try_from(host.as_str())) {
                request.headers_mut().entry(header::HOST).or_insert(host);
            }
            if let Some(target) = request.uri().path_and_query().cloned() {
                *request.uri_mut() = target.into();
            }
            request.extensions_mut().insert(ConnectInfo(hang_up.clone()));
            let answer = router.oneshot(request).await.unwrap_or_else(|never| match never {});
            if hang_up.done() {
                return Err(TransportError::interrupted(io::Error::from(io::ErrorKind::ConnectionReset)));
            }
            Ok(answer)
        })
    }
}
