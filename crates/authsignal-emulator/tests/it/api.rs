//! The Server API's endpoints, and the checklist of what the seven SDKs need.
use authsignal_client::Track;
use authsignal_emulator::{Emulator, Outcome};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{START, bench, read, text};

const UNAUTHORIZED: &str =
    "The request is unauthorized. Check that your API key and region base URL are correctly configured.";

#[tokio::test]
async fn track_begins_by_outcome_and_enrolment() {
    let bench = bench().await;
    for (outcome, enrolled, state) in [
        (None, false, "ALLOW"),
        (None, true, "CHALLENGE_REQUIRED"),
        (Some(Outcome::Allow), true, "ALLOW"),
        (Some(Outcome::Challenge), false, "ALLOW"),
        (Some(Outcome::Challenge), true, "CHALLENGE_REQUIRED"),
        (Some(Outcome::Review), true, "REVIEW_REQUIRED"),
        (Some(Outcome::Block), true, "BLOCK"),
    ] {
        let action = format!("action-{outcome:?}-{enrolled}").replace(['(', ')'], "_");
        if let Some(outcome) = outcome {
            bench.emulator.set_outcome(&action, outcome);
        }
        let user = if enrolled { "enrolled" } else { "fresh" };
        if enrolled {
            bench.emulator.user(user).enroll_email_otp("e@example.com");
        }
        let (status, answer) = bench.post(&format!("/users/{user}/actions/{action}"), json!({})).await;
        assert_eq!(
            (status, &answer["state"], &answer["isEnrolled"]),
            (200, &json!(state), &json!(enrolled)),
            "{action}"
        );
        assert!(text(&answer["url"]).starts_with(&format!("{}/?token=", bench.emulator.origin())));
        assert!(text(&answer["url"]).ends_with(text(&answer["token"])), "url and token belong together");
        assert_eq!(text(&answer["idempotencyKey"]).len(), 36, "a UUID is made");
        assert_eq!(
            answer["allowedVerificationMethods"],
            json!([
                "EMAIL_OTP",
                "EMAIL_MAGIC_LINK",
                "SMS",
                "WHATSAPP",
                "AUTHENTICATOR_APP",
                "PASSKEY",
                "SECURITY_KEY",
                "PUSH"
            ])
        );
    }
}

#[tokio::test]
async fn a_known_key_is_the_same_action() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let first = bench.track_with(json!({ "idempotencyKey": "k", "redirectUrl": "https://a.example/" })).await;
    bench.emulator.succeed(text(&first["url"])).unwrap();
    bench.emulator.set_outcome("withdrawal", Outcome::Block);
    let again = bench.track_with(json!({ "idempotencyKey": "k", "redirectUrl": "https://b.example/" })).await;
    assert_eq!((&again["idempotencyKey"], &again["state"]), (&json!("k"), &json!("CHALLENGE_SUCCEEDED")));
    assert_ne!(again["token"], first["token"]);
    assert!(bench.emulator.quit(text(&first["url"])).unwrap().starts_with("https://b.example/?token="));
    assert_eq!(bench.emulator.actions("ada").len(), 1);

    let other = bench.post("/users/ada/actions/other", json!({ "idempotencyKey": "k" })).await.1;
    assert_eq!(other["state"], "CHALLENGE_REQUIRED", "a key names an attempt at one action of one user");
}

#[tokio::test]
async fn what_track_tells_is_kept() {
    let bench = bench().await;
    let told = json!({
        "email": "ada@example.com", "phoneNumber": "+64270000000", "username": "ada", "ipAddress": "203.0.113.42",
        "userAgent": "Firefox", "deviceId": "d1", "locale": "en-NZ", "scope": "add:authenticators",
        "redirectToSettings": false, "customDomain": "x", "unknown": { "a": [1] }, "crypto": null,
        "custom": { "amount": 12.5, "new": true, "tags": ["a", "b"] }
    });
    bench.track_with(told).await;
    bench.track_with(json!({ "email": "eve@example.com" })).await;
    let action = &bench.emulator.actions("ada")[1];
    assert_eq!(action.ip_address.as_deref(), Some("203.0.113.42"));
    assert_eq!(action.user_agent.as_deref(), Some("Firefox"));
    assert_eq!(action.device_id.as_deref(), Some("d1"));
    assert_eq!(action.locale.as_deref(), Some("en-NZ"));
    assert_eq!(Value::from(action.custom.clone()), json!({ "amount": 12.5, "new": true, "tags": ["a", "b"] }));
    let (_, user) = bench.get("/users/ada").await;
    assert_eq!(user["email"], "ada@example.com", "what is known is not overwritten");
    assert_eq!((&user["phoneNumber"], &user["username"]), (&json!("+64270000000"), &json!("ada")));
    assert_eq!((&user["emailVerified"], &user["phoneNumberVerified"]), (&json!(false), &json!(false)));
}

