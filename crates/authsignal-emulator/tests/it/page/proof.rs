//! Proving an action with each of the methods.
use authsignal_client::ActionState;
use authsignal_emulator::Channel;
use serde_json::json;

use super::{state, url_and_token};
use crate::support::{BACK, Bench, after, bench, hidden, location, returned, shown, text};

async fn proved_by(bench: &Bench, url: &str) -> String {
    let answer = bench.validate(&returned(url)).await;
    assert_eq!((&answer["isValid"], &answer["state"]), (&json!(true), &json!("CHALLENGE_SUCCEEDED")));
    text(&answer["verificationMethod"]).to_owned()
}

#[tokio::test]
async fn a_text_message_or_whatsapp_to_the_same_number() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_sms("+64270000123");
    let (url, token) = url_and_token(&bench).await;
    assert!(bench.open(&url, "").await.1.contains("•••123"));
    let (_, html) = bench.open(&url, "&view=methods").await;
    assert!(html.contains("Code by text message") && html.contains("Code by WhatsApp"));
    for (view, channel) in [("SMS", Channel::Sms), ("WHATSAPP", Channel::Whatsapp)] {
        bench.open(&url, &format!("&view={view}")).await;
        let message = &bench.emulator.messages()[0];
        assert_eq!((message.channel, message.to.as_str()), (channel, "+64270000123"));
    }
    assert_eq!(bench.emulator.messages().len(), 2);
    let code = bench.emulator.code_for("ada").unwrap();
    let done = bench.submit(&token, &[("step", "verify"), ("view", "WHATSAPP"), ("code", &code)]).await;
    assert_eq!(proved_by(&bench, location(&done)).await, "WHATSAPP");
}

#[tokio::test]
async fn one_of_several_addresses() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@home.example").enroll_email_otp("ada@work.example");
    let (url, token) = url_and_token(&bench).await;
    let (_, html) = bench.open(&url, "&view=methods").await;
    let link = |hint: &str| {
        let (before, _) = html.split_once(hint).unwrap();
        after(&before[before.rfind("<a ").unwrap()..], "href=\"").replace("&#38;", "&")
    };
    for (hint, address) in [("a•••@work", "ada@work.example"), ("a•••@home", "ada@home.example")] {
        let (_, html) = bench.open(bench.emulator.origin(), &link(hint)).await;
        assert!(html.contains(hint));
        assert_eq!(bench.emulator.messages()[0].to, address);
    }
    assert_eq!(bench.emulator.messages().len(), 2);
    bench.open(&url, "&view=EMAIL_OTP").await;
    assert_eq!(bench.emulator.messages().len(), 2, "what was sent last is waited for");
    let code = bench.emulator.code_for("ada").unwrap();
    let done = bench.submit(&token, &[("step", "verify"), ("view", "EMAIL_OTP"), ("code", &code)]).await;
    assert_eq!(proved_by(&bench, location(&done)).await, "EMAIL_OTP");
}

#[tokio::test]
async fn a_link() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_magic_link("ada@example.com");
    let (url, token) = url_and_token(&bench).await;
    let (_, html) = bench.open(&url, "").await;
    let link = bench.emulator.messages()[0].link.clone().unwrap();
    for part in ["We sent a link to", "a•••@example.com", &link.replace('&', "&#38;"), "I have opened it"] {
        assert!(html.contains(part), "{part}");
    }
    let since = hidden(&html, "since");
    let wait = [("step", "wait"), ("view", "EMAIL_MAGIC_LINK"), ("since", &since)];
    let early = bench.submit(&token, &wait).await;
    assert_eq!(early.status(), 422);
    assert!(early.text().await.unwrap().contains("The link hasn’t been opened yet."));
    assert_eq!(bench.emulator.messages().len(), 1);

    let (_, seen) = bench.open(bench.emulator.origin(), &polled(&html)).await;
    assert_eq!(seen, since);
    assert_eq!(bench.open(&link, "").await.0, 200);
    let (_, seen) = bench.open(bench.emulator.origin(), &polled(&html)).await;
    assert_ne!(seen, since, "what the page's script waits for");
    let done = bench.submit(&token, &wait).await;
    assert_eq!(proved_by(&bench, location(&done)).await, "EMAIL_MAGIC_LINK");
}

