//! What a test does with the emulator itself.
use std::time::Duration;

use authsignal_client::{ActionState, Track, Validate, VerificationMethod};
use authsignal_emulator::{Channel, Emulator, EmulatorError, Endpoint, Outcome};
use serde_json::json;

use crate::support::{bench, returned, text};

#[tokio::test]
async fn the_crates_own_client_gets_on_with_it() {
    let bench = bench().await;
    let client = bench.emulator.client();
    bench.emulator.user("ada/1 ä").enroll_email_otp("ada@example.com");
    let track = Track::new("withdrawal").redirect_url("https://app.example.com/back?flow=1#top");
    let tracked = client.track("ada/1 ä", track).await.unwrap();
    assert_eq!(tracked.state, ActionState::ChallengeRequired);
    assert_eq!(tracked.enrolled_verification_methods, [VerificationMethod::EmailOtp]);
    let back = bench.emulator.succeed(tracked.url.unwrap().secret()).unwrap();
    let validated = client.validate_challenge(Validate::new(returned(&back)).user_id("ada/1 ä")).await.unwrap();
    assert!(validated.is_valid);
    assert_eq!(validated.idempotency_key.as_deref(), Some(tracked.idempotency_key.as_str()));
}

#[tokio::test]
async fn everything_asked_is_remembered() {
    let bench = bench().await;
    bench.track_with(json!({ "email": "ada@example.com" })).await;
    bench.get("/users/ada%2F1?x=%20").await;
    bench.get("/nowhere").await;
    bench.post("/users/authenticators", json!({ "authenticators": [] })).await;
    let seen = bench.emulator.received_requests();
    assert_eq!(
        seen.iter().map(|request| request.endpoint).collect::<Vec<_>>(),
        [Endpoint::Track, Endpoint::GetUser, Endpoint::Unknown, Endpoint::BatchEnrollVerifiedAuthenticators]
    );
    assert_eq!(seen[0].json(), json!({ "email": "ada@example.com" }));
    assert!(seen[0].headers.contains_key("authorization"));
    assert_eq!((seen[1].method.as_str(), seen[1].path.as_str()), ("GET", "/v1/users/ada%2F1?x=%20"));
    assert_eq!(seen[1].json(), serde_json::Value::Null);
    assert_eq!((bench.emulator.calls(Endpoint::Track), bench.emulator.calls(Endpoint::ValidateChallenge)), (1, 0));
    bench.emulator.clear_received_requests();
    assert!(bench.emulator.received_requests().is_empty());
}

#[tokio::test]
async fn actions_and_messages_come_newest_first() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    assert_eq!(bench.emulator.code_for("ada"), None);
    for key in ["z", "a", "m"] {
        let tracked = bench.track_with(json!({ "idempotencyKey": key, "redirectUrl": "https://a.example" })).await;
        bench.emulator.succeed(text(&tracked["url"])).unwrap();
    }
    let keys: Vec<_> = bench.emulator.actions("ada").iter().map(|action| action.idempotency_key.to_string()).collect();
    assert_eq!(keys, ["m", "a", "z"]);
    let messages = bench.emulator.messages();
    assert_eq!(messages.len(), 3);
    assert_eq!((messages[0].channel, messages[0].to.as_str()), (Channel::Email, "ada@example.com"));
    assert_eq!(bench.emulator.code_for("ada"), messages[0].code);
    assert_eq!(bench.emulator.code_for("eve"), None);
}

#[tokio::test]
async fn succeed_uses_what_the_user_has() {
    let bench = bench().await;
    bench.emulator.user("app").enroll_authenticator_app();
    bench.emulator.user("mail").enroll_email_otp("mail@example.com");
    for (user, method) in [
        ("app", VerificationMethod::AuthenticatorApp),
        ("mail", VerificationMethod::EmailOtp),
        ("none", VerificationMethod::EmailOtp),
    ] {
        for attempt in 0..4 {
            let path = format!("/users/{user}/actions/withdrawal");
            let tracked = bench.post(&path, json!({ "redirectUrl": "https://a.example" })).await.1;
            bench.emulator.succeed(text(&tracked["url"])).unwrap();
            let action = &bench.emulator.actions(user)[0];
            assert_eq!(action.state, ActionState::ChallengeSucceeded, "{user}, {attempt}");
            assert_eq!(action.verification_method.as_ref(), Some(&method));
            assert!(bench.emulator.succeed(text(&tracked["url"])).is_ok(), "once more is just the way on");
        }
        assert!(bench.emulator.user(user).is_enrolled());
    }
}

