//! Who may call: tokens, tenants, and pages of other origins.
use authsignal_emulator::{Emulator, Endpoint, Fault};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::json;

use super::error;
use crate::api::raw;
use crate::support::{Bench, bench, read, text};

/// Every call that takes a token.
const WITH_TOKEN: [&str; 25] = [
    "/init",
    "/user-authenticators/email-otp",
    "/user-authenticators/sms",
    "/user-authenticators/totp",
    "/user-authenticators/email-magic-link",
    "/user-authenticators/passkey",
    "/user-authenticators/passkey/registration-options",
    "/user-authenticators/passkey/registration-options/web",
    "/user-authenticators/security-key",
    "/user-authenticators/security-key/registration-options",
    "/user-authenticators/security-key/authentication-options",
    "/user-authenticators/push",
    "/user-authenticators/qr-code",
    "/user-authenticators/in-app",
    "/challenge/email-otp",
    "/challenge/sms",
    "/challenge/whatsapp",
    "/challenge/email-magic-link",
    "/challenge/push",
    "/verify/email-otp",
    "/verify/sms",
    "/verify/whatsapp",
    "/verify/totp",
    "/verify/push",
    "/verify/security-key",
];

/// Every call that also takes the tenant.
const WITH_TENANT: [&str; 14] = [
    "/challenge",
    "/challenge/web",
    "/challenge/qr-code",
    "/verify/qr-code",
    "/verify/passkey",
    "/verify/in-app",
    "/user-authenticators/passkey/authentication-options",
    "/user-authenticators/passkey/authentication-options/web",
    "/user-authenticators/push/remove",
    "/user-authenticators/qr-code/remove",
    "/user-authenticators/push/challenge",
    "/user-authenticators/push/challenge/sign",
    "/user-authenticators/qr-code/challenge",
    "/user-authenticators/qr-code/challenge/claim",
];

async fn with(bench: &Bench, path: &str, authorization: &str) -> (u16, String) {
    let request = bench.client(Method::POST, path).header("authorization", authorization).body("{}");
    let answer = read(request.send().await.unwrap()).await;
    (answer.0, error(&answer).1.to_owned())
}

#[tokio::test]
async fn every_call_wants_to_know_who_calls() {
    let bench = bench().await;
    let other = Emulator::start().await.unwrap();
    let foreign = other.client().track("ada", authsignal_client::Track::new("withdrawal")).await.unwrap();
    let foreign = format!("Bearer {}", foreign.token.unwrap().secret());
    let tenant = format!("Basic {}", STANDARD.encode(bench.emulator.tenant_id()));
    let elsewhere = format!("Basic {}", STANDARD.encode(other.tenant_id()));
    let secret = format!("Basic {}", STANDARD.encode(format!("{}:", bench.emulator.secret())));
    let unauthorized = (401, "unauthorized".to_owned());
    for path in WITH_TOKEN.iter().chain(&WITH_TENANT).chain(&["/verify/email-magic-link/finalize"]) {
        for authorization in
            ["", "Bearer", "Bearer ", "Bearer x.y.z", "Basic", "Basic !", "Digest x", &foreign, &elsewhere, &secret]
        {
            assert_eq!(with(&bench, path, authorization).await, unauthorized, "{path} {authorization:.40}");
        }
    }
    for path in WITH_TOKEN {
        assert_eq!(with(&bench, path, &tenant).await, unauthorized, "{path}: a tenant is nobody");
    }
    for path in ["/authenticators", "/user-authenticators", "/user-authenticators/passkey?credentialIds=a"] {
        let answer = read(bench.client(Method::GET, path).send().await.unwrap()).await;
        assert_eq!(error(&answer), (401, "unauthorized"), "{path}");
    }
    for request in bench.emulator.received_requests() {
        assert!(request.endpoint.name().starts_with("client"), "{} is {:?}", request.path, request.endpoint);
    }
}

