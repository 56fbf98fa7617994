//! Who is let in; see the [module above](super).
use std::sync::Arc;

use authsignal_client::url::is_loopback;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use http_body::Body as _;
use url::Url;

use crate::http::control_key::Access;
use crate::http::error::ApiError;
use crate::http::hosts::{Hosts, asked};
use crate::state::AppState;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Has browsers ask people for the key.
const ASK: HeaderValue = HeaderValue::from_static("Basic realm=\"Authsignal emulator\", charset=\"UTF-8\"");

/// Why a request is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    Host,
    Key,
    Origin,
    Site,
    ContentType,
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Host => Self::forbidden("The emulator is not asked by this host name; ask it as localhost."),
            Refused::Key => Self::of(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "Here the emulator asks for its control key, as a bearer token or as the password of HTTP Basic: it says it \
                 when it starts, and --control-key, control_key or server.control_key sets one.",
            ),
            Refused::Origin => Self::forbidden("Pages of other origins may not do this."),
            Refused::Site => Self::forbidden("Pages of other sites may not do this."),
            Refused::ContentType => Self::unsupported("The content type of a body has to be application/json."),
        }
    }
}

pub(super) async fn guard(State(shared): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    let has_body = !request.body().is_end_stream();
    let (parts, body) = request.into_parts();
    let mut response = match check(&parts, has_body, &shared.access, &shared.origin) {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(refused) => ApiError::from(refused).into_response(),
    };
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, ASK);
    }
    sealed(response)
}

