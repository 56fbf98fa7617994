//! How people go on with what they sent: forms, bodies that are not kept, scripts and htmx.
use std::time::Duration;

use axum::Router;
use axum::routing::any;
use axum_authsignal::{AuthsignalLayer, Coverage, RefusalReason};

use crate::support::{Ask, Bench, MINUTE, Reply, Visitor, ask, bench, form, get, goes_on, handle, json, post};

/// Is challenged, proves it, and gives the page that the browser ends up on.
async fn page_after(bench: &Bench, visitor: &mut Visitor, ask: &Ask) -> Reply {
    let challenge = visitor.challenge(ask).await;
    let back = visitor.send(&bench.prove(&challenge)).await;
    assert_eq!(back.status, 303);
    let page = visitor.send(&get(back.location()).navigating()).await;
    assert_eq!(page.status, 200, "{}", page.text());
    assert_eq!(page.refusal, None);
    page
}

pub(crate) fn unescape(text: &str) -> String {
    text.replace("&#34;", "\"").replace("&#39;", "'").replace("&#60;", "<").replace("&#62;", ">").replace("&#38;", "&")
}

pub(crate) fn attribute(tag: &str, name: &str) -> Option<String> {
    Some(unescape(tag.split_once(&format!(" {name}=\""))?.1.split('"').next()?))
}

/// Sends the form of a page as a browser would, with `typed` in its password fields.
fn submitted(page: &Reply, typed: &str) -> Ask {
    let html = page.text();
    let form = html.split_once("<form").expect(html).1.split_once("</form>").unwrap().0;
    assert_eq!(attribute(form, "method").as_deref(), Some("post"));
    let mut body = form_urlencoded::Serializer::new(String::new());
    for input in form.split("<input").skip(1) {
        let tag = input.split('>').next().unwrap();
        let typed = || (attribute(tag, "type").as_deref() == Some("password")).then(|| typed.to_owned());
        body.append_pair(&attribute(tag, "name").unwrap(), &attribute(tag, "value").or_else(typed).unwrap());
    }
    let target = attribute(form, "action").unwrap();
    post(&target, "application/x-www-form-urlencoded", body.finish())
        .navigating()
        .header("sec-fetch-site", "same-origin")
        .header("origin", crate::support::ORIGIN)
}

/// C1, T51: a posted form comes back as a page, goes through the whole stack once, and a second time it is done already.
#[tokio::test]
async fn t51_a_posted_form_is_sent_again_exactly_once() {
    let bench = bench().await;
    let mut ada = bench.visitor("ada");
    let posted = form("/pay?ref=1", "to=bob&amount=10&note=a+b%0D%0Ac&csrf_token=t0ken&to=eve&empty=");
    let page = page_after(&bench, &mut ada, &posted).await;
    page.assert_private();
    assert_eq!(page.header("referrer-policy"), "same-origin", "or the post had `Origin: null`");
    let policy = page.header("content-security-policy");
    assert!(policy.ends_with("frame-ancestors 'none'"), "where the post is redirected is the application's: {policy}");
    assert!(page.text().contains("<dd><bdi>bob</bdi></dd>") && page.text().contains("<dd><bdi>10</bdi></dd>"));
    assert!(!page.text().contains("<dt><bdi>csrf_token"), "sent again and not shown");
    assert_eq!(bench.effects.count(), 0, "nothing happens before the click");

    let again = submitted(&page, "");
    assert_eq!(again.target, "/pay?ref=1");
    ada.send(&again).await.assert_passed();
    assert_eq!(bench.effects.last().body, posted.body);
    assert_eq!((bench.effects.count(), bench.tracks()), (1, 1));

    // The back button, and the button once more.
    let challenge = bench.tracked()["redirectUrl"].as_str().unwrap().to_owned();
    let done = ada.send(&crate::support::way_back(&challenge)).await;
    assert!(done.text().contains("Already passed on"), "{}", done.text());
    assert!(!done.text().contains("<form"));
    ada.send(&again).await.assert_refused(&RefusalReason::AlreadyDone);
    bench.clock.advance(Duration::from_secs(10));
    ada.challenge(&again).await;
    assert_eq!(bench.effects.count(), 1);
}

/// Where an approval for an action is remembered, a form is on offer until it was sent, whatever else passes meanwhile.
#[tokio::test]
async fn a_remembered_form_is_on_offer_until_it_was_sent() {
    let bench = bench().await;
    let layer = AuthsignalLayer::new(&bench.authsignal, "kept").covers(Coverage::Action).remember(MINUTE);
    let app = Router::new().route("/kept", any(handle)).route("/other", any(handle)).layer(layer);
    let app = app.with_state(bench.effects.clone()).merge(bench.authsignal.routes());
    let mut ada = Visitor::new(&app, "ada");
    let page = page_after(&bench, &mut ada, &form("/kept", "to=bob")).await;
    let own = crate::support::way_back(bench.tracked()["redirectUrl"].as_str().unwrap());
    for other in [get("/kept").navigating(), form("/other", "to=bob")] {
        ada.send(&other).await.assert_passed();
    }
    assert!(ada.send(&own).await.text().contains("<form"), "it was not sent yet");
    ada.send(&submitted(&page, "")).await.assert_passed();
    assert!(!ada.send(&own).await.text().contains("<form"), "it was sent");
}