#[tokio::test]
async fn what_cannot_be_done_is_said() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    for (outcome, state) in [
        (Outcome::Allow, ActionState::Allow),
        (Outcome::Block, ActionState::Block),
        (Outcome::Review, ActionState::ReviewRequired),
    ] {
        bench.emulator.set_outcome("withdrawal", outcome);
        let url = text(&bench.track().await["url"]).to_owned();
        for result in [bench.emulator.succeed(&url), bench.emulator.decline(&url)] {
            assert!(
                matches!(result, Err(EmulatorError::NothingToDo { state: found }) if found == state),
                "{outcome:?}"
            );
        }
        assert!(bench.emulator.quit(&url).is_ok(), "one can always leave");
    }
    bench.emulator.set_outcome("withdrawal", Outcome::Challenge);
    let bare = bench.track_with(json!({})).await;
    let Err(EmulatorError::NoRedirectUrl { token }) = bench.emulator.succeed(text(&bare["url"])) else { panic!() };
    assert_eq!(bench.validate(token.secret()).await["isValid"], true);

    let url = text(&bench.track().await["url"]).to_owned();
    bench.advance(600);
    assert!(matches!(bench.emulator.succeed(&url), Err(EmulatorError::ExpiredToken)));
    assert!(matches!(bench.emulator.quit("https://a.example/?token=x"), Err(EmulatorError::InvalidToken)));
    for url in ["", "nonsense", "https://a.example/", "https://a.example/?tok=x"] {
        assert!(matches!(bench.emulator.quit(url), Err(EmulatorError::NotAChallenge)), "{url}");
    }
}

#[tokio::test]
async fn declining_fails_the_challenge() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let tracked = bench.track().await;
    let token = returned(&bench.emulator.decline(text(&tracked["url"])).unwrap());
    let answer = bench.validate(&token).await;
    assert_eq!((&answer["isValid"], &answer["state"]), (&json!(false), &json!("CHALLENGE_FAILED")));
    assert!(bench.emulator.succeed(text(&tracked["url"])).is_err());
}

#[tokio::test]
async fn an_app_shows_codes_by_the_emulators_clock() {
    let bench = bench().await;
    let app = bench.emulator.user("ada").enroll_authenticator_app();
    let code = app.code();
    bench.advance(30);
    assert_ne!((app.code(), app.code().len()), (code, 7));
    assert_eq!(app.code().len(), 6);
    assert_eq!(app.secret().len(), 32, "160 bits");
}

#[tokio::test]
async fn dropping_it_frees_the_port_at_once() {
    let emulator = Emulator::start().await.unwrap();
    let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build().unwrap();
    let (origin, port) = (emulator.origin().to_owned(), emulator.origin().rsplit(':').next().unwrap().parse().unwrap());
    http.get(&origin).send().await.unwrap();
    drop(emulator);
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err(), "refused");
    assert!(http.get(&origin).send().await.is_err(), "and no answer on the connection that was open");
    let again = Emulator::builder().port(port).start().await.unwrap();
    assert_eq!(again.origin(), origin);
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_at_the_start() {
    let emulator = Emulator::start().await.unwrap();
    let port = emulator.origin().rsplit(':').next().unwrap().parse().unwrap();
    assert_eq!(Emulator::builder().port(port).start().await.unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
    for secret in ["", "with space", "new\nline"] {
        let refused = Emulator::builder().secret(secret).start().await.unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::InvalidInput, "{secret:?}");
    }
    assert_eq!(Emulator::builder().secret("s3cret").start().await.unwrap().secret(), "s3cret");
}

#[test]
fn it_can_be_dropped_outside_of_its_runtime() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let emulator = runtime.block_on(Emulator::start()).unwrap();
    drop(runtime);
    drop(emulator);
}
