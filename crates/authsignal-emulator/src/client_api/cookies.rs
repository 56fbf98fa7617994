//! What the browser SDK's `useCookies` needs: the calls that end in `/web` leave a cookie with the challenge, and a proof
//! of that one with the token. Names and contents are assumptions.
use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::response::Response;
use cookie::{Cookie, SameSite};
use http::request::Parts;
use http::{HeaderValue, header};

const CHALLENGE: &str = "authsignal_challenge";
const TOKEN: &str = "authsignal_token";
/// As long as either lives.
const COOKIE_TTL: cookie::time::Duration = cookie::time::Duration::minutes(10);

/// What a browser brought back.
#[derive(Clone, Default)]
pub(super) struct Cookies {
    pub(super) challenge: Option<String>,
    pub(super) token: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Cookies {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let mut found = Self::default();
        for header in parts.headers.get_all(header::COOKIE) {
            for cookie in header.to_str().map(Cookie::split_parse).into_iter().flatten().flatten() {
                match cookie.name() {
                    CHALLENGE => found.challenge = Some(cookie.value().to_owned()),
                    TOKEN => found.token = Some(cookie.value().to_owned()),
                    _ => {}
                }
            }
        }
        Ok(found)
    }
}

/// Leaves the challenge with the browser.
pub(super) fn with_challenge(response: Response, challenge: &str) -> Response {
    with(response, CHALLENGE, challenge)
}

/// Leaves the token with the browser.
pub(super) fn with_token(response: Response, token: &str) -> Response {
    with(response, TOKEN, token)
}

/// `Lax` does for an application on another port of the same host, which is all that there is without TLS.
fn with(mut response: Response, name: &str, value: &str) -> Response {
    let cookie =
        Cookie::build((name, value)).path("/").http_only(true).same_site(SameSite::Lax).max_age(COOKIE_TTL).build();
    if let Ok(cookie) = HeaderValue::from_str(&cookie.to_string()) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
