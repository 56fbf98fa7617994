//! Over reqwest: proxies of the environment, the platform's roots, one connection for HTTP/2.
use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use reqwest::redirect;
use url::{Host, Url};

use super::settings::{HTTP2_SILENCE, HttpVersion, IDLE_TIMEOUT, LOOPBACK, Settings};
use super::wire::{BoxError, Exchange, Exchanged, TransportError, Unanswered, lost};
use crate::url::is_loopback;

pub(super) struct OverReqwest {
    http: reqwest::Client,
    base: Url,
}

impl OverReqwest {
    pub(super) fn new(settings: &Settings) -> Result<Self, reqwest::Error> {
        let base = &settings.base;
        let secure = base.scheme() == "https";
        let mut http = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .referer(false)
            // Ours are the only repetitions, so that they are counted and bounded.
            .retry(reqwest::retry::never())
            .connect_timeout(settings.connect_timeout)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .https_only(secure);
        if settings.http == HttpVersion::Http2 {
            http = http.http2_prior_knowledge();
        }
        if settings.http != HttpVersion::Http1 {
            // One connection carries all tries: without a sign of life it is given up, and the next try makes another.
            http = http.http2_keep_alive_interval(HTTP2_SILENCE).http2_keep_alive_timeout(HTTP2_SILENCE);
        } else {
            http = http.http1_only();
        }
        if !secure {
            // Where no TLS is spoken, a machine needs no certificates of authorities.
            http = http.tls_certs_only([]);
        }
        let near = is_loopback(base);
        if near || !secure {
            http = http.no_proxy();
        }
        if let (true, Some(Host::Domain(name))) = (near, base.host()) {
            // A resolver that asks the network might be told another address for `app.localhost` (RFC 6761, section 6.3).
            http = http.resolve_to_addrs(name, &LOOPBACK.map(|ip| SocketAddr::new(ip, 0)));
        }
        Ok(Self { http: http.build()?, base: base.clone() })
    }

    /// The request in reqwest's terms. Of its target only path and query are taken, so that it goes nowhere else.
    fn convert(&self, request: Request<Bytes>) -> reqwest::Request {
        let (head, body) = request.into_parts();
        let mut url = self.base.clone();
        url.set_path(head.uri.path());
        url.set_query(head.uri.query());
        let mut request = reqwest::Request::new(head.method, url);
        *request.headers_mut() = head.headers;
        if !body.is_empty() {
            *request.body_mut() = Some(body.into());
        }
        request
    }
}

impl Exchange for OverReqwest {
    fn exchange(&self, request: Request<Bytes>) -> Exchanged {
        let answer = self.http.execute(self.convert(request));
        Box::pin(async move {
            let answer = Response::from(answer.await.map_err(unanswered)?);
            Ok(answer.map(|body| body.map_err(unanswered).boxed_unsync()))
        })
    }
}

/// An error without the URL, which holds ids.
fn unanswered(error: reqwest::Error) -> BoxError {
    let cause = if error.is_connect() { Unanswered::Unsent } else { lost(&error) };
    TransportError::ours(cause, error.without_url()).into()
}
