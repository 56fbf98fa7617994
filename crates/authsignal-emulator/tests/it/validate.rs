//! What `validate` says, row by row.
use authsignal_client::ActionState;
use authsignal_emulator::Outcome;
use serde_json::json;

use crate::support::{bench, returned, text};

#[tokio::test]
async fn a_completed_challenge_is_valid_for_as_long_as_its_token() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let tracked = bench.track().await;
    bench.advance(20);
    let back = bench.emulator.succeed(text(&tracked["url"])).unwrap();
    let token = returned(&back);
    assert_ne!(token, text(&tracked["token"]), "a fresh one");
    let expected = json!({
        "isValid": true, "state": "CHALLENGE_SUCCEEDED", "stateUpdatedAt": "2026-01-15T10:00:20.000Z", "userId": "ada",
        "action": "withdrawal", "actionCode": "withdrawal", "idempotencyKey": tracked["idempotencyKey"],
        "verificationMethod": "EMAIL_OTP"
    });
    assert_eq!(bench.validate(&token).await, expected);
    assert_eq!(bench.validate(&token).await, expected, "tokens are not used up");
    let with = json!({ "token": token, "userId": "ada", "action": "withdrawal" });
    assert_eq!(bench.post("/validate", with).await, (200, expected.clone()));

    bench.advance(585);
    assert_eq!(
        bench.validate(text(&tracked["token"])).await["isValid"],
        false,
        "the first token's ten minutes are over"
    );
    assert_eq!(bench.validate(&token).await, expected, "the second's are not");
    bench.advance(15);
    assert_eq!(bench.validate(&token).await, json!({ "isValid": false, "error": "Token is invalid." }));
}

#[tokio::test]
async fn nothing_done_yet_or_quit() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let tracked = bench.track().await;
    let quit = returned(&bench.emulator.quit(text(&tracked["url"])).unwrap());
    for token in [text(&tracked["token"]), &quit] {
        let answer = bench.validate(token).await;
        assert_eq!((&answer["isValid"], &answer["state"]), (&json!(false), &json!("CHALLENGE_REQUIRED")));
        assert_eq!((&answer["userId"], &answer["action"]), (&json!("ada"), &json!("withdrawal")));
        assert_eq!(answer["idempotencyKey"], tracked["idempotencyKey"]);
    }
}

#[tokio::test]
async fn states_without_a_challenge() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    for (outcome, state) in [(Outcome::Allow, "ALLOW"), (Outcome::Block, "BLOCK"), (Outcome::Review, "REVIEW_REQUIRED")]
    {
        bench.emulator.set_outcome("withdrawal", outcome);
        let tracked = bench.track().await;
        let answer = bench.validate(text(&tracked["token"])).await;
        assert_eq!((&answer["isValid"], &answer["state"]), (&json!(false), &json!(state)));
    }
}

#[tokio::test]
async fn an_operator_decides() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let tracked = bench.track_with(json!({ "idempotencyKey": "k" })).await;
    for (state, valid) in [
        (ActionState::ReviewSucceeded, false),
        (ActionState::ReviewFailed, false),
        (ActionState::ChallengeFailed, false),
        (ActionState::Unknown("FROM_TOMORROW".into()), false),
        (ActionState::ChallengeSucceeded, true),
    ] {
        bench.emulator.set_state("ada", "withdrawal", "k", state.clone()).unwrap();
        let answer = bench.validate(text(&tracked["token"])).await;
        assert_eq!((&answer["isValid"], text(&answer["state"])), (&json!(valid), state.as_str()));
    }
    assert!(bench.emulator.set_state("ada", "withdrawal", "x", ActionState::Allow).is_err());
    assert!(bench.emulator.set_state("", "", "", ActionState::Allow).is_err());
}

#[tokio::test]
async fn the_wrong_user_or_action() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let tracked = bench.track().await;
    let token = returned(&bench.emulator.succeed(text(&tracked["url"])).unwrap());
    for (member, value, error) in [
        ("userId", "eve", "User is invalid."),
        ("userId", "", "User is invalid."),
        ("userId", "Ada", "User is invalid."),
        ("action", "delete", "Action is invalid."),
        ("action", "", "Action is invalid."),
    ] {
        let answer = bench.post("/validate", json!({ "token": token, member: value })).await;
        assert_eq!(answer, (200, json!({ "isValid": false, "error": error })), "{member}: {value:?}");
    }
}

#[tokio::test]
async fn tokens_that_are_none() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let token = text(&bench.track().await["token"]).to_owned();
    let (head, signature) = token.rsplit_once('.').unwrap();
    let other = signature.chars().rev().collect::<String>();
    for forged in ["x", "a.b.c", "null", &format!("{head}."), &format!("{head}.{other}"), &"x".repeat(20_000)] {
        assert_eq!(bench.validate(forged).await, json!({ "isValid": false, "error": "Token is invalid." }));
    }
    for body in [json!({}), json!({ "token": "" }), json!({ "token": null }), json!({ "token": 7 })] {
        let (status, answer) = bench.post("/validate", body.clone()).await;
        assert_eq!((status, &answer["error"]), (400, &json!("invalid_request")), "{body}");
    }
}

#[tokio::test]
async fn the_token_of_another_emulator() {
    let (here, there) = (bench().await, bench().await);
    assert_ne!(here.emulator.tenant_id(), there.emulator.tenant_id());
    for bench in [&here, &there] {
        bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    }
    let foreign = there.track_with(json!({ "idempotencyKey": "k", "redirectUrl": "https://a.example" })).await;
    let known = here.track_with(json!({ "idempotencyKey": "k", "redirectUrl": "https://a.example" })).await;
    there.emulator.succeed(text(&foreign["url"])).unwrap();
    here.emulator.succeed(text(&known["url"])).unwrap();
    assert_eq!(there.validate(text(&foreign["token"])).await["isValid"], true);
    assert_eq!(here.validate(text(&foreign["token"])).await, json!({ "isValid": false, "error": "Token is invalid." }));
    assert!(here.emulator.succeed(text(&foreign["url"])).is_err());
}