/// T125: in a window of its own, a framed page is asked for again, while a framed form goes on at its challenge.
#[tokio::test]
async fn t125_a_window_of_its_own_asks_again_for_a_page_alone() {
    let bench = bench().await;
    for (ask, again) in [(get("/pay?to=bob"), true), (form("/pay?to=bob", "a=b"), false)] {
        let ask = ask.navigating().header("sec-fetch-site", "same-origin").header("sec-fetch-dest", "iframe");
        let reply = bench.visitor("ada").send(&ask).await;
        reply.assert_refused(&RefusalReason::ChallengeRequired);
        let link = reply.text().split_once("<a ").unwrap().1.split('>').next().unwrap();
        assert_eq!(attribute(&format!(" {link}"), "href").unwrap() == "/pay?to=bob", again, "{link}");
    }
}

/// T67: where a body is neither covered nor kept, a challenge does not read it.
#[tokio::test]
async fn t67_a_body_that_says_nothing_about_the_challenge_is_not_read() {
    let bench = bench().await;
    let broken = || {
        let fails = futures_util::stream::once(async { Err::<bytes::Bytes, _>(std::io::Error::other("read")) });
        axum::body::Body::from_stream(fails)
    };
    for (ask, is_read) in [
        (json("/route/7", ""), false),
        (get("/route/7").navigating(), false),
        (form("/route/7", "").navigating(), true),
        (json("/pay", ""), true),
    ] {
        let mut ada = bench.visitor("ada");
        let request = ada.request_with(&ask, broken());
        let reply = ada.send_request(request).await;
        let is_challenged = reply.reason() == Some(&RefusalReason::ChallengeRequired);
        assert_eq!(is_challenged, !is_read, "{} {}", ask.target, reply.status);
    }
}

/// T46: another sign-in gets neither the form nor the effect.
#[tokio::test]
async fn t41_t46_a_kept_form_is_for_its_own_browser_and_sign_in() {
    let bench = bench().await;
    let mut ada = bench.visitor("ada").in_session("s1");
    let posted = form("/pay", "to=bob&amount=canary");
    let page = page_after(&bench, &mut ada, &posted).await;
    let again = submitted(&page, "");
    let own = crate::support::way_back(bench.tracked()["redirectUrl"].as_str().unwrap());
    let others =
        [ada.elsewhere(), ada.signed_in_as("bob"), ada.in_session("s2"), Visitor { user: None, ..ada.clone() }];
    for mut other in others {
        let reply = other.send(&own).await;
        assert!(!reply.text().contains("canary"), "{}", reply.text());
        assert_ne!(other.send(&again).await.status, 200);
    }
    assert_eq!(bench.effects.count(), 0);
    ada.send(&again).await.assert_passed();
}

/// T21: whatever a form holds is text on the page, and arrives as it was.
#[tokio::test]
async fn t21_a_hostile_form_is_text_and_arrives_as_it_was() {
    let bench = bench().await;
    let mut ada = bench.visitor("ada");
    let hostile = "\"><script>alert(1)</script>'&lt;&#34;\u{202e}\r\n</textarea></form><form action=//evil>";
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.append_pair(hostile, hostile).append_pair("x", "y");
    let posted = post("/pay", "application/x-www-form-urlencoded", body.finish()).navigating();
    let page = page_after(&bench, &mut ada, &posted).await;
    assert_eq!(page.text().matches("<form").count(), 1);
    assert!(!page.text().contains("<script") && !page.text().contains("</textarea"));
    ada.send(&submitted(&page, "")).await.assert_passed();
    let sent: Vec<_> = form_urlencoded::parse(&bench.effects.last().body).into_owned().collect();
    assert_eq!(sent[0], (hostile.to_owned(), hostile.to_owned()));
}

/// T48: what is named like a secret is not kept; the user types it again, and the same value goes through.
#[tokio::test]
async fn t48_secrets_are_typed_again() {
    let bench = bench().await;
    let mut ada = bench.visitor("ada");
    let posted = form("/pay", "mail=new%40example.com&password=hunter2");
    let page = page_after(&bench, &mut ada, &posted).await;
    assert!(!page.text().contains("hunter2"));
    assert!(page.text().contains("<input type=\"password\" name=\"password\" autocomplete=\"off\">"));
    assert!(page.text().contains("Please type it again"));
    let wrong = ada.clone().send(&submitted(&page, "other")).await;
    wrong.assert_refused(&RefusalReason::ChallengeRequired);
    ada.send(&submitted(&page, "hunter2")).await.assert_passed();
    assert_eq!(bench.effects.last().body, posted.body);
}

