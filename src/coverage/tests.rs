use std::collections::HashMap;

use http::HeaderValue;
use proptest::prelude::*;

use super::*;

/// A request as the tests write it.
#[derive(Clone)]
struct Sent {
    method: Method,
    target: Uri,
    route: Option<&'static str>,
    headers: HeaderMap,
    body: Vec<u8>,
}

fn sent(method: &str, target: &str, content_type: Option<&str>, body: &[u8]) -> Sent {
    let mut headers = HeaderMap::new();
    if let Some(content_type) = content_type {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(content_type).unwrap());
    }
    Sent {
        method: method.parse().unwrap(),
        target: target.parse().unwrap(),
        route: Some("/withdraw/{id}"),
        headers,
        body: body.to_vec(),
    }
}

impl Sent {
    fn digest(&self, coverage: Coverage) -> Digest {
        let shape = Shape { method: &self.method, target: &self.target, route: self.route, headers: &self.headers };
        digest(coverage, None, &shape, &self.body)
    }
}

const FORM: Option<&str> = Some("application/x-www-form-urlencoded");

/// T27, T62, T64: any change to what the user approved is another request.
#[test]
fn t27_another_request_has_another_digest() {
    let with_header = |mut sent: Sent, name: &'static str, value: &'static str| {
        sent.headers.append(name, HeaderValue::from_static(value));
        sent
    };
    let requests = [
        sent("POST", "/withdraw/1", FORM, b"amount=10&to=bob"),
        sent("POST", "/withdraw/1", FORM, b"amount=10000&to=bob"),
        sent("POST", "/withdraw/1", FORM, b"to=bob&amount=10"),
        sent("POST", "/withdraw/1", FORM, b"amount=10&to=bob&amount=10"),
        sent("POST", "/withdraw/1", FORM, b"amount=10&to=bob&x="),
        sent("POST", "/withdraw/1", FORM, b"amount=10%26to=bob"),
        sent("POST", "/withdraw/1", FORM, b""),
        sent("POST", "/withdraw/2", FORM, b"amount=10&to=bob"),
        sent("POST", "/withdraw/1?", FORM, b"amount=10&to=bob"),
        sent("POST", "/withdraw/1?a=b", FORM, b"amount=10&to=bob"),
        sent("POST", "/withdraw/1?a=b&a=c", FORM, b"amount=10&to=bob"),
        sent("POST", "/withdraw/1?a=c&a=b", FORM, b"amount=10&to=bob"),
        sent("PUT", "/withdraw/1", FORM, b"amount=10&to=bob"),
        sent("GET", "/withdraw/1", None, b""),
        sent("POST", "/withdraw/1", None, b"amount=10&to=bob"),
        sent("POST", "/withdraw/1", Some("text/plain"), b"amount=10&to=bob"),
        sent("POST", "/withdraw/1", Some("application/json"), b"{\"amount\":10}"),
        sent("POST", "/withdraw/1", Some("application/json"), b"{\"amount\":10000}"),
        sent("POST", "/withdraw/1", Some("application/json; charset=utf-16"), b"{\"amount\":10}"),
        sent("POST", "/withdraw/1", Some("application/x-www-form-urlencoded; charset=utf-7"), b"amount=10&to=bob"),
        with_header(sent("POST", "/withdraw/1", FORM, b"amount=10&to=bob"), "content-encoding", "gzip"),
        with_header(sent("POST", "/withdraw/1", FORM, b"amount=10&to=bob"), "content-type", "application/json"),
        sent("POST", "/withdraw/1", FORM, b"amount=%FF"),
        sent("POST", "/withdraw/1", FORM, b"amount=%FE"),
    ];
    let mut seen = HashMap::new();
    for (index, request) in requests.iter().enumerate() {
        let earlier = seen.insert(request.digest(Coverage::Request).0, index);
        assert_eq!(earlier, None, "requests {earlier:?} and {index} are taken for one");
    }
}

#[test]
fn a_form_sent_again_by_a_browser_is_the_same_request() {
    let first = sent("POST", "/withdraw/1?a=b", FORM, b"note=a%20b%0A%C3%A9&to=bob&empty=");
    let again = [
        sent("POST", "/withdraw/1?a=b", FORM, b"note=a+b%0D%0A%c3%a9&to=bob&empty"),
        sent("POST", "/withdraw/1?a=b", Some("Application/x-www-form-urlencoded; charset=UTF-8"), &first.body),
    ];
    for again in again {
        assert_eq!(first.digest(Coverage::Request), again.digest(Coverage::Request));
    }
}

