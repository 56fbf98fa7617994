//! What one approval is good for: the digest of a request, and the key of its flow.
use std::time::Duration;

use http::{HeaderMap, Method, Uri, header};
use sha2::{Digest as _, Sha256};

use crate::form::Form;

/// What one approval covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Coverage {
    /// This very request: method, path, query and body. The default.
    ///
    /// A urlencoded form is compared by its decoded pairs in order, every other body by its bytes and its
    /// `Content-Type`. Whoever changes the amount needs a new approval.
    #[default]
    Request,
    /// This method on this route, whatever its parameters, query and body.
    Route,
    /// This action, on whatever route it guards.
    Action,
}

/// The digest of what an approval covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Digest(pub(crate) [u8; 32]);

/// What of a request a digest is made from, apart from its body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape<'a> {
    pub(crate) method: &'a Method,
    /// The path and query as the client sent them, before any router stripped a prefix.
    pub(crate) target: &'a Uri,
    /// The route's template, where a router matched one.
    pub(crate) route: Option<&'a str>,
    pub(crate) headers: &'a HeaderMap,
}

impl Coverage {
    /// Whether the body is part of what is covered.
    pub(crate) fn reads_body(self) -> bool {
        self == Self::Request
    }

    /// How narrow this is: an approval for something narrow says nothing about something wide, and the other way round
    /// only "not wider than" holds.
    pub(crate) fn width(self) -> u8 {
        match self {
            Self::Request => 0,
            Self::Route => 1,
            Self::Action => 2,
        }
    }
}

/// Digests what `coverage` covers. `body` counts only for [`Coverage::Request`].
///
/// How long an approval is remembered is part of it, so that a route never lives on what was approved for another that
/// asks for less.
pub(crate) fn digest(coverage: Coverage, remember: Option<Duration>, shape: &Shape<'_>, body: &[u8]) -> Digest {
    let method = covered_method(shape.method);
    let mut fields = Fields::new(match coverage {
        Coverage::Request => "request",
        Coverage::Route => "route",
        Coverage::Action => "action",
    });
    fields.add(remember.unwrap_or_default().as_nanos().to_be_bytes());
    match coverage {
        Coverage::Action => {}
        Coverage::Route => {
            fields.add(method.as_str());
            fields.add(shape.route.unwrap_or_else(|| shape.target.path()));
        }
        Coverage::Request => {
            fields.add(method.as_str());
            fields.add(shape.target.path());
            fields.add(match shape.target.query() {
                Some(_) => "?",
                None => "",
            });
            fields.add(shape.target.query().unwrap_or_default());
            match form(shape.headers, body) {
                Some(form) => {
                    fields.add("form");
                    for (name, value) in &form.0 {
                        fields.add(name);
                        fields.add(value);
                    }
                }
                None if add_multipart(&mut fields, shape.headers, body) => {}
                None => {
                    fields.add("bytes");
                    for name in [header::CONTENT_TYPE, header::CONTENT_ENCODING] {
                        let values = shape.headers.get_all(name);
                        fields.add(values.iter().count().to_be_bytes());
                        values.iter().for_each(|value| fields.add(value));
                    }
                    fields.add(body);
                }
            }
        }
    }
    Digest(fields.finish())
}

/// Digests a multipart form by what stands between its boundaries, since a browser that sends it again draws a new one.
///
/// A boundary is left out only where it delimits (RFC 2046, section 5.1.1: a line of its own). Text that looks like one
/// elsewhere stays, and stays different.
fn add_multipart(fields: &mut Fields, headers: &HeaderMap, body: &[u8]) -> bool {
    let Some(boundary) = boundary(headers) else { return false };
    let delimiter = [b"\r\n--", boundary.as_bytes()].concat();
    // The first delimiter may stand at the very beginning, without its line break.
    let body = [b"\r\n", body].concat();
    fields.add("multipart");
    let mut rest = body.as_slice();
    let ends_line = |after: &[u8]| after.starts_with(b"\r\n") || after.starts_with(b"--");
    let delimits = |text: &[u8]| text.strip_prefix(delimiter.as_slice()).is_some_and(ends_line);
    while let Some(at) = (0..rest.len()).find(|&at| delimits(&rest[at..])) {
        fields.add(&rest[..at]);
        rest = &rest[at + delimiter.len()..];
    }
    fields.add(rest);
    true
}

/// The boundary, if the body is a plain multipart form and nothing besides.
fn boundary(headers: &HeaderMap) -> Option<&str> {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (essence, parameter) = types.next()?.to_str().ok()?.split_once(';')?;
    let boundary = parameter.trim().strip_prefix("boundary=")?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(&byte);
    let is_form = essence.trim().eq_ignore_ascii_case("multipart/form-data")
        && types.next().is_none()
        && !headers.contains_key(header::CONTENT_ENCODING);
    (is_form && (1..=70).contains(&boundary.len()) && boundary.bytes().all(plain)).then_some(boundary)
}

/// HEAD runs the handler of GET (M12), so it is covered by the same approval.
fn covered_method(method: &Method) -> &Method {
    match *method {
        Method::HEAD => &Method::GET,
        _ => method,
    }
}

/// The form in a body, if it is one that a browser would send again as it is.
pub(crate) fn form(headers: &HeaderMap, body: &[u8]) -> Option<Form> {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let content_type = types.next()?.to_str().ok()?;
    let mut parts = content_type.split(';').map(str::trim);
    let urlencoded =
        parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/x-www-form-urlencoded"));
    let utf8 = parts.all(|parameter| parameter.is_empty() || parameter.eq_ignore_ascii_case("charset=utf-8"));
    let plain = types.next().is_none() && !headers.contains_key(header::CONTENT_ENCODING);
    if urlencoded && utf8 && plain { Form::parse(body) } else { None }
}

/// A hash over fields of which none can run into the next: each goes in behind its length (threat T39).
pub(crate) struct Fields(Sha256);

impl Fields {
    /// `label` keeps hashes for different purposes apart.
    pub(crate) fn new(label: &str) -> Self {
        let mut fields = Self(Sha256::new());
        fields.add(label);
        fields
    }

    pub(crate) fn add(&mut self, field: impl AsRef<[u8]>) {
        let field = field.as_ref();
        self.0.update((field.len() as u64).to_be_bytes());
        self.0.update(field);
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// Whose flow it is: everything apart from the digest that a flow is bound to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binding<'a> {
    pub(crate) tenant: &'a str,
    pub(crate) user: &'a str,
    pub(crate) session: Option<&'a str>,
    pub(crate) action: &'a str,
}

impl Binding<'_> {
    /// One hash of it all; [`seal`](crate::seal) makes the flow's key of it, the browser and the digest.
    pub(crate) fn hash(&self, digest: &Digest) -> [u8; 32] {
        let mut fields = Fields::new("binding");
        fields.add(self.tenant);
        fields.add(self.user);
        fields.add([u8::from(self.session.is_some())]);
        fields.add(self.session.unwrap_or_default());
        fields.add(self.action);
        fields.add(digest.0);
        fields.finish()
    }
}

#[cfg(test)]
mod tests;
