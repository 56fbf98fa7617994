//! Answers that are not what they should be.
use authsignal_client::ErrorKind;
use serde_json::{Value, json};

use crate::calls::{Call, Settings};
use crate::support::{Reply, Request, Server};

const CAP: usize = 256 * 1024;

const HTML: &str = "<!doctype html><title>Sign in to the network</title>";

/// An answer of one chunk after another.
fn chunked(chunks: usize, size: usize) -> String {
    let chunk = format!("{size:x}\r\n{}\r\n", " ".repeat(size));
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    format!("{head}{}0\r\n\r\n", chunk.repeat(chunks))
}

/// T74
#[tokio::test]
async fn an_answer_is_read_up_to_its_limit() {
    let table: [(&str, fn(usize) -> Reply); 5] = [
        ("a length that is declared", |_| {
            let lie = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n{}";
            Reply::SendAndHang(lie.into())
        }),
        ("a length that is true", |cap| Reply::json(200, &" ".repeat(cap + 1))),
        ("chunks", |cap| Reply::bytes(chunked(cap / 4096 + 1, 4096))),
        ("one huge chunk", |cap| Reply::bytes(chunked(1, cap * 4))),
        ("no length, then nothing more", |cap| {
            let endless = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n";
            Reply::SendAndHang(format!("{endless}{}", " ".repeat(cap + 1)).into_bytes())
        }),
    ];
    for (name, reply) in table {
        let server = Server::start(move |_, request| reply(Call::of(request).cap())).await;
        let api = server.api();
        for call in Call::ALL {
            let error = call.make(&api).await.unwrap_err();
            assert_eq!((error.kind(), error.status()), (ErrorKind::TooLarge, Some(200)), "{name}, {call:?}");
        }
        assert_eq!(server.requests().len(), Call::ALL.len(), "{name} is not repeated");
    }
    let longest = |request: &Request| {
        let call = Call::of(request);
        let key = if call.has_key() { request.key() } else { String::new() };
        let good = call.good_body().replace("{key}", &key);
        let room = call.cap() - good.len();
        Reply::json(200, &format!("{good}{}", " ".repeat(room)))
    };
    let server = Server::start(move |_, request| longest(request)).await;
    let api = server.api();
    for call in Call::ALL {
        call.make(&api).await.unwrap();
    }
}

/// A batch that is done must not be lost because much is to be said about it: a thousand refusals, in an object.
#[tokio::test]
async fn a_batch_tells_each_of_a_thousand_refusals() {
    let failures: Vec<_> = (0..1000)
        .map(|at| {
            json!({
                "userId": format!("{at}-{}", "u".repeat(200)), "credentialId": "c".repeat(80), "errorCode": "conflict",
                "errorDescription": "Credential already exists for a different user.",
            })
        })
        .collect();
    let body = json!({ "total": 1000, "succeeded": 0, "failed": 1000, "failures": failures }).to_string();
    assert!(body.len() > CAP, "{} bytes", body.len());
    let server = Server::replying(Reply::json(200, &body)).await;
    let credential = authsignal_client::VerifiedCredential::new("user-1", "q83v", "pQEC");
    let enrolled = server.client().batch_enroll_verified_authenticators([credential]).await.unwrap();
    assert_eq!((enrolled.failures.len(), enrolled.failed), (1000, 1000));
}

/// T74: a refusal stays the refusal that it is, however much comes with it.
#[tokio::test]
async fn a_huge_refusal_is_a_refusal() {
    let server = Server::replying(Reply::with(403, "", &"x ".repeat(CAP))).await;
    let error = server.client().get_user("u").await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Rejected, Some(403)));
    assert!(error.excerpt().is_some_and(|excerpt| excerpt.len() <= 200));
}

/// A good answer with all its members twice.
fn twice(call: Call) -> String {
    let good = call.good_body();
    let members = good.trim_matches(['[', ']']);
    let members = &members[1..members.len() - 1];
    good.replacen(members, &format!("{members},{members}"), 1)
}

/// A good answer with each of its members made what no member is.
fn mistyped(call: Call) -> String {
    let mut good: Value = serde_json::from_str(&call.good_body()).expect("JSON");
    let object = if call.lists() { &mut good[0] } else { &mut good };
    for (_, member) in object.as_object_mut().expect("an object") {
        *member = json!([[]]);
    }
    good.to_string()
}

