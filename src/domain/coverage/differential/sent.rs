//! A request as somebody sends it, and what the layer and each of axum's extractors make of it.
use std::fmt::{self, Debug};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{
    Form, FromRequest, FromRequestParts, Json, MatchedPath, Multipart, OriginalUri, Path, Query, RawForm,
    RawPathParams, RawQuery, Request,
};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{Extensions, Uri, header};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::domain::coverage::{Address, Coverage, Digest, Shape, digest};

/// How it begins what an extractor gives that refuses.
pub(super) const REFUSED: &str = "refused with ";

/// A request as somebody sends it.
#[derive(Clone, PartialEq)]
pub(super) struct Sent {
    pub(super) method: &'static str,
    pub(super) target: String,
    pub(super) host: &'static str,
    pub(super) types: Vec<String>,
    pub(super) encodings: Vec<&'static str>,
    pub(super) body: Vec<u8>,
}

impl Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, target, host, types, encodings, body } = self;
        write!(f, "{method} {target} host {host:?} types {types:?} {encodings:?} body \"{}\"", body.escape_ascii())
    }
}

impl Sent {
    /// `None` if no server would read it.
    fn request(&self) -> Option<Request> {
        let mut request = Request::builder().method(self.method).uri(Uri::try_from(&self.target).ok()?);
        request = request.header(header::HOST, self.host);
        for content_type in &self.types {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        for encoding in &self.encodings {
            request = request.header(header::CONTENT_ENCODING, *encoding);
        }
        request.body(Body::from(self.body.clone())).ok()
    }
}

/// A request as it is where the layer stands and behind it.
#[derive(Clone)]
pub(super) struct Seen {
    pub(super) digest: Digest,
    parts: Parts,
    body: Bytes,
}

/// Stands where the layer would.
pub(super) async fn digested(request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let address = Address::of(&mut parts).await;
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let shape = Shape { method: &parts.method, address: &address, headers: &parts.headers };
    let digest = digest(Coverage::Request, None, &shape, &body);
    let mut response = next.run(Request::from_parts(parts, Body::from(body))).await;
    if let Some(Handled(parts, body)) = response.extensions_mut().remove() {
        response.extensions_mut().insert(Seen { digest, parts, body });
    }
    response
}

#[derive(Clone)]
struct Handled(Parts, Bytes);

/// Stands where the handler would.
pub(super) async fn handled(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let mut response = ().into_response();
    response.extensions_mut().insert(Handled(parts, body));
    response
}

/// `None` where it does not come through to a handler.
pub(super) async fn seen(app: &Router, sent: &Sent) -> Option<Seen> {
    let mut response = app.clone().oneshot(sent.request()?).await.unwrap();
    Extensions::remove(response.extensions_mut())
}

impl Seen {
    fn request(&self) -> Request {
        Request::from_parts(self.parts.clone(), Body::from(self.body.clone()))
    }

    async fn read<T, M>(&self, show: impl FnOnce(T) -> String) -> String
    where
        T: FromRequest<(), M>,
    {
        match T::from_request(self.request(), &()).await {
            Ok(read) => show(read),
            Err(rejection) => format!("{REFUSED}{}", rejection.into_response().status()),
        }
    }

    async fn find<T: FromRequestParts<()>>(&self, show: impl FnOnce(T) -> String) -> String {
        match T::from_request_parts(&mut self.parts.clone(), &()).await {
            Ok(found) => show(found),
            Err(rejection) => format!("{REFUSED}{}", rejection.into_response().status()),
        }
    }

    /// What each extractor gives a handler. For a multipart form, bytes are shown without the boundary where it delimits.
    pub(super) async fn values(&self) -> Vec<(&'static str, String)> {
        type Pairs = Vec<(String, String)>;
        let bytes = |bytes: &[u8]| self.without_boundary(bytes).escape_ascii().to_string();
        vec![
            ("Bytes", self.read(|read: Bytes| bytes(&read)).await),
            ("String", self.read(|read: String| bytes(read.as_bytes())).await),
            ("Json", self.read(|Json(read): Json<Value>| shown(read)).await),
            ("Form", self.read(|Form(read): Form<Pairs>| shown(read)).await),
            ("RawForm", self.read(|RawForm(read)| shown(read)).await),
            (
                "axum_extra's Form",
                self.read(|axum_extra::extract::Form(read): axum_extra::extract::Form<Pairs>| shown(read)).await,
            ),
            (
                "Multipart",
                match Multipart::from_request(self.request(), &()).await {
                    Ok(form) => fields(form).await,
                    Err(rejection) => format!("{REFUSED}{}", rejection.status()),
                },
            ),
            ("Query", self.find(|Query(found): Query<Pairs>| shown(found)).await),
            (
                "axum_extra's Query",
                self.find(|axum_extra::extract::Query(found): axum_extra::extract::Query<Pairs>| shown(found)).await,
            ),
            ("RawQuery", self.find(|RawQuery(found)| shown(found)).await),
            ("Path", self.find(|Path(found): Path<Pairs>| shown(found)).await),
            ("RawPathParams", self.find(|found: RawPathParams| shown(found)).await),
            ("MatchedPath", self.find(|found: MatchedPath| shown(found)).await),
            ("OriginalUri", self.find(|OriginalUri(found)| found.to_string()).await),
            ("Uri", self.find(|found: Uri| found.to_string()).await),
        ]
    }

    /// The boundary that multer reads is left out where a line is nothing else.
    fn without_boundary(&self, body: &[u8]) -> Vec<u8> {
        let content_type = self.parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let Some(Ok(boundary)) = content_type.map(multer::parse_boundary) else { return body.to_vec() };
        let delimiter = format!("--{boundary}").into_bytes();
        let (mut left, mut at) = (Vec::new(), 0);
        while at < body.len() {
            let begins_line = at == 0 || body[..at].ends_with(b"\r\n");
            let behind = body[at..].strip_prefix(delimiter.as_slice()).filter(|_| begins_line);
            let ends_line = |behind: &[u8]| behind.starts_with(b"\r\n") || behind == b"--" || behind == b"--\r\n";
            if behind.is_some_and(ends_line) {
                left.extend_from_slice(b"<boundary>");
                at += delimiter.len();
            } else {
                left.push(body[at]);
                at += 1;
            }
        }
        left
    }
}

fn shown(value: impl Debug) -> String {
    format!("{value:?}")
}

/// All that multer says of each field, as far as it comes.
async fn fields(mut form: Multipart) -> String {
    let mut shown = String::new();
    loop {
        let field = match form.next_field().await {
            Ok(Some(field)) => field,
            Ok(None) => return shown,
            Err(error) => return format!("{shown}; {}", error.body_text()),
        };
        let head = (field.name(), field.file_name(), field.content_type(), field.headers());
        shown.push_str(&format!("{head:?}: "));
        match field.bytes().await {
            Ok(bytes) => shown.push_str(&format!("{bytes:?}; ")),
            Err(error) => return format!("{shown}{}", error.body_text()),
        }
    }
}
