//! The way back: the order of its checks, what it answers, and that it can be delivered more than once.
use axum::extract::State;
use axum::http::HeaderMap;
use axum_authsignal::RefusalReason;
use axum_authsignal::client::ActionState;

use crate::support::{
    Ask, Bench, CALLBACK, MINUTE, Reply, Visitor, ask, bench, bench_with, get, parameter, way_back, who,
};

mod broken_off;

/// What every answer of the callback carries (T10, T22).
fn assert_sealed(reply: &Reply, token: &str) {
    reply.assert_private();
    assert!(!reply.location().contains(token), "the token stays out of every address");
    assert!(!reply.text().contains(token), "and out of every page");
    if reply.header("content-type").starts_with("text/html") {
        let policy = reply.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"));
        assert_eq!(reply.header("x-frame-options"), "DENY");
        assert!(!reply.text().contains("<script") && !reply.text().contains("<img"));
    }
}

/// A visitor at a challenge, and the way back that was proved.
async fn proved(bench: &Bench, ask: &Ask) -> (Visitor, Ask, String) {
    let mut ada = bench.visitor("ada");
    let challenge = ada.challenge(ask).await;
    let url = bench.emulator.succeed(&challenge).unwrap();
    let token = parameter(&url, "token").unwrap();
    (ada, way_back(&url), token)
}

/// T11: doubled, oversized, empty, strange, in the wrong place: refused before anything is asked.
#[tokio::test]
async fn t11_malformed_ways_back_ask_nothing() {
    let bench = bench().await;
    let (mut ada, back, token) = proved(&bench, &get("/pay").navigating()).await;
    let flow = parameter(&back.target, "flow").unwrap();
    let (both, just_flow) = (format!("flow={flow}&token={token}"), format!("flow={flow}"));
    let queries = [
        String::new(),
        "?".into(),
        format!("?token={token}"),
        format!("?flow=&token={token}"),
        format!("?flow&token={token}"),
        format!("?flow=abc&token={token}"),
        format!("?flow={flow}A&token={token}"),
        format!("?flow={}&token={token}", &flow[1..]),
        format!("?flow={flow}%3D&token={token}"),
        format!("?flow={flow}%00&token={token}"),
        format!("?flow=../{flow}&token={token}"),
        format!("?flow={flow}&{both}"),
        format!("?{both}&flow={flow}"),
        format!("?{both}&flow="),
        format!("?{both}&%66low={flow}"),
        format!("?{both}&token={token}"),
        format!("?{both}&token=other"),
        format!("?{both}&token="),
        format!("?{both}&token"),
        format!("?{both}&%74oken={token}"),
        format!("?{just_flow}&token="),
        format!("?{just_flow}&token"),
        format!("?{just_flow}&token=a+b"),
        format!("?{just_flow}&token=a%20b"),
        format!("?{just_flow}&token=a%00"),
        format!("?{just_flow}&token=a%0d%0ab"),
        format!("?{just_flow}&token=a%09b"),
        format!("?{just_flow}&token=%FF"),
        format!("?{just_flow}&token=%E2%82%AC"),
        format!("?{just_flow}&token=%3Cscript%3E"),
        format!("?{just_flow}&token=a'b"),
        format!("?{just_flow}&token=a;b"),
        format!("?{just_flow}&token={token}%0A"),
        format!("?{just_flow}&token={token},{token}"),
        format!("?{just_flow}&token=[{token}]"),
        format!("?{just_flow}&token={}", "a".repeat(4097)),
        format!("?{both}&x={}", "a".repeat(8192)),
        format!("?&&{}", "flow=a&".repeat(10)),
    ];
    for query in &queries {
        let target = format!("/authsignal/callback{query}");
        let reply = ada.send(&get(&target).navigating()).await;
        reply.assert_refused(&RefusalReason::InvalidCallback);
        assert_eq!(reply.status, 400, "{query}");
        assert_sealed(&reply, &token);
    }
    // The token in a body, and methods that are not GET.
    for method in ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "FOO"] {
        let reply = ada.send(&ask(method, &back.target).navigating()).await;
        reply.assert_refused(&RefusalReason::InvalidCallback);
        assert_eq!(reply.status, 400, "{method}");
    }
    let posted = crate::support::post("/authsignal/callback", "application/x-www-form-urlencoded", both);
    ada.send(&posted).await.assert_refused(&RefusalReason::InvalidCallback);
    assert_eq!(bench.validates(), 0);
    println!("{} malformed ways back, 0 calls", queries.len() + 8);
    assert_eq!(ada.send(&back).await.location(), "/pay");
}

