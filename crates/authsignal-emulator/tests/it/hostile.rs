//! What nobody should send. The answer is 4xx, and the emulator goes on.
use authsignal_emulator::Emulator;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, ToSocketAddrs};

use crate::api::raw;
use crate::support::{bench, read, text};

/// Bytes over a bare socket, and everything that comes back.
pub(crate) async fn exchange(emulator: &Emulator, request: &[u8]) -> String {
    exchange_with(emulator.origin().strip_prefix("http://").unwrap(), request).await
}

pub(crate) async fn exchange_with(address: impl ToSocketAddrs, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    // A server that refuses may well reset the connection once it has said so.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn bodies() {
    let bench = bench().await;
    let path = "/users/ada/actions/withdrawal";
    let deep = format!("{}{}", r#"{"custom":"#, "[".repeat(50_000));
    for body in [
        &b"{"[..],
        b"null",
        b"[]",
        b"\"text\"",
        b"{\"email\":\"\xff\"}",
        b"\xef\xbb\xbf{}",
        b"{\"email\":\"\\ud800\"}",
        b"{\"email\":1e999999}",
        deep.as_bytes(),
        b"\0",
    ] {
        let answer = read(bench.api(Method::POST, path).body(body.to_vec()).send().await.unwrap()).await;
        let shown = String::from_utf8_lossy(&body[..body.len().min(40)]);
        assert_eq!((answer.0, &answer.1["errorCode"]), (400, &json!("invalid_request")), "{shown}");
        assert_eq!(answer.1["error"], answer.1["errorCode"]);
    }
    for member in [
        "email",
        "phoneNumber",
        "username",
        "redirectUrl",
        "scope",
        "ipAddress",
        "userAgent",
        "deviceId",
        "locale",
        "idempotencyKey",
        "customDomain",
        "challengeId",
    ] {
        let (status, answer) = bench.post(path, json!({ member: 7 })).await;
        assert_eq!((status, text(&answer["errorDescription"])), (400, &*format!("body.{member} must be a string")));
    }
    for body in [
        json!({ "custom": [] }),
        json!({ "custom": { "a": {} } }),
        json!({ "redirectToSettings": "no" }),
        json!({ "idempotencyKey": "" }),
        json!({ "idempotencyKey": "x".repeat(129) }),
        json!({ "idempotencyKey": "a\nb" }),
        json!({ "redirectUrl": "javascript:alert(1)" }),
        json!({ "redirectUrl": "/relative" }),
    ] {
        assert_eq!(bench.post(path, body.clone()).await.0, 400, "{body}");
    }
    assert_eq!(bench.post(path, json!({ "challengeId": "unknown" })).await.0, 401);
    assert!(bench.emulator.actions("ada").is_empty(), "none of it left an action");
    bench.track().await;
}

/// Also where an answer has no need of them.
#[tokio::test]
async fn types() {
    let bench = bench().await;
    let (_, begun) = bench
        .post(
            "/challenge",
            json!({ "verificationMethod": "EMAIL_OTP", "action": "signIn", "email": "ada@example.com" }),
        )
        .await;
    let pending = text(&begun["challengeId"]);
    bench.post("/call/start", json!({ "referenceId": "c", "channel": "SMS", "phoneNumber": "+64270000000" })).await;
    let sms = |name: &str| json!({ "verificationMethod": "SMS", "phoneNumber": "+64270000000", name: [] });
    for (path, body) in [
        ("/users/ada/authenticators", sms("email")),
        ("/users/ada/authenticators", sms("otpUri")),
        ("/users/ada/authenticators", sms("oobChannel")),
        ("/challenge", json!({ "challengeId": pending, "email": 7 })),
        ("/challenge", json!({ "challengeId": pending, "custom": 7 })),
        ("/challenge", json!({ "challengeId": pending, "userAgent": {} })),
        ("/challenges", json!({ "challengeId": pending, "userId": 7 })),
        ("/challenges", json!({ "challengeId": pending, "verificationMethod": ["SMS"] })),
        ("/call/finish", json!({ "referenceId": "c", "state": "CHALLENGE_FAILED", "payload": "text" })),
        ("/call/finish", json!({ "referenceId": "c", "state": "CHALLENGE_FAILED", "payload": [] })),
    ] {
        let (status, answer) = bench.post(path, body.clone()).await;
        assert_eq!((status, &answer["errorCode"]), (400, &json!("invalid_request")), "{path} {body}");
    }
    for (path, body) in [
        ("/challenge", json!({ "challengeId": pending, "email": null })),
        ("/challenges", json!({ "challengeId": pending })),
        ("/call/finish", json!({ "referenceId": "c", "state": "CHALLENGE_FAILED", "payload": {} })),
    ] {
        assert_eq!(bench.post(path, body.clone()).await.0, 200, "{path} {body}");
    }
}

/// A token is part of a URL, and has to be taken back.
#[tokio::test]
async fn what_tokens_carry_is_short() {
    let bench = bench().await;
    let control = |length| "\u{1}".repeat(length);
    for name in ["email", "phoneNumber", "scope"] {
        let (status, answer) = bench.post("/users/ada/actions/withdrawal", json!({ name: control(1025) })).await;
        assert_eq!((status, &answer["errorCode"]), (400, &json!("invalid_request")), "{name}");
    }
    // As long as can be: each character takes six in JSON.
    let (user, key) = ("%22".repeat(1024), "\"".repeat(128));
    let longest = control(1024);
    let body = json!({ "email": longest, "phoneNumber": longest, "scope": longest, "idempotencyKey": key });
    let (status, tracked) = bench.post(&format!("/users/{user}/actions/withdrawal"), body).await;
    assert_eq!(status, 200);
    assert_eq!(bench.validate(text(&tracked["token"])).await["state"], "ALLOW");
    assert_eq!(bench.open(text(&tracked["url"]), "").await.0, 200);
}

#[tokio::test]
async fn long_bodies() {
    let bench = bench().await;
    let with = |length: usize| {
        let body = format!(r#"{{"userAgent":"{}"}}"#, "x".repeat(length));
        bench.api(Method::POST, "/users/ada/actions/withdrawal").body(body).send()
    };
    assert_eq!(with(200 * 1024).await.unwrap().status(), 200);
    for length in [256 * 1024, 3 * 1024 * 1024] {
        let (status, answer) = read(with(length).await.unwrap()).await;
        assert_eq!((status, &answer["error"]), (413, &json!("invalid_request")));
    }
    assert!(bench.emulator.received_requests().last().unwrap().body.is_empty());
    let response = bench.http.post(bench.emulator.origin()).body("x".repeat(300_000)).send().await.unwrap();
    assert_eq!(response.status(), 413, "the page too");
}

#[tokio::test]
async fn paths() {
    let bench = bench().await;
    let long = "u".repeat(1025);
    for (path, status) in [
        ("/v1/users/%FF/actions/a", 400),
        ("/v1/users/%00/actions/a", 400),
        ("/v1/users/a%0Ab/actions/a", 400),
        ("/v1/users/%2E%2E/actions/a", 400),
        ("/v1/users/./actions/a", 400),
        (&format!("/v1/users/{long}/actions/a"), 400),
        ("/v1/users/ada/actions/a.b", 400),
        ("/v1/users/ada/actions/a%20b", 400),
        ("/v1/users/ada/actions/%C3%A4", 400),
        (&format!("/v1/users/ada/actions/{}", "a".repeat(65)), 400),
        ("/v1/users//actions/a", 400),
        ("/v1/users/ada/actions/", 404),
        ("/v1/users/ada/actions/a/b/c", 404),
        ("/v1/v1/users/ada/actions/a", 404),
        ("/V1/users/ada/actions/a", 404),
        ("//", 404),
    ] {
        let answer = raw(&bench.emulator, "POST", path).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path:.60}: {answer}");
        assert!(answer.contains("content-type: application/json\r\n"), "{path:.60}: {answer}");
    }
    assert!(raw(&bench.emulator, "POST", &format!("/v1/users/{}/actions/a", &long[1..])).await.contains(" 200 "));
    assert_eq!(bench.get("/nowhere").await, (404, json!({ "message": "Not Found" })));
}

#[tokio::test]
async fn methods() {
    let bench = bench().await;
    for (method, path) in [
        ("PUT", "/v1/users/ada"),
        ("DELETE", "/v1/validate"),
        ("GET", "/v1/validate"),
        ("OPTIONS", "/v1/users/ada"),
        ("PATCH", "/"),
        ("BREW", "/v1/users/ada/actions/coffee"),
        ("TRACE", "/"),
    ] {
        let answer = raw(&bench.emulator, method, path).await;
        assert!(answer.starts_with("HTTP/1.1 404") && answer.contains("Not Found"), "{method} {path}: {answer}");
    }
}

#[tokio::test]
async fn what_is_no_http() {
    let bench = bench().await;
    for request in [
        &b"\0\0\0\0\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /v1/validate HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /v1/validate HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx",
        b"POST /v1/validate HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n",
    ] {
        let answer = exchange(&bench.emulator, request).await;
        let shown = String::from_utf8_lossy(request);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{shown}: {answer}");
    }
    bench.track().await;
}

#[tokio::test]
async fn the_pages_forms() {
    let bench = bench().await;
    let token = text(&bench.track().await["token"]).to_owned();
    let post = |body: Vec<u8>, kind: &str| {
        bench.http.post(bench.emulator.origin()).header("content-type", kind).body(body).send()
    };
    const FORM: &str = "application/x-www-form-urlencoded";
    for (body, kind) in [
        (&b""[..], FORM),
        (b"token=x", FORM),
        (b"token=a&token=b", FORM),
        (b"token=%FF&step=%00", FORM),
        (b"&&&==%%%", FORM),
        (b"\xff\xfe", FORM),
        (b"{}", "application/json"),
        (b"", "multipart/form-data"),
    ] {
        let response = post(body.to_vec(), kind).await.unwrap();
        assert!(response.status().is_client_error(), "{}", String::from_utf8_lossy(body));
        assert!(response.text().await.unwrap().contains("The link is not valid"));
    }
    for fields in [
        &[("step", "dance")][..],
        &[("step", "verify"), ("view", "PALM_BIOMETRICS_RR"), ("code", "1")],
        &[("step", "send"), ("view", "\r\nset-cookie: a=b")],
        &[("step", "")],
    ] {
        let response = bench.submit(&token, fields).await;
        assert_eq!(response.status(), 303, "{fields:?}");
        assert!(!response.headers().contains_key("set-cookie"));
    }
    for query in ["/?token=", "/?token=a&token=b", "/?", "/?token=%FF", "/?%00", "/?token=a.b.c&view=%0d%0a"] {
        assert_eq!(bench.open(bench.emulator.origin(), query).await.0, 401, "{query}");
    }
}
