//! What one approval is good for: the digest of a request, and the key of its flow.
use std::time::Duration;

use http::{HeaderMap, Method, header};

pub(crate) use self::address::Address;
pub(crate) use self::multipart::Multipart;
use super::fields::Fields;
use super::proof_policy::ProofPolicy;

mod address;
mod multipart;

/// What one approval covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Coverage {
    /// This very request: method, address and body. The default. Whoever changes the amount needs a new approval.
    ///
    /// Two requests are the same only where every extractor gives a handler the same: `Bytes`, `Json`, `Form`,
    /// `Multipart`, `Query`, `Path`, `OriginalUri`, and whatever else reads their bytes. So it is compared
    ///
    /// - the address, as the client sent it and as it is at the layer, with what a router matched of it. Something
    ///   between two routers that maps a `Host` to a tenant's path makes two addresses of one. Over HTTP/2 the scheme and
    ///   the host are in it: a client that goes on over HTTP/1.1 is challenged once more.
    /// - the body by its bytes, with each `Content-Type` and `Content-Encoding`. Who encodes the same form or the same
    ///   JSON otherwise the second time (`%20` for `+`, members in another order) sends another request. Only the
    ///   `;charset=UTF-8` that `fetch` puts behind the type of a urlencoded form is left out: a form has none.
    /// - a multipart form without its boundary, which browsers and clients draw anew for each sending, as long as the
    ///   form is written as all of them write it and the boundary stands nowhere but between its parts. Preambles, blanks
    ///   behind a boundary, a boundary that is named twice: such a form is compared by its bytes, boundary and all.
    ///
    /// `HEAD` is `GET`, whose handler it runs, unless it brings a body or a content type: axum's `Form` reads the query of
    /// the one and the body of the other.
    ///
    /// Of the other headers, those count that name another method (`X-HTTP-Method-Override`). A handler that acts on one
    /// besides, such as `Host`, has to check it again.
    #[default]
    Request,
    /// This method on this route, whatever its parameters, query and body.
    ///
    /// The route is its template as axum's [`MatchedPath`](axum::extract::MatchedPath) gives it at the layer: `/t/one/pay`
    /// and `/t/two/pay` are one route, `/t/{tenant}/pay`, and so are two routers' routes of one template where something
    /// hands the whole address on to both. Where no router matched, it is the whole path.
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
    pub(crate) address: &'a Address,
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
    let mut fields = Fields::new(match coverage {
        Coverage::Request => "request",
        Coverage::Route => "route",
        Coverage::Action => "action",
    });
    fields.add(remember.unwrap_or_default().as_nanos().to_be_bytes());
    match coverage {
        Coverage::Action => {}
        Coverage::Route => {
            fields.add(covered_method(shape.method).as_str());
            add_overrides(&mut fields, shape.headers);
            shape.address.add_route_to(&mut fields);
        }
        Coverage::Request => {
            // axum's `Form` reads the query of GET, and the body of HEAD: with either, they are not the same.
            let is_bare = body.is_empty() && !shape.headers.contains_key(header::CONTENT_TYPE);
            fields.add(if is_bare { covered_method(shape.method) } else { shape.method }.as_str());
            add_overrides(&mut fields, shape.headers);
            shape.address.add_to(&mut fields);
            add_body(&mut fields, shape.headers, body);
        }
    }
    Digest(fields.finish())
}

/// A body is its bytes, and what it says of how they are to be read: a handler may read them as whatever it likes. Only the
/// boundary of a multipart form is left out, where everybody reads the same without it.
fn add_body(fields: &mut Fields, headers: &HeaderMap, body: &[u8]) {
    if let Some(multipart) = Multipart::of(headers, body) {
        fields.add("multipart");
        multipart.add_to(fields);
        return;
    }
    fields.add("bytes");
    for name in [header::CONTENT_TYPE, header::CONTENT_ENCODING] {
        let values = headers.get_all(name);
        fields.add(values.iter().count().to_be_bytes());
        values.iter().for_each(|value| fields.add(if value == FETCHED_FORM { FORM } else { value.as_bytes() }));
    }
    fields.add(body);
}

