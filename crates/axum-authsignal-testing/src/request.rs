//! A request as a browser sends it.
use axum::body::Body;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, HOST, ORIGIN, REFERER, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use url::Url;

use crate::jar::Site;

/// Who makes a browser send something.
#[derive(Clone, Debug)]
pub(crate) enum Initiator {
    /// The user, by the address bar or a bookmark.
    User,
    /// A page at this address, which may keep that to itself.
    Page { url: Url, is_silent: bool },
}

/// What is sent, apart from what the browser adds.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Url,
    /// Its content type, and what it is.
    pub(crate) body: Option<(String, Bytes)>,
    /// Whether the browser goes there; else a script in its page asks.
    pub(crate) is_navigation: bool,
    pub(crate) initiator: Initiator,
    pub(crate) headers: HeaderMap,
}

impl Outgoing {
    pub(crate) fn page(url: Url, initiator: Initiator) -> Self {
        Self { method: Method::GET, url, body: None, is_navigation: true, initiator, headers: HeaderMap::new() }
    }

    /// Goes on where an answer leads, as browsers do by its status.
    pub(crate) fn redirected(mut self, status: u16, to: Url) -> Self {
        let becomes_get = match status {
            303 => self.method != Method::HEAD,
            301 | 302 => self.method == Method::POST,
            _ => false,
        };
        if becomes_get {
            (self.method, self.body) = (Method::GET, None);
        }
        self.url = to;
        self
    }

    /// Whether the whole way so far was on the site that it began on.
    pub(crate) fn site(&self, was_elsewhere: bool) -> Site {
        let is_cross = match &self.initiator {
            Initiator::User => false,
            Initiator::Page { url, .. } => was_elsewhere || url.origin() != self.url.origin(),
        };
        match (is_cross, self.is_navigation && self.method.is_safe()) {
            (false, _) => Site::Same,
            (true, true) => Site::CrossPage,
            (true, false) => Site::Cross,
        }
    }

    /// As it goes over the wire, with the headers of Chromium.
    pub(crate) fn request(&self, site: Site, cookies: Option<&str>) -> Request<Body> {
        let (content_type, body) = self.body.clone().map_or((None, Bytes::new()), |(kind, body)| (Some(kind), body));
        let target = &self.url[url::Position::BeforePath..url::Position::AfterQuery];
        let mut request = Request::new(Body::from(body));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = target.parse().expect("what stands in a URL is a target");
        let headers = request.headers_mut();
        *headers = self.headers.clone();
        let mut set = |name: HeaderName, value: &str| {
            headers.insert(name, HeaderValue::from_str(value).expect("printable ASCII"));
        };
        let host = &self.url[url::Position::BeforeHost..url::Position::AfterPort];
        set(HOST, host);
        set(
            USER_AGENT,
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
        );
        let (accept, mode, dest) = if self.is_navigation {
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "navigate", "document")
        } else {
            ("*/*", "cors", "empty")
        };
        set(ACCEPT, accept);
        set(HeaderName::from_static("sec-fetch-mode"), mode);
        set(HeaderName::from_static("sec-fetch-dest"), dest);
        let site = match (&self.initiator, site) {
            (Initiator::User, _) => "none",
            (Initiator::Page { .. }, Site::Same) => "same-origin",
            (Initiator::Page { .. }, _) => "cross-site",
        };
        set(HeaderName::from_static("sec-fetch-site"), site);
        if let Initiator::Page { url, is_silent } = &self.initiator {
            let origin = url.origin().ascii_serialization();
            if !self.method.is_safe() {
                set(ORIGIN, if *is_silent { "null" } else { &origin });
            }
            if !is_silent && site == "same-origin" {
                set(REFERER, &url[..url::Position::AfterQuery]);
            } else if !is_silent {
                set(REFERER, &format!("{origin}/"));
            }
        }
        if let Some(content_type) = content_type {
            set(CONTENT_TYPE, &content_type);
        }
        if let Some(cookies) = cookies {
            headers.insert(COOKIE, HeaderValue::from_str(cookies).expect("what came in a header goes in one"));
        }
        request
    }
}
