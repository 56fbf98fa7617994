//! Two requests, field by field.
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use axum::http::header;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::calls::Call;
use super::recorder::Recorded;

/// A difference that is meant.
pub(super) struct Deliberate {
    pub(super) field: &'static str,
    /// The names of the calls in which it is. None: in all of them.
    pub(super) calls: Option<&'static [&'static str]>,
    #[expect(dead_code, reason = "for whoever reads the list")]
    why: &'static str,
}

impl Deliberate {
    pub(super) fn covers(&self, call: &Call) -> bool {
        self.calls.is_none_or(|calls| calls.contains(&call.name))
    }

    /// The field with each call that has the difference.
    pub(super) fn of<'a>(&'a self, calls: &'a [Call]) -> impl Iterator<Item = (&'a str, &'a str)> {
        calls.iter().filter(|call| self.covers(call)).map(|call| (self.field, call.name))
    }
}

/// Every difference there is.
pub(super) const DELIBERATE: &[Deliberate] = &[
    Deliberate { field: "header user-agent", calls: None, why: "each client says its own name" },
    Deliberate {
        field: "header x-authsignal-version",
        calls: None,
        why: "the client's version, as each SDK has its own; the service takes it as information",
    },
    Deliberate {
        field: "header accept",
        calls: None,
        why: "axios takes anything by default; the client reads JSON and nothing else",
    },
    Deliberate {
        field: "header accept-encoding",
        calls: None,
        why: "the client asks for nothing compressed, so that an answer's limit is the limit of what is read",
    },
    Deliberate { field: "header connection", calls: None, why: "Node spells out what HTTP/1.1 does anyway" },
    Deliberate {
        field: "body idempotencyKey",
        calls: Some(&["track, nothing but names"]),
        why: "without a key a track that is sent twice is two actions; the client makes one",
    },
    Deliberate {
        field: "path as sent",
        calls: Some(&["getUser, an id of Auth0"]),
        why: "the SDK encodes nothing; the client encodes each segment, which the service decodes to the same",
    },
    Deliberate { field: "path", calls: ADDRESS, why: "the SDK asks another question than it was told to" },
    Deliberate { field: "path as sent", calls: ADDRESS, why: "an id is one segment of the client's" },
    Deliberate { field: "query as sent", calls: ADDRESS, why: "nor is an id a query" },
    Deliberate { field: "query limit", calls: ADDRESS, why: "nor is an id a query" },
    Deliberate {
        field: "query as sent",
        calls: Some(&["queryUsers", "getChallenge"]),
        why: "the SDK writes a space as a plus, as forms do; the client as %20, which reads alike everywhere",
    },
];

/// Calls with ids that would be another address.
const ADDRESS: Option<&[&str]> = Some(&["getUser, an id that looks like an address"]);

/// What a request consists of, by name.
pub(super) type Fields = BTreeMap<String, Value>;

pub(super) fn fields(Recorded { parts, body }: &Recorded) -> Fields {
    let path = parts.uri.path();
    let decoded = percent_decode_str(path).decode_utf8().expect("a path is UTF-8");
    let mut fields = Fields::from([
        ("method".to_owned(), parts.method.as_str().into()),
        ("version".to_owned(), format!("{:?}", parts.version).into()),
        ("path".to_owned(), decoded.into()),
        ("path as sent".to_owned(), path.into()),
    ]);
    if let Some(query) = parts.uri.query() {
        insert(&mut fields, "query as sent", query.into());
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            insert(&mut fields, &format!("query {name}"), value.into());
        }
    }
    for (name, value) in &parts.headers {
        // Where the server is, and how long the body is by which it was read.
        if name != header::HOST && name != header::CONTENT_LENGTH {
            insert(&mut fields, &format!("header {name}"), value.to_str().expect("a header is text").into());
        }
    }
    if !body.is_empty() {
        match serde_json::from_slice(body).expect("a body is JSON") {
            Value::Object(members) => {
                insert(&mut fields, "body", "an object".into());
                members.into_iter().for_each(|(name, value)| flatten(&mut fields, &format!("body {name}"), value));
            }
            value => insert(&mut fields, "body", value),
        }
    }
    fields
}

