//! What the browser SDK's `useCookies` needs: the calls that end in `/web` leave a cookie with the challenge, and a proof
//! of that one with the token. Names and contents are assumptions.
use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::response::Response;
use cookie::{Cookie, SameSite};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, header};

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
        Ok(Self { challenge: read(&parts.headers, CHALLENGE), token: read(&parts.headers, TOKEN) })
    }
}

/// The value of a cookie. Of several of one name it is the last, which has the shortest path: that of ours (RFC 6265, section
/// 5.4).
///
/// A name is what the browser sent, byte for byte: a reader that trims whatever Unicode calls white space takes another
/// cookie for ours, and one that reads a header as a whole loses ours by what others have set beside it.
fn read(headers: &HeaderMap, name: &str) -> Option<String> {
    let pairs = headers.get_all(header::COOKIE).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
    let mut values = pairs.filter_map(|pair| {
        let pair = trim(pair);
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        (&pair[..equals] == name.as_bytes())
            .then(|| std::str::from_utf8(&pair[equals + 1..]).ok().map(str::to_owned))?
    });
    values.next_back()
}

/// Without the spaces and tabs at either end, which are no part of a cookie (RFC 6265bis, section 5.6).
fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
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

#[cfg(test)]
mod tests {
    use super::*;

    /// T113: no other cookie is taken for ours, and none hides it.
    #[test]
    fn t113_cookies_are_told_apart_by_their_bytes() {
        for (header, found) in [
            ("authsignal_challenge=a", Some("a")),
            ("x=y; authsignal_challenge=a;z=1", Some("a")),
            ("\tauthsignal_challenge=a \t; x", Some("a")),
            ("authsignal_challenge=a; authsignal_challenge=b", Some("b")),
            ("authsignal_challenge=\"a\"", Some("\"a\"")),
            ("theirs=gr\u{fc}n; authsignal_challenge=a", Some("a")),
            ("\u{2000}authsignal_challenge=a", None),
            ("\u{a0}authsignal_challenge=a", None),
            ("authsignal_challenge =a", None),
            ("\"authsignal_challenge\"=a", None),
            ("Authsignal_Challenge=a", None),
            ("authsignal_challenge", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(header).unwrap())]);
            assert_eq!(read(&headers, CHALLENGE).as_deref(), found, "{header:?}");
        }
        let two = ["authsignal_challenge=a", "authsignal_token=t"];
        let two = two.map(|text| (header::COOKIE, HeaderValue::from_static(text)));
        let two: HeaderMap = two.into_iter().collect();
        assert_eq!((read(&two, CHALLENGE).as_deref(), read(&two, TOKEN).as_deref()), (Some("a"), Some("t")));
    }
}
