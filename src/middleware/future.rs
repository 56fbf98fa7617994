use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::RefusalBody;
use super::guard::Decided;

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
        Passing { #[pin] response: S::Future },
    }
}

impl<S: Service<Request<B>>, B> ResponseFuture<S, B> {
    pub(super) fn deciding(decision: Deciding<B>, ready: S) -> Self {
        Self { state: State::Deciding { decision, ready } }
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
            let response = match state.as_mut().project() {
                StateProjection::Passing { response } => return response.poll(cx),
                StateProjection::Deciding { decision, ready } => match ready!(decision.as_mut().poll(cx)) {
                    Ok((request, spending)) => {
                        // From here on nobody can know whether the handler had its effect.
                        if let Some(spending) = spending {
                            spending.keep();
                        }
                        ready.call(request)
                    }
                    Err(answer) => return Poll::Ready(Ok(answer.map(ResBody::from_bytes))),
                },
            };
            state.set(State::Passing { response });
        }
    }
}

impl<S: Service<Request<B>>, B> fmt::Debug for ResponseFuture<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseFuture")
    }
}
