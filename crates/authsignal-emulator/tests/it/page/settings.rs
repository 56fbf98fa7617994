//! The menu of the user's methods.
use serde_json::{Value, json};

use crate::support::{BACK, Bench, after, bench, hidden, location, returned, shown, text};

const ALL: &str = "read:authenticators add:authenticators update:authenticators remove:authenticators";

async fn settings(bench: &Bench, scope: Option<&str>) -> (String, String) {
    let body = json!({ "redirectUrl": BACK, "redirectToSettings": true, "scope": scope });
    let tracked = bench.track_with(body).await;
    (text(&tracked["url"]).to_owned(), text(&tracked["token"]).to_owned())
}

async fn methods(bench: &Bench) -> Value {
    bench.get("/users/ada").await.1["enrolledVerificationMethods"].clone()
}

/// The item of the method that has this hint.
fn item(html: &str, hint: &str) -> String {
    let (_, rest) = html.split_once(hint).expect(hint);
    hidden(rest, "item")
}

#[tokio::test]
async fn they_come_after_the_challenge() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let (url, token) = settings(&bench, None).await;
    let (_, html) = bench.open(&url, "").await;
    assert!(html.contains("We sent a 6-digit code"));
    for view in ["add", "remove", "settings", "SMS"] {
        let (_, html) = bench.open(&url, &format!("&view={view}")).await;
        assert!(html.contains("We sent a 6-digit code"), "{view}");
    }
    let code = bench.emulator.code_for("ada").unwrap();
    let proved = bench.submit(&token, &[("step", "verify"), ("view", "EMAIL_OTP"), ("code", &code)]).await;
    assert_eq!(proved.status(), 303);
    let menu = location(&proved).to_owned();
    assert!(menu.starts_with("/?token=") && !menu.contains(&token), "with a token that may do more");
    let (_, html) = bench.open(bench.emulator.origin(), &menu).await;
    for part in ["<h1>How you confirm</h1>", "a•••@example.com", "The last one can’t be removed.", "Add a method"]
    {
        assert!(html.contains(part), "{part}");
    }
    let fresh = hidden(&html, "token");
    let done = bench.submit(&fresh, &[("step", "quit")]).await;
    assert_eq!(bench.validate(&returned(location(&done))).await["isValid"], true);

    // The token that led here gives nobody the settings, though the action is proved now.
    let (_, html) = bench.open(&url, "").await;
    assert!(html.contains("You have confirmed this already.") && !html.contains("How you confirm"));
    let on = bench.submit(&token, &[("step", "on")]).await;
    assert!(location(&on).starts_with("https://app.example.com/back"));
}

#[tokio::test]
async fn who_may_do_everything_needs_no_challenge() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    for scope in ["add:authenticators", "add:authenticators remove:authenticators", "read:authenticators"] {
        let (url, _) = settings(&bench, Some(scope)).await;
        assert!(bench.open(&url, "").await.1.contains("We sent a 6-digit code"), "{scope}");
    }
    let (url, token) = settings(&bench, Some(ALL)).await;
    assert!(bench.open(&url, "").await.1.contains("<h1>How you confirm</h1>"));
    let done = bench.submit(&token, &[("step", "quit")]).await;
    assert_eq!(bench.validate(&returned(location(&done))).await["state"], "CHALLENGE_REQUIRED", "nothing was proved");
}

#[tokio::test]
async fn a_first_method_comes_before_them() {
    let bench = bench().await;
    let (url, token) = settings(&bench, None).await;
    assert!(bench.open(&url, "").await.1.contains("Set up verification"));
    let done = bench.submit(&token, &[("step", "phone"), ("view", "PUSH"), ("answer", "pair")]).await;
    let html = done.text().await.unwrap();
    assert!(html.contains("<h1>Recovery codes</h1>"));
    let menu = bench.submit_and_see(&hidden(&html, "token"), &[("step", "on")]).await;
    assert!(menu.contains("<h1>How you confirm</h1>") && menu.contains("Emulated phone"));
}

