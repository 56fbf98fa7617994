//! What a guarded request is waited for with.
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{HeaderValue, Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::body::RefusalBody;
use super::judge::{Decided, Passing};
use crate::request::cookie::add_early;

/// A request on its way to being decided: what goes on to the handler, or the answer in its place.
type Deciding<B> = Pin<Box<dyn Future<Output = Decided<B>> + Send>>;

pin_project! {
    /// The future of an [`AuthsignalService`](super::AuthsignalService).
    pub struct ResponseFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, B>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B>
    where
        S: Service<Request<B>>,
    {
        Deciding { decision: Deciding<B>, ready: S },
        Passing { #[pin] response: S::Future, early: Option<HeaderValue> },
    }
}

impl<S: Service<Request<B>>, B> ResponseFuture<S, B> {
    pub(super) fn deciding(decision: Deciding<B>, ready: S) -> Self {
        Self { state: State::Deciding { decision, ready } }
    }

    /// Of a request that nobody has to decide.
    pub(super) fn passing(response: S::Future) -> Self {
        Self { state: State::Passing { response, early: None } }
    }
}

impl<S, B, ResBody> Future for ResponseFuture<S, B>
where
    S: Service<Request<B>, Response = Response<ResBody>>,
    ResBody: RefusalBody,
{
    type Output = Result<Response<ResBody>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let (response, early) = match state.as_mut().project() {
                StateProjection::Passing { response, early } => {
                    let mut response = ready!(response.poll(cx))?;
                    if let Some(early) = early.take() {
                        add_early(response.headers_mut(), early);
                    }
                    return Poll::Ready(Ok(response));
                }
                StateProjection::Deciding { decision, ready } => match ready!(decision.as_mut().poll(cx)) {
                    Ok(Passing { request, spending, early }) => {
                        // From here on nobody can know whether the handler had its effect.
                        if let Some(spending) = spending {
                            spending.keep();
                        }
                        (ready.call(request), early)
                    }
                    Err(answer) => return Poll::Ready(Ok(answer.map(ResBody::from_bytes))),
                },
            };
            state.set(State::Passing { response, early });
        }
    }
}

impl<S: Service<Request<B>>, B> fmt::Debug for ResponseFuture<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseFuture")
    }
}
