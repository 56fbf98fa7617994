//! The challenge page without a script: what it shows, what its forms do, where it sends the browser.
mod enrol;
mod key;
mod outcomes;
mod proof;
mod settings;
mod tenant;
mod words;

use authsignal_client::ActionState;
use authsignal_emulator::Outcome;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::support::{Bench, bench, location, returned, text};

async fn url_and_token(bench: &Bench) -> (String, String) {
    let answer = bench.track().await;
    (text(&answer["url"]).to_owned(), text(&answer["token"]).to_owned())
}

fn state(bench: &Bench) -> ActionState {
    bench.emulator.actions("ada")[0].state.clone()
}

#[tokio::test]
async fn a_code_by_email() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let (url, token) = url_and_token(&bench).await;
    assert!(bench.emulator.messages().is_empty(), "nothing is sent before the user is there");

    let (status, html) = bench.open(&url, "").await;
    assert_eq!(status, 200);
    let code = bench.emulator.code_for("ada").unwrap();
    for part in [
        "<h1>Withdrawal</h1>",
        "a•••@example.com",
        "autocomplete=\"one-time-code\"",
        "inputmode=\"numeric\"",
        "Message to ada@example.com",
        &code,
        "app.example.com",
    ] {
        assert!(html.contains(part), "{part}");
    }
    bench.open(&url, "").await;
    assert_eq!(bench.emulator.messages().len(), 1, "loading the page again sends nothing");

    let wrong = bench.submit(&token, &[("step", "verify"), ("view", "EMAIL_OTP"), ("code", "nope")]).await;
    assert_eq!(wrong.status(), 422);
    assert!(wrong.text().await.unwrap().contains("That code is wrong or has expired"));
    assert_eq!(bench.emulator.messages().len(), 1, "a mistake doesn't void the code");

    bench.advance(10);
    let right = bench.submit(&token, &[("step", "verify"), ("view", "EMAIL_OTP"), ("code", &code)]).await;
    assert_eq!(right.status(), 303);
    let fresh = returned(location(&right));
    assert_ne!(fresh, token);
    let answer = bench.validate(&fresh).await;
    assert_eq!((&answer["isValid"], &answer["verificationMethod"]), (&json!(true), &json!("EMAIL_OTP")));
}

#[tokio::test]
async fn a_code_is_sent_again_on_request_and_expires() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let (url, token) = url_and_token(&bench).await;
    bench.open(&url, "").await;
    let again = bench.submit(&token, &[("step", "send"), ("view", "EMAIL_OTP")]).await;
    assert_eq!(again.status(), 303);
    let (_, html) = bench.open(bench.emulator.origin(), location(&again)).await;
    assert!(html.contains("We have sent you a new code."));
    assert_eq!(bench.emulator.messages().len(), 2);

    bench.advance(595);
    let late = bench.track_with(json!({ "idempotencyKey": text(&json!(key(&bench))) })).await;
    let code = bench.emulator.code_for("ada").unwrap();
    bench.advance(5);
    let fields = [("step", "verify"), ("view", "EMAIL_OTP"), ("code", &*code)];
    assert_eq!(bench.submit(text(&late["token"]), &fields).await.status(), 422, "ten minutes are over for the code");
    assert_eq!(bench.submit(&token, &fields).await.status(), 401, "and for the first link");
}

fn key(bench: &Bench) -> String {
    bench.emulator.actions("ada")[0].idempotency_key.to_string()
}

#[tokio::test]
async fn attempts_are_counted() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let (url, token) = url_and_token(&bench).await;
    bench.open(&url, "").await;
    let code = bench.emulator.code_for("ada").unwrap();
    let give = async |code: &str| {
        let response = bench.submit(&token, &[("step", "verify"), ("view", "EMAIL_OTP"), ("code", code)]).await;
        (response.status().as_u16(), response.text().await.unwrap())
    };
    for _ in 0..9 {
        assert!(give("wrong").await.1.contains("wrong or has expired"));
    }
    assert!(give("wrong").await.1.contains("Too many attempts"));
    assert!(give(&code).await.1.contains("Too many attempts"), "not even the right one");
    assert_eq!(state(&bench), ActionState::ChallengeRequired);

    bench.advance(300);
    assert_eq!(give(&code).await.0, 422, "the code is void");
    bench.submit(&token, &[("step", "send"), ("view", "EMAIL_OTP")]).await;
    assert_eq!(give(&bench.emulator.code_for("ada").unwrap()).await.0, 303);
}

