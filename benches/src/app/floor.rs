//! The practical limit of one HTTP/1.1 call per request with ordinary parts: hyper-util's pooled client, headers and the
//! fixed parts of the path made once, and only `state` and `url` read of the answer.
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use base64::Engine as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

struct App {
    client: Client<HttpConnector, Full<Bytes>>,
    prefix: String,
    suffix: String,
    headers: HeaderMap,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Track<'a> {
    ip_address: IpAddr,
    user_agent: &'a str,
}

#[derive(Deserialize)]
struct Tracked<'a> {
    state: &'a str,
    url: Option<&'a str>,
}

/// Address and body of the call.
fn call(app: &App, headers: &HeaderMap, ip: IpAddr) -> Option<(Uri, Vec<u8>)> {
    let user = headers.get("x-user")?.to_str().ok()?;
    let user_agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("");
    let mut uri = String::with_capacity(app.prefix.len() + user.len() + app.suffix.len() + 16);
    write!(uri, "{}{}{}", app.prefix, utf8_percent_encode(user, SEGMENT), app.suffix).ok()?;
    let mut body = Vec::with_capacity(256);
    serde_json::to_writer(&mut body, &Track { ip_address: ip, user_agent }).ok()?;
    Some((Uri::try_from(uri).ok()?, body))
}

async fn protect(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let Some((uri, body)) = call(&app, request.headers(), peer.ip()) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let mut up = http::Request::new(Full::new(Bytes::from(body)));
    *up.method_mut() = Method::POST;
    *up.uri_mut() = uri;
    *up.headers_mut() = app.headers.clone();
    let answer = match app.client.request(up).await {
        Ok(answer) if answer.status() == StatusCode::OK => answer,
        _ => return StatusCode::BAD_GATEWAY.into_response(),
    };
    let Ok(body) = answer.into_body().collect().await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    match serde_json::from_slice::<Tracked<'_>>(&body.to_bytes()) {
        Ok(Tracked { state: "ALLOW", .. }) => next.run(request).await,
        Ok(Tracked { state: "BLOCK", .. }) => StatusCode::FORBIDDEN.into_response(),
        Ok(Tracked { state: "CHALLENGE_REQUIRED", url: Some(url) }) => Redirect::to(url).into_response(),
        _ => StatusCode::BAD_GATEWAY.into_response(),
    }
}

pub fn app(api_url: &str, action: &str) -> Router {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let mut headers = HeaderMap::with_capacity(8);
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{}:", super::SECRET));
    headers.insert(AUTHORIZATION, HeaderValue::try_from(format!("Basic {basic}")).expect("a secret"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static("floor/0.1"));
    let app = App {
        client: Client::builder(TokioExecutor::new()).build(connector),
        prefix: format!("{api_url}/users/"),
        suffix: format!("/actions/{action}"),
        headers,
    };
    Router::new().route("/withdraw", post(super::ok)).layer(from_fn_with_state(Arc::new(app), protect))
}
