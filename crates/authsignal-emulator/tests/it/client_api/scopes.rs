//! What a token may do with its user's methods.
use reqwest::Method;
use serde_json::{Value, json};

use super::{ADD, ALL, code, error};
use crate::support::{Bench, bench, read, text};

const READ: &str = "read:authenticators";
const UPDATE: &str = "update:authenticators";
const REMOVE: &str = "remove:authenticators";

async fn listed(bench: &Bench, token: &str) -> Value {
    read(bench.client(Method::GET, "/user-authenticators").bearer_auth(token).send().await.unwrap()).await.1
}

#[tokio::test]
async fn each_scope_permits_its_own() {
    for (scope, add, replace, update, remove) in [
        (None, false, false, false, false),
        (Some(READ), false, false, false, false),
        (Some(ADD), true, true, false, false),
        (Some(UPDATE), false, true, true, false),
        (Some(REMOVE), false, false, false, true),
        (Some("add:authenticators remove:authenticators"), true, true, false, true),
        (Some("everything"), false, false, false, false),
        (Some(ALL), true, true, true, true),
    ] {
        let bench = bench().await;
        bench.emulator.user("ada").enroll_email_otp("ada@example.com").enroll_authenticator_app();
        let token = bench.token_with(json!({ "scope": scope })).await;
        let outcome = |(status, answer): (u16, Value)| match status {
            200 => true,
            _ => {
                assert_eq!(error(&(status, answer)), (401, "unauthorized"), "{scope:?}");
                false
            }
        };
        let sms = json!({ "phoneNumber": "+64270000000" });
        assert_eq!(outcome(bench.ask(&token, "/user-authenticators/sms", sms).await), add, "{scope:?} adds");
        for path in ["totp", "passkey/registration-options", "security-key/registration-options"] {
            let answer = bench.ask(&token, &format!("/user-authenticators/{path}"), json!({})).await;
            assert_eq!(outcome(answer), add, "{scope:?} adds {path}");
        }
        let email = json!({ "email": "new@example.com" });
        assert_eq!(outcome(bench.ask(&token, "/user-authenticators/email-otp", email).await), replace, "{scope:?}");

        let known = listed(&bench, &token).await;
        assert_eq!(known.as_array().unwrap().len(), 2, "every token reads");
        let path = format!("/user-authenticators/{}", text(&known[1]["userAuthenticatorId"]));
        let patch =
            bench.client(Method::PATCH, &path).bearer_auth(&token).json(&json!({ "previousSmsChannel": "DEFAULT" }));
        assert_eq!(outcome(read(patch.send().await.unwrap()).await), update, "{scope:?} updates");
        let delete = bench.client(Method::DELETE, &path).bearer_auth(&token);
        assert_eq!(outcome(read(delete.send().await.unwrap()).await), remove, "{scope:?} removes");
        assert_eq!(listed(&bench, &token).await.as_array().unwrap().len(), 2 - usize::from(remove));
    }
}

#[tokio::test]
async fn one_more_method_proves_nothing_but_its_token_may_do_everything() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_authenticator_app();
    let token = bench.token_with(json!({ "scope": ADD })).await;
    bench.asked(&token, "/user-authenticators/email-otp", json!({ "email": "ada@example.com" })).await;
    let verified = bench.asked(&token, "/verify/email-otp", json!({ "verificationCode": code(&bench.emulator) })).await;
    assert_eq!(verified["userAuthenticator"]["email"], "ada@example.com");
    assert_eq!(super::claims(text(&verified["accessToken"]))["scope"], ALL);
    assert_eq!(bench.state(), "CHALLENGE_REQUIRED");
    assert_eq!(bench.validate(text(&verified["accessToken"])).await["isValid"], false);
    assert_eq!(listed(&bench, &token).await.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_new_address_takes_the_place_of_the_old_one_by_update_alone() {
    for (scope, left) in [(UPDATE, vec!["new@example.com"]), (ALL, vec!["old@example.com", "new@example.com"])] {
        let bench = bench().await;
        bench.emulator.user("ada").enroll_email_otp("old@example.com");
        let token = bench.token_with(json!({ "scope": scope })).await;
        bench.asked(&token, "/user-authenticators/email-otp", json!({ "email": "new@example.com" })).await;
        assert_eq!(listed(&bench, &token).await.as_array().unwrap().len(), 1, "not before it is proved");
        bench.asked(&token, "/verify/email-otp", json!({ "verificationCode": code(&bench.emulator) })).await;
        let known = listed(&bench, &token).await;
        let addresses: Vec<_> = known.as_array().unwrap().iter().map(|known| text(&known["email"])).collect();
        assert_eq!(addresses, left, "{scope}");
        assert_eq!(bench.state(), "CHALLENGE_REQUIRED", "a new address proves nothing");
    }
}

#[tokio::test]
async fn the_token_of_a_proof_manages_methods() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let token = bench.token().await;
    let refused = bench.ask(&token, "/user-authenticators/totp", json!({})).await;
    assert_eq!(error(&refused), (401, "unauthorized"));
    bench.asked(&token, "/challenge/email-otp", json!({})).await;
    let verified = bench.asked(&token, "/verify/email-otp", json!({ "verificationCode": code(&bench.emulator) })).await;
    bench.asked(text(&verified["accessToken"]), "/user-authenticators/totp", json!({})).await;
    let still = bench.ask(&token, "/user-authenticators/totp", json!({})).await;
    assert_eq!(error(&still), (401, "unauthorized"), "the token before may no more than it might");
}

#[tokio::test]
async fn a_method_of_somebody_else_and_the_last_one_stay() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    bench.emulator.user("eve").enroll_email_otp("eve@example.com").enroll_sms("+64270000000");
    let ada = bench.token_with(json!({ "scope": ALL })).await;
    let (_, eve) = bench.post("/users/eve/actions/withdrawal", json!({})).await;
    let (of_ada, of_eve) = (listed(&bench, &ada).await, listed(&bench, text(&eve["token"])).await);
    for (id, status, why) in [
        (&of_eve[0]["userAuthenticatorId"], 404, "eve's"),
        (&json!("unknown"), 404, "nobody's"),
        (&of_ada[0]["userAuthenticatorId"], 400, "the last"),
    ] {
        let path = format!("/user-authenticators/{}", text(id));
        let answer = read(bench.client(Method::DELETE, &path).bearer_auth(&ada).send().await.unwrap()).await;
        assert_eq!(error(&answer).0, status, "{why}");
    }
    bench.emulator.user("ada").enroll_sms("+64271111111");
    let path = format!("/user-authenticators/{}", text(&of_ada[0]["userAuthenticatorId"]));
    let answer = read(bench.client(Method::DELETE, &path).bearer_auth(&ada).send().await.unwrap()).await;
    assert_eq!(answer, (200, json!({ "success": true })));
    assert_eq!(listed(&bench, &ada).await[0]["verificationMethod"], "SMS");
}