/// A multipart form sent again is the same request, whatever its boundary; anything else about it is not.
#[test]
fn a_multipart_form_is_compared_without_its_boundary() {
    let multipart = |boundary: &str, body: &str| {
        let content_type = format!("multipart/form-data; boundary={boundary}");
        sent("POST", "/x", Some(&content_type), body.replace('B', boundary).as_bytes()).digest(Coverage::Request)
    };
    let body = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n10\r\n--B--\r\n";
    let first = multipart("x1", body);
    assert_eq!(first, multipart("y-longer-2", body));
    for (name, other) in [
        ("another value", body.replace("10", "10000")),
        ("another name", body.replace("\"a\"", "\"b\"")),
        ("one more part", body.replace("--B--", "--B\r\n\r\n\r\n1\r\n--B--")),
        ("no end", body.replace("--B--", "")),
        ("text before", format!("x{body}")),
    ] {
        assert_ne!(first, multipart("x1", &other), "{name}");
    }
    for value in ["a--B", "\r\n--B0 euros", "a\r\n--B\n"] {
        let inside = body.replace("10", value);
        assert_ne!(
            multipart("x1", &inside),
            multipart("y2", &inside),
            "a boundary inside a value is a value: {value:?}"
        );
    }
    let odd = |content_type| sent("POST", "/x", Some(content_type), b"--x1--").digest(Coverage::Request);
    assert_ne!(odd("multipart/form-data; boundary=x1; charset=utf-7"), odd("multipart/form-data; boundary=x1"));
    assert_ne!(odd("multipart/mixed; boundary=x1"), odd("multipart/form-data; boundary=x1"));
}

/// An approval that is remembered is for the routes that remember as long; one-time routes never see it.
#[test]
fn how_long_it_is_remembered_keeps_approvals_apart() {
    let request = sent("POST", "/x", None, b"");
    let shape = Shape { method: &request.method, target: &request.target, route: None, headers: &request.headers };
    let of = |seconds: Option<u64>| digest(Coverage::Action, seconds.map(Duration::from_secs), &shape, b"");
    assert_eq!(of(Some(60)), of(Some(60)));
    assert_ne!(of(Some(60)), of(None));
    assert_ne!(of(Some(60)), of(Some(61)));
}

/// T53: HEAD is GET, for every coverage.
#[test]
fn t53_head_is_get() {
    for coverage in [Coverage::Request, Coverage::Route, Coverage::Action] {
        let [get, head] = ["GET", "HEAD"].map(|method| sent(method, "/x", None, b"").digest(coverage));
        assert_eq!(get, head);
    }
}

#[test]
fn wider_coverages_ignore_what_they_say_they_ignore() {
    let one = sent("POST", "/withdraw/1?a=b", FORM, b"amount=10");
    let other = sent("POST", "/withdraw/2", None, b"anything");
    let mut elsewhere = sent("POST", "/withdraw/1", FORM, b"amount=10");
    elsewhere.route = Some("/transfer");
    assert_eq!(one.digest(Coverage::Route), other.digest(Coverage::Route));
    assert_ne!(one.digest(Coverage::Route), elsewhere.digest(Coverage::Route));
    assert_ne!(one.digest(Coverage::Route), sent("PUT", "/withdraw/1", FORM, b"").digest(Coverage::Route));
    assert_eq!(one.digest(Coverage::Action), elsewhere.digest(Coverage::Action));
    let each: Vec<_> = [Coverage::Request, Coverage::Route, Coverage::Action].map(|c| one.digest(c)).to_vec();
    assert!(each[0] != each[1] && each[1] != each[2] && each[0] != each[2]);
}

/// T39: fields never run into one another.
#[test]
fn t39_neighbouring_fields_do_not_merge() {
    let digest = Digest([7; 32]);
    let of = |tenant, user, session, action| Binding { tenant, user, session, action }.hash(&digest);
    let bindings = [
        of("t", "a:b", None, "c"),
        of("t", "a", None, "b:c"),
        of("t", "a", Some("b"), "c"),
        of("t", "ab", None, "c"),
        of("t", "ab", Some(""), "c"),
        of("ta", "b", None, "c"),
        of("", "tab", None, "c"),
        of("t", "a", Some("bc"), ""),
    ];
    for (index, one) in bindings.iter().enumerate() {
        assert!(!bindings[index + 1..].contains(one), "binding {index}");
    }
}

fn field() -> impl Strategy<Value = String> {
    "[ab:\u{e9}]{0,3}"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    /// T39, T40: keys are equal only where every field is equal.
    #[test]
    fn t39_t40_bindings_are_equal_only_if_every_field_is(
        one in (field(), field(), proptest::option::of(field()), field()),
        other in (field(), field(), proptest::option::of(field()), field()),
    ) {
        let hash = |(tenant, user, session, action): &(String, String, Option<String>, String)| {
            Binding { tenant, user, session: session.as_deref(), action }.hash(&Digest([0; 32]))
        };
        prop_assert_eq!(hash(&one) == hash(&other), one == other);
    }

    /// T27: two bodies share a digest only if they are the same pairs (a form) or the same bytes (anything else).
    #[test]
    fn t27_bodies_share_a_digest_only_if_they_say_the_same(
        one in "[ab=&+%20dA]{0,8}", other in "[ab=&+%20dA]{0,8}", is_form in any::<bool>(),
    ) {
        let content_type = if is_form { FORM } else { Some("application/json") };
        let [one, other] = [one, other].map(|body| sent("POST", "/x", content_type, body.as_bytes()));
        let same = if is_form { Form::parse(&one.body) == Form::parse(&other.body) } else { one.body == other.body };
        prop_assume!(!is_form || (Form::parse(&one.body).is_some() && Form::parse(&other.body).is_some()));
        prop_assert_eq!(one.digest(Coverage::Request) == other.digest(Coverage::Request), same);
    }
}
