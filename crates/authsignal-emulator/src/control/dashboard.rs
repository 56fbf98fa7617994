//! The dashboard: one page, which asks for everything that it shows.
use std::sync::LazyLock;

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};

use crate::request_log::Endpoint;

const STYLE: &str = include_str!("../../templates/dashboard.css");
const SCRIPT: &str = include_str!("../../templates/dashboard.js");

/// The page's own style and script, and answers of its own origin. Its forms lead to challenge pages, which are of
/// its origin. Nobody may frame it: its buttons do things.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    HeaderValue::try_from(policy).expect("base 64 is ASCII")
});

#[derive(Template)]
#[template(path = "dashboard.html")]
struct Dashboard;

impl Dashboard {
    fn style(&self) -> &'static str {
        STYLE
    }

    fn script(&self) -> &'static str {
        SCRIPT
    }

    fn endpoints(&self) -> Vec<&'static str> {
        Endpoint::names().collect()
    }
}

pub(super) fn show() -> Response {
    match Dashboard.render() {
        Ok(html) => ([(header::CONTENT_SECURITY_POLICY, POLICY.clone())], Html(html)).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