/// T12, C4: a browser that fetches ahead, or a link scanner, uses nothing up.
#[tokio::test]
async fn t12_a_prefetch_uses_nothing_up() {
    let bench = bench().await;
    let paid = get("/pay").navigating();
    let (mut ada, back, token) = proved(&bench, &paid).await;
    let prefetches = [
        ("sec-purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
        ("purpose", "prefetch"),
        ("x-moz", "prefetch"),
        ("x-purpose", "preview"),
        ("x-sec-purpose", "prefetch"),
        ("hx-preloaded", "true"),
    ];
    for (header, value) in prefetches {
        let reply = ada.send(&back.clone().header(header, value)).await;
        reply.assert_refused(&RefusalReason::Prefetch);
        assert_eq!((reply.status, reply.text(), reply.cookie()), (503, "", None), "{header}");
        assert_eq!(reply.headers.get("retry-after"), None, "{header}");
        assert_sealed(&reply, &token);
    }
    let scanner = ada.elsewhere().send(&back).await;
    scanner.assert_refused(&RefusalReason::UnknownFlow);
    assert_eq!(bench.validates(), 0);
    assert_eq!(ada.send(&back).await.location(), "/pay");
    ada.send(&paid).await.assert_passed();
}

/// T10, T13: one way back, delivered again and again, at every stage: the same answer, and the token goes at once.
#[tokio::test]
async fn t10_t13_the_same_way_back_has_the_same_answer() {
    let bench = bench().await;
    let paid = get("/pay?to=bob").navigating();
    let (mut ada, back, token) = proved(&bench, &paid).await;
    for _ in 0..3 {
        let reply = ada.send(&back).await;
        assert_eq!((reply.status, reply.location(), reply.text()), (303, "/pay?to=bob", ""));
        assert_sealed(&reply, &token);
    }
    ada.send(&paid).await.assert_passed();
    let reply = ada.send(&back).await;
    assert_eq!((reply.status, reply.location()), (303, "/pay?to=bob"));
    assert_eq!(bench.effects.count(), 1);
}

/// T7, T8, T14, T108: another browser learns nothing, not even whether the flow exists, and nothing is asked for it.
#[tokio::test]
async fn t7_t8_t14_t108_a_foreign_flow_looks_like_none() {
    let bench = bench().await;
    let paid = get("/pay").navigating();
    let (mut ada, back, token) = proved(&bench, &paid).await;
    let (mut mallory, _, _) = proved(&bench, &get("/other").navigating()).await;
    mallory.user = Some("bob".into());
    let unknown = format!("{CALLBACK}?flow={}&token={token}", "A".repeat(43));
    let unknown = mallory.send(&way_back(&unknown)).await;
    unknown.assert_refused(&RefusalReason::UnknownFlow);
    assert_eq!(unknown.status, 404);
    let others = [
        ("another browser", mallory.clone()),
        ("another browser of the same user", mallory.signed_in_as("ada")),
        ("no cookie", ada.elsewhere()),
        ("nobody", Visitor { user: None, ..ada.elsewhere() }),
        ("two cookies", Visitor { cookie: Some(format!("{0}; {0}", ada.cookie.as_ref().unwrap())), ..ada.clone() }),
    ];
    for (who, mut other) in others {
        let reply = other.send(&back).await;
        assert_eq!((reply.status, &reply.body), (unknown.status, &unknown.body), "{who}");
        assert_eq!(reply.headers, unknown.headers, "{who}");
        assert_eq!(reply.refusal, unknown.refusal, "{who}");
        other.send(&paid).await;
    }
    assert_eq!((bench.validates(), bench.effects.count()), (0, 0));
    assert_eq!(ada.send(&back).await.location(), "/pay");
    ada.send(&paid).await.assert_passed();
}

/// T28, T29: the user or the session changed while the challenge was open.
#[tokio::test]
async fn t28_t29_another_sign_in_is_turned_away() {
    let bench = bench().await;
    let paid = get("/pay").navigating();
    let mut ada = bench.visitor("ada").in_session("s1");
    let challenge = ada.challenge(&paid).await;
    let back = bench.prove(&challenge);
    for mut other in [ada.signed_in_as("bob"), ada.in_session("s2"), Visitor { session: None, ..ada.clone() }] {
        for target in [back.clone(), get(back.target.split("&token").next().unwrap()).navigating()] {
            let reply = other.send(&target).await;
            reply.assert_refused(&RefusalReason::OtherUser);
            assert_eq!(reply.status, 403);
        }
    }
    assert_eq!(bench.validates(), 0);
    assert_eq!(ada.send(&back).await.location(), "/pay");
    ada.send(&paid).await.assert_passed();
}

/// A `SameSite=Strict` session is not sent on the first request from another site: one hop, then the answer counts.
#[tokio::test]
async fn a_session_that_comes_one_hop_later_is_waited_for_once() {
    let bench = bench().await;
    let paid = get("/pay").navigating();
    let (mut ada, back, token) = proved(&bench, &paid).await;
    let mut nobody = Visitor { user: None, ..ada.clone() };
    let clean = nobody.send(&back).await;
    assert_eq!(clean.status, 303);
    assert_sealed(&clean, &token);
    let hop = nobody.send(&get(clean.location()).navigating()).await;
    assert_eq!(hop.status, 200);
    assert_sealed(&hop, &token);
    let next = hop.text().split("url=").nth(1).unwrap().split('"').next().unwrap().replace("&#38;", "&");
    assert!(next.starts_with("/authsignal/callback?flow=") && next.ends_with("&hop=1"), "{next}");
    assert!(hop.text().contains("http-equiv=\"refresh\""));
    let stranded = nobody.send(&get(&next).navigating()).await;
    stranded.assert_refused(&RefusalReason::Unauthenticated);
    assert_eq!(stranded.status, 401);
    assert_sealed(&stranded, &token);
    assert_eq!(bench.validates(), 0);
    assert_eq!(ada.send(&get(&next).navigating()).await.location(), "/pay");
    assert_eq!(bench.validates(), 1, "the token was kept for whoever came back");
    ada.send(&paid).await.assert_passed();
}

/// The same where the application's own extractor rejects who is not signed in.
#[tokio::test]
async fn a_rejection_on_the_way_back_is_shown_after_the_hop() {
    let reject = (axum::http::StatusCode::IM_A_TEAPOT, "sign in first");
    let bench = bench_with(|builder| {
        builder.identify_with_state((), move |State(()): State<()>, headers: HeaderMap| async move {
            who(&headers).ok_or(reject)
        })
    })
    .await;
    let (ada, back, _) = proved(&bench, &get("/pay").navigating()).await;
    let mut nobody = Visitor { user: None, ..ada };
    let clean = nobody.send(&back).await.location().to_owned();
    assert_eq!(nobody.send(&get(&clean).navigating()).await.status, 200);
    let reply = nobody.send(&get(&format!("{clean}&hop=1"))).await;
    assert_eq!((reply.status, reply.text()), (418, "sign in first"));
    reply.assert_refused(&RefusalReason::IdentifyRejected);
}

/// A user who quits finds a page with the same challenge and a way out; the token is out of the address by then.
#[tokio::test]
async fn whoever_quits_may_try_again() {
    let bench = bench().await;
    let paid = get("/pay").navigating();
    let mut ada = bench.visitor("ada");
    let challenge = ada.challenge(&paid).await;
    let quit = bench.emulator.quit(&challenge).unwrap();
    let token = parameter(&quit, "token").unwrap();
    for _ in 0..2 {
        let reply = ada.send(&way_back(&quit)).await;
        assert_eq!(reply.status, 303);
        assert_sealed(&reply, &token);
        let page = ada.send(&get(reply.location()).navigating()).await;
        assert_eq!((page.status, page.refusal.as_ref()), (200, None));
        assert_sealed(&page, &token);
        assert!(page.text().contains("Not confirmed yet"));
        assert!(page.text().contains(&format!("href=\"{challenge}\"")), "{}", page.text());
        assert!(page.text().contains("<a class=\"other\" href=\"/\">Cancel</a>"));
    }
    assert_eq!(ada.challenge(&paid).await, challenge);
    assert_eq!(bench.tracks(), 1);
    assert_eq!(ada.send(&bench.prove(&challenge)).await.location(), "/pay");
    ada.send(&paid).await.assert_passed();
}

/// A challenge that was refused for good: a page that says so, and the next request is a new attempt.
#[tokio::test]
async fn whoever_declines_is_refused_and_may_begin_anew() {
    let bench = bench().await;
    let paid = get("/pay").navigating();
    let mut ada = bench.visitor("ada");
    let challenge = ada.challenge(&paid).await;
    let declined = bench.emulator.decline(&challenge).unwrap();
    for _ in 0..2 {
        let page = ada.send(&way_back(&declined)).await;
        page.assert_refused(&RefusalReason::State(ActionState::ChallengeFailed));
        assert_eq!(page.status, 403);
        assert!(page.text().contains("This was refused"));
    }
    let next = ada.challenge(&paid).await;
    assert_ne!(next, challenge);
    assert_eq!((bench.effects.count(), bench.tracks()), (0, 2));
    // The old way back says nothing about the new attempt.
    let old = ada.send(&way_back(&declined)).await;
    assert_eq!(old.status, 403);
    assert_eq!(ada.send(&bench.prove(&next)).await.location(), "/pay");
    ada.send(&paid).await.assert_passed();
}

/// An operator's refusal after the proof takes the approval away, and none after it was spent.
#[tokio::test]
async fn a_proof_that_is_taken_back_approves_no_more() {
    let bench = bench().await;
    let paid = get("/pay").navigating();
    let (mut ada, back, _) = proved(&bench, &paid).await;
    ada.send(&back).await;
    let attempt = bench.tracked()["idempotencyKey"].as_str().unwrap().to_owned();
    bench.emulator.set_state("ada", "pay", &attempt, ActionState::ChallengeFailed).unwrap();
    ada.send(&back).await;
    ada.challenge(&paid).await;
    assert_eq!((bench.effects.count(), bench.tracks()), (0, 2));
}

/// The page of a flow that has run out, and of one that is done.
#[tokio::test]
async fn a_flow_s_own_page_says_where_it_stands() {
    let bench = bench().await;
    let paid = get("/pay").navigating();
    let (mut ada, back, _) = proved(&bench, &paid).await;
    let page = get(back.target.split("&token").next().unwrap()).navigating();
    assert!(ada.send(&page).await.text().contains("Not confirmed yet"));
    ada.send(&back).await;
    assert_eq!(ada.send(&page).await.location(), "/pay");
    ada.send(&paid).await.assert_passed();
    let done = ada.send(&page).await;
    assert!(done.text().contains("Already passed on") && done.text().contains("href=\"/pay\""));
    bench.clock.advance(MINUTE * 10);
    let gone = ada.send(&page).await;
    gone.assert_refused(&RefusalReason::UnknownFlow);
    assert!(gone.text().contains("This has expired"));
}

/// T9: the callback's own redirects and pages do not depend on the host that was asked.
#[tokio::test]
async fn t9_the_host_that_was_asked_has_no_effect() {
    let bench = bench().await;
    let (mut ada, back, _) = proved(&bench, &get("/pay").navigating()).await;
    let absolute = back.target.replacen('/', "http://evil.example/", 1);
    let reply = ada.send(&get(&absolute).navigating().header("host", "evil.example")).await;
    assert_eq!(reply.location(), "/pay");
}