/// T74
#[tokio::test]
async fn a_success_that_is_none() {
    let table: [(&str, fn(Call) -> Reply); 13] = [
        ("a page", |_| Reply::with(200, "Content-Type: text/html\r\n", HTML)),
        ("a page that claims to be JSON", |_| Reply::json(200, HTML)),
        ("JSON that claims to be a page", |call| Reply::with(200, "Content-Type: text/html\r\n", &call.good_body())),
        ("packed", |_| Reply::with(200, "Content-Encoding: gzip\r\n", "\u{1f}\u{8b}")),
        ("half", |call| {
            let good = call.good_body();
            Reply::json(200, &good[..good.len() / 2])
        }),
        ("deep", |_| Reply::json(200, &format!(r#"{{"a":{}"#, "[".repeat(100_000)))),
        ("twice", |call| Reply::json(200, &twice(call))),
        ("other types", |call| Reply::json(200, &mistyped(call))),
        ("an object in a list, or none", |call| {
            let good = call.good_body();
            Reply::json(200, &if call.lists() { good[1..good.len() - 1].to_owned() } else { format!("[{good}]") })
        }),
        ("a list of lists", |_| Reply::json(200, r#"[["a","SMS","t","t","t"]]"#)),
        ("null", |_| Reply::json(200, "null")),
        ("too short for its length", |call| Reply::with(200, "", &call.good_body()).cut(5)),
        ("chunks without an end", |_| Reply::bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n")),
    ];
    for (name, reply) in table {
        let server = Server::start(move |_, request| reply(Call::of(request))).await;
        let api = server.api_with(Settings { retries: 0, ..Settings::default() });
        for call in Call::ALL {
            let error = call.make(&api).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Malformed, "{name}, {call:?}: {error:?}");
            assert!(!error.is_retryable() && error.retry_after().is_none(), "{name}");
        }
    }
}

/// T74: nothing at all is an answer only where there is nothing to say.
#[tokio::test]
async fn a_success_without_a_body() {
    let table = [
        ("empty", Reply::json(200, "")),
        ("blank", Reply::json(200, " \r\n")),
        ("empty, of no type", Reply::with(200, "", "")),
        ("empty, and says so", Reply::nothing()),
    ];
    for (name, reply) in table {
        let server = Server::replying(reply).await;
        let api = server.api();
        for call in Call::ALL {
            let got = call.make(&api).await.map(drop).map_err(|error| error.kind());
            assert_eq!(got, if call.says_nothing() { Ok(()) } else { Err(ErrorKind::Malformed) }, "{name}, {call:?}");
        }
    }
}

/// A success that says that it is none, as some services do, is an error where there is nothing else to read.
#[tokio::test]
async fn a_success_that_denies_itself() {
    let table = [
        (r#"{"success":true}"#, true),
        (r#"{"success":"true"}"#, true),
        (r#"{"success":true,"statusCode":200,"message":"gone"}"#, true),
        (r#"{}"#, true),
        (r#"{"success":null,"error":null,"errorCode":null}"#, true),
        (r#"{"success":false}"#, false),
        (r#"{"success":"false"}"#, false),
        (r#"{"success":"no"}"#, false),
        (r#"{"success":0}"#, false),
        (r#"{"success":true,"error":"not_found"}"#, false),
        (r#"{"error":"not_found"}"#, false),
        (r#"{"errorCode":"not_found"}"#, false),
        (r#"[]"#, false),
        (r#""success""#, false),
    ];
    for (body, expected) in table {
        let server = Server::replying(Reply::json(200, body)).await;
        let api = server.api();
        for call in Call::ALL.iter().filter(|call| call.says_nothing()) {
            let got = call.make(&api).await.map(drop).map_err(|error| error.kind());
            assert_eq!(got, if expected { Ok(()) } else { Err(ErrorKind::Malformed) }, "{body}, {call:?}");
        }
    }
}

#[tokio::test]
async fn what_is_no_http_is_an_interruption() {
    for text in ["\0\0\0\0\0\0\0\0", "SSH-2.0-OpenSSH_9.9\r\n", "HTTP/9.9 200 OK\r\n\r\n", "HTTP/1.1 abc\r\n\r\n"] {
        let server = Server::replying(Reply::bytes(text)).await;
        let api = server.api_with(Settings { retries: 0, ..Settings::default() });
        for call in Call::ALL {
            assert_eq!(call.make(&api).await.unwrap_err().kind(), ErrorKind::Interrupted, "{text:?}, {call:?}");
        }
    }
}

/// T75
#[tokio::test]
async fn redirects_are_not_followed() {
    let canary = Server::replying(Reply::json(200, r#"{"isEnrolled":true,"isValid":true}"#)).await;
    for status in [300, 301, 302, 303, 304, 307, 308, 399] {
        let headers = format!("Location: http://{}/v1/users/user-1\r\n", canary.host());
        let server = Server::replying(Reply::with(status, &headers, "")).await;
        let api = server.api();
        for call in Call::ALL {
            let error = call.make(&api).await.unwrap_err();
            assert_eq!((error.kind(), error.status()), (ErrorKind::Redirected, Some(status)), "{call:?}");
        }
        assert_eq!(server.requests().len(), Call::ALL.len());
    }
    assert_eq!(canary.connections(), 0);
}

/// The error bodies of the service and of what stands in front of it, as every call tells them.
#[tokio::test]
async fn what_an_error_tells() {
    let body = r#"{"error":"not_found","errorCode":"not_found","errorDescription":"no such action"}"#;
    let server = Server::replying(Reply::json(404, body)).await;
    let api = server.api();
    for call in Call::ALL {
        let error = call.make(&api).await.unwrap_err();
        assert!(error.is_not_found() && !error.is_retryable() && !error.is_timeout());
        assert_eq!((error.code(), error.description()), (Some("not_found"), Some("no such action")));
        assert_eq!(error.to_string(), "authsignal refused the request (404 not_found)");
        assert_eq!(error.excerpt(), None);
    }
}