/// Where the page's script looks.
fn polled(html: &str) -> String {
    after(html, "data-poll=\"").replace("&#38;", "&")
}

#[tokio::test]
async fn a_push_message_is_approved_in_the_panel() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_push("Ada’s phone");
    let (url, token) = url_and_token(&bench).await;
    let (_, html) = bench.open(&url, "").await;
    assert!(html.contains("We sent a message to <strong>Ada’s phone</strong>") && html.contains("Approve"));
    assert_eq!(bench.emulator.messages()[0].channel, Channel::Push);
    let since = hidden(&html, "since");
    let early = bench.submit(&token, &[("step", "wait"), ("view", "PUSH"), ("since", &since)]).await;
    assert!(early.text().await.unwrap().contains("Your phone hasn’t answered yet."));

    let challenge = hidden(&html, "challenge");
    let press = [("step", "phone"), ("view", "PUSH"), ("challenge", &*challenge), ("answer", "approve")];
    let approved = bench.submit(&token, &press).await;
    assert_eq!(proved_by(&bench, location(&approved)).await, "PUSH");
}

#[tokio::test]
async fn a_push_message_is_approved_elsewhere() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_push("Ada’s phone");
    let (url, token) = url_and_token(&bench).await;
    let (_, html) = bench.open(&url, "").await;
    let (since, challenge) = (hidden(&html, "since"), hidden(&html, "challenge"));
    bench.emulator.approve(&challenge, None).await.unwrap();
    let (_, seen) = bench.open(bench.emulator.origin(), &polled(&html)).await;
    assert_ne!(seen, since);
    let fields = [("step", "wait"), ("view", "PUSH"), ("since", &*since), ("challenge", &challenge)];
    assert_eq!(proved_by(&bench, location(&bench.submit(&token, &fields).await)).await, "PUSH");
}

#[tokio::test]
async fn a_push_message_that_is_declined_fails_the_action() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_push("Ada’s phone");
    let (url, token) = url_and_token(&bench).await;
    let (_, html) = bench.open(&url, "").await;
    let challenge = hidden(&html, "challenge");
    let press = [("step", "phone"), ("view", "PUSH"), ("challenge", &*challenge), ("answer", "decline")];
    let html = bench.submit_and_see(&token, &press).await;
    assert!(html.contains("The confirmation failed.") && html.contains("Go back"));
    assert_eq!(state(&bench), ActionState::ChallengeFailed);
    let press = [("step", "phone"), ("view", "PUSH"), ("challenge", &*challenge), ("answer", "approve")];
    assert!(bench.submit_and_see(&token, &press).await.contains("The confirmation failed."), "and it stays so");
}

#[tokio::test]
async fn what_another_page_asks_for_is_not_answered_here() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_push("Ada’s phone");
    let (url, _) = url_and_token(&bench).await;
    let (_, html) = bench.open(&url, "").await;
    let challenge = hidden(&html, "challenge");
    let wanted = json!({ "redirectUrl": BACK, "redirectToSettings": true });
    let token = text(&bench.track_with(wanted).await["token"]).to_owned();
    for answer in ["approve", "decline", "scan"] {
        let press = [("step", "phone"), ("view", "PUSH"), ("challenge", &*challenge), ("answer", answer)];
        assert!(bench.submit_and_see(&token, &press).await.contains("We sent a message to"), "{answer}");
    }
    bench.emulator.approve(&challenge, None).await.unwrap();
    let wait = [("step", "wait"), ("view", "PUSH"), ("challenge", &*challenge)];
    assert!(bench.submit_and_see(&token, &wait).await.contains("We sent a message to"));
    let states: Vec<_> = bench.emulator.actions("ada").into_iter().map(|action| action.state).collect();
    assert_eq!(states, [ActionState::ChallengeRequired, ActionState::ChallengeSucceeded]);
}