/// How a browser writes the type of a form that it sends, and of one that a script sends with `URLSearchParams` (Fetch,
/// "extract a body"). They are one, so that a form which Turbo or htmx sent can be posted again by a page: urlencoded is
/// UTF-8, whatever stands behind (URL, "application/x-www-form-urlencoded parsing"), and so is what axum's `Form` reads.
const FORM: &[u8] = b"application/x-www-form-urlencoded";
const FETCHED_FORM: &str = "application/x-www-form-urlencoded;charset=UTF-8";

/// Headers by which clients name another method than the one that they send: Google's, Microsoft's and IBM's, as the
/// documentation of Express's `method-override` lists them.
const METHOD_OVERRIDES: [&str; 3] = ["x-http-method-override", "x-http-method", "x-method-override"];

/// A layer that takes one of them belongs outside this one. Inside, it would run another method than the one that was
/// approved (threat T54).
fn add_overrides(fields: &mut Fields, headers: &HeaderMap) {
    for name in METHOD_OVERRIDES {
        let values = headers.get_all(name);
        fields.add(values.iter().count().to_be_bytes());
        values.iter().for_each(|value| fields.add(value));
    }
}

/// HEAD runs the handler of GET (M12), so it is covered by the same approval.
fn covered_method(method: &Method) -> &Method {
    match *method {
        Method::HEAD => &Method::GET,
        _ => method,
    }
}

/// Whose flow it is: everything apart from the digest that a flow is bound to within its tenant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binding<'a> {
    /// Where it comes back: names with callbacks of their own share no flow (threat T124).
    pub(crate) callback_url: &'a str,
    pub(crate) user: &'a str,
    pub(crate) session: Option<&'a str>,
    pub(crate) action: &'a str,
    /// Who is behind it, and on whose behalf: an approval of the user's own is none for somebody who acts as them.
    pub(crate) actor: &'a str,
    pub(crate) account: &'a str,
    /// What is asked of users with nothing enrolled: a proof that a first enrolment was enough for is none where it is not.
    pub(crate) unenrolled: &'a str,
    /// What is asked of the proof: one that was enough elsewhere may not be here.
    pub(crate) proof: &'a ProofPolicy,
    /// The digest of what a handler told besides the request, where it is one that asks: what it read from a database is
    /// approved as well as what came in.
    pub(crate) told: Option<&'a [u8; 32]>,
    /// Whether somebody else may let it pass: what they let pass is none where that is not asked for.
    pub(crate) may_be_reviewed: bool,
    /// The value that its body is read as, where it is, whatever else is covered: no approval of one is good for another.
    pub(crate) transaction: Option<&'a Digest>,
}

impl Binding<'_> {
    /// One hash of it all; [`seal`](crate::store::seal) makes the flow's key of it, the tenant and the browser.
    pub(crate) fn hash(&self, digest: &Digest) -> [u8; 32] {
        let mut fields = Fields::new("binding");
        fields.add(self.callback_url);
        fields.add(self.user);
        fields.add([u8::from(self.session.is_some())]);
        fields.add(self.session.unwrap_or_default());
        fields.add(self.action);
        fields.add(self.actor);
        fields.add(self.account);
        fields.add(self.unenrolled);
        self.proof.add_to(&mut fields);
        fields.add([u8::from(self.may_be_reviewed)]);
        fields.add(digest.0);
        if let Some(told) = self.told {
            fields.add("told");
            fields.add(told);
        }
        if let Some(transaction) = self.transaction {
            fields.add("transaction");
            fields.add(transaction.0);
        }
        fields.finish()
    }
}

#[cfg(test)]
mod differential;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