#[tokio::test]
async fn a_code_from_an_app_is_taken_once() {
    let bench = bench().await;
    let app = bench.emulator.user("ada").enroll_authenticator_app();
    let (url, token) = url_and_token(&bench).await;
    let (_, html) = bench.open(&url, "").await;
    assert!(html.contains("Open your authenticator app") && html.contains(&app.code()));
    assert!(bench.emulator.messages().is_empty());
    let code = app.code();
    let fields = [("step", "verify"), ("view", "AUTHENTICATOR_APP"), ("code", &*code)];
    assert_eq!(bench.submit(&token, &fields).await.status(), 303);

    let (_, second) = url_and_token(&bench).await;
    assert_eq!(bench.submit(&second, &fields).await.status(), 422, "the same code again");
    bench.advance(30);
    let code = app.code();
    let fields = [("step", "verify"), ("view", "AUTHENTICATOR_APP"), ("code", &*code)];
    assert_eq!(bench.submit(&second, &fields).await.status(), 303);
}

#[tokio::test]
async fn another_method_can_be_chosen() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com").enroll_authenticator_app();
    let (url, _) = url_and_token(&bench).await;
    let (_, html) = bench.open(&url, "&view=methods").await;
    assert!(html.contains("Code by e-mail") && html.contains("Authenticator app"));
    assert!(bench.emulator.messages().is_empty());
    assert!(bench.open(&url, "&view=AUTHENTICATOR_APP").await.1.contains("Open your authenticator app"));
    assert!(bench.open(&url, "&view=EMAIL_OTP").await.1.contains("We sent a 6-digit code"));
    assert!(
        bench.open(&url, "&view=SMS").await.1.contains("We sent a 6-digit code"),
        "not one the user has: the default"
    );
}

#[tokio::test]
async fn enrolment_can_be_put_off_unless_it_is_forced() {
    let bench = bench().await;
    let (url, token) = url_and_token(&bench).await;
    let later = bench.submit(&token, &[("step", "quit")]).await;
    let answer = bench.validate(&returned(location(&later))).await;
    assert_eq!((&answer["isValid"], &answer["state"]), (&json!(false), &json!("ALLOW")));
    for view in ["", "&view=EMAIL_OTP", "&view=AUTHENTICATOR_APP", "&view=PUSH"] {
        assert!(bench.open(&url, view).await.1.contains("Not now"), "{view}");
        let forced = bench.open(&url, &format!("&force_enrollment=true{view}")).await.1;
        assert!(!forced.contains("Not now") && forced.contains("name=\"force_enrollment\""), "{view}");
    }
}

#[tokio::test]
async fn quitting_and_failing() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let (_, token) = url_and_token(&bench).await;
    let quit = bench.submit(&token, &[("step", "quit")]).await;
    assert_eq!(bench.validate(&returned(location(&quit))).await["state"], "CHALLENGE_REQUIRED");
    let failed = bench.submit(&token, &[("step", "decline")]).await;
    assert_eq!(bench.validate(&returned(location(&failed))).await["state"], "CHALLENGE_FAILED");
}

#[tokio::test]
async fn actions_that_ask_for_nothing() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    for (outcome, part, button) in [
        (Outcome::Allow, "You can carry on without confirming this.", "Continue"),
        (Outcome::Block, "This was blocked.", "Go back"),
        (Outcome::Review, "This has to be reviewed by a person first.", "Go back"),
    ] {
        bench.emulator.set_outcome("withdrawal", outcome);
        let (url, _) = url_and_token(&bench).await;
        let (status, html) = bench.open(&url, "").await;
        assert!(status == 200 && html.contains(part) && html.contains(button), "{outcome:?}");
    }
    assert!(bench.emulator.messages().is_empty());

    bench.emulator.set_outcome("withdrawal", Outcome::Challenge);
    let (url, token) = url_and_token(&bench).await;
    bench.emulator.succeed(&url).unwrap();
    assert!(bench.open(&url, "").await.1.contains("You have confirmed this already."));
    let on = bench.submit(&token, &[("step", "quit")]).await;
    assert_eq!(bench.validate(&returned(location(&on))).await["isValid"], true);
}

#[tokio::test]
async fn without_a_way_back() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let tracked = bench.track_with(json!({})).await;
    bench.open(text(&tracked["url"]), "").await;
    let code = bench.emulator.code_for("ada").unwrap();
    let fields = [("step", "verify"), ("view", "EMAIL_OTP"), ("code", &*code)];
    let done = bench.submit(text(&tracked["token"]), &fields).await;
    assert_eq!(done.status(), 200);
    assert!(done.text().await.unwrap().contains("Thank you. You may close this window."));
    assert_eq!(state(&bench), ActionState::ChallengeSucceeded);
}

