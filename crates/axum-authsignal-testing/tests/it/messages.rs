//! Each assertion passes where it should, and says what it saw where it does not.
use std::panic::{AssertUnwindSafe, catch_unwind};

use axum_authsignal::RefusalReason;
use axum_authsignal_testing::{Outcome, Page, TestAuthsignal};

use crate::support::{app, signed_in};

/// What is said while it panics.
fn said<T>(act: impl FnOnce() -> T) -> String {
    let Err(why) = catch_unwind(AssertUnwindSafe(act)) else { panic!("nothing was said") };
    why.downcast_ref::<String>().cloned().or(why.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap()
}

const POSTED: &str = "\n  POST https://app.example.com/pay -> ";

async fn post(outcome: Outcome) -> Page {
    signed_in(outcome).await.post_form("/pay", [("to", "bob")]).await
}

#[tokio::test]
async fn what_was_expected_and_what_was_seen() {
    let [allowed, challenged, blocked, outage] = [
        post(Outcome::Allow).await,
        post(Outcome::Challenge).await,
        post(Outcome::Block).await,
        post(Outcome::Outage).await,
    ];
    let open = signed_in(Outcome::Allow).await.get("/open").await;
    let proved = challenged.prove().await.press("Continue").await;

    let ran = format!("but saw a handler that ran by Allowed for `pay`{POSTED}200 OK\n  ran with \"to=bob\": false");
    let asked = format!("but saw a challenge for `pay`{POSTED}303 See Other");
    let block = format!("but saw a refusal, State(Block) for `pay`{POSTED}403 Forbidden\n  ");
    let nothing = "but saw an answer that no layer had a say in\n  GET https://app.example.com/open -> 200 OK\n  ran";
    type Assert = fn(Page) -> Page;
    let table: [(&str, Assert, &[&Page], &Page, &str, &str); 9] = [
        ("allowed", Page::assert_allowed, &[&allowed, &proved], &challenged, "expected a handler that ran, ", &asked),
        ("allowed", Page::assert_allowed, &[], &blocked, "expected a handler that ran, ", &block),
        ("allowed, unguarded", Page::assert_allowed, &[], &open, "expected a handler that ran, ", nothing),
        ("verified", Page::assert_verified, &[&proved], &allowed, "expected a handler that ran by a proof, ", &ran),
        (
            "challenged",
            |page| page.assert_challenged("pay"),
            &[&challenged],
            &allowed,
            "expected a challenge for `pay`, ",
            &ran,
        ),
        (
            "another",
            |page| page.assert_challenged("export"),
            &[],
            &challenged,
            "expected a challenge for `export`, ",
            &asked,
        ),
        ("blocked", Page::assert_blocked, &[&blocked], &challenged, "expected a refusal, State(Block), ", &asked),
        ("outage", Page::assert_outage, &[&outage], &blocked, "expected an outage, ", &block),
        (
            "refused",
            |page| page.assert_refused(&RefusalReason::NotEnrolled),
            &[],
            &blocked,
            "expected a refusal, NotEnrolled, ",
            &block,
        ),
    ];
    for (name, assert, passing, failing, expected, saw) in table {
        for page in passing {
            assert((*page).clone());
        }
        let said = said(|| assert(failing.clone()));
        assert!(said.starts_with(&format!("{expected}{saw}")), "{name}: {said}");
    }
    println!("{} messages", table.len());
    let status = said(|| allowed.clone().assert_status(200).assert_status(404));
    assert_eq!(status, format!("expected the status 404, {ran}"));
    let text = said(|| allowed.clone().assert_text("to=bob").assert_text("to=carol"));
    assert_eq!(text, format!("expected the words `to=carol`, {ran}"));
    let json = said(|| allowed.json());
    assert!(json.starts_with("expected JSON (expected value") && json.ends_with(&ran), "{json}");
}

#[tokio::test]
async fn how_often_was_asked_is_said_with_what_was_asked() {
    let browser = signed_in(Outcome::Allow).await;
    let none = said(|| browser.authsignal().assert_tracked(1));
    assert_eq!(none, "expected calls of track: 1, but there were 0: none");
    browser.get("/pay").await.assert_allowed();
    browser.authsignal().assert_tracked(1);
    browser.get("/kept").await.assert_allowed();
    let said = said(|| browser.authsignal().assert_tracked(1));
    assert_eq!(said, "expected calls of track: 1, but there were 2: `pay` of ada, `kept` of ada");
}

/// No message holds a token: neither an address's nor a page's.
#[tokio::test]
async fn a_message_holds_no_token() {
    let page = post(Outcome::Challenge).await;
    let token = page.challenge_url().split_once("token=").unwrap().1.to_owned();
    let fetched = page.browser().fetch("/pay").await.assert_challenged("pay");
    let back = page.prove().await;
    for page in [page, fetched, back] {
        let said = said(|| page.clone().assert_status(599));
        assert!(!said.contains(&token) && !said.contains("token="), "{said}");
        assert!(!format!("{page:?}").contains(&token));
    }
}

#[tokio::test]
async fn what_cannot_be_done_says_why() {
    let page = post(Outcome::Challenge).await;
    let resume = page.prove().await;
    let said_of = |act: Box<dyn Fn() -> Page>| said(act);
    let field = said_of(Box::new({
        let resume = resume.clone();
        move || resume.clone().fill("missing", "x")
    }));
    assert!(field.starts_with("expected a field `missing`, but saw "), "{field}");
    let press = tokio::spawn({
        let resume = resume.clone();
        async move { resume.press("Pay").await }
    });
    let press = press.await.unwrap_err().into_panic();
    let press = press.downcast_ref::<String>().unwrap();
    assert!(
        press.starts_with("expected a button or a link `Pay`, with `Continue`, `Cancel` to press, but saw "),
        "{press}"
    );
    let prove = tokio::spawn(async move { resume.prove().await }).await.unwrap_err().into_panic();
    let prove = prove.downcast_ref::<String>().unwrap();
    assert!(prove.starts_with("expected a challenge, but saw "), "{prove}");
    let authsignal = TestAuthsignal::new();
    let origin = said(|| authsignal.browser_at("app.example.com", app(authsignal.builder())));
    assert!(origin.starts_with("invalid origin `app.example.com`: "), "{origin}");
}

/// A cookie that a browser would not take is said where it is missed.
#[tokio::test]
async fn a_cookie_that_is_not_taken_is_said() {
    let browser = signed_in(Outcome::Allow).await;
    let page = browser.get("/cookie?user=__Host-x%3D1").await;
    assert_eq!(browser.cookie("__Host-x"), None);
    let said = said(|| page.assert_allowed());
    assert!(said.contains("the browser does not take the cookie `__Host-x`: its name asks for `Secure`"), "{said}");
}
