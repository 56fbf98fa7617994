//! Tables and properties of digests and bindings.
use std::collections::HashMap;

use http::{HeaderValue, Uri};
use proptest::prelude::*;

use super::address::Params;
use super::*;

/// A request as the tests write it.
#[derive(Clone)]
struct Sent {
    method: Method,
    address: Address,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// Where nothing is rewritten.
fn address(target: &str) -> Address {
    let uri: Uri = target.parse().unwrap();
    Address { received: uri.clone(), routed: uri, route: Some("/withdraw/{id}".into()), params: Params::Missing }
}

fn sent(method: &str, target: &str, content_type: Option<&str>, body: &[u8]) -> Sent {
    let mut headers = HeaderMap::new();
    if let Some(content_type) = content_type {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(content_type).unwrap());
    }
    Sent { method: method.parse().unwrap(), address: address(target), headers, body: body.to_vec() }
}

impl Sent {
    fn digest(&self, coverage: Coverage) -> Digest {
        let shape = Shape { method: &self.method, address: &self.address, headers: &self.headers };
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

/// T111: the address as received and as routed both count, each part of it.
#[test]
fn t111_an_address_that_differs_anywhere_is_another() {
    let found = |params: &[(&str, &str)]| {
        Params::Found(params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    };
    let plain = address("/pay");
    let addresses = [
        plain.clone(),
        Address { received: Uri::from_static("/t/one/pay"), ..plain.clone() },
        Address { routed: Uri::from_static("/t/one/pay"), ..plain.clone() },
        Address { routed: Uri::from_static("/pay?"), ..plain.clone() },
        Address { received: Uri::from_static("/pay?"), ..plain.clone() },
        Address { routed: Uri::from_static("/pay?to=bob"), ..plain.clone() },
        Address { routed: Uri::from_static("http://a.example/pay"), ..plain.clone() },
        Address { routed: Uri::from_static("https://a.example/pay"), ..plain.clone() },
        Address { routed: Uri::from_static("https://b.example/pay"), ..plain.clone() },
        Address { received: Uri::from_static("https://b.example/pay"), ..plain.clone() },
        Address { route: Some("/{*rest}".into()), ..plain.clone() },
        Address { route: None, ..plain.clone() },
        Address { route: Some(String::new()), ..plain.clone() },
        Address { params: Params::Unreadable, ..plain.clone() },
        Address { params: found(&[]), ..plain.clone() },
        Address { params: found(&[("tenant", "one")]), ..plain.clone() },
        Address { params: found(&[("tenant", "two")]), ..plain.clone() },
        Address { params: found(&[("tenantone", "")]), ..plain.clone() },
        Address { params: found(&[("tenant", "one"), ("id", "7")]), ..plain.clone() },
        Address { params: found(&[("id", "7"), ("tenant", "one")]), ..plain },
    ];
    let mut seen = HashMap::new();
    for (index, address) in addresses.into_iter().enumerate() {
        let request = Sent { address, ..sent("POST", "/pay", None, b"") };
        let earlier = seen.insert(request.digest(Coverage::Request).0, index);
        assert_eq!(earlier, None, "addresses {earlier:?} and {index} are taken for one");
    }
}

/// T115: an address that was rewritten to another scheme or host on the way in is not the one that was decided about.
#[test]
fn t115_an_address_within_another_has_its_scheme_and_host() {
    let routed = |target: &'static str| Address { routed: Uri::from_static(target), ..address("/pay") };
    let outer = routed("https://a.example/pay");
    assert!(outer.is_within(&outer) && routed("/pay").is_within(&routed("/pay")));
    for inner in ["https://b.example/pay", "http://a.example/pay", "http://b.example/pay", "/pay"] {
        assert!(!routed(inner).is_within(&outer) && !outer.is_within(&routed(inner)), "{inner}");
    }
}

/// T111: where no router matched, a route is its whole path, as received and as routed.
#[test]
fn t111_a_route_without_a_template_is_its_path() {
    let of = |received: &'static str, routed: &'static str| {
        let [received, routed] = [received, routed].map(Uri::from_static);
        let address = Address { received, routed, route: None, params: Params::Missing };
        Sent { address, ..sent("POST", "/x", None, b"") }.digest(Coverage::Route)
    };
    assert_eq!(of("/pay?a", "/t/one/pay"), of("/pay?b", "/t/one/pay?c"));
    assert_ne!(of("/pay", "/t/one/pay"), of("/pay", "/t/two/pay"));
    assert_ne!(of("/a/pay", "/pay"), of("/b/pay", "/pay"));
}

/// An approval that is remembered is for the routes that remember as long; one-time routes never see it.
#[test]
fn how_long_it_is_remembered_keeps_approvals_apart() {
    let request = sent("POST", "/x", None, b"");
    let shape = Shape { method: &request.method, address: &request.address, headers: &request.headers };
    let of = |seconds: Option<u64>| digest(Coverage::Action, seconds.map(Duration::from_secs), &shape, b"");
    assert_eq!(of(Some(60)), of(Some(60)));
    assert_ne!(of(Some(60)), of(None));
    assert_ne!(of(Some(60)), of(Some(61)));
}

/// T53: HEAD is GET, for every coverage; unless it brings what axum's `Form` reads of HEAD alone.
#[test]
fn t53_head_is_get() {
    for coverage in [Coverage::Request, Coverage::Route, Coverage::Action] {
        let [get, head] = ["GET", "HEAD"].map(|method| sent(method, "/x", None, b"").digest(coverage));
        assert_eq!(get, head);
    }
    for (content_type, body) in [(FORM, &b"amount=10000"[..]), (FORM, b""), (None, b"amount=10000")] {
        let [get, head] = ["GET", "HEAD"].map(|method| sent(method, "/x?amount=10", content_type, body));
        assert_ne!(get.digest(Coverage::Request), head.digest(Coverage::Request));
        assert_eq!(get.digest(Coverage::Route), head.digest(Coverage::Route));
    }
}

#[test]
fn wider_coverages_ignore_what_they_say_they_ignore() {
    let one = sent("POST", "/withdraw/1?a=b", FORM, b"amount=10");
    let other = sent("POST", "/withdraw/2", None, b"anything");
    let mut elsewhere = sent("POST", "/withdraw/1", FORM, b"amount=10");
    elsewhere.address.route = Some("/transfer".into());
    assert_eq!(one.digest(Coverage::Route), other.digest(Coverage::Route));
    assert_ne!(one.digest(Coverage::Route), elsewhere.digest(Coverage::Route));
    assert_ne!(one.digest(Coverage::Route), sent("PUT", "/withdraw/1", FORM, b"").digest(Coverage::Route));
    assert_eq!(one.digest(Coverage::Action), elsewhere.digest(Coverage::Action));
    let each: Vec<_> = [Coverage::Request, Coverage::Route, Coverage::Action].map(|c| one.digest(c)).to_vec();
    assert!(each[0] != each[1] && each[1] != each[2] && each[0] != each[2]);
}

/// Only the approval of a request is about its body, so that no other has it read, nor has a bound for it.
#[test]
fn a_wider_coverage_leaves_the_body_unread() {
    let read = [Coverage::Request, Coverage::Route, Coverage::Action].map(Coverage::reads_body);
    assert_eq!(read, [true, false, false]);
}

/// T27: what a handler told is a part of what its approval is bound to, and a layer's approval is none of a handler's.
#[test]
fn t27_what_a_handler_told_is_bound() {
    let of = |told: Option<[u8; 32]>, may_be_reviewed| {
        Binding {
            callback_url: "",
            user: "ada",
            session: None,
            action: "pay",
            actor: "person",
            account: "ada",
            unenrolled: "allow",
            proof: &ProofPolicy::default(),
            told: told.as_ref(),
            may_be_reviewed,
            transaction: None,
        }
        .hash(&Digest([7; 32]))
    };
    let told = [None, Some([0; 32]), Some([1; 32])];
    let hashes: std::collections::BTreeSet<_> =
        told.iter().flat_map(|told| [false, true].map(|reviewed| of(*told, reviewed))).collect();
    assert_eq!(hashes.len(), 6);
}

/// T39: fields never run into one another.
#[test]
fn t39_neighbouring_fields_do_not_merge() {
    let digest = Digest([7; 32]);
    let of = |user, session, action| {
        Binding {
            callback_url: "",
            user,
            session,
            action,
            actor: "person",
            account: user,
            unenrolled: "allow",
            proof: &ProofPolicy::default(),
            told: None,
            may_be_reviewed: false,
            transaction: None,
        }
        .hash(&digest)
    };
    let bindings = [
        of("a:b", None, "c"),
        of("a", None, "b:c"),
        of("a", Some("b"), "c"),
        of("ab", None, "c"),
        of("ab", Some(""), "c"),
        of("", None, "abc"),
        of("abc", None, ""),
        of("a", Some("bc"), ""),
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

    /// T39: bindings are equal only where every field is equal.
    #[test]
    fn t39_bindings_are_equal_only_if_every_field_is(
        one in (field(), proptest::option::of(field()), field()),
        other in (field(), proptest::option::of(field()), field()),
    ) {
        let hash = |(user, session, action): &(String, Option<String>, String)| {
            let binding = Binding {
                callback_url: "",
                user,
                session: session.as_deref(),
                action,
                actor: "person",
                account: user,
                unenrolled: "allow",
                proof: &ProofPolicy::default(),
                told: None,
                may_be_reviewed: false,
            transaction: None,
            };
            binding.hash(&Digest([0; 32]))
        };
        prop_assert_eq!(hash(&one) == hash(&other), one == other);
    }

    /// T27, T63, T110: two bodies that are no multipart forms share a digest only if they are the same bytes, whatever
    /// they call themselves.
    #[test]
    fn t27_t63_t110_bodies_share_a_digest_only_if_they_are_the_same_bytes(
        one in "[ab=&+%20dA\"]{0,8}", other in "[ab=&+%20dA\"]{0,8}", content_type in 0_usize..3,
    ) {
        let content_type = [FORM, Some("application/json"), None][content_type];
        let [first, second] = [&one, &other].map(|body| sent("POST", "/x", content_type, body.as_bytes()));
        prop_assert_eq!(first.digest(Coverage::Request) == second.digest(Coverage::Request), one == other);
    }
}
