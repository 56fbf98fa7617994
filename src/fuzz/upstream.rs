//! Answers of the service, from a kept corpus and at random, as the client reads them and a second time as plain JSON.
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use authsignal_client::{Client, IdempotencyKey, Track, Validate};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use serde_json::Value;

use super::{Target, fuzz};

const TARGET: Target = Target {
    name: "upstream",
    share: 2_000,
    words: &[
        "\"state\":\"ALLOW\"",
        "\"isValid\":true",
        "\"isValid\":\"true\"",
        "\"idempotencyKey\":\"attempt-1\"",
        ",",
        ":",
        "{",
        "}",
        "[",
        "null",
        "\\ud800",
        "\\u0000",
        "1e999",
        "CHALLENGE_SUCCEEDED",
        "canary-token",
    ],
};

const STATUSES: [u16; 8] = [200, 200, 200, 200, 201, 401, 422, 503];
const SECRET: &str = "canary-secret";
const TOKEN: &str = "canary-token";

/// What is in a body that was read, where plain JSON reads it too. It does not take half of a pair of surrogates, as the client
/// does, and it looks at members that the client skips: these may be no UTF-8, hold huge numbers, or be nested deeply.
fn plain(body: &[u8]) -> Option<Value> {
    let value: Result<Value, _> = serde_json::from_str(&String::from_utf8_lossy(body));
    let why = value.as_ref().err().map(ToString::to_string).unwrap_or_default();
    let is_stricter = why.starts_with("number out of range") || why.starts_with("recursion limit exceeded");
    assert!(value.is_ok() || is_stricter || body.windows(2).any(|pair| pair == b"\\u"), "{why}");
    value.ok()
}

/// T74, T97: no decision and no proof is read that is not written there, and no error repeats a secret.
#[test]
fn t74_t97_a_fuzzed_answer_says_no_more_than_is_written() {
    let answer = Arc::new(Mutex::new((200, Bytes::new())));
    let shared = Arc::clone(&answer);
    let transport = tower::service_fn(move |_: Request<Bytes>| {
        let (status, body) = shared.lock().unwrap().clone();
        async move { Ok::<_, Infallible>(Response::builder().status(status).body(Full::new(body)).unwrap()) }
    });
    let client = Client::builder(SECRET).retries(0).transport(transport).build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    fuzz(&TARGET, |input, random| {
        let status = random.pick(&STATUSES);
        *answer.lock().unwrap() = (status, Bytes::copy_from_slice(input));
        let track = Track::new("pay").idempotency_key(IdempotencyKey::new("attempt-1").unwrap());
        let validate = Validate::new(TOKEN);
        let (tracked, validated) = runtime
            .block_on(async { (client.track_decision("ada", track).await, client.validate_challenge(validate).await) });
        let mut taken = false;
        match tracked {
            Ok(tracked) => {
                taken = true;
                assert!((200..300).contains(&status));
                if let Some(body) = plain(input) {
                    assert!(body.is_object());
                    assert_eq!(serde_json::to_value(&tracked.state).unwrap(), body["state"]);
                    assert_eq!(body["idempotencyKey"], "attempt-1");
                    assert_eq!(body["isEnrolled"].as_bool(), tracked.is_enrolled);
                    assert_eq!(body["url"].is_string(), tracked.url.is_some());
                }
            }
            Err(error) => hides(&error, &[SECRET]),
        }
        match validated {
            Ok(validated) if validated.is_valid => {
                taken = true;
                assert!((200..300).contains(&status));
                if let Some(body) = plain(input) {
                    assert_eq!(body["isValid"], true);
                    assert_eq!(body["state"].is_null(), validated.state.is_none());
                    if let Some(state) = &validated.state {
                        assert_eq!(serde_json::to_value(state).unwrap(), body["state"]);
                    }
                    assert_eq!(body["userId"].as_str(), validated.user_id.as_deref());
                    assert_eq!(body["idempotencyKey"].as_str(), validated.idempotency_key.as_deref());
                    let action = body["action"].as_str().or(body["actionCode"].as_str());
                    assert_eq!(action, validated.action.as_deref());
                }
            }
            Ok(_) => {}
            Err(error) => hides(&error, &[SECRET, TOKEN]),
        }
        taken
    });
}

/// Neither the error nor its debug form nor a cause of it repeats what was sent.
fn hides(error: &authsignal_client::Error, secrets: &[&str]) {
    let mut shown = format!("{error:?} {error:#?}");
    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = next {
        shown += &format!(" {error}");
        next = error.source();
    }
    for secret in secrets {
        assert!(!shown.contains(secret), "{shown}");
    }
}
