//! What happens around every request: its body is read, it is remembered, and an injected fault goes before the real
//! one.
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, header};
use http_body::Frame;
use http_body_util::BodyExt;
use serde_json::Value;

use crate::fault::{self, Fault, FaultEffect};
use crate::http::error::ApiError;
use crate::request_log::{Endpoint, ReceivedRequest, RequestAnswer};
use crate::server::listener::HangUp;
use crate::state::AppState;

/// The longest body that is taken.
pub(crate) const MAX_BODY: usize = 256 * 1024;
/// Up to here a longer one is read to its end, so that its sender gets to see the answer.
const MAX_DRAIN: usize = 16 * MAX_BODY;

pub(crate) async fn gateway(
    State(shared): State<Arc<AppState>>,
    ConnectInfo(hang_up): ConnectInfo<HangUp>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let endpoint = endpoint(&parts);
    let read = read(body).await;
    if endpoint == Endpoint::Emulator {
        return pass(read, parts, next).await;
    }
    let under_way = shared.requests.record(ReceivedRequest {
        endpoint,
        method: parts.method.clone(),
        path: parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        headers: parts.headers.clone(),
        body: read.as_ref().map(Bytes::clone).unwrap_or_default(),
        at: shared.clock.now(),
        answer: RequestAnswer::UnderWay,
    });

    let method = parts.method.clone();
    let response = answer(&shared, endpoint, &hang_up, read, parts, next).await;
    if !hang_up.done() {
        under_way.answered(response.status());
    }
    // Its path may hold a token.
    tracing::debug!(endpoint = endpoint.name(), %method, status = response.status().as_u16(), "the emulator answers");
    response
}

/// What is answered: what an injected fault says, or the truth.
async fn answer(
    shared: &AppState,
    endpoint: Endpoint,
    hang_up: &HangUp,
    read: Result<Bytes, ApiError>,
    parts: Parts,
    next: Next,
) -> Response {
    let fault = shared.faults.take(endpoint);
    if let Some(fault) = &fault
        && !fault.delay.is_zero()
    {
        tokio::time::sleep(fault.delay).await;
    }
    match fault {
        Some(Fault { effect: FaultEffect::HangUp, .. }) => {
            hang_up.now();
            StatusCode::NO_CONTENT.into_response()
        }
        Some(Fault { effect: FaultEffect::Status(status), headers, .. }) => {
            with_headers(ApiError::of_status(status).into_response(), headers)
        }
        Some(Fault { effect: FaultEffect::Body { status, content_type, body }, headers, .. }) => {
            let answer = (status, [(header::CONTENT_TYPE, content_type)], Body::from(body));
            with_headers(answer.into_response(), headers)
        }
        Some(Fault { effect, headers, .. }) => {
            let real = real(shared, read, parts, next).await;
            with_headers(change(real, &effect).await, headers)
        }
        None => real(shared, read, parts, next).await,
    }
}

fn endpoint(parts: &Parts) -> Endpoint {
    let route = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
    match Endpoint::of(&parts.method, route) {
        // It comes by the route of users.
        Endpoint::UpdateUser if parts.method == Method::POST && parts.uri.path().ends_with("/users/authenticators") => {
            Endpoint::BatchEnrollVerifiedAuthenticators
        }
        found => found,
    }
}

async fn real(shared: &AppState, read: Result<Bytes, ApiError>, parts: Parts, next: Next) -> Response {
    // Most answers have a token in them or look at one.
    shared.tokens.ready().await;
    pass(read, parts, next).await
}

async fn pass(read: Result<Bytes, ApiError>, parts: Parts, next: Next) -> Response {
    match read {
        Ok(body) => next.run(Request::from_parts(parts, Body::from(body))).await,
        Err(refused) => refused.into_response(),
    }
}

/// The whole body, or why it isn't taken.
async fn read(mut body: Body) -> Result<Bytes, ApiError> {
    let mut whole = BytesMut::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| ApiError::invalid("The request body could not be read."))?;
        let Some(data) = frame.data_ref() else { continue };
        length += data.len();
        if length <= MAX_BODY {
            whole.extend_from_slice(data);
        } else if length > MAX_DRAIN {
            break;
        }
    }
    if length > MAX_BODY { Err(ApiError::too_long()) } else { Ok(whole.freeze()) }
}

/// The real answer, as the fault wants it changed.
async fn change(response: Response, effect: &FaultEffect) -> Response {
    let (mut parts, body) = response.into_parts();
    // Every body of ours is in memory already.
    let Ok(body) = body.collect().await.map(http_body_util::Collected::to_bytes) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    match effect {
        FaultEffect::Real { merge: Some(members) } => {
            parts.headers.remove(header::CONTENT_LENGTH);
            let mut json: Value = serde_json::from_slice(&body).unwrap_or_default();
            fault::merge(&mut json, members);
            let body = if json.is_null() { body } else { json.to_string().into() };
            Response::from_parts(parts, Body::from(body))
        }
        FaultEffect::Cut { after } => {
            parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
            let piece = body.slice(..body.len().min(*after));
            Response::from_parts(parts, Body::new(CutBody { piece: Some(piece), waited: false }))
        }
        _ => Response::from_parts(parts, Body::from(body)),
    }
}

fn with_headers(mut response: Response, headers: Vec<(http::HeaderName, HeaderValue)>) -> Response {
    for (name, value) in headers {
        response.headers_mut().insert(name, value);
    }
    response
}

/// A body that breaks off after its first piece.
struct CutBody {
    piece: Option<Bytes>,
    waited: bool,
}

impl http_body::Body for CutBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(piece) = self.piece.take() {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        if !self.waited {
            // The server writes out what it has when there is nothing to be had; after an error it would not.
            self.waited = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())))
    }
}
