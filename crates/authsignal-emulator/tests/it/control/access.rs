//! Who is let in: programs on this machine, and not the pages of other sites in its browsers.
use authsignal_emulator::{Emulator, Endpoint, Fault};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::json;

use super::refused;
use crate::hostile::exchange_with;
use crate::support::bench;

/// The status of a request with these headers, sent as they are.
async fn status(emulator: &Emulator, method: &str, path: &str, headers: &str, body: &str) -> u16 {
    let answer = answer(emulator, method, path, headers, body).await;
    answer.split(' ').nth(1).unwrap_or_else(|| panic!("{answer:?}")).parse().unwrap()
}

async fn answer(emulator: &Emulator, method: &str, path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    let request =
        format!("{method} {path} HTTP/1.1\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    // Its origin may be elsewhere.
    let answer = exchange_with(emulator.local_address(), request.as_bytes()).await;
    assert!(!answer.to_lowercase().contains("access-control-allow"), "no CORS: {answer}");
    answer
}

/// T103: DNS rebinding brings along the name of the attacker's host.
#[tokio::test]
async fn t103_foreign_host_names_are_refused() {
    let emulator = Emulator::start().await.unwrap();
    let port = emulator.origin().rsplit(':').next().unwrap().to_owned();
    for path in ["/emulator", "/emulator/", "/emulator/overview", "/emulator/messages", "/emulator/nowhere"] {
        for host in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "0.0.0.0", ""] {
            let headers = format!("Host: {host}:{port}\r\n");
            assert_eq!(status(&emulator, "GET", path, &headers, "").await, 403, "{path} as {host}");
        }
        assert_eq!(status(&emulator, "GET", path, "", "").await, 403, "{path} as nobody");
    }
    for host in ["localhost", "127.0.0.1", "127.1.2.3", "[::1]"] {
        let headers = format!("Host: {host}:{port}\r\n");
        assert_eq!(status(&emulator, "GET", "/emulator/overview", &headers, "").await, 200, "{host}");
    }
    let rebound = format!("Host: evil.example:{port}\r\nOrigin: http://evil.example:{port}\r\n");
    assert_eq!(status(&emulator, "POST", "/emulator/reset", &rebound, "").await, 403);
}

