//! Who is asking, as far as the form of an answer is concerned: a browser, a script, or a client.
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, header};

use crate::request::header_list::{members, parameters, weight};

/// Where a browser says that a request comes from, how it is made and what its answer becomes (Fetch Metadata).
pub(crate) const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
pub(crate) const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
pub(crate) const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// The id of the frame that Turbo asks for.
pub(crate) const TURBO_FRAME: HeaderName = HeaderName::from_static("turbo-frame");
/// What Turbo carries out.
pub(crate) const TURBO_STREAM: &str = "text/vnd.turbo-stream.html";

/// Who is asking, as far as the form of an answer is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// A browser that goes to a page.
    Navigation,
    /// htmx, which follows a header.
    Htmx,
    /// Turbo, which shows what it gets inside the page: for a form, a frame, or what says that it takes a stream. A page that
    /// it asks for is a client's: what is no page it leaves to the browser, which asks again.
    Turbo,
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
        if is_turbo(headers) {
            return Self::Turbo;
        }
        let navigates = match headers.get(SEC_FETCH_MODE) {
            Some(mode) => mode == "navigate",
            None => accepts_html(headers) && !is_script(headers),
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

/// Whether a browser shows the answer in a frame of another page, where no challenge page lets itself be shown (threat T125).
pub(crate) fn is_framed(headers: &HeaderMap) -> bool {
    headers
        .get(SEC_FETCH_DEST)
        .is_some_and(|dest| ["iframe", "frame", "embed", "object", "fencedframe"].iter().any(|framed| dest == framed))
}

/// Whether pages are taken by name, and at least as gladly as JSON (RFC 9110, section 12.5.1). `*/*` names nothing.
fn accepts_html(headers: &HeaderMap) -> bool {
    let (mut html, mut json) = (0, 0);
    for range in members(headers, &header::ACCEPT) {
        let media_type = parameters(range).next().unwrap_or_default().to_ascii_lowercase();
        let preferred = match &*media_type {
            "text/html" | "application/xhtml+xml" => &mut html,
            "application/json" => &mut json,
            other if other.ends_with("+json") => &mut json,
            _ => continue,
        };
        *preferred = weight(range).max(*preferred);
    }
    html > 0 && html >= json
}

/// What Turbo says of each form and frame (Turbo 8, `FormSubmission`, `FrameController`). A browser that goes to a page says
/// so, whatever else it sends.
fn is_turbo(headers: &HeaderMap) -> bool {
    let takes_streams = || {
        let mut ranges = members(headers, &header::ACCEPT);
        ranges.any(|range| parameters(range).next().is_some_and(|range| range.eq_ignore_ascii_case(TURBO_STREAM)))
    };
    headers.get(SEC_FETCH_MODE).is_none_or(|mode| mode != "navigate")
        && (headers.contains_key(TURBO_FRAME) || takes_streams())
}

/// Whether htmx sends what the browser would have sent by itself, and puts the page that it gets in place of this one.
pub(crate) fn is_boosted(headers: &HeaderMap) -> bool {
    headers.get("hx-boosted").is_some_and(|boosted| boosted == "true")
}

/// The word of jQuery and its like that a script asks, where a browser sends no `Sec-Fetch-Mode`, as over plain HTTP.
/// Other values prove nothing: Android's web views put the name of their application there.
fn is_script(headers: &HeaderMap) -> bool {
    headers.get("x-requested-with").is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"xmlhttprequest"))
}

