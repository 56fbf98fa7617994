//! One reading of a request: what was approved is what the handler reads, whatever parser it reads it with.
use std::collections::HashSet;
use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::extract::{Multipart, Path, Request};
use axum::http::{HeaderMap, Response};
use axum::routing::{any, get as getting, post as posting};
use axum_authsignal::{AuthsignalLayer, Coverage, RefusalReason};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::support::{Ask, Bench, Visitor, bench, form, get, handle, post};

const PART: &str = "Content-Disposition: form-data; name=";

/// A payment by multipart form, with `B` for the boundary.
fn multipart(content_type: &str, boundary: &str, body: &str) -> Ask {
    post(
        "/pay",
        &content_type.replace("=B", &format!("={boundary}")).replace("\"B", &format!("\"{boundary}")),
        body.replace("--B", &format!("--{boundary}")),
    )
}

fn fields(amount: &str, note: &str) -> String {
    format!("--B\r\n{PART}\"amount\"\r\n\r\n{amount}\r\n--B\r\n{PART}\"note\"\r\n\r\n{note}\r\n--B--\r\n")
}

/// The last `amount` that multer finds, as `axum::extract::Multipart` reads it.
async fn amount(mut form: Multipart) -> String {
    let mut amount = String::new();
    while let Ok(Some(field)) = form.next_field().await {
        if field.name() == Some("amount") {
            amount = field.text().await.unwrap();
        }
    }
    amount
}

/// A handler of its own in front of `/pay`, in place of the usual one.
fn paying(bench: &Bench) -> Router {
    let layer = AuthsignalLayer::new(&bench.authsignal, "pay");
    Router::new().route("/pay", posting(amount).route_layer(layer)).merge(bench.authsignal.routes())
}

/// T109: neither the same bytes nor the same parts pass under a boundary that stood in a value, in every way that multer
/// takes a boundary and a strict reader does not.
#[tokio::test]
async fn t109_a_multipart_form_is_not_read_otherwise_under_another_boundary() {
    let bench = bench().await;
    let app = paying(&bench);
    let evil = |break_before: &str, padding: &str| {
        format!("thanks{break_before}--EVIL{padding}\r\n{PART}\"amount\"\r\n\r\n10000")
    };
    let plain = "multipart/form-data; boundary=B";
    let mut tried = 0;
    for (break_before, padding) in
        [("\r\n", " "), ("\r\n", "\t"), ("\r\n", ""), ("", ""), ("\n", ""), ("", " \t "), ("--", "")]
    {
        let body = fields("10", &evil(break_before, padding));
        let approved = multipart(plain, "honest", &body);
        let mut ada = Visitor::new(&app, "ada");
        bench.approve(&mut ada, &approved).await;
        let same_bytes = post("/pay", "multipart/form-data; boundary=EVIL", approved.body.clone());
        for sent in [
            multipart(plain, "EVIL", &body),
            multipart("multipart/form-data; boundary=\"B\"", "EVIL", &body),
            same_bytes.clone(),
            same_bytes.clone().header("content-type", "multipart/form-data; boundary=EVIL; boundary=honest"),
            same_bytes.header("content-type", "multipart/form-data; boundary=EVIL; charset=utf-8"),
        ] {
            ada.clone().challenge(&sent).await;
            tried += 1;
        }
        let reply = ada.send(&approved).await;
        assert_eq!((reply.status, reply.text()), (200, "10"), "{break_before:?} {padding:?}");
    }
    println!("{tried} forms under another boundary");
}

