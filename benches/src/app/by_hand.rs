//! What is written today without a package: `from_fn` and reqwest as it comes.
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use serde::{Deserialize, Serialize};

struct App {
    client: reqwest::Client,
    api_url: String,
    action: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Track {
    ip_address: String,
    user_agent: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum ActionState {
    Allow,
    Block,
    ChallengeRequired,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "read because an application would")]
struct Tracked {
    state: ActionState,
    idempotency_key: String,
    url: String,
    is_enrolled: bool,
}

async fn protect(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("").to_string();
    let user = text("x-user");
    if user.is_empty() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let track = Track { ip_address: peer.ip().to_string(), user_agent: text(header::USER_AGENT.as_str()) };
    let url = format!("{}/users/{}/actions/{}", app.api_url, user, app.action);
    let sent = app.client.post(url).basic_auth(super::SECRET, Some("")).json(&track).send().await;
    let tracked = match sent.and_then(reqwest::Response::error_for_status) {
        Ok(response) => response.json::<Tracked>().await,
        Err(error) => Err(error),
    };
    match tracked {
        Ok(Tracked { state: ActionState::Allow, .. }) => next.run(request).await,
        Ok(Tracked { state: ActionState::ChallengeRequired, url, .. }) => Redirect::to(&url).into_response(),
        Ok(_) => StatusCode::FORBIDDEN.into_response(),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

pub fn app(api_url: &str, action: &str) -> Router {
    let app = App { client: reqwest::Client::new(), api_url: api_url.to_owned(), action: action.to_owned() };
    Router::new().route("/withdraw", post(super::ok)).layer(from_fn_with_state(Arc::new(app), protect))
}