#[tokio::test]
async fn a_method_is_added() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let (url, token) = settings(&bench, Some(ALL)).await;
    let (_, html) = bench.open(&url, "&view=add").await;
    assert!(html.contains("Code by text message") && html.contains("Authenticator app"));

    let (_, html) = bench.open(&url, "&view=AUTHENTICATOR_APP").await;
    assert!(html.contains("<h1>Authenticator app</h1>") && !html.contains("Not now"));
    let code = shown(&html);
    let added =
        bench.submit_and_see(&token, &[("step", "verify"), ("view", "AUTHENTICATOR_APP"), ("code", &code)]).await;
    assert!(added.contains("Authenticator app is set up.") && added.contains("<h1>How you confirm</h1>"));

    let html =
        bench.submit_and_see(&token, &[("step", "address"), ("view", "SMS"), ("phone", "+64 27 000 0123")]).await;
    assert!(html.contains("•••123"));
    let code = bench.emulator.code_for("ada").unwrap();
    let added = bench.submit_and_see(&token, &[("step", "verify"), ("view", "SMS"), ("code", &code)]).await;
    assert!(added.contains("Code by text message (•••123) is set up."));
    assert_eq!(methods(&bench).await, json!(["EMAIL_OTP", "AUTHENTICATOR_APP", "SMS"]));
    assert_eq!(bench.emulator.actions("ada")[0].state.as_str(), "CHALLENGE_REQUIRED", "one more proves nothing");
}

#[tokio::test]
async fn a_method_is_removed_but_not_the_last() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com").enroll_sms("+64270000123");
    let (url, token) = settings(&bench, Some(ALL)).await;
    let (_, html) = bench.open(&url, "").await;
    let link = after(&html[html.find("a•••@example.com").unwrap()..], "<a href=\"").replace("&#38;", "&");
    let (_, html) = bench.open(bench.emulator.origin(), &link).await;
    assert!(html.contains("Remove <strong>Code by e-mail (a•••@example.com)</strong>?") && html.contains("Keep it"));
    let email = hidden(&html, "item");
    let html = bench.submit_and_see(&token, &[("step", "remove"), ("item", &email)]).await;
    assert!(html.contains("It was removed.") && !html.contains("a•••@example.com"));
    assert_eq!(methods(&bench).await, json!(["SMS"]));

    let last = bench.get("/users/ada/authenticators").await.1[0]["userAuthenticatorId"].clone();
    for item in [text(&last), &email, "", "nonsense"] {
        bench.submit_and_see(&token, &[("step", "remove"), ("item", item)]).await;
    }
    assert_eq!(methods(&bench).await, json!(["SMS"]), "the last one stays");
}

#[tokio::test]
async fn another_method_becomes_the_default() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com").enroll_sms("+64270000123");
    let (url, token) = settings(&bench, Some(ALL)).await;
    let (_, html) = bench.open(&url, "").await;
    let default = |html: &str| html.split_once("class=\"tag\">Default").unwrap().0.len();
    assert!(default(&html) < html.find("•••123").unwrap(), "the first is");
    let html = bench.submit_and_see(&token, &[("step", "default"), ("item", &item(&html, "•••123"))]).await;
    assert!(html.contains("It is asked for first from now on."));
    assert!(html.find("•••123").unwrap() < html.find("a•••@example.com").unwrap());
    assert_eq!(bench.track().await["defaultVerificationMethod"], "SMS");
}

#[tokio::test]
async fn nothing_is_changed_without_them() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com").enroll_sms("+64270000123");
    let items = bench.get("/users/ada/authenticators").await.1;
    let sms = text(&items[1]["userAuthenticatorId"]);
    // The scope alone opens no settings, nor does the wish for them.
    let scoped = text(&bench.track_with(json!({ "redirectUrl": BACK, "scope": ALL })).await["token"]).to_owned();
    let wished = settings(&bench, None).await.1;
    for token in [scoped, wished] {
        for step in ["remove", "default"] {
            assert_eq!(bench.submit(&token, &[("step", step), ("item", sms)]).await.status(), 303);
        }
    }
    assert_eq!(methods(&bench).await, json!(["EMAIL_OTP", "SMS"]));
    assert_eq!(bench.track().await["defaultVerificationMethod"], "EMAIL_OTP");

    // Nor is there a way into them of an action that was refused.
    let (url, token) = settings(&bench, Some(ALL)).await;
    bench.submit(&token, &[("step", "decline")]).await;
    assert!(bench.open(&url, "").await.1.contains("The confirmation failed."));
    bench.submit(&token, &[("step", "remove"), ("item", sms)]).await;
    assert_eq!(methods(&bench).await, json!(["EMAIL_OTP", "SMS"]));
}