#[tokio::test]
async fn a_token_expires() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let token = bench.token().await;
    bench.advance(599);
    assert_eq!(bench.ask(&token, "/challenge/email-otp", json!({})).await.0, 200);
    bench.advance(1);
    let expired = bench.ask(&token, "/challenge/email-otp", json!({})).await;
    assert_eq!(error(&expired), (401, "expired_token"));
    assert_eq!(expired.1["errorDescription"], "The token has expired.");
    for path in WITH_TOKEN.iter().chain(&WITH_TENANT) {
        assert_eq!(with(&bench, path, &format!("Bearer {token}")).await, (401, "expired_token".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn a_tenant_in_each_form_of_the_sdks() {
    let bench = bench().await;
    let tenant = bench.emulator.tenant_id();
    for encoded in
        [STANDARD.encode(tenant), STANDARD.encode(format!("{tenant}:")), URL_SAFE_NO_PAD.encode(format!("{tenant}:"))]
    {
        for scheme in ["Basic", "basic"] {
            let request =
                bench.client(Method::POST, "/challenge").header("authorization", format!("{scheme} {encoded}"));
            let (status, answer) = read(request.json(&json!({ "action": "signIn" })).send().await.unwrap()).await;
            assert_eq!((status, answer["challengeId"].is_string()), (200, true), "{scheme} {encoded}");
        }
    }
}

#[tokio::test]
async fn at_the_root_as_well() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let token = bench.token().await;
    let url = format!("{}/client/challenge/email-otp", bench.emulator.origin());
    assert_eq!(read(bench.http.post(url).bearer_auth(&token).send().await.unwrap()).await.0, 200);
    for (method, path) in [
        ("GET", "/v1/client/challenge/email-otp"),
        ("POST", "/v1/client/nowhere"),
        ("POST", "/v1/client/challenge/email-otp/"),
        ("DELETE", "/client/init"),
    ] {
        let answer = raw(&bench.emulator, method, path).await;
        // The Server API's key is none here.
        assert!(answer.starts_with("HTTP/1.1 401") && answer.contains("unauthorized"), "{method} {path}: {answer}");
    }
}

/// What a browser sends before a call that no form could make.
async fn preflight(bench: &Bench, url: &str, origin: &str) -> (u16, HeaderMap) {
    let request = bench.http.request(Method::OPTIONS, url).header("origin", origin);
    let request = request.header("access-control-request-method", "POST");
    let request = request.header("access-control-request-headers", "authorization,content-type");
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.headers().clone())
}

#[tokio::test]
async fn pages_of_every_origin_may_call() {
    let bench = bench().await;
    let url = format!("{}/client/challenge/email-otp", bench.emulator.base_url());
    for origin in ["http://localhost:3000", "https://app.example.com", "null"] {
        let (status, headers) = preflight(&bench, &url, origin).await;
        assert_eq!((status, &headers["access-control-allow-origin"]), (200, &origin.parse().unwrap()));
        assert_eq!(headers["access-control-allow-credentials"], "true");
        let allowed = headers["access-control-allow-headers"].to_str().unwrap();
        for name in ["authorization", "content-type", "x-authsignal-version", "x-authsignal-tenant-id"] {
            assert!(allowed.split(',').any(|known| known == name), "{name}: {allowed}");
        }
        let methods = headers["access-control-allow-methods"].to_str().unwrap();
        assert_eq!(methods, "GET,POST,PATCH,DELETE");
    }
    assert!(bench.emulator.received_requests().is_empty(), "a preflight is no call");

    let origin = "http://localhost:3000";
    let called = async || bench.http.post(&url).header("origin", origin).send().await.unwrap();
    let readable = |headers: &HeaderMap| {
        assert_eq!(headers["access-control-allow-origin"], origin);
        assert_eq!(headers["access-control-allow-credentials"], "true");
        assert_eq!(headers["access-control-expose-headers"], "retry-after");
    };
    let refused = called().await;
    assert_eq!(refused.status(), 401);
    readable(refused.headers());
    bench.emulator.inject_fault(Endpoint::ClientChallengeEmailOtp, Fault::status(503));
    let injected = called().await;
    assert_eq!(injected.status(), 503);
    readable(injected.headers());
    assert_eq!(bench.emulator.calls(Endpoint::ClientChallengeEmailOtp), 2);
}

#[tokio::test]
async fn the_server_api_and_the_page_are_for_no_other_origin() {
    let bench = bench().await;
    let base = bench.emulator.base_url();
    for path in ["/users/ada", "/users/ada/actions/withdrawal", "/validate", "/challenge", "/client/nowhere"] {
        let (status, headers) = preflight(&bench, &format!("{base}{path}"), "http://localhost:3000").await;
        assert_eq!((status, headers.get("access-control-allow-origin")), (401, None), "{path}");
        let answer = bench.api(Method::GET, path).header("origin", "http://localhost:3000").send().await.unwrap();
        assert!(!answer.headers().contains_key("access-control-allow-origin"), "{path}");
    }
    let track = bench.track().await;
    let page = bench.http.get(text(&track["url"])).header("origin", "http://localhost:3000").send().await.unwrap();
    assert!(!page.headers().contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn faults_can_be_injected() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let token = bench.token().await;
    bench.emulator.inject_fault(Endpoint::ClientVerifyEmailOtp, Fault::merge(json!({ "isVerified": true })));
    bench.emulator.inject_fault(Endpoint::ClientVerifyEmailOtp, Fault::status(429).header("retry-after", "7"));
    let body = json!({ "verificationCode": "nope" });
    assert_eq!(bench.asked(&token, "/verify/email-otp", body.clone()).await["isVerified"], true);
    let limited = bench.ask(&token, "/verify/email-otp", body).await;
    assert_eq!(error(&limited), (429, "too_many_requests"));
    assert_eq!(bench.emulator.calls(Endpoint::ClientVerifyEmailOtp), 2);
}
