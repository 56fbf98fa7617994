//! Programs that repeat their request with the token of the proof in `authsignal-token`: with our cookie, or, as bearer
//! clients, without any.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use authsignal_emulator::{Endpoint, Fault};
use axum::Router;
use axum::http::{HeaderMap, HeaderValue};
use axum::routing::any;
use axum_authsignal::{AuthsignalBuilder, AuthsignalLayer, ConfigError, Outage, RefusalReason, Unproven};
use futures_util::future::join_all;

use crate::support::{Ask, Bench, MINUTE, Reply, Visitor, bench_with, get, json, parameter, who};

const TOKEN: &str = "authsignal-token";

/// Whoever sends `x-bearer` is a bearer client of that session.
fn bearers(builder: AuthsignalBuilder) -> AuthsignalBuilder {
    builder.identify(|headers: HeaderMap| async move {
        assert!(!headers.contains_key(TOKEN), "an extractor is given the token");
        let user = who(&headers)?;
        Some(match headers.get("x-bearer") {
            Some(session) => user.bearer(session.to_str().ok()?),
            None => user,
        })
    })
}

async fn bench() -> Bench {
    bench_with(bearers).await
}

fn pay() -> Ask {
    json("/pay", r#"{"to":"bob","amount":10}"#)
}

/// The token that a user's proof of the challenge gives, as the official SDK's popup hands it to the page.
fn proof(bench: &Bench, challenge: &str) -> String {
    parameter(&bench.emulator.succeed(challenge).unwrap(), "token").unwrap()
}

async fn challenged(client: &mut Visitor, ask: &Ask) -> String {
    let reply = client.send(ask).await;
    reply.assert_refused(&RefusalReason::ChallengeRequired);
    reply.json()["url"].as_str().unwrap().to_owned()
}

/// A client that keeps no cookie.
struct Bearer(Visitor);

impl Bearer {
    fn new(bench: &Bench, user: &str) -> Self {
        Self(bench.visitor(user))
    }

    async fn send(&mut self, ask: &Ask) -> Reply {
        self.0.cookie = None;
        let reply = self.0.send(&ask.clone().header("x-bearer", "key-1")).await;
        assert!(!reply.headers.contains_key("set-cookie"));
        reply
    }

    async fn challenged(&mut self, ask: &Ask) -> String {
        let reply = self.send(ask).await;
        reply.assert_refused(&RefusalReason::ChallengeRequired);
        reply.json()["url"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_page_repeats_its_request_with_the_token() {
    let bench = bench().await;
    let mut page = bench.visitor("ada");
    let challenge = challenged(&mut page, &pay()).await;
    let token = proof(&bench, &challenge);
    let reply = page.send(&pay().header(TOKEN, &token)).await;
    reply.assert_passed();
    assert_eq!((bench.effects.count(), bench.tracks(), bench.validates()), (1, 1, 1));
    assert_eq!(bench.effects.last().body, pay().body);

    // The same once more is the same request sent twice, and not another.
    page.send(&pay().header(TOKEN, &token)).await.assert_refused(&RefusalReason::AlreadyDone);
    bench.clock.advance(Duration::from_secs(11));
    page.send(&pay().header(TOKEN, &token)).await.assert_refused(&RefusalReason::ChallengeRequired);
    assert_eq!((bench.effects.count(), bench.validates()), (1, 1), "what is spent is not asked about");
}

#[tokio::test]
async fn a_bearer_client_needs_no_cookie() {
    let bench = bench().await;
    let mut client = Bearer::new(&bench, "ada");
    let challenge = client.challenged(&pay()).await;
    let token = proof(&bench, &challenge);
    client.send(&pay().header(TOKEN, &token)).await.assert_passed();
    assert_eq!((bench.effects.count(), bench.tracks(), bench.validates()), (1, 1, 1));
    client.send(&pay().header(TOKEN, &token)).await.assert_refused(&RefusalReason::AlreadyDone);
    client.send(&pay()).await.assert_refused(&RefusalReason::ChallengeRequired);
    assert_eq!(bench.effects.count(), 1);
}

/// An approval of a bearer client is good once, also where a browser's would be remembered, and never without its token.
#[tokio::test]
async fn nothing_is_remembered_for_a_bearer_client() {
    let bench = bench().await;
    let mut client = Bearer::new(&bench, "ada");
    let challenge = client.challenged(&get("/kept")).await;
    let token = proof(&bench, &challenge);
    client.send(&get("/kept").header(TOKEN, &token)).await.assert_passed();
    client.send(&get("/kept")).await.assert_refused(&RefusalReason::ChallengeRequired);

    // Approved, and lost on the way to the handler: without the token nobody passes, with another's neither.
    let challenge = client.challenged(&get("/kept/1")).await;
    let token = proof(&bench, &challenge);
    bench.emulator.inject_fault(Endpoint::ValidateChallenge, Fault::status(503).times(9));
    let reply = client.send(&get("/kept/1").header(TOKEN, &token)).await;
    reply.assert_refused(&RefusalReason::Outage(Outage::Server));
    bench.emulator.clear_faults();
    client
        .send(&get("/kept/1").header(TOKEN, "ey.another"))
        .await
        .assert_refused(&RefusalReason::Unproven(Unproven::Token));
    client.send(&get("/kept/1").header(TOKEN, &token)).await.assert_passed();
    assert_eq!(bench.effects.count(), 2);
}

/// A browser's cookie opens no bearer client's flow, whatever is in it, and a bearer client no browser's.
#[tokio::test]
async fn t30_bearer_clients_and_browsers_share_nothing() {
    let bench = bench().await;
    let mut page = bench.visitor("ada").in_session("key-1");
    let of_page = challenged(&mut page, &pay()).await;
    let token = proof(&bench, &of_page);
    let mut client = Bearer::new(&bench, "ada");
    client.send(&pay().header(TOKEN, &token)).await.assert_refused(&RefusalReason::ChallengeRequired);
    let of_client = client.challenged(&pay()).await;
    assert_ne!(of_page, of_client);
    let token = proof(&bench, &of_client);
    for id in ["A".repeat(43), "_".repeat(42) + "8"] {
        let cookie = format!("__Host-authsignal={id}.c");
        let mut planted = Visitor { cookie: Some(cookie), ..bench.visitor("ada").in_session("key-1") };
        planted.send(&pay().header(TOKEN, &token)).await.assert_refused(&RefusalReason::ChallengeRequired);
    }
    assert_eq!((bench.effects.count(), bench.validates()), (0, 0));
}

/// T118: whoever has no flow brings no validate about.
#[tokio::test]
async fn t118_without_a_flow_nothing_is_validated() {
    let bench = bench().await;
    let mut other = bench.visitor("ada");
    let token = proof(&bench, &challenged(&mut other, &pay()).await);
    for mut visitor in [bench.visitor("ada"), bench.visitor("bob"), other.in_session("later")] {
        for ask in [pay(), get("/kept"), get("/other")] {
            let reply = visitor.send(&ask.header(TOKEN, &token)).await;
            reply.assert_refused(&RefusalReason::ChallengeRequired);
        }
    }
    let mut client = Bearer::new(&bench, "ada");
    client.send(&pay().header(TOKEN, &token)).await.assert_refused(&RefusalReason::ChallengeRequired);
    assert_eq!((bench.effects.count(), bench.validates()), (0, 0));
}

#[tokio::test]
async fn what_the_user_did_instead_is_said() {
    let bench = bench().await;
    let mut page = bench.visitor("ada");
    let challenge = challenged(&mut page, &pay()).await;
    let quit = parameter(&bench.emulator.quit(&challenge).unwrap(), "token").unwrap();
    let reply = page.send(&pay().header(TOKEN, &quit)).await;
    reply.assert_refused(&RefusalReason::ChallengeRequired);
    assert_eq!(reply.json()["url"].as_str(), Some(&*challenge), "the same challenge waits");
    assert_eq!((bench.tracks(), bench.validates()), (1, 1));
    let declined = parameter(&bench.emulator.decline(&challenge).unwrap(), "token").unwrap();
    let reply = page.send(&pay().header(TOKEN, &declined)).await;
    assert!(matches!(reply.reason(), Some(RefusalReason::State(_))), "{:?}", reply.refusal);
    assert_eq!((reply.status, bench.effects.count()), (403, 0));
}

/// The handler behind two guarded layers gets no token, and each layer takes its own.
#[tokio::test]
async fn a_token_is_for_the_layer_that_has_its_flow() {
    let bench = bench().await;
    let seen = Arc::new(AtomicUsize::new(0));
    let handler = {
        let seen = Arc::clone(&seen);
        move |headers: HeaderMap| async move {
            seen.fetch_add(headers.get_all(TOKEN).iter().count(), Ordering::SeqCst);
        }
    };
    let layer = |action: &str| AuthsignalLayer::new(&bench.authsignal, action);
    let app = Router::new().route("/both", any(handler)).layer(layer("inner")).layer(layer("outer"));
    bench.emulator.set_outcome("outer", authsignal_emulator::Outcome::Allow);
    let mut page = Visitor::new(&app, "ada");
    let token = proof(&bench, &challenged(&mut page, &get("/both")).await);
    let reply = page.send(&get("/both").header(TOKEN, &token)).await;
    assert_eq!((reply.status, seen.load(Ordering::SeqCst)), (200, 0));
    // Where no flow needs it, it is taken off all the same.
    bench.clock.advance(Duration::from_secs(11));
    bench.emulator.set_outcome("inner", authsignal_emulator::Outcome::Allow);
    let reply = page.send(&get("/both").header(TOKEN, &token)).await;
    assert_eq!((reply.status, seen.load(Ordering::SeqCst)), (200, 0));
}

/// T1: the same token in many requests at once runs the handler once.
#[tokio::test]
async fn t1_one_token_at_once_passes_once() {
    let bench = bench().await;
    for is_bearer in [false, true] {
        let before = bench.effects.count();
        let ask = if is_bearer { pay().header("x-bearer", "key-1") } else { pay() };
        let mut client = bench.visitor("ada");
        let token = proof(&bench, &challenged(&mut client, &ask).await);
        let ask = ask.header(TOKEN, &token);
        let replies = join_all((0..20).map(|_| {
            let (mut client, ask) = (client.clone(), ask.clone());
            async move { client.send(&ask).await }
        }));
        let passed = replies.await.iter().filter(|reply| reply.status == 200).count();
        assert_eq!((passed, bench.effects.count() - before), (1, 1), "bearer: {is_bearer}");
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Owner,
    OtherBrowser,
    OtherSession,
    OtherUser,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Fresh,
    Spent,
    OfAnotherAttempt,
    OfAnotherAction,
    OfAnotherUser,
    RunOut,
    Quit,
    Cut,
    Twice,
    Unreadable,
    Empty,
}

const TOKENS: [Token; 11] = [
    Token::Fresh,
    Token::Spent,
    Token::OfAnotherAttempt,
    Token::OfAnotherAction,
    Token::OfAnotherUser,
    Token::RunOut,
    Token::Quit,
    Token::Cut,
    Token::Twice,
    Token::Unreadable,
    Token::Empty,
];

/// One cell: the owner is challenged for `ask`, and somebody sends something with some token from somewhere.
async fn passes(bench: &Bench, target: &str, is_bearer: bool, who: Who, token: Token, site: &str) -> bool {
    bench.clock.advance(MINUTE * 11);
    let mark = |ask: Ask| if is_bearer { ask.header("x-bearer", "one") } else { ask };
    let ask = mark(json(target, r#"{"amount":10}"#));
    let mut owner = bench.visitor("ada").in_session("one");
    let token_of = async |visitor: &mut Visitor, ask: &Ask| proof(bench, &challenged(visitor, ask).await);
    let older = match token {
        Token::OfAnotherAttempt => {
            let token = token_of(&mut owner, &ask).await;
            bench.clock.advance(MINUTE * 11);
            Some(token)
        }
        Token::OfAnotherAction => Some(token_of(&mut owner.clone(), &mark(json("/other", "{}"))).await),
        Token::OfAnotherUser => Some(token_of(&mut bench.visitor("bob").in_session("one"), &ask).await),
        _ => None,
    };
    let challenge = challenged(&mut owner, &ask).await;
    let fresh = match token {
        Token::Quit => parameter(&bench.emulator.quit(&challenge).unwrap(), "token").unwrap(),
        _ => proof(bench, &challenge),
    };
    let mut sent = ask.clone().header("sec-fetch-site", site);
    if site != "same-origin" {
        sent = sent.header("origin", "https://other.example.com");
    }
    let text = match token {
        Token::Cut => fresh[..fresh.len() - 4].to_owned(),
        Token::Unreadable => format!("{fresh} {fresh}"),
        Token::Empty => String::new(),
        _ => older.unwrap_or_else(|| fresh.clone()),
    };
    sent = sent.header(TOKEN, &text);
    if token == Token::Twice {
        sent.headers.append(TOKEN, HeaderValue::from_str(&fresh).unwrap());
    }
    match token {
        Token::Spent => owner.send(&ask.clone().header(TOKEN, &fresh)).await.assert_passed(),
        Token::RunOut => bench.clock.advance(MINUTE * 11),
        _ => {}
    }
    let mut sender = match who {
        Who::Owner => owner.clone(),
        Who::OtherBrowser => owner.elsewhere(),
        Who::OtherSession => owner.in_session("two"),
        Who::OtherUser => owner.signed_in_as("bob"),
    };
    if is_bearer && who == Who::OtherSession {
        sent = sent.header("x-bearer", "two");
    }
    let before = bench.effects.count();
    let reply = sender.send(&sent).await;
    let ran = bench.effects.count() > before;
    assert_eq!(ran, reply.status == 200, "{reply:?}");
    ran
}

/// T1, T2, T4, T28, T42: tokens that are replayed, foreign, stale, cut or doubled, from other browsers, sessions, users and
/// sites: whatever is not the owner's own fresh one on a request of their own pages passes nothing.
#[tokio::test]
async fn t1_t2_t4_t28_t42_no_other_token_passes() {
    let bench = bench().await;
    let (mut cells, mut passed) = (0, 0);
    for is_bearer in [false, true] {
        for target in ["/pay", "/route/7", "/action", "/kept"] {
            for who in [Who::Owner, Who::OtherBrowser, Who::OtherSession, Who::OtherUser] {
                for token in TOKENS {
                    for site in ["same-origin", "same-site", "cross-site"] {
                        // A bearer client has no browser that another could be.
                        let is_owner = who == Who::Owner || (is_bearer && who == Who::OtherBrowser);
                        // What is remembered for a browser passes by its cookie, whichever token comes along.
                        let is_kept = target == "/kept" && !is_bearer && token == Token::Spent;
                        // Without a cookie, the other's own token is the other's own.
                        let is_bobs = is_bearer && who == Who::OtherUser && token == Token::OfAnotherUser;
                        let is_own = (is_owner && (token == Token::Fresh || is_kept)) || is_bobs;
                        let wanted = is_own && site == "same-origin";
                        let ran = passes(&bench, target, is_bearer, who, token, site).await;
                        assert_eq!(ran, wanted, "{target} bearer: {is_bearer} {who:?} {token:?} {site}");
                        cells += 1;
                        passed += usize::from(ran);
                    }
                }
            }
        }
    }
    println!("{cells} cells: {passed} passed, each by its own fresh token or remembered; 0 others");
}

/// The page that a bearer client's user ends on keeps no token in its address and asks nothing; or it is the client's own.
#[tokio::test]
async fn t10_the_user_of_a_bearer_client_ends_on_a_page_without_a_token() {
    let bench = bench().await;
    let mut client = Bearer::new(&bench, "ada");
    let challenge = client.challenged(&pay()).await;
    let back = bench.emulator.succeed(&challenge).unwrap();
    let mut browser = Visitor { user: None, ..bench.visitor("ada") };
    let hop = browser.send(&get(back.strip_prefix("https://app.example.com").unwrap()).navigating()).await;
    assert_eq!((hop.status, hop.location()), (303, "/authsignal/callback?bearer=1"));
    hop.assert_private();
    let page = browser.send(&get(hop.location()).navigating()).await;
    assert!(page.status == 200 && page.text().contains("Go back to the app"), "{}", page.text());
    assert_eq!(bench.validates(), 0);

    let own = bench_with(|builder| bearers(builder).bearer_callback_url("com.example.shop:/proved?from=pay")).await;
    let challenge = Bearer::new(&own, "ada").challenged(&pay()).await;
    let back = own.emulator.succeed(&challenge).unwrap();
    assert!(back.starts_with("com.example.shop:/proved?from=pay&token="), "{back}");
    own.emulator.clear_received_requests();
}

#[tokio::test]
async fn a_bearer_callback_url_that_could_do_harm_is_refused() {
    let bench = bench().await;
    let good = ["https://app.example.com/proved", "http://localhost:5173/proved", "com.example.app:/p"];
    let bad = [
        "",
        "/proved",
        "http://app.example.com/proved",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "shop:/proved",
        "https://ada:secret@app.example.com/",
        "https://app.example.com/#x",
        "https://app.example.com/?token=x",
    ];
    for (urls, is_good) in [(&good[..], true), (&bad[..], false)] {
        for url in urls {
            let built = crate::support::builder(&bench.emulator, &bench.clock).bearer_callback_url(*url).build();
            assert_eq!(built.is_ok(), is_good, "{url}");
            if let Err(error) = built {
                assert!(
                    matches!(error, ConfigError::BearerCallbackUrl { .. }) && !error.to_string().contains("secret")
                );
            }
        }
    }
}
