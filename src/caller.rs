//! Who is asking, as far as the form of an answer is concerned: a browser, a script, a client, or a prefetch.
use http::request::Parts;
use http::{HeaderMap, header};

/// Who is asking, as far as the form of an answer is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// A browser that goes to a page.
    Navigation,
    /// htmx, which follows a header.
    Htmx,
    /// A client with a bearer token, where that was asked for.
    Bearer,
    /// Any other client, or a script in a page.
    Client,
}

impl Caller {
    /// What is unclear counts as a client: a script that gets a redirect follows it and sees nothing (complaint C8).
    pub(crate) fn of(parts: &Parts, bearer: bool) -> Self {
        let headers = &parts.headers;
        if headers.contains_key("hx-request") {
            return Self::Htmx;
        }
        let navigates = match headers.get("sec-fetch-mode") {
            Some(mode) => mode == "navigate",
            None => accepts_html(headers),
        };
        if navigates {
            Self::Navigation
        } else if bearer && has_bearer(headers) {
            Self::Bearer
        } else {
            Self::Client
        }
    }
}

fn accepts_html(headers: &HeaderMap) -> bool {
    headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).any(|accept| {
        accept.split(',').any(|range| {
            let essence = range.split(';').next().unwrap_or_default().trim();
            essence.eq_ignore_ascii_case("text/html")
        })
    })
}

fn has_bearer(headers: &HeaderMap) -> bool {
    headers
        .get(header::AUTHORIZATION)
        .is_some_and(|value| value.as_bytes().get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer ")))
}

/// Whether a browser asks ahead of its user (complaint C4): nothing is tracked, and nothing used up.
pub(crate) fn is_prefetch(headers: &HeaderMap) -> bool {
    ["sec-purpose", "purpose", "x-moz"].iter().any(|name| {
        headers.get_all(*name).iter().any(|value| {
            let value = value.as_bytes();
            value.len() >= 8 && value[..8].eq_ignore_ascii_case(b"prefetch")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn parts(headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn callers_are_told_apart() {
        let chrome = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        let cases: [(&str, &[(&str, &str)], Caller); 12] = [
            ("nothing said", &[], Caller::Client),
            ("navigation", &[("sec-fetch-mode", "navigate"), ("accept", chrome)], Caller::Navigation),
            ("an old browser", &[("accept", chrome)], Caller::Navigation),
            ("fetch", &[("sec-fetch-mode", "cors"), ("accept", "*/*")], Caller::Client),
            ("fetch that takes html", &[("sec-fetch-mode", "same-origin"), ("accept", "text/html")], Caller::Client),
            ("anything", &[("accept", "*/*")], Caller::Client),
            ("json", &[("accept", "application/json, text/plain")], Caller::Client),
            ("html with a parameter", &[("accept", "application/json, TEXT/HTML;level=1")], Caller::Navigation),
            ("htmx", &[("hx-request", "true"), ("accept", "text/html")], Caller::Htmx),
            ("bearer", &[("authorization", "Bearer abc")], Caller::Bearer),
            ("bearer, any case", &[("authorization", "bearer abc"), ("accept", "application/json")], Caller::Bearer),
            ("basic", &[("authorization", "Basic abc")], Caller::Client),
        ];
        for (name, headers, want) in cases {
            assert_eq!(Caller::of(&parts(headers), true), want, "{name}");
        }
        assert_eq!(Caller::of(&parts(&[("authorization", "Bearer abc")]), false), Caller::Client);
    }

    #[test]
    fn prefetches_are_told_from_requests() {
        for (name, value) in
            [("sec-purpose", "prefetch"), ("sec-purpose", "prefetch;prerender"), ("purpose", "prefetch")]
        {
            assert!(is_prefetch(&parts(&[(name, value)]).headers), "{name}: {value}");
        }
        for (name, value) in [("sec-purpose", ""), ("sec-purpose", "navigate"), ("sec-fetch-mode", "prefetch")] {
            assert!(!is_prefetch(&parts(&[(name, value)]).headers), "{name}: {value}");
        }
    }
}