#[tokio::test]
async fn a_qr_code_is_scanned_and_approved() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_qr_code("Ada’s phone");
    bench.emulator.user("eve").enroll_qr_code("Eve’s phone");
    let (url, token) = url_and_token(&bench).await;
    let (_, html) = bench.open(&url, "").await;
    assert!(html.contains("<svg class=\"qr\"") && html.contains(r#"value="ada""#), "a scan as ada is offered");
    let (since, challenge) = (hidden(&html, "since"), hidden(&html, "challenge"));
    let press = |answer: &'static str, user: &'static str| {
        let fields = [("step", "phone"), ("view", "QR_CODE"), ("answer", answer), ("user", user)];
        fields.into_iter().chain([("challenge", &*challenge)]).collect::<Vec<_>>()
    };
    for stranger in ["eve", "", "nobody", "a\nb"] {
        let refused = bench.submit(&token, &press("scan", stranger)).await;
        assert_eq!(refused.status(), 422, "{stranger:?}");
        assert!(refused.text().await.unwrap().contains("somebody else’s phone"));
    }
    let scanned = bench.submit_and_see(&token, &press("scan", "ada")).await;
    assert!(scanned.contains("Your phone has scanned the code.") && scanned.contains("Approve"));
    assert_ne!(hidden(&scanned, "since"), since);
    let done = bench.submit(&token, &press("approve", "")).await;
    assert_eq!(proved_by(&bench, location(&done)).await, "QR_CODE");
}

#[tokio::test]
async fn a_recovery_code() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let (url, _) = url_and_token(&bench).await;
    let (_, html) = bench.open(&url, "").await;
    assert!(!html.contains("Lost access?"), "there are none");
    assert!(bench.open(&url, "&view=RECOVERY_CODE").await.1.contains("We sent a 6-digit code"));

    bench.emulator.user("ada").delete();
    bench.enrol(json!({ "verificationMethod": "EMAIL_OTP", "email": "ada@example.com" })).await;
    let (url, token) = url_and_token(&bench).await;
    assert!(bench.open(&url, "").await.1.contains("Lost access?"));
    let (_, html) = bench.open(&url, "&view=RECOVERY_CODE").await;
    assert!(html.contains("Left: 10.") && html.contains("Use another method"));
    let code = shown(&html);
    let give = |code| [("step", "verify"), ("view", "RECOVERY_CODE"), ("code", code)];
    assert_eq!(bench.submit(&token, &give("7k2m-9xqa")).await.status(), 422);
    let done = bench.submit(&token, &give(&code)).await;
    assert_eq!(proved_by(&bench, location(&done)).await, "RECOVERY_CODE");
    let (url, token) = url_and_token(&bench).await;
    assert_eq!(bench.submit(&token, &give(&code)).await.status(), 422, "it is good once");
    assert!(bench.open(&url, "&view=RECOVERY_CODE").await.1.contains("Left: 9."));
}

#[tokio::test]
async fn messages_are_limited() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_sms("+64270000123");
    let (url, token) = url_and_token(&bench).await;
    bench.open(&url, "").await;
    for _ in 0..5 {
        assert_eq!(bench.submit(&token, &[("step", "send"), ("view", "SMS")]).await.status(), 303);
    }
    bench.advance(61);
    let refused = bench.submit(&token, &[("step", "send"), ("view", "SMS")]).await;
    assert_eq!(refused.status(), 422);
    let html = refused.text().await.unwrap();
    assert!(html.contains("Too many messages. The next one can be sent in 9 minutes."), "{html}");
    assert_eq!(bench.emulator.messages().len(), 6);
}

#[tokio::test]
async fn what_a_waiting_page_sees_takes_a_good_token() {
    let bench = bench().await;
    let (url, _) = url_and_token(&bench).await;
    let waiting = url.replace("/?", "/emulator/waiting?");
    assert_eq!(bench.open(&waiting, "&view=PUSH").await.0, 200);
    let forged = format!("{}/emulator/waiting?token=x", bench.emulator.origin());
    assert_eq!(bench.open(&forged, "").await.0, 401);
    bench.advance(600);
    assert_eq!(bench.open(&waiting, "&view=PUSH").await.0, 401);
    let seen = bench.emulator.received_requests();
    assert!(seen.iter().all(|seen| !seen.path.contains("waiting")), "it is no call of the application's");
}
