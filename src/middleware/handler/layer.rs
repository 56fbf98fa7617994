//! The layer around handlers that ask by themselves: it keeps what they have been sent.
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use crate::authsignal::{Authsignal, Inner};
use crate::middleware::body::{Reading, RefusalBody, ReplayBody};
use crate::middleware::browser::early;
use crate::middleware::token;
use crate::refusal::{Refusal, RefusalReason};
use crate::request::cookie::add_early;

/// Keeps what a handler is sent, for a [`StepUp`](crate::StepUp) in it.
///
/// See [`Authsignal::step_up_layer`](crate::Authsignal::step_up_layer).
#[derive(Clone)]
pub struct StepUpLayer(Authsignal);

impl Authsignal {
    /// The layer around the route of a handler that takes a [`StepUp`](crate::StepUp). It decides nothing: it keeps the
    /// request for the handler, and reads its body before the handler runs, up to
    /// [`body_limit`](crate::AuthsignalBuilder::body_limit). What is longer is handed on as it came, and refused with 413 only
    /// where the handler asks and a challenge is needed.
    ///
    /// It goes where an [`AuthsignalLayer`](crate::AuthsignalLayer) would: on the method router, inside the session, and inside
    /// of each layer that guards the same route.
    ///
    /// # Examples
    ///
    /// ```
    /// use axum::{Form, Router, response::IntoResponse, routing::post};
    /// use axum_authsignal::{Authsignal, StepUp, client::CustomData};
    /// # #[derive(serde::Deserialize)] struct Transfer { to: String, amount: u64 }
    /// # async fn execute(_: &Transfer) {}
    ///
    /// async fn transfer(step_up: StepUp, Form(transfer): Form<Transfer>) -> impl IntoResponse {
    ///     if transfer.amount > 1_000 {
    ///         let data = CustomData::new().with("amount", transfer.amount).with("to", &*transfer.to);
    ///         step_up.require("large-transfer", data).await?;
    ///     }
    ///     execute(&transfer).await;
    ///     Ok::<_, axum_authsignal::StepUpResponse>("done")
    /// }
    ///
    /// fn app(authsignal: &Authsignal) -> Router {
    ///     Router::new()
    ///         .route("/transfer", post(transfer).route_layer(authsignal.step_up_layer()))
    ///         .merge(authsignal.routes())
    /// }
    /// ```
    #[must_use]
    pub fn step_up_layer(&self) -> StepUpLayer {
        StepUpLayer(self.clone())
    }
}

impl<S> Layer<S> for StepUpLayer {
    type Service = StepUpService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        StepUpService { inner, authsignal: self.0.clone() }
    }
}

/// The service of a [`StepUpLayer`].
#[derive(Clone)]
pub struct StepUpService<S> {
    inner: S,
    authsignal: Authsignal,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for StepUpService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>, Future: Send> + Clone + Send + 'static,
    ReqBody: ReplayBody,
    ResBody: RefusalBody,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        // The service that is ready goes with the request, as in `AuthsignalService`.
        let clone = self.inner.clone();
        let mut ready = std::mem::replace(&mut self.inner, clone);
        let authsignal = self.authsignal.clone();
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            let inner = authsignal.inner();
            let read = match keep(inner, &mut parts, body).await {
                Ok(read) => read,
                Err(response) => return Ok(response.map(ResBody::from_bytes)),
            };
            let early = early(inner, &parts);
            let kept = KeptRequest { authsignal, parts: parts.clone(), body: read.whole().cloned() };
            parts.extensions.insert(RequestCopy(Arc::new(kept)));
            let mut response = ready.call(Request::from_parts(parts, read.replay())).await?;
            // What went no further gets none, as from a layer.
            if let Some(early) = early.filter(|_| response.extensions().get::<Refusal>().is_none()) {
                add_early(response.headers_mut(), early);
            }
            Ok(response)
        })
    }
}

/// Takes the token off a request and reads its body; or the answer to a request that cannot be read.
async fn keep<B: ReplayBody>(authsignal: &Inner, parts: &mut Parts, body: B) -> Result<Reading<B>, Response<Bytes>> {
    let read = match token::take_off(parts) {
        Ok(()) => Reading::Unread(body).read(authsignal.body_limit).await,
        Err(reason) => Err(reason),
    };
    read.map_err(|reason: RefusalReason| {
        tracing::info!(reason = reason.as_str(), "request refused before its handler");
        authsignal.answers.refuse(parts, Refusal::new(reason, None), authsignal.came_from(parts))
    })
}

/// A request as it came to its handler. The type is ours alone, so nothing outside can put another in its place.
#[derive(Clone)]
pub(super) struct RequestCopy(pub(super) Arc<KeptRequest>);

pub(super) struct KeptRequest {
    pub(super) authsignal: Authsignal,
    pub(super) parts: Parts,
    /// None where it is too long to be kept.
    pub(super) body: Option<Bytes>,
}

impl fmt::Debug for StepUpLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StepUpLayer")
    }
}

impl<S: fmt::Debug> fmt::Debug for StepUpService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepUpService").field("inner", &self.inner).finish()
    }
}
