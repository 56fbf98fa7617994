//! Programs that repeat their request with the token of the proof in `authsignal-token`: with our cookie, or, as bearer
//! clients, without any.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use authsignal_emulator::{Endpoint, Fault};
use axum::Router;
use axum::http::HeaderMap;
use axum::routing::any;
use axum_authsignal::{AuthsignalBuilder, AuthsignalLayer, ConfigError, Outage, RefusalReason, Unproven};
use futures_util::future::join_all;

use crate::support::{Ask, Bench, Reply, Visitor, bench_with, get, json, parameter, who};

pub(crate) const TOKEN: &str = "authsignal-token";

/// Whoever sends `x-bearer` is a bearer client of that session.
pub(crate) fn bearers(builder: AuthsignalBuilder) -> AuthsignalBuilder {
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
pub(crate) fn proof(bench: &Bench, challenge: &str) -> String {
    parameter(&bench.emulator.succeed(challenge).unwrap(), "token").unwrap()
}

pub(crate) async fn challenged(client: &mut Visitor, ask: &Ask) -> String {
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

/// T118: however often a bearer client shows its token again, Authsignal is asked as often as the budget says, and nothing
/// passes; whoever has to wait is told how long.
#[tokio::test]
async fn t118_a_token_shown_again_and_again_meets_the_budget() {
    let bench = bench_with(|builder| bearers(builder).validate_budget(3)).await;
    let mut client = Bearer::new(&bench, "ada");
    let token = {
        let challenge = client.challenged(&pay()).await;
        proof(&bench, &challenge)
    };
    client.send(&pay().header(TOKEN, &token)).await.assert_passed();
    let mut over = 0;
    for _ in 0..20 {
        let reply = client.send(&pay().header(TOKEN, &token)).await;
        if reply.status == 429 {
            assert!(reply.header("retry-after").parse::<u64>().unwrap() > 60, "{reply:?}");
            over += 1;
        } else {
            reply.assert_refused(&RefusalReason::AlreadyDone);
        }
    }
    assert_eq!((bench.effects.count(), bench.validates(), over), (1, 3, 18));
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