#[tokio::test]
async fn actions_are_read_back() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let tracked = bench.track_with(json!({ "idempotencyKey": "k", "redirectUrl": "https://a.example" })).await;
    let path = "/users/ada/actions/withdrawal/k";
    let created = json!("2026-01-15T10:00:00.000Z");
    let open = json!({ "state": "CHALLENGE_REQUIRED", "createdAt": created, "stateUpdatedAt": created, "output": {} });
    assert_eq!(bench.get(path).await, (200, open), "nothing that is absent is sent as null");
    bench.advance(30);
    bench.emulator.succeed(text(&tracked["url"])).unwrap();
    let (_, action) = bench.get(path).await;
    assert_eq!(action["state"], "CHALLENGE_SUCCEEDED");
    assert_eq!(action["verificationMethod"], "EMAIL_OTP");
    assert_eq!((&action["createdAt"], &action["stateUpdatedAt"]), (&created, &json!("2026-01-15T10:00:30.000Z")));

    for path in ["/users/ada/actions/withdrawal/x", "/users/eve/actions/withdrawal/k", "/users/ada/actions/other/k"] {
        let (status, answer) = bench.get(path).await;
        assert_eq!((status, &answer["error"], &answer["errorCode"]), (404, &json!("not_found"), &json!("not_found")));
    }
    assert_eq!(START, 1_768_471_200);
}

#[tokio::test]
async fn users_are_read_and_not_made_by_it() {
    let bench = bench().await;
    let (status, nobody) = bench.get("/users/nobody").await;
    assert_eq!(status, 200);
    assert_eq!((&nobody["isEnrolled"], &nobody["emailVerified"]), (&json!(false), &json!(false)));
    assert!(nobody.get("email").is_none() && nobody.get("defaultVerificationMethod").is_none());

    bench.emulator.user("ada").enroll_email_otp("ada@example.com").enroll_authenticator_app();
    let (_, ada) = bench.get("/users/ada").await;
    assert_eq!(ada["enrolledVerificationMethods"], json!(["EMAIL_OTP", "AUTHENTICATOR_APP"]));
    assert_eq!(ada["defaultVerificationMethod"], "EMAIL_OTP");
    assert_eq!((&ada["email"], &ada["emailVerified"]), (&json!("ada@example.com"), &json!(true)));
    bench.emulator.user("ada").delete();
    let mut deleted = bench.get("/users/ada").await.1;
    deleted["userId"] = json!("nobody");
    assert_eq!(deleted, nobody);
}

#[tokio::test]
async fn verified_methods_are_enrolled() {
    let bench = bench().await;
    let path = "/users/ada/authenticators";
    let (status, first) =
        bench.post(path, json!({ "verificationMethod": "EMAIL_OTP", "email": "ada@example.com" })).await;
    assert_eq!(status, 200);
    let made = &first["authenticator"];
    assert_eq!((&made["userId"], &made["verificationMethod"]), (&json!("ada"), &json!("EMAIL_OTP")));
    assert_eq!((&made["email"], &made["createdAt"]), (&json!("ada@example.com"), &made["verifiedAt"]));
    assert_eq!(first["recoveryCodes"].as_array().unwrap().len(), 10);

    let uri = "otpauth://totp/Example:ada?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example";
    for body in [
        json!({ "verificationMethod": "SMS", "phoneNumber": "+64270000000", "isDefault": true }),
        json!({ "verificationMethod": "AUTHENTICATOR_APP", "otpUri": uri }),
        json!({ "oobChannel": "EMAIL_MAGIC_LINK", "email": "ada@example.com" }),
    ] {
        let (status, answer) = bench.post(path, body.clone()).await;
        assert_eq!(status, 200, "{body}");
        assert!(answer.get("recoveryCodes").is_none(), "only the first brings recovery codes");
    }
    let (_, ada) = bench.get("/users/ada").await;
    assert_eq!(ada["defaultVerificationMethod"], "SMS");
    assert_eq!(ada["enrolledVerificationMethods"].as_array().unwrap().len(), 4);

    for body in [
        json!({}),
        json!({ "verificationMethod": "CARRIER_PIGEON" }),
        json!({ "verificationMethod": "EMAIL_OTP" }),
        json!({ "verificationMethod": "EMAIL_OTP", "email": "" }),
        json!({ "verificationMethod": "SMS", "email": "ada@example.com" }),
        json!({ "verificationMethod": "AUTHENTICATOR_APP", "otpUri": "otpauth://totp/a?secret=A&period=0" }),
        json!({ "verificationMethod": "EMAIL_OTP", "email": "a@b.c", "isDefault": "yes" }),
    ] {
        let (status, answer) = bench.post(path, body.clone()).await;
        assert_eq!((status, &answer["errorCode"]), (400, &json!("invalid_request")), "{body}");
    }
}

