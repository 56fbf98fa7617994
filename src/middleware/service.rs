//! The service that decides before its inner one is called.
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::body::{RefusalBody, ReplayBody};
use super::future::ResponseFuture;
use super::guard::Guard;

/// The service of an [`AuthsignalLayer`](super::AuthsignalLayer).
///
/// See the [module documentation](crate::middleware) for the rules and a complete example.
#[derive(Clone)]
pub struct AuthsignalService<S> {
    inner: S,
    guard: Arc<Guard>,
}

impl<S> AuthsignalService<S> {
    pub(super) fn new(inner: S, guard: Arc<Guard>) -> Self {
        Self { inner, guard }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for AuthsignalService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone + Send + 'static,
    ReqBody: ReplayBody,
    ResBody: RefusalBody,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        // The service that is ready goes with the request, and the clone, which may not be, stays behind:
        // <https://docs.rs/tower/latest/tower/trait.Service.html#be-careful-when-cloning-inner-services>
        let clone = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, clone);
        ResponseFuture::deciding(Box::pin(Arc::clone(&self.guard).decide(request)), ready)
    }
}

impl<S: fmt::Debug> fmt::Debug for AuthsignalService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthsignalService").field("inner", &self.inner).field("guard", &self.guard).finish()
    }
}