/// T109: clients that quote the boundary, or say more about the form, are not challenged for ever: their second sending,
/// with another boundary, passes.
#[tokio::test]
async fn t109_every_clients_second_sending_passes() {
    let bench = bench().await;
    let app = paying(&bench);
    let clients = [
        ("Chromium", "multipart/form-data; boundary=B", "----WebKitFormBoundaryAqBwCeDrEtFy"),
        ("Firefox", "multipart/form-data; boundary=B", "----geckoformboundary5c1d9f3ab0"),
        ("curl", "multipart/form-data; boundary=B", "------------------------d74496d66958873e"),
        ("python-requests", "multipart/form-data; boundary=B", "0a1b2c3d4e5f60718293a4b5c6d7e8f9"),
        (".NET", "multipart/form-data; boundary=\"B\"", "7e5d3a7c-1f0b-4b6e-9b7e-2f5d8f2c1a90"),
        ("Java", "multipart/form-data; boundary=\"B\"", "----=_Part_4_1029384.1700000000"),
        ("a charset behind", "multipart/form-data; boundary=B; charset=utf-8", "x1"),
        ("a charset before", "multipart/form-data; charset=UTF-8; boundary=\"B\"", "x1"),
    ];
    for (why, content_type, boundary) in clients {
        let mut ada = Visitor::new(&app, "ada");
        bench.approve(&mut ada, &multipart(content_type, boundary, &fields("10", why))).await;
        let again = multipart(content_type, &boundary.replace('1', "2").replace('A', "B"), &fields("10", why));
        ada.clone().challenge(&multipart(content_type, boundary, &fields("11", why))).await;
        let reply = ada.send(&again).await;
        assert_eq!((reply.status, reply.text()), (200, "10"), "{why}: {:?}", reply.refusal);
    }
}