/// The members of an object, and those of its members.
fn flatten(fields: &mut Fields, name: &str, value: Value) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            members.into_iter().for_each(|(member, value)| flatten(fields, &format!("{name}.{member}"), value));
        }
        value => insert(fields, name, value),
    }
}

fn insert(fields: &mut Fields, name: &str, value: Value) {
    let before = fields.insert(name.to_owned(), value);
    assert_eq!(before, None, "{name} is there twice");
}

pub(super) struct Difference<'a> {
    pub(super) field: String,
    ours: Option<&'a Value>,
    theirs: Option<&'a Value>,
}

impl fmt::Display for Difference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |side: Option<&Value>| side.map_or_else(|| "nothing".to_owned(), Value::to_string);
        write!(f, "{}: ours {}, theirs {}", self.field, show(self.ours), show(self.theirs))
    }
}

pub(super) fn differences<'a>(ours: &'a Fields, theirs: &'a Fields) -> Vec<Difference<'a>> {
    let names: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
    let sides = names.into_iter().map(|name| (name, ours.get(name), theirs.get(name)));
    sides
        .filter(|(_, ours, theirs)| ours != theirs)
        .map(|(name, ours, theirs)| Difference { field: name.clone(), ours, theirs })
        .collect()
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn request(target: &str, headers: &[(&str, &str)], body: &str) -> Fields {
        let (method, target) = target.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        fields(&Recorded { parts, body: body.into() })
    }

    #[test]
    fn every_part_counts() {
        let ours =
            request("POST /v1/a%7Cb?q=x+y", &[("Accept", "a"), ("Host", "one")], r#"{"a":1,"deep":{"b":null,"c":{}}}"#);
        assert_eq!(differences(&ours, &ours.clone()).len(), 0);
        let cases: [(&str, &[(&str, &str)], &str, &str); 9] = [
            ("GET /v1/a%7Cb?q=x+y", &[("accept", "a")], r#"{"a":1,"deep":{"b":null,"c":{}}}"#, "method"),
            ("POST /v1/a|b?q=x+y", &[("accept", "a")], r#"{"a":1,"deep":{"b":null,"c":{}}}"#, "path as sent"),
            ("POST /v1/a%7Cb?q=x%20y", &[("accept", "a")], r#"{"a":1,"deep":{"b":null,"c":{}}}"#, "query as sent"),
            ("POST /v1/a%7Cb?q=x+y", &[("accept", "A")], r#"{"a":1,"deep":{"b":null,"c":{}}}"#, "header accept"),
            ("POST /v1/a%7Cb?q=x+y", &[], r#"{"a":1,"deep":{"b":null,"c":{}}}"#, "header accept"),
            ("POST /v1/a%7Cb?q=x+y", &[("accept", "a")], r#"{"a":"1","deep":{"b":null,"c":{}}}"#, "body a"),
            ("POST /v1/a%7Cb?q=x+y", &[("accept", "a")], r#"{"a":1,"deep":{"c":{}}}"#, "body deep.b"),
            ("POST /v1/a%7Cb?q=x+y", &[("accept", "a")], r#"{"a":1,"deep":{"b":null,"c":[]}}"#, "body deep.c"),
            ("POST /v1/a%7Cb?q=x+y", &[("accept", "a")], r#"{"a":1,"b":2,"deep":{"b":null,"c":{}}}"#, "body b"),
        ];
        for (line, headers, body, field) in cases {
            let theirs = request(line, headers, body);
            let found: Vec<_> = differences(&ours, &theirs).into_iter().map(|difference| difference.field).collect();
            assert_eq!(found, [field], "{line} {headers:?} {body}");
        }
        let theirs = request("POST /v1/c?q=x+y&r=", &[("accept", "a")], "");
        let found: Vec<_> = differences(&ours, &theirs).into_iter().map(|difference| difference.field).collect();
        assert_eq!(
            found,
            ["body", "body a", "body deep.b", "body deep.c", "path", "path as sent", "query as sent", "query r"]
        );
    }
}
