//! The layer for pages: gives a browser its id before its first challenge.
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::authsignal::{Authsignal, Inner};
use crate::refusal::Refusal;
use crate::request::caller::{Caller, SEC_FETCH_MODE, SEC_FETCH_SITE};
use crate::request::cookie::add_early;

/// Gives each browser its id with the page that it asks for, before anything is challenged.
///
/// See [`Authsignal::browser_layer`](crate::Authsignal::browser_layer).
#[derive(Clone)]
pub struct BrowserLayer(Arc<Inner>);

impl BrowserLayer {
    fn new(authsignal: &Arc<Inner>) -> Self {
        Self(Arc::clone(authsignal))
    }
}

impl Authsignal {
    /// A layer for the pages of a single-page application: it gives a browser its id with the page, so that the calls that
    /// the page then makes at once share it, and each of their proofs ends well. It asks nothing and keeps nothing, and
    /// leaves alone what shared caches may keep (`Cache-Control: public`, `s-maxage`, or a `max-age` that is not `private`):
    /// serve the page that makes the calls without.
    ///
    /// A guarded page needs none. It works for pages on the host of the callback, whose cookie it is; an API on a host of its
    /// own puts the layer around a call that its pages make before the others.
    ///
    /// # Examples
    ///
    /// ```
    /// # use axum::{Router, response::Html, routing::get};
    /// # use axum_authsignal::Authsignal;
    /// fn pages(authsignal: &Authsignal) -> Router {
    ///     Router::new().route("/", get(async || Html("<script src=app.js></script>"))).layer(authsignal.browser_layer())
    /// }
    /// ```
    #[must_use]
    pub fn browser_layer(&self) -> BrowserLayer {
        BrowserLayer::new(self.inner())
    }
}

impl<S> Layer<S> for BrowserLayer {
    type Service = BrowserService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        BrowserService { inner, authsignal: Arc::clone(&self.0) }
    }
}

/// The service of a [`BrowserLayer`].
#[derive(Clone)]
pub struct BrowserService<S> {
    inner: S,
    authsignal: Arc<Inner>,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for BrowserService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BrowserFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let early = self.authsignal.cookie.early(request.method(), request.headers());
        let is_callback = self.authsignal.places.main.is_received_callback(request.uri().path());
        let home_of = goes_home(&self.authsignal, &request).then(|| Arc::clone(&self.authsignal));
        BrowserFuture { response: self.inner.call(request), early, is_callback, home_of }
    }
}

pin_project! {
    /// The future of a [`BrowserService`].
    pub struct BrowserFuture<F> {
        #[pin]
        response: F,
        early: Option<HeaderValue>,
        is_callback: bool,
        // The handle whose pages led here.
        home_of: Option<Arc<Inner>>,
    }
}

impl<F, E, B> Future for BrowserFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.response.poll(cx))?;
        let is_missing = matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED)
            && response.extensions().get::<Refusal>().is_none();
        if let Some(authsignal) = this.home_of.take().filter(|_| is_missing) {
            authsignal.warn_of_home();
        }
        if *this.is_callback && is_missing {
            tracing::error!(
                "the callback's path answers 404: `Authsignal::routes()` is not merged here, or is inside a `nest`, where its path is \
                 another; merge it into the outermost router"
            );
        }
        if let Some(early) = this.early.take() {
            add_early(response.headers_mut(), early);
        }
        Poll::Ready(Ok(response))
    }
}

/// The id that a browser without one gets with a page that passes. A script's call gets none: of several at once one may be
/// challenged, and the last answer's id is the one that stays.
pub(super) fn early(authsignal: &Inner, parts: &Parts) -> Option<HeaderValue> {
    let is_page = parts.method.is_safe() && authsignal.answers.caller(parts) == Caller::Navigation;
    is_page.then(|| authsignal.cookie.early(&parts.method, &parts.headers)).flatten()
}

/// Whether a link in a page of this origin leads to the page that ours lead to by Cancel and Continue.
fn goes_home<B>(authsignal: &Inner, request: &Request<B>) -> bool {
    let says = |name: HeaderName, value: &str| request.headers().get(name).is_some_and(|found| found == value);
    let place = &authsignal.places.main;
    says(SEC_FETCH_SITE, "same-origin")
        && says(SEC_FETCH_MODE, "navigate")
        && place.public_target(request.uri()).is_some_and(|target| target.path() == authsignal.answers.home.path())
}

impl fmt::Debug for BrowserLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BrowserLayer")
    }
}

impl<S: fmt::Debug> fmt::Debug for BrowserService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrowserService").field("inner", &self.inner).finish()
    }
}

impl<F> fmt::Debug for BrowserFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BrowserFuture")
    }
}