#[tokio::test]
async fn everything_foreign_is_escaped() {
    let bench = bench().await;
    let evil = "\"><script>alert(1)</script>";
    bench.track_with(json!({ "email": evil, "custom": { evil: evil, "ok": true, "tags": ["a", evil] } })).await;
    let url = text(&bench.track_with(json!({ "email": evil, "custom": { evil: evil } })).await["url"]).to_owned();
    for view in ["", "&view=EMAIL_OTP", "&view=AUTHENTICATOR_APP", "&view=%22%3E%3Cscript%3E", "&mode=popup"] {
        let (_, html) = bench.open(&url, view).await;
        assert!(html.contains("&#60;script") && !html.contains("<script>alert"), "{view}");
    }
}

/// T21: what is confirmed is all that is shown, and where a code goes, and two lists of other texts do not look the same.
#[tokio::test]
async fn t21_nothing_that_is_confirmed_is_unseen() {
    let bench = bench().await;
    let custom = json!({ "to\u{200b}": "bob\u{202e}", "names": ["a, b", "c", "\u{2066}"] });
    bench.emulator.user("ada").enroll_email_otp("a@ex\u{200d}ample.com");
    let asked = bench.track_with(json!({ "custom": custom })).await;
    for view in ["", "&view=EMAIL_OTP", "&mode=popup"] {
        let (_, html) = bench.open(text(&asked["url"]), view).await;
        for shown in ["<dt>To[U+200B]</dt><dd>bob[U+202E]</dd>", "<dd>&#34;a, b&#34;, c, [U+2066]</dd>"] {
            assert!(html.contains(shown), "{view} {shown}: {html}");
        }
        assert!(html.contains("@ex[U+200D]ample.com"), "{view}: {html}");
        assert!(!html.contains(['\u{200b}', '\u{200d}', '\u{202e}', '\u{2066}']), "{view}: {html}");
    }
}

#[tokio::test]
async fn the_policy_admits_the_pages_own_scripts_and_style() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_push("Ada’s phone").enroll_email_otp("ada@example.com");
    let (url, _) = url_and_token(&bench).await;
    let first = text(&bench.post("/users/new/actions/a", json!({})).await.1["url"]).to_owned();
    let localhost = bench.emulator.origin().replace("http://127.0.0.1", "localhost");
    for (url, scripts) in [
        (format!("{url}&view=EMAIL_OTP"), 0),
        (format!("{url}&view=EMAIL_OTP&mode=popup"), 1),
        (format!("{url}&view=PUSH"), 1),
        (format!("{url}&view=PUSH&mode=popup"), 2),
        (format!("{first}&view=PASSKEY"), 1),
        (format!("{first}&view=PASSKEY&mode=popup"), 2),
    ] {
        let response = bench.http.get(&url).header("host", &localhost).send().await.unwrap();
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        let html = response.text().await.unwrap();
        assert_eq!(html.matches("<script>").count(), scripts, "{url}");
        for tag in ["script", "style"] {
            for rest in html.split(&format!("<{tag}>")).skip(1) {
                let inner = rest.split_once(&format!("</{tag}>")).unwrap().0;
                let hash = STANDARD.encode(digest(&SHA256, inner.as_bytes()));
                assert!(policy.contains(&format!("'sha256-{hash}'")), "{url}: {inner}");
            }
        }
        assert!(!html.contains(" style=") && !html.contains(" onclick="), "{url}");
    }
}

#[tokio::test]
async fn headers_protect_and_let_it_be_embedded() {
    let bench = bench().await;
    let (url, token) = url_and_token(&bench).await;
    let broken = format!("{}/?token=x", bench.emulator.origin());
    let responses = [
        bench.http.get(url).send().await.unwrap(),
        bench.http.get(broken).send().await.unwrap(),
        bench.submit(&token, &[("step", "quit")]).await,
    ];
    for response in responses {
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap());
        let policy = header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"));
        assert!(!policy.contains("form-action") && !policy.contains("frame-ancestors"));
        assert_eq!(header("referrer-policy"), Some("no-referrer"));
        assert_eq!(header("cache-control"), Some("no-store"));
        assert_eq!((header("x-frame-options"), header("cross-origin-opener-policy")), (None, None));
    }
}