/// Files, text and what a browser cannot send again: the page says so and leads back to where it was sent from, and the
/// same once more goes through.
#[tokio::test]
async fn what_is_not_kept_is_said_and_goes_through_when_sent_again() {
    let bench = bench().await;
    let odd = [
        post(
            "/pay",
            "multipart/form-data; boundary=x",
            "--x\r\ncontent-disposition: form-data; name=a\r\n\r\nb\r\n--x--",
        ),
        post("/pay", "text/plain", "a=b"),
        post("/pay", "application/x-www-form-urlencoded", &b"a=%FF"[..]),
        post("/pay", "application/x-www-form-urlencoded; charset=latin1", "a=b"),
        post("/pay", "application/x-www-form-urlencoded; charset=UTF-8", "a=b"),
        post("/pay", "application/x-www-form-urlencoded", "note=a%20b"),
        post("/pay", "application/x-www-form-urlencoded", "note=a%0Ab"),
        post("/pay", "application/x-www-form-urlencoded", "note=caf%c3%a9"),
        post("/pay", "application/x-www-form-urlencoded", "=a"),
        post("/pay", "application/x-www-form-urlencoded", "a&b="),
        post("/pay", "application/x-www-form-urlencoded", "_charset_=utf-8"),
        post("/pay", "application/x-www-form-urlencoded", "my_secret=a%0D%0Ab"),
        post("/pay", "application/x-www-form-urlencoded", r#"{"to":"bob"}"#),
        post("/pay", "application/x-www-form-urlencoded", "a=b").header("content-encoding", "gzip"),
        ask("PUT", "/pay"),
    ];
    for ask in odd {
        let ask = ask.navigating().header("referer", "https://app.example.com/form?step=2#x");
        let mut ada = bench.visitor("ada");
        let page = page_after(&bench, &mut ada, &ask).await;
        assert!(page.text().contains("Send the same once more within 5 minutes"), "{}", page.text());
        assert!(page.text().contains("href=\"/form?step=2\""), "{}", page.text());
        let before = bench.effects.count();
        ada.send(&ask).await.assert_passed();
        assert_eq!(bench.effects.count(), before + 1);
        assert_eq!(bench.effects.last().body, ask.body);
    }
}

/// A script's request is repeated by the script; the user goes back to the page that it runs in.
#[tokio::test]
async fn the_user_of_a_script_goes_back_to_its_page() {
    let bench = bench().await;
    let cases = [
        (json("/pay", "{}").header("referer", "https://app.example.com/app?tab=2"), Some("/app?tab=2")),
        (json("/pay", "{}").header("referer", "https://evil.example/app"), None),
        (json("/pay", "{}").header("referer", "http://app.example.com/app"), None),
        (json("/pay", "{}").header("referer", "https://app.example.com//evil.example"), None),
        (json("/pay", "{}"), None),
        (
            get("/pay").header("hx-request", "true").header("hx-current-url", "https://app.example.com/cart"),
            Some("/cart"),
        ),
        (get("/pay").header("hx-request", "true").header("hx-current-url", "https://evil.example/cart"), None),
        (get("/pay").header("hx-request", "true").header("referer", "https://app.example.com/cart"), Some("/cart")),
    ];
    for (ask, page) in cases {
        let mut ada = bench.visitor("ada");
        let reply = ada.send(&ask).await;
        let url = reply.json()["url"].as_str().unwrap().to_owned();
        let back = ada.send(&bench.prove(&url)).await;
        assert!(back.location().starts_with("/authsignal/callback?flow="));
        let shown = ada.send(&get(back.location()).navigating()).await;
        assert!(shown.text().contains("Go back to where you were"));
        assert!(!shown.text().contains("evil"));
        assert_eq!(goes_on(&shown), page);
        ada.send(&ask).await.assert_passed();
    }
}

/// T110: a form that Turbo fetches is the one that a page posts, whose type says nothing of UTF-8; of every other type it is not.
#[tokio::test]
async fn t110_a_form_that_was_fetched_is_one_that_a_page_posts() {
    let bench = bench().await;
    let turbo = |content_type: &str| {
        post("/pay", content_type, "to=Zo%C3%AB+%26+Co")
            .header("sec-fetch-mode", "cors")
            .header("sec-fetch-site", "same-origin")
            .header("accept", "text/vnd.turbo-stream.html, text/html, application/xhtml+xml")
            .header("referer", "https://app.example.com/form")
    };
    let fetched = turbo("application/x-www-form-urlencoded;charset=UTF-8");
    let mut ada = bench.visitor("ada");
    let reply = ada.send(&fetched).await;
    reply.assert_refused(&RefusalReason::ChallengeRequired);
    assert_eq!((reply.status, reply.header("content-type")), (403, "text/vnd.turbo-stream.html; charset=utf-8"));
    let url = attribute(reply.text(), "content").unwrap();
    let back = ada.send(&bench.prove(url.strip_prefix("0; url=").unwrap())).await;
    let page = ada.send(&get(back.location()).navigating()).await;
    for other in
        ["application/x-www-form-urlencoded;charset=UTF-16", "application/x-www-form-urlencoded; charset=UTF-8"]
    {
        ada.clone().send(&turbo(other)).await.assert_refused(&RefusalReason::ChallengeRequired);
    }
    ada.send(&submitted(&page, "")).await.assert_passed();
    assert_eq!(bench.effects.last().body, fetched.body);
    assert_eq!(bench.effects.count(), 1);
}