/// T110: what calls itself a form is what its bytes say, since a handler may read it as JSON all the same.
#[tokio::test]
async fn t110_json_that_calls_itself_a_form_is_its_bytes() {
    let bench = bench().await;
    let approved = form("/pay", r#"{"to":"bob","note":"x%22,%22amount%22:10000,%22y%22:%22z"}"#);
    let sent = form("/pay", r#"{"to":"bob","note":"x","amount":10000,"y":"z"}"#);
    let mut ada = bench.visitor("ada");
    bench.approve(&mut ada, &approved).await;
    ada.clone().challenge(&sent).await;
    for content_type in ["application/json", "text/plain", "application/x-www-form-urlencoded; charset=utf-8"] {
        ada.clone().challenge(&approved.clone().header("content-type", content_type)).await;
    }
    let mut twice = approved.clone();
    twice.headers.append("content-type", "application/json".parse().unwrap());
    ada.clone().challenge(&twice).await;
    let mut none = approved.clone();
    none.headers.remove("content-type");
    ada.clone().challenge(&none).await;
    assert_eq!(bench.effects.count(), 0);
    ada.send(&approved).await.assert_passed();
}

/// T110: another encoding of the same pairs is another request, which is the price of the above.
#[tokio::test]
async fn t110_the_same_form_in_another_encoding_is_another_request() {
    let bench = bench().await;
    let mut ada = bench.visitor("ada");
    let approved = form("/pay", "to=caf%C3%A9&note=a+b%0D%0Ac");
    bench.approve(&mut ada, &approved).await;
    for body in [
        "to=caf%c3%a9&note=a+b%0D%0Ac",
        "to=caf%C3%A9&note=a%20b%0D%0Ac",
        "to=caf%C3%A9&note=a+b%0Ac",
        "to=caf%C3%A9&note=a+b%0D%0Ac&",
    ] {
        ada.clone().challenge(&form("/pay", body)).await;
    }
    ada.send(&approved).await.assert_passed();
}

/// Puts `change` between an outer router, which notes the address as received, and an inner one.
fn rewritten(inner: Router, change: fn(&HeaderMap, &str) -> String) -> Router {
    let between = tower::service_fn(move |mut request: Request| {
        let target = change(request.headers(), request.uri().path_and_query().unwrap().as_str());
        *request.uri_mut() = target.parse().unwrap();
        let inner = inner.clone();
        async move { Ok::<Response<Body>, Infallible>(inner.oneshot(request).await.unwrap()) }
    });
    Router::new().fallback_service(between)
}

fn tenant(headers: &HeaderMap, target: &str) -> String {
    format!("/t/{}{target}", headers["x-tenant"].to_str().unwrap())
}

/// T111: something between two routers maps a header to a tenant's path. What was approved for one tenant does not run
/// for the other, though both were asked for at the same address.
#[tokio::test]
async fn t111_a_rewritten_address_is_the_one_that_was_approved() {
    let bench = bench().await;
    let layer = |coverage| AuthsignalLayer::new(&bench.authsignal, "pay").covers(coverage);
    let paid = |Path(tenant): Path<String>| async move { tenant };
    let inner: Router = Router::new()
        .route("/t/{tenant}/pay", any(paid).layer(layer(Coverage::Request)))
        .route("/t/{tenant}/route", any(paid).layer(layer(Coverage::Route)))
        // The path that a router matched is gone by the time the layer looks, and what it found there stays.
        .route("/t/{tenant}/lost", {
            let lost = tower::util::MapRequestLayer::new(|mut request: Request| {
                *request.uri_mut() = "/lost".parse().unwrap();
                request
            });
            getting(paid).route_layer(layer(Coverage::Request)).route_layer(lost)
        })
        .merge(bench.authsignal.routes());
    let app =
        rewritten(
            inner,
            |headers, target| {
                if target.starts_with("/authsignal") { target.to_owned() } else { tenant(headers, target) }
            },
        );
    let from = |tenant: &str, target: &str| get(target).navigating().header("x-tenant", tenant);
    for target in ["/pay", "/pay?amount=10", "/lost"] {
        let mut ada = Visitor::new(&app, "ada");
        let approved = from("one", target);
        let challenge = ada.challenge(&approved).await;
        let back = ada.send(&bench.prove(&challenge)).await;
        assert_eq!((back.status, back.location()), (303, target), "the way back is the address that browsers know");
        ada.clone().challenge(&from("two", target)).await;
        let reply = ada.send(&approved).await;
        assert_eq!((reply.status, reply.text()), (200, "one"), "{target}");
    }
    // A route is its template, whoever's it is: this is what `Coverage::Route` says.
    let mut ada = Visitor::new(&app, "ada");
    bench.approve(&mut ada, &from("one", "/route")).await;
    assert_eq!(ada.send(&from("two", "/route")).await.text(), "two");
}

/// T63: JSON that parsers read differently, each written so that an approval of one would be worth another.
fn payloads() -> Vec<Vec<u8>> {
    let mut payloads: Vec<Vec<u8>> = Vec::new();
    let amounts = [
        "10",
        "10.0",
        "1e1",
        "1E1",
        "1e+1",
        "10.00",
        "0.1e2",
        "100e-1",
        "10000",
        "1e4",
        "-0",
        "0",
        "0.0",
        "-10",
        "9007199254740992",
        "9007199254740993",
        "9007199254740992.0",
        "18446744073709551615",
        "18446744073709551616",
        "1e400",
        "-1e400",
        "0.1",
        "0.10",
        "0.1000000000000000055511151231257827",
        "\"10\"",
        "\"10.0\"",
        "\"\\u0031\\u0030\"",
        "\"１０\"",
        "null",
        "true",
        "[10]",
        "[10,10000]",
        "{\"value\":10}",
        "010",
        "+10",
        ".1e2",
        "10.",
        "0x0a",
        "NaN",
        "Infinity",
        "1_0",
        "10n",
    ];
    payloads.extend(amounts.iter().map(|amount| format!("{{\"to\":\"bob\",\"amount\":{amount}}}").into_bytes()));
    let names = [
        "amount",
        "\\u0061mount",
        "\\u0061\\u006dount",
        "Amount",
        "AMOUNT",
        "amount ",
        " amount",
        "amount\\u0000",
        "amount\\u200b",
        "amount\\ud83d",
        "amount\\ud83d\\ude00",
        "amount😀",
        "am\\u006Funt",
        "am\\u006funt",
        "a\u{300}mount",
        "à",
        "a\\u0300",
        "\\u00e0",
    ];
    payloads.extend(names.iter().map(|name| format!("{{\"amount\":10,\"{name}\":10000}}").into_bytes()));
    payloads.extend(names.iter().map(|name| format!("{{\"{name}\":10000,\"amount\":10}}").into_bytes()));
    let spaces = [" ", "\t", "\n", "\r", "\r\n", "\u{b}", "\u{a0}", "\u{feff}", "\u{2028}", "/**/", "//\n"];
    for space in spaces {
        payloads.push(format!("{space}{{\"amount\":10}}").into_bytes());
        payloads.push(format!("{{\"amount\":{space}10}}").into_bytes());
        payloads.push(format!("{{\"amount\":10}}{space}").into_bytes());
    }
    let wholes: [&[u8]; 14] = [
        b"{\"amount\":10}",
        b"{\"amount\":10,}",
        b"{'amount':10}",
        b"{amount:10}",
        b"{\"amount\":10}{\"amount\":10000}",
        b"{\"amount\":10}\0",
        b"{\"amount\":10}\0{\"amount\":10000}",
        b"[{\"amount\":10},{\"amount\":10000}]",
        b"{\"amount\":10,\"a\":{\"amount\":10000}}",
        b"{\"__proto__\":{\"amount\":10000},\"amount\":10}",
        b"{\"amount\":10,\"to\":\"\xff\"}",
        b"{\"amount\":10,\"to\":\"\xc0\xaf\"}",
        b"{\"amount\":10,\"to\":\"\xed\xa0\xbd\"}",
        b"{\0\"\0a\0\"\0:\x001\0}\0",
    ];
    payloads.extend(wholes.map(<[u8]>::to_vec));
    payloads
}

/// T63: an approval of one never passes another, nor the same bytes in another charset or under another type; and each
/// passes with its own.
#[tokio::test]
async fn t63_an_approval_of_one_json_is_nothing_to_another() {
    let bench = bench().await;
    let payloads = payloads();
    assert_eq!(payloads.iter().collect::<HashSet<_>>().len(), payloads.len(), "each is a case of its own");
    assert!(payloads.len() >= 100, "{}", payloads.len());
    let types = [
        "application/json",
        "application/json; charset=utf-8",
        "application/json; charset=utf-7",
        "application/json;charset=utf-16le",
        "application/problem+json",
        "text/json",
        "text/plain",
    ];
    let of = |body: &[u8], content_type: &str| post("/pay", content_type, body.to_vec());
    let (mut read_alike, mut refused) = (0, 0);
    for (index, body) in payloads.iter().enumerate() {
        let own = types[index % types.len()];
        let approved = of(body, own);
        // The next, which differs least, one from far away, and another type.
        let beside = [index + 1, payloads.len() - 1 - index];
        let others = beside.into_iter().filter(|other| *other != index).filter_map(|other| payloads.get(other));
        let mut others: Vec<_> = others.map(|other| of(other, own)).collect();
        others.push(of(body, types[(index + 1) % types.len()]));
        let user = format!("user-{index}");
        bench.emulator.user(&user).enroll_email_otp("a@example.com");
        let mut visitor = bench.visitor(&user);
        bench.approve(&mut visitor, &approved).await;
        let runs = bench.effects.count();
        for other in others {
            let parsed = |body: &[u8]| serde_json::from_slice::<Value>(body).ok();
            read_alike += usize::from(parsed(body).is_some_and(|value| parsed(&other.body) == Some(value)));
            let reply = visitor.clone().send(&other).await;
            assert_eq!(reply.reason(), Some(&RefusalReason::ChallengeRequired), "{approved:?} {other:?}");
            refused += 1;
        }
        assert_eq!(bench.effects.count(), runs);
        visitor.send(&approved).await.assert_passed();
        assert_eq!(bench.effects.last().body, *body);
    }
    println!("{} payloads; {refused} others refused, of which serde_json reads {read_alike} alike", payloads.len());
}

/// The routes of the usual application are found as they always were: nothing that nests a router makes two of one.
#[tokio::test]
async fn t111_a_nested_route_is_the_same_the_second_time() {
    let bench = bench().await;
    let layer = || AuthsignalLayer::new(&bench.authsignal, "pay");
    let inner = || Router::new().route("/pay/{id}", any(handle).layer(layer())).with_state(bench.effects.clone());
    let outside = || Router::new().route("/pay/{id}", any(handle)).with_state(bench.effects.clone());
    let apps = [
        ("nest", Router::new().nest("/a/{b}", inner())),
        ("nest_service", Router::new().nest_service("/a/{b}", inner())),
        ("a layer outside a nest", Router::new().nest("/a/{b}", outside()).layer(layer())),
        ("a layer outside a service", Router::new().nest_service("/a/{b}", outside()).layer(layer())),
        ("a fallback", Router::new().fallback_service(Router::new().nest("/a/{b}", inner()))),
    ];
    for (why, app) in apps {
        let app = app.merge(bench.authsignal.routes());
        let mut ada = Visitor::new(&app, "ada");
        let approved = get("/a/one/pay/7?x=%20").navigating();
        bench.approve(&mut ada, &approved).await;
        for other in ["/a/two/pay/7?x=%20", "/a/one/pay/8?x=%20", "/a/one/pay/7?x=+", "/a/%6fne/pay/7?x=%20"] {
            let reply = ada.clone().send(&get(other).navigating()).await;
            assert_eq!(reply.reason(), Some(&RefusalReason::ChallengeRequired), "{why} {other}");
        }
        ada.send(&approved).await.assert_passed();
    }
}