fn has_bearer(headers: &HeaderMap) -> bool {
    headers
        .get(header::AUTHORIZATION)
        .is_some_and(|value| value.as_bytes().get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer ")))
}

/// Whether the head of a request is a CORS preflight's as browsers send them: on nobody's behalf (Fetch, "CORS-preflight
/// fetch": no credentials, no body). Whether somebody asks after all is for the application to say (threat T112).
pub(crate) fn is_preflight(parts: &Parts) -> bool {
    let headers = &parts.headers;
    parts.method == Method::OPTIONS
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
        && headers.contains_key(header::ORIGIN)
        && !headers.contains_key(header::COOKIE)
        && !headers.contains_key(header::AUTHORIZATION)
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
        let turbo = "text/vnd.turbo-stream.html, text/html, application/xhtml+xml";
        let cases: [(&str, &[(&str, &str)], Caller); 19] = [
            ("nothing said", &[], Caller::Client),
            ("navigation", &[("sec-fetch-mode", "navigate"), ("accept", chrome)], Caller::Navigation),
            ("an old browser", &[("accept", chrome)], Caller::Navigation),
            ("fetch", &[("sec-fetch-mode", "cors"), ("accept", "*/*")], Caller::Client),
            ("fetch that takes html", &[("sec-fetch-mode", "same-origin"), ("accept", "text/html")], Caller::Client),
            ("anything", &[("accept", "*/*")], Caller::Client),
            ("json", &[("accept", "application/json, text/plain")], Caller::Client),
            ("html with a parameter", &[("accept", "application/json, TEXT/HTML;level=1")], Caller::Navigation),
            ("htmx", &[("hx-request", "true"), ("accept", "text/html")], Caller::Htmx),
            ("a form of Turbo", &[("sec-fetch-mode", "cors"), ("accept", turbo)], Caller::Turbo),
            ("a frame of Turbo", &[("turbo-frame", "one"), ("accept", "text/html")], Caller::Turbo),
            (
                "a page of Turbo",
                &[("sec-fetch-mode", "cors"), ("accept", "text/html, application/xhtml+xml")],
                Caller::Client,
            ),
            (
                "no Turbo",
                &[("sec-fetch-mode", "navigate"), ("accept", turbo), ("turbo-frame", "x")],
                Caller::Navigation,
            ),
            ("both", &[("hx-request", "true"), ("turbo-frame", "x")], Caller::Htmx),
            ("bearer", &[("authorization", "Bearer abc")], Caller::Bearer),
            ("bearer, any case", &[("authorization", "bearer abc"), ("accept", "application/json")], Caller::Bearer),
            ("basic", &[("authorization", "Basic abc")], Caller::Client),
            (
                "an old script",
                &[("accept", "text/html, */*; q=0.01"), ("x-requested-with", "XMLHttpRequest")],
                Caller::Client,
            ),
            ("a web view", &[("accept", chrome), ("x-requested-with", "com.example.app")], Caller::Navigation),
        ];
        for (name, headers, want) in cases {
            assert_eq!(Caller::of(&parts(headers), true), want, "{name}");
        }
        assert_eq!(Caller::of(&parts(&[("authorization", "Bearer abc")]), false), Caller::Client);
    }

    /// C8: what a client would rather have than a page decides, and not that it would put up with one.
    #[test]
    fn c8_accept_is_read_with_its_weights() {
        let pages: [&[&str]; 14] = [
            &["text/html"],
            &["TEXT/HTML"],
            &["text/html;q=0.001"],
            &["text/html;q=0.5, application/json;q=0.5"],
            &["application/json, text/html"],
            &["application/json;q=0.9, text/html"],
            &["application/json;q=0, text/html;q=0.1"],
            &["application/json;q=high, text/html;q=0.1"],
            &["text/html;level=1;q=0.4, application/json;q=0.3"],
            &["text/html;q=0, text/html"],
            &["application/json;q=0.1", "text/html;q=0.2"],
            &["text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"],
            &["application/xhtml+xml"],
            &["text/html, application/json;profile=\"a, b\";q=0.5"],
        ];
        let clients: [&[&str]; 19] = [
            &[],
            &[""],
            &["*/*"],
            &["text/*"],
            &["text/plain"],
            &["text/html;q=0"],
            &["text/html; q=0.000"],
            &["text/html;q=no"],
            &["text/html;q=0, */*"],
            &["application/json, text/html;q=0.1"],
            &["application/json, text/html;q=0.999"],
            &["application/problem+json, text/html;q=0.9"],
            &["application/vnd.api+json", "text/html;q=0.9"],
            &["application/json, text/plain, */*"],
            &["application/json;q=0.5;q=0.1, text/html;q=0.4"],
            &["text/html5"],
            &["application/json;profile=\"x, text/html\""],
            &["image/avif,image/webp,*/*"],
            &["text/event-stream"],
        ];
        let count = pages.len() + clients.len();
        let navigates = pages.map(|lines| (lines, true)).into_iter();
        for (lines, navigates) in navigates.chain(clients.map(|lines| (lines, false))) {
            let headers: Vec<_> = lines.iter().map(|line| ("accept", *line)).collect();
            let caller = Caller::of(&parts(&headers), true);
            assert_eq!(caller == Caller::Navigation, navigates, "{lines:?}: {caller:?}");
        }
        println!("{count} values of Accept");
    }
}