/// T103: a page can send a form, or a request without asking first.
#[tokio::test]
async fn t103_other_origins_and_sites_change_nothing() {
    let emulator = Emulator::start().await.unwrap();
    emulator.user("ada").enroll_email_otp("ada@example.com");
    emulator.client().track("ada", authsignal_client::Track::new("pay")).await.unwrap();
    let attempt =
        |deed: &str| format!("/emulator/actions/ada/pay/{}/{deed}", emulator.actions("ada")[0].idempotency_key);
    let (open, succeed, decline) = (attempt("open"), attempt("succeed"), attempt("decline"));
    let port = emulator.origin().rsplit(':').next().unwrap().to_owned();
    let host = format!("Host: localhost:{port}\r\n");
    let json = "Content-Type: application/json\r\n";
    let own = format!("Origin: http://localhost:{port}\r\nSec-Fetch-Site: same-origin\r\n");
    for (method, path, body) in [
        ("POST", "/emulator/reset", ""),
        ("POST", "/emulator/clock", r#"{"advanceSeconds":1}"#),
        ("PUT", "/emulator/outcomes/read", r#"{"outcome":"ALLOW"}"#),
        ("PUT", "/emulator/users/ada", r#"{"username":"ada"}"#),
        ("DELETE", "/emulator/users/eve", ""),
        ("DELETE", "/emulator/faults", ""),
        ("POST", &open, ""),
        ("POST", &succeed, ""),
        ("POST", &decline, ""),
    ] {
        for foreign in [
            "Origin: http://evil.example\r\n",
            "Origin: http://localhost:1\r\n",
            "Origin: null\r\n",
            "Sec-Fetch-Site: cross-site\r\n",
            "Sec-Fetch-Site: same-site\r\n",
        ] {
            let headers = format!("{host}{json}{foreign}");
            assert_eq!(status(&emulator, method, path, &headers, body).await, 403, "{method} {path} {foreign}");
        }
        if method == "POST" && !body.is_empty() {
            for content_type in
                ["", "Content-Type: text/plain\r\n", "Content-Type: application/x-www-form-urlencoded\r\n"]
            {
                let headers = format!("{host}{content_type}");
                assert_eq!(status(&emulator, method, path, &headers, body).await, 415, "{method} {path}");
            }
        }
        assert!(emulator.user("ada").is_enrolled(), "{method} {path}: nothing was done");
        assert_eq!(emulator.actions("ada")[0].state.as_str(), "CHALLENGE_REQUIRED", "{method} {path}");
    }
    assert!(!emulator.outcomes().contains_key("read"));
    let headers = format!("{host}{json}{own}");
    assert_eq!(status(&emulator, "PUT", "/emulator/outcomes/read", &headers, r#"{"outcome":"ALLOW"}"#).await, 204);
    assert!(emulator.outcomes().contains_key("read"), "the dashboard itself may");
    let opens = format!("{host}{own}Content-Type: application/x-www-form-urlencoded\r\n");
    assert_eq!(status(&emulator, "POST", &open, &opens, "").await, 303, "and its form without a field");
    assert_eq!(status(&emulator, "POST", &decline, &headers, "").await, 200);
    assert_eq!(emulator.actions("ada")[0].state.as_str(), "CHALLENGE_FAILED");
}

#[tokio::test]
async fn t103_no_other_origin_reads_along() {
    let bench = bench().await;
    for path in ["", "/overview", "/messages", "/nowhere"] {
        let url = format!("{}/emulator{path}", bench.emulator.origin());
        let response = bench.http.get(&url).header("origin", "http://evil.example").send().await.unwrap();
        let headers = response.headers();
        assert!(!headers.keys().any(|name| name.as_str().starts_with("access-control")), "{path}");
        for (name, value) in [
            ("cross-origin-resource-policy", "same-origin"),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(headers[name], value, "{path}");
        }
        let preflight = bench.http.request(Method::OPTIONS, &url).header("origin", "http://evil.example");
        let preflight = preflight.header("access-control-request-method", "POST").send().await.unwrap();
        assert!(!preflight.headers().keys().any(|name| name.as_str().starts_with("access-control")), "{path}");
    }
}

/// T128: bound elsewhere, by any name and address, a key is asked for: to read as well as to change.
#[tokio::test]
async fn t128_bound_elsewhere_it_asks_for_a_key() {
    let emulator = Emulator::builder().host([0, 0, 0, 0]).start().await.unwrap();
    assert!(emulator.origin().starts_with("http://127.0.0.1:"), "where this machine reaches it");
    assert!(emulator.client().get_user("ada").await.is_ok());
    let key = emulator.control_key().unwrap().to_owned();
    for name in ["emulator:4000", "192.168.0.7:4000", "localhost:4000", "127.0.0.1", "evil.example"] {
        assert_closed(&emulator, &format!("Host: {name}\r\n"), &key).await;
    }
    let name = format!("Host: emulator:4000\r\nAuthorization: Bearer {key}\r\n");
    let own = format!("{name}Origin: http://emulator:4000\r\n");
    assert_eq!(status(&emulator, "POST", "/emulator/reset", &own, "").await, 204);
    let foreign = format!("{name}Origin: http://evil.example\r\n");
    assert_eq!(status(&emulator, "POST", "/emulator/reset", &foreign, "").await, 403, "browsers send the key along");
}

/// T128: a tunnel or a proxy may ask it as localhost, so that no name is free of the key.
#[tokio::test]
async fn t128_with_a_public_url_it_asks_for_a_key() {
    let emulator = Emulator::builder().public_url("https://auth.tunnel.example").start().await.unwrap();
    assert_eq!(emulator.base_url(), "https://auth.tunnel.example/v1");
    let key = emulator.control_key().unwrap().to_owned();
    for name in ["auth.tunnel.example", "localhost:4000", "127.0.0.1"] {
        assert_closed(&emulator, &format!("Host: {name}\r\n"), &key).await;
    }
    let with_key = format!("Authorization: Bearer {key}\r\n");
    let name = format!("Host: auth.tunnel.example\r\nOrigin: https://auth.tunnel.example\r\n{with_key}");
    assert_eq!(status_of(&emulator, &name).await, 204);
    assert_eq!(status_of(&emulator, &format!("Host: tunnel.example\r\n{with_key}")).await, 403);
    let tracked = emulator.client().track("ada", authsignal_client::Track::new("pay")).await.unwrap();
    assert!(tracked.url.unwrap().secret().starts_with("https://auth.tunnel.example/?token="));
    for refused in ["auth.example", "ftp://auth.example", "https://auth.example/path"] {
        let why = Emulator::builder().public_url(refused).start().await.unwrap_err();
        assert_eq!(why.kind(), std::io::ErrorKind::InvalidInput, "{refused}");
    }
}

/// Nothing is read or changed without the key, and all of it is with it.
async fn assert_closed(emulator: &Emulator, name: &str, key: &str) {
    let json = "Content-Type: application/json\r\n";
    let fault = r#"{"endpoint":"track","kind":"hangUp"}"#;
    emulator.user("ada").email("ada@example.com");
    for (method, path, body) in [
        ("GET", "/emulator", ""),
        ("GET", "/emulator/overview", ""),
        ("GET", "/emulator/messages", ""),
        ("GET", "/emulator/nowhere", ""),
        ("POST", "/emulator/faults", fault),
        ("DELETE", "/emulator/requests", ""),
        ("POST", "/emulator/reset", ""),
    ] {
        for credentials in ["", "Authorization: Bearer wrong\r\n", "Authorization: Basic OndyZ25n\r\n"] {
            let headers = format!("{name}{json}{credentials}");
            let answer = answer(emulator, method, path, &headers, body).await;
            assert!(answer.starts_with("HTTP/1.1 401"), "{method} {path} {name} {credentials}: {answer}");
            assert!(answer.contains("\r\nwww-authenticate: Basic realm="), "browsers ask for it: {answer}");
            assert!(!answer.contains("ada@example.com") && !answer.contains(key), "{answer}");
        }
    }
    assert!(emulator.faults().is_empty() && emulator.users() == ["ada"], "nothing was done");
    let secret = format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("{}:", emulator.secret())));
    let headers = format!("{name}{secret}");
    assert_eq!(status(emulator, "GET", "/emulator/overview", &headers, "").await, 401, "the service's key is another");
    if name.contains("evil.example") {
        return;
    }
    for credentials in [
        format!("Authorization: Bearer {key}\r\n"),
        format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("anybody:{key}"))),
    ] {
        let headers = format!("{name}{json}{credentials}");
        assert_eq!(status(emulator, "GET", "/emulator/overview", &headers, "").await, 200, "{name}");
        assert_eq!(status(emulator, "POST", "/emulator/faults", &headers, fault).await, 200, "{name}");
        assert_eq!(status(emulator, "POST", "/emulator/reset", &headers, "").await, 204, "{name}");
        assert!(emulator.faults().is_empty() && emulator.users().is_empty());
    }
}

/// T128: who wants it open says so, and who wants a key on loopback gets it.
#[tokio::test]
async fn t128_what_opens_it_is_explicit() {
    let name = "Host: emulator:4000\r\n";
    let emulator = Emulator::builder().host([0, 0, 0, 0]).open_control().start().await.unwrap();
    assert_eq!(emulator.control_key(), None);
    assert_eq!(status(&emulator, "GET", "/emulator/overview", name, "").await, 200);
    assert_eq!(status(&emulator, "POST", "/emulator/reset", name, "").await, 204);
    let foreign = format!("{name}Origin: http://evil.example\r\n");
    assert_eq!(status(&emulator, "POST", "/emulator/reset", &foreign, "").await, 403);

    let emulator = Emulator::builder().control_key("k3y").start().await.unwrap();
    assert_closed(&emulator, "Host: localhost\r\n", "k3y").await;
    for key in ["", "k 3", "k\n"] {
        let why = Emulator::builder().control_key(key).start().await.unwrap_err();
        assert_eq!(why.kind(), std::io::ErrorKind::InvalidInput, "{key:?}");
    }
    let shown = format!("{:?}", Emulator::builder().control_key("k3y-hush").secret("s3c-hush"));
    assert!(!shown.contains("hush"), "{shown}");

    let emulator = Emulator::start().await.unwrap();
    assert_eq!(emulator.control_key(), None);
    let emulator = Emulator::builder().public_url("http://localhost:4000").start().await.unwrap();
    assert_eq!(emulator.control_key(), None, "a name of this machine's leads nobody here from elsewhere");
}

/// A page that waits for a phone asks by its own token.
#[tokio::test]
async fn t128_the_challenge_page_needs_no_key() {
    let emulator = Emulator::builder().control_key("k3y").start().await.unwrap();
    emulator.user("ada").enroll_push("Ada’s phone");
    let tracked = emulator.client().track("ada", authsignal_client::Track::new("pay")).await.unwrap();
    let token = tracked.token.unwrap();
    for path in ["/", "/emulator/waiting"] {
        let target = format!("{path}?token={}", token.secret());
        assert_eq!(status(&emulator, "GET", &target, "Host: localhost\r\n", "").await, 200, "{path}");
    }
}

async fn status_of(emulator: &Emulator, headers: &str) -> u16 {
    status(emulator, "POST", "/emulator/reset", headers, "").await
}

#[tokio::test]
async fn what_is_there_is_no_part_of_the_service() {
    let bench = bench().await;
    bench.emulator.inject_fault_for_any(Fault::status(503).always());
    for path in ["messages", "overview", "clock", "users"] {
        bench.control(Method::GET, path, None).await;
    }
    assert!(bench.emulator.received_requests().is_empty(), "none of it is remembered");
    for (method, path) in [
        (Method::GET, "nowhere"),
        (Method::GET, "users/ada/nowhere"),
        (Method::PATCH, "users"),
        (Method::POST, "messages"),
        (Method::GET, "reset"),
    ] {
        refused(bench.try_control(method, path, None).await, 404);
    }
    assert!(bench.emulator.received_requests().is_empty(), "nor what is not there");
    assert_eq!(bench.get("/users/ada").await.0, 503, "the service itself is down");
    assert_eq!(bench.emulator.calls(Endpoint::GetUser), 1);
    let long = json!({ "username": "x".repeat(300 * 1024) });
    let (status, _) = bench.try_control(Method::PUT, "users/ada", Some(long)).await;
    assert_eq!(status, 413);
}