#[tokio::test]
async fn every_endpoint_wants_the_key() {
    let bench = bench().await;
    for (method, path) in [
        (Method::POST, "/users/ada/actions/withdrawal"),
        (Method::GET, "/users/ada/actions/withdrawal/k"),
        (Method::POST, "/validate"),
        (Method::GET, "/users/ada"),
        (Method::POST, "/users/ada/authenticators"),
    ] {
        let url = format!("{}{path}", bench.emulator.base_url());
        let without = bench.http.request(method.clone(), &url);
        let wrong = bench.http.request(method.clone(), &url).basic_auth("wrong", Some(""));
        let bearer = bench.http.request(method, &url).bearer_auth(bench.emulator.secret());
        for request in [without, wrong, bearer] {
            let expected =
                json!({ "error": "unauthorized", "errorCode": "unauthorized", "errorDescription": UNAUTHORIZED });
            assert_eq!(read(request.send().await.unwrap()).await, (401, expected), "{path}");
        }
    }
    assert!(bench.emulator.actions("ada").is_empty());
}

#[tokio::test]
async fn bodies_as_the_sdks_send_them() {
    let bench = bench().await;
    let track = || bench.api(Method::POST, "/users/ada/actions/withdrawal");
    for (name, request) in [
        ("php sends nothing for an empty payload", track()),
        ("an empty object", track().body("{}")),
        ("go sends null", track().body(r#"{"redirectToSettings":null,"email":null}"#)),
        ("no content type", track().body(r#"{"email":"a@b.c"}"#)),
        ("another content type", track().header("content-type", "text/plain").body("{}")),
        ("python sends snake case, which nobody reads", track().body(r#"{"redirect_url":7}"#)),
    ] {
        assert_eq!(read(request.send().await.unwrap()).await.0, 200, "{name}");
    }
}

#[tokio::test]
async fn routes_are_there_with_and_without_the_version() {
    let bench = bench().await;
    for base in [bench.emulator.base_url(), bench.emulator.origin()] {
        let request = bench.http.get(format!("{base}/users/ada")).basic_auth(bench.emulator.secret(), None::<&str>);
        assert_eq!(read(request.send().await.unwrap()).await.0, 200);
    }
}

#[tokio::test]
async fn path_segments_are_decoded_once() {
    let bench = bench().await;
    for (path, user) in [
        ("auth0|abc", "auth0|abc"),
        ("auth0%7Cabc", "auth0|abc"),
        ("a+b", "a+b"),
        ("a%2Bb", "a+b"),
        ("a%20b", "a b"),
        ("a%2Fb", "a/b"),
        ("a%3Fb%23c", "a?b#c"),
        ("a%2520b", "a%20b"),
        ("ada@example.com", "ada@example.com"),
        ("%C3%A4", "ä"),
    ] {
        let response = raw(&bench.emulator, "POST", &format!("/v1/users/{path}/actions/decoding")).await;
        assert!(response.starts_with("HTTP/1.1 200"), "{path}: {response}");
        assert_eq!(
            bench.emulator.actions(user).first().map(|action| action.user_id.to_string()),
            Some(user.to_owned())
        );
    }
}

/// A request whose path no HTTP client has touched.
pub(crate) async fn raw(emulator: &authsignal_emulator::Emulator, method: &str, path: &str) -> String {
    use base64::Engine as _;
    let key = base64::engine::general_purpose::STANDARD.encode(format!("{}:", emulator.secret()));
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Basic {key}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
    crate::hostile::exchange(emulator, head.as_bytes()).await
}

/// `GetActionWithBadSecret` of the Go SDK's live tests leaves the key of the action out. Whoever isn't known is told so
/// before what no route takes.
#[tokio::test]
async fn strangers_are_told_so_before_what_is_not_there() {
    let bench = bench().await;
    let token = text(&bench.track().await["token"]).to_owned();
    let basic = |user: &str| format!("Basic {}", STANDARD.encode(format!("{user}:")));
    let (server, tenant) = (basic(bench.emulator.secret()), basic(bench.emulator.tenant_id()));
    let (bearer, wrong) = (format!("Bearer {token}"), basic("wrong"));
    let not_found = (404, json!({ "message": "Not Found" }));
    let mut tried = 0;
    for (method, path, is_of_clients) in [
        ("GET", "/v1/users/test-user/actions/go-sdk-test/", false),
        ("GET", "/users/test-user/actions/go-sdk-test/", false),
        ("POST", "/v1/users/ada/actions/", false),
        ("POST", "/v1/users/ada/actions/a/b/c", false),
        ("GET", "/v1/users/ada/", false),
        ("PUT", "/v1/users/ada", false),
        ("DELETE", "/v1/validate", false),
        ("GET", "/v1/validate/", false),
        ("OPTIONS", "/v1/users/ada", false),
        ("BREW", "/v1/users/ada/actions/coffee", false),
        ("GET", "/v1/nowhere", false),
        ("GET", "/v1/nowhere/else", false),
        ("POST", "/v1/nowhere", false),
        ("GET", "/v1", false),
        ("GET", "/v1/", false),
        ("POST", "/v1/v1/users/ada/actions/a", false),
        ("POST", "/sessions/nowhere", false),
        ("GET", "/call/start", false),
        ("POST", "/v1/challengesx", false),
        ("GET", "/v1/client", true),
        ("GET", "/v1/client/nowhere", true),
        ("POST", "/client/nowhere", true),
        ("PUT", "/v1/client/challenge/email-otp", true),
        ("GET", "/v1/client/verify/sms", true),
        ("POST", "/v1/client/user-authenticators/", true),
        ("POST", "/v1/client/public/x/.well-known/jwks", true),
    ] {
        let asked = async |credentials: &str| {
            let url = format!("{}{path}", bench.emulator.origin());
            let request = bench.http.request(method.parse().unwrap(), url).header("authorization", credentials);
            read(request.send().await.unwrap()).await
        };
        let (good, bad) = if is_of_clients {
            (vec![&bearer, &tenant], vec![&server, &wrong])
        } else {
            (vec![&server], vec![&bearer, &tenant, &wrong])
        };
        for credentials in good {
            assert_eq!(asked(credentials).await, not_found, "{method} {path} with {credentials:.20}");
            tried += 1;
        }
        for credentials in bad.into_iter().map(String::as_str).chain(["", "Basic", "Bearer x"]) {
            let (status, answer) = asked(credentials).await;
            assert_eq!(
                (status, &answer["errorCode"]),
                (401, &json!("unauthorized")),
                "{method} {path}: {credentials:.20}"
            );
            tried += 1;
        }
    }
    println!("{tried} requests for what is not there");
    for path in ["/nowhere", "/favicon.ico", "/robots.txt"] {
        let response = bench.http.get(format!("{}{path}", bench.emulator.origin())).send().await.unwrap();
        assert_eq!(read(response).await, not_found, "{path} is of no API");
    }
}

/// The name of this machine by which it was asked is the one that the user's browser is sent to, and no other name is.
#[tokio::test]
async fn challenge_urls_have_the_name_that_was_asked() {
    let bench = bench().await;
    let own = bench.emulator.origin().to_owned();
    let port = own.rsplit(':').next().unwrap();
    let public = Emulator::builder().public_url("http://localhost:1").start().await.unwrap();
    for (host, origin) in [
        (format!("127.0.0.1:{port}"), own.clone()),
        (format!("localhost:{port}"), format!("http://localhost:{port}")),
        (format!("LOCALHOST:{port}"), format!("http://localhost:{port}")),
        // A container's port outside.
        ("localhost:8080".into(), "http://localhost:8080".into()),
        ("[::1]:4000".into(), "http://[::1]:4000".into()),
        ("emulator:4000".into(), own.clone()),
        ("evil.example".into(), own.clone()),
        ("localhost.evil.example".into(), own.clone()),
        ("localhost@evil.example".into(), own.clone()),
        ("192.168.0.7:4000".into(), own.clone()),
    ] {
        let asked = async |emulator: &Emulator| {
            let url = format!("http://{}/v1/users/ada/actions/withdrawal", emulator.local_address());
            let request = bench.http.post(url).basic_auth(emulator.secret(), Some("")).header("host", &host);
            let (status, answer) = read(request.body("{}").send().await.unwrap()).await;
            assert_eq!(status, 200, "{host}: {answer}");
            text(&answer["url"]).split_once("/?token=").unwrap().0.to_owned()
        };
        assert_eq!(asked(&bench.emulator).await, origin, "{host}");
        assert_eq!(asked(&public).await, "http://localhost:1", "{host}");
    }
}

/// As long as this crate's client takes them.
#[tokio::test]
async fn long_user_ids() {
    let bench = bench().await;
    let longest = "u".repeat(1024);
    let tracked = bench.emulator.client().track(&longest, Track::new("withdrawal")).await.unwrap();
    assert_eq!(bench.validate(tracked.token.unwrap().secret()).await["userId"], longest);
    assert_eq!(bench.open(tracked.url.unwrap().secret(), "").await.0, 200);
    assert_eq!(bench.get(&format!("/users/{longest}")).await.0, 200);
    assert_eq!(bench.get(&format!("/users/{longest}u")).await.0, 400);
}