/// The headers of everything that stands under `/emulator`.
pub(super) fn sealed(mut response: Response) -> Response {
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (RESOURCE_POLICY, "same-origin"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Lets a request in, or says why not. `own` is the emulator's origin.
fn check(parts: &Parts, has_body: bool, access: &Access, own: &str) -> Result<(), Refused> {
    let asked = asked(parts).ok_or(Refused::Host)?;
    if let Hosts::Loopback { public } = &access.hosts
        && !asked.iter().all(|url| is_loopback(url) || is_host_of(public.as_ref(), url))
    {
        return Err(Refused::Host);
    }
    if access.key.as_ref().is_some_and(|key| !key.is_in(&parts.headers)) {
        return Err(Refused::Key);
    }
    if parts.method.is_safe() {
        return Ok(());
    }
    let headers = &parts.headers;
    let is_own = |origin: &HeaderValue| {
        let host = |origin: &str| asked.iter().any(|url| url.origin().ascii_serialization() == origin);
        origin.to_str().is_ok_and(|origin| origin == own || host(&origin.replacen("https://", "http://", 1)))
    };
    if !headers.get_all(header::ORIGIN).iter().all(is_own) {
        return Err(Refused::Origin);
    }
    let is_near = |site: &HeaderValue| site == "same-origin" || site == "none";
    if !headers.get_all(SEC_FETCH_SITE).iter().all(is_near) {
        return Err(Refused::Site);
    }
    if has_body && !is_json(headers) {
        return Err(Refused::ContentType);
    }
    Ok(())
}

fn is_host_of(public: Option<&Url>, asked: &Url) -> bool {
    public.is_some_and(|public| public.host() == asked.host())
}

fn is_json(headers: &HeaderMap) -> bool {
    let said = headers.get(header::CONTENT_TYPE).and_then(|said| said.to_str().ok()).unwrap_or_default();
    said.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::http::control_key::ControlKey;

    const OWN: &str = "http://127.0.0.1:4000";

    fn checked(method: Method, uri: &str, headers: &[(&'static str, &str)], hosts: &Hosts) -> Result<(), Refused> {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, _) = request.body(axum::body::Body::empty()).unwrap().into_parts();
        let has_body = parts.headers.contains_key("content-type");
        let (hosts, key) = (hosts.clone(), None);
        check(&parts, has_body, &Access { hosts, key }, OWN)
    }

    /// T128: a key is asked for whatever the name, also by what changes nothing, and before anything else is said.
    #[test]
    fn t128_keys() {
        let key = ControlKey::new("k3y".to_owned().into()).unwrap();
        for hosts in [LOOPBACK, Hosts::Any] {
            let access = Access { hosts, key: Some(key.clone()) };
            for (credentials, taken) in [
                ("Bearer k3y", true),
                ("Basic Omszeq==", false),
                ("Basic OmszeQ==", true),
                ("Bearer k", false),
                ("", false),
            ] {
                for (method, foreign) in [(Method::GET, false), (Method::POST, false), (Method::POST, true)] {
                    let request = Request::builder().method(&method).uri("/emulator").header("host", "localhost");
                    let request = request.header("authorization", credentials);
                    let request = if foreign { request.header("origin", "http://evil.example") } else { request };
                    let (parts, _) = request.body(axum::body::Body::empty()).unwrap().into_parts();
                    let expected = match (taken, foreign) {
                        (false, _) => Err(Refused::Key),
                        (true, true) => Err(Refused::Origin),
                        (true, false) => Ok(()),
                    };
                    assert_eq!(check(&parts, false, &access, OWN), expected, "{method} {credentials} {foreign}");
                }
            }
        }
    }

    const LOOPBACK: Hosts = Hosts::Loopback { public: None };

    #[test]
    fn hosts() {
        let public = Hosts::Loopback { public: Some("https://auth.tunnel.example".parse().unwrap()) };
        for (host, on_loopback, with_public) in [
            ("localhost", true, true),
            ("localhost:4000", true, true),
            ("LOCALHOST:4000", true, true),
            ("127.0.0.1:4000", true, true),
            ("127.8.9.10", true, true),
            ("[::1]:4000", true, true),
            ("auth.tunnel.example", false, true),
            ("auth.tunnel.example:4000", false, true),
            ("evil.auth.tunnel.example", false, false),
            ("evil.example", false, false),
            ("evil.example:4000", false, false),
            ("localhost.evil.example:4000", false, false),
            ("127.0.0.1.evil.example", false, false),
            ("127.0.0.1.nip.io", false, false),
            ("192.168.0.7:4000", false, false),
            ("0.0.0.0:4000", false, false),
            ("[::]:4000", false, false),
            ("localhost@evil.example", false, false),
            ("evil.example@localhost", false, false),
            ("", false, false),
            (":4000", false, false),
            ("localhost:4000:4000", false, false),
        ] {
            for method in [Method::GET, Method::POST] {
                let found = |hosts| checked(method.clone(), "/emulator", &[("host", host)], hosts).is_ok();
                assert_eq!((found(&LOOPBACK), found(&public)), (on_loopback, with_public), "{method} {host:?}");
            }
        }
        for headers in [&[][..], &[("host", "localhost"), ("host", "evil.example")]] {
            assert_eq!(checked(Method::GET, "/emulator", headers, &LOOPBACK), Err(Refused::Host), "{headers:?}");
        }
        let absolute = |uri| checked(Method::GET, uri, &[("host", "localhost:4000")], &LOOPBACK);
        assert_eq!(absolute("http://evil.example/emulator"), Err(Refused::Host));
        assert_eq!(absolute("http://localhost:4000/emulator"), Ok(()));
        assert_eq!(checked(Method::POST, "/emulator", &[("host", "emulator:4000")], &Hosts::Any), Ok(()));
    }

    #[test]
    fn origins_and_sites() {
        for (origin, taken) in [
            ("http://localhost:4000", true),
            ("https://localhost:4000", true),
            (OWN, true),
            ("http://localhost:3000", false),
            ("http://localhost", false),
            ("http://evil.example", false),
            ("http://localhost:4000.evil.example", false),
            ("http://evil.example/http://localhost:4000", false),
            ("null", false),
            ("", false),
        ] {
            let headers = [("host", "localhost:4000"), ("origin", origin)];
            for hosts in [&LOOPBACK, &Hosts::Any] {
                let expected = if taken { Ok(()) } else { Err(Refused::Origin) };
                assert_eq!(checked(Method::DELETE, "/emulator/requests", &headers, hosts), expected, "{origin:?}");
            }
            assert_eq!(checked(Method::GET, "/emulator/requests", &headers, &LOOPBACK), Ok(()), "it can't read it");
        }
        let two = [("host", "localhost:4000"), ("origin", "http://localhost:4000"), ("origin", "http://evil.example")];
        assert_eq!(checked(Method::POST, "/emulator/reset", &two, &LOOPBACK), Err(Refused::Origin));
        for (site, taken) in [("same-origin", true), ("none", true), ("same-site", false), ("cross-site", false)] {
            let headers = [("host", "localhost:4000"), ("sec-fetch-site", site)];
            let expected = if taken { Ok(()) } else { Err(Refused::Site) };
            assert_eq!(checked(Method::POST, "/emulator/reset", &headers, &LOOPBACK), expected, "{site}");
            assert_eq!(checked(Method::GET, "/emulator", &headers, &LOOPBACK), Ok(()), "a link may lead here");
        }
    }

    #[test]
    fn content_types() {
        for (said, taken) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("text/plain", false),
            ("text/plain; application/json", false),
            ("application/x-www-form-urlencoded", false),
            ("multipart/form-data; boundary=x", false),
            ("application/json+evil", false),
            ("", false),
        ] {
            let headers = [("host", "localhost"), ("content-type", said)];
            let expected = if taken { Ok(()) } else { Err(Refused::ContentType) };
            assert_eq!(checked(Method::POST, "/emulator/clock", &headers, &LOOPBACK), expected, "{said:?}");
        }
    }
}
