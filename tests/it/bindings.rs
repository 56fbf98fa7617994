//! What an approval is bound to: whoever and whatever differs in one thing never passes, and spoils nothing.
use std::time::Duration;

use axum_authsignal::client::Track;
use axum_authsignal::{Grounds, RefusalReason, Unproven};

use crate::support::{Ask, Bench, MINUTE, Visitor, ask, bench, emulator, form, get, json, parameter, post, way_back};

fn is_verified(bench: &Bench) -> bool {
    let verdict = bench.effects.last().verdict.unwrap();
    matches!(verdict.grounds(), Grounds::Verified { method: Some(_), .. }) && verdict.is_verified()
}

/// T1, T37: what was challenged passes once after its proof, and then never again, by no old address, token or cookie.
#[tokio::test]
async fn t1_t37_an_approval_passes_one_request_once() {
    let asks = [
        get("/pay?to=bob").navigating(),
        form("/pay", "to=bob&amount=10"),
        json("/pay", r#"{"to":"bob"}"#),
        json("/pay/7?x=1", ""),
        ask("DELETE", "/pay/7"),
    ];
    for ask in asks {
        let bench = bench().await;
        let mut ada = bench.visitor("ada");
        let challenge = ada.challenge(&ask).await;
        let back = bench.prove(&challenge);
        let first = ada.send(&back).await;
        assert_eq!(first.status, 303);
        assert_eq!(bench.effects.count(), 0);
        ada.send(&ask).await.assert_passed();
        assert_eq!((bench.effects.count(), bench.tracks()), (1, 1), "{ask:?}");
        assert!(is_verified(&bench));
        assert_eq!(bench.effects.last().body, ask.body);
        assert_eq!(bench.effects.last().method, ask.method);

        // The same callback again says the same, and gives nothing.
        let again = ada.send(&back).await;
        assert_eq!((again.status, again.location()), (303, first.location()));
        if ask.method == "POST"
            && ask.headers.get("content-type").is_some_and(|kind| kind.as_bytes().ends_with(b"urlencoded"))
        {
            // T37: the button pressed twice is not a second payment.
            ada.send(&ask).await.assert_refused(&RefusalReason::AlreadyDone);
            bench.clock.advance(Duration::from_secs(10));
        }
        let next = ada.challenge(&ask).await;
        assert_ne!(next, challenge);
        ada.send(&back).await;
        ada.challenge(&ask).await;
        assert_eq!((bench.effects.count(), bench.tracks()), (1, 2), "{ask:?}");
    }
}

/// The way back of somebody's own approved flow does nothing for these; each is challenged for itself, or turned away.
async fn assert_worthless(bench: &Bench, mut other: Visitor, ask: &Ask, why: &str) {
    let before = bench.effects.count();
    let tracks = bench.tracks();
    let reply = other.send(ask).await;
    assert_eq!(reply.reason(), Some(&RefusalReason::ChallengeRequired), "{why}");
    assert_eq!(bench.effects.count(), before, "{why}");
    assert_eq!(bench.tracks(), tracks + 1, "{why}: a flow of its own");
}

/// T2, T3, T27 to T30, T64, T88: an approval of one user, session, browser, action and request is nothing to any other,
/// and is still there for its own.
#[tokio::test]
async fn t2_t3_t27_t28_t29_t30_t64_t88_an_approval_is_bound_in_every_part() {
    let bench = bench().await;
    let mut ada = bench.visitor("ada").in_session("s1");
    let paid = form("/pay?a=1&b=2", "to=bob&amount=10");
    bench.approve(&mut ada, &paid).await;

    let one = |target, body| form(target, body);
    let people = [
        ("T28 another user", ada.signed_in_as("bob")),
        ("T29 another session", ada.in_session("s2")),
        ("T29 no session", Visitor { session: None, ..ada.clone() }),
        ("T30 another browser", ada.elsewhere()),
        ("T88 two cookies", Visitor { cookie: ada.cookie.as_ref().map(|c| format!("{c}; {c}")), ..ada.clone() }),
        ("T30 a broken cookie", Visitor { cookie: Some("__Host-authsignal=AAAA".into()), ..ada.clone() }),
        (
            "T88 the loopback name",
            Visitor { cookie: ada.cookie.as_ref().map(|c| c.replace("__Host-", "")), ..ada.clone() },
        ),
    ];
    for (why, other) in people {
        assert_worthless(&bench, other, &paid, why).await;
    }
    let requests = [
        ("T27 amount", one("/pay?a=1&b=2", "to=bob&amount=10000")),
        ("T27 order", one("/pay?a=1&b=2", "amount=10&to=bob")),
        ("T64 doubled", one("/pay?a=1&b=2", "to=bob&amount=10&amount=999")),
        ("T27 one more", one("/pay?a=1&b=2", "to=bob&amount=10&x=")),
        ("T27 no body", one("/pay?a=1&b=2", "")),
        ("T64 query value", one("/pay?a=1&b=3", "to=bob&amount=10")),
        ("T64 query order", one("/pay?b=2&a=1", "to=bob&amount=10")),
        ("T64 query doubled", one("/pay?a=1&b=2&b=2", "to=bob&amount=10")),
        ("T27 no query", one("/pay", "to=bob&amount=10")),
        ("T27 path", one("/pay/7?a=1&b=2", "to=bob&amount=10")),
        ("T3 action", one("/other?a=1&b=2", "to=bob&amount=10")),
        ("T27 method", Ask { method: "PUT".parse().unwrap(), ..paid.clone() }),
        ("T27 as bytes", paid.clone().header("content-type", "text/plain")),
    ];
    for (why, ask) in requests {
        assert_worthless(&bench, ada.clone(), &ask, why).await;
    }
    assert_eq!(bench.effects.count(), 0);
    ada.send(&paid).await.assert_passed();
    assert_eq!(bench.effects.count(), 1);
    assert!(is_verified(&bench));
}

/// M12, T53: HEAD runs the handler of GET, so it is guarded and covered as GET is, and spends what GET would.
#[tokio::test]
async fn t53_head_spends_the_approval_of_get() {
    let bench = bench().await;
    let mut ada = bench.visitor("ada");
    bench.approve(&mut ada, &get("/pay").navigating()).await;
    assert_eq!(ada.send(&ask("HEAD", "/pay")).await.status, 200);
    ada.challenge(&get("/pay")).await;
    assert_eq!(bench.effects.count(), 1);
}

/// T2 to T6, T16: whatever token comes back for a flow that it does not belong to proves nothing and spoils nothing.
#[tokio::test]
async fn t2_t3_t4_t5_t6_t15_t16_wrong_tokens_prove_nothing_and_spoil_nothing() {
    let bench = bench().await;
    let foreign = emulator(&bench.clock).await;
    let mut ada = bench.visitor("ada");
    let mut bob = bench.visitor("bob");
    let paid = get("/pay?to=bob").navigating();

    // An older flow of the same user and action, which was proved.
    let older = ada.challenge(&get("/pay?to=eve").navigating()).await;
    let older = parameter(&bench.emulator.succeed(&older).unwrap(), "token").unwrap();
    let other_action = ada.challenge(&get("/other").navigating()).await;
    let other_action = parameter(&bench.emulator.succeed(&other_action).unwrap(), "token").unwrap();
    let other_user = bob.challenge(&paid).await;
    let other_user = parameter(&bench.emulator.succeed(&other_user).unwrap(), "token").unwrap();
    let track = Track::new("pay").redirect_url("https://x.example/?a=b");
    let tracked = foreign.client().track("ada", track).await.unwrap();
    let other_tenant = foreign.succeed(tracked.url.unwrap().secret()).unwrap();
    let other_tenant = parameter(&other_tenant, "token").unwrap();

    let challenge = ada.challenge(&paid).await;
    let initial = parameter(&challenge, "token").unwrap();
    let right = bench.emulator.quit(&challenge).unwrap();
    let flow = parameter(&right, "flow").unwrap();
    let wrong = [
        ("T4 an older flow's", older, Unproven::Attempt),
        ("T3 another action's", other_action, Unproven::Action),
        ("T2 another user's", other_user, Unproven::User),
        ("T16 another tenant's", other_tenant, Unproven::Token),
        ("T6 garbage", "eyJhbGciOiJub25lIn0.e30.".into(), Unproven::Token),
        ("T6 words", "CHALLENGE_SUCCEEDED".into(), Unproven::Token),
    ];
    let mut tries = 0;
    for _ in 0..30 {
        for (why, token, _) in &wrong {
            let reply = ada.send(&way_back(&format!("{}?flow={flow}&token={token}", crate::support::CALLBACK))).await;
            assert_eq!(reply.status, 403, "{why}");
            assert!(matches!(reply.reason(), Some(RefusalReason::Unproven(_))), "{why}: {:?}", reply.reason());
            tries += 1;
        }
        let reply = ada.send(&way_back(&format!("{}?flow={flow}&token={initial}", crate::support::CALLBACK))).await;
        assert_eq!(reply.status, 303, "T5: the initial token only leads to the flow's page");
        let page = ada.send(&get(reply.location()).navigating()).await;
        assert!(page.text().contains("Not confirmed yet"));
        tries += 1;
    }
    assert!(tries >= 200);
    ada.challenge(&paid).await;
    assert_eq!(bench.effects.count(), 0);
    let back = ada.send(&bench.prove(&challenge)).await;
    assert_eq!((back.status, back.location()), (303, "/pay?to=bob"));
    ada.send(&paid).await.assert_passed();
    println!("{tries} wrong tries, then the right one");
}

/// T2, T16, T40: what the service says about a token has to name this very user, action and attempt.
#[tokio::test]
async fn t2_t4_t5_t72_an_answer_about_anything_else_proves_nothing() {
    use authsignal_emulator::{Endpoint, Fault};
    use serde_json::json;
    let bench = bench().await;
    let mut ada = bench.visitor("ada");
    let paid = get("/pay").navigating();
    let challenge = ada.challenge(&paid).await;
    let back = bench.prove(&challenge);
    let wrong = [
        (json!({ "userId": "bob" }), Unproven::User),
        (json!({ "userId": "Ada" }), Unproven::User),
        (json!({ "userId": "ada " }), Unproven::User),
        (json!({ "userId": null }), Unproven::User),
        (json!({ "action": "other" }), Unproven::Action),
        (json!({ "action": "PAY" }), Unproven::Action),
        (json!({ "action": null, "actionCode": null }), Unproven::Action),
        (json!({ "idempotencyKey": "5d1f9c52-8c1a-4c55-8e35-0b6a0ad0a001" }), Unproven::Attempt),
        (json!({ "idempotencyKey": null }), Unproven::Attempt),
        (json!({ "isValid": false }), Unproven::Contradiction),
        (json!({ "state": "ALLOW" }), Unproven::Contradiction),
        (json!({ "state": "REVIEW_SUCCEEDED" }), Unproven::Contradiction),
        (json!({ "state": "BLOCK" }), Unproven::Contradiction),
        (json!({ "state": "challenge_succeeded" }), Unproven::Contradiction),
        (json!({ "state": "SOMETHING_NEW" }), Unproven::Contradiction),
        (json!({ "state": null }), Unproven::Token),
    ];
    for (members, why) in wrong {
        bench.emulator.inject_fault(Endpoint::ValidateChallenge, Fault::merge(members.clone()));
        let reply = ada.send(&back).await;
        assert!(
            matches!(reply.reason(), Some(RefusalReason::Unproven(found)) if *found == why)
                || matches!(reply.reason(), Some(RefusalReason::Outage(_))),
            "{members}: {:?}",
            reply.reason()
        );
        ada.challenge(&paid).await;
    }
    assert_eq!((bench.effects.count(), bench.tracks()), (0, 1));
    assert_eq!(ada.send(&back).await.location(), "/pay");
    ada.send(&paid).await.assert_passed();
}

/// T2: of twenty users' tokens on twenty users' flows, only each one's own counts.
#[tokio::test]
async fn t2_of_many_users_tokens_only_the_diagonal_counts() {
    const USERS: usize = 20;
    let bench = bench().await;
    let paid = get("/pay").navigating();
    let mut visitors = Vec::new();
    let mut backs = Vec::new();
    for number in 0..USERS {
        let name = format!("user-{number}");
        bench.emulator.user(&name).enroll_email_otp("a@example.com");
        let mut visitor = bench.visitor(&name);
        let challenge = visitor.challenge(&paid).await;
        backs.push(bench.emulator.succeed(&challenge).unwrap());
        visitors.push(visitor);
    }
    for (row, visitor) in visitors.iter_mut().enumerate() {
        let flow = parameter(&backs[row], "flow").unwrap();
        for (column, back) in backs.iter().enumerate().filter(|(column, _)| *column != row) {
            let token = parameter(back, "token").unwrap();
            let reply =
                visitor.send(&way_back(&format!("{}?flow={flow}&token={token}", crate::support::CALLBACK))).await;
            assert!(matches!(reply.reason(), Some(RefusalReason::Unproven(_))), "{row} {column}");
            assert_eq!(bench.effects.count(), row, "{row} {column}");
        }
        visitor.challenge(&paid).await;
        assert_eq!(visitor.send(&way_back(&backs[row])).await.location(), "/pay");
        visitor.send(&paid).await.assert_passed();
    }
    assert_eq!((bench.effects.count(), bench.tracks()), (USERS, USERS));
}

/// T16, T40: the same user, browser, session and store, but another callback or another service: two applications.
#[tokio::test]
async fn t16_t40_applications_that_share_a_store_share_no_flow() {
    use crate::support::{Effects, app, builder};
    use axum_authsignal::store::MemoryStore;
    let bench = bench().await;
    let store = MemoryStore::new().clock(bench.clock.clone());
    let secret = [7; 32];
    let of = |callback: &str| {
        let handle = builder(&bench.emulator, &bench.clock).callback_url(callback).store(store.clone()).secret(secret);
        handle.build().unwrap()
    };
    let effects = Effects::default();
    let mut ada = Visitor::new(&app(&of("https://app.example.com/authsignal/callback"), &effects), "ada");
    let paid = get("/pay").navigating();
    bench.approve(&mut ada, &paid).await;
    let mut there = Visitor { app: app(&of("https://app.example.com/two/callback"), &effects), ..ada.clone() };
    there.challenge(&paid).await;
    assert_eq!(effects.count(), 0);
    // A second node of the first application does share it.
    let mut node = Visitor { app: app(&of("https://app.example.com/authsignal/callback"), &effects), ..ada };
    node.send(&paid).await.assert_passed();
}

/// T31: a remembered approval ends when it ends, however often it was used.
#[tokio::test]
async fn t31_a_remembered_approval_ends_by_the_clock_and_is_not_stretched() {
    let bench = bench().await;
    let mut ada = bench.visitor("ada");
    bench.approve(&mut ada, &get("/kept").navigating()).await;
    let calls = bench.emulator.received_requests().len();
    for minute in 0..10 {
        ada.send(&get("/kept?page=1")).await.assert_passed();
        ada.send(&json("/kept/7", "{}")).await.assert_passed();
        assert_eq!(bench.effects.count(), 2 * (minute + 1));
        if minute < 9 {
            bench.clock.advance(MINUTE);
        }
    }
    assert_eq!(bench.emulator.received_requests().len(), calls, "nothing is asked while it is remembered");
    bench.clock.advance(MINUTE - std::time::Duration::from_secs(1));
    ada.send(&get("/kept")).await.assert_passed();
    bench.clock.advance(std::time::Duration::from_secs(1));
    ada.challenge(&get("/kept")).await;
    assert_eq!(bench.effects.count(), 21);
    // And it was only this user's, here.
    for mut other in [ada.elsewhere(), ada.signed_in_as("bob"), ada.in_session("new")] {
        other.challenge(&get("/kept")).await;
    }
}

#[tokio::test]
async fn an_approval_of_a_route_covers_its_method_and_template_once() {
    let bench = bench().await;
    let mut ada = bench.visitor("ada");
    bench.approve(&mut ada, &json("/route/1?x=1", "{}")).await;
    ada.clone().challenge(&get("/route/1")).await;
    ada.send(&post("/route/2", "text/plain", "other")).await.assert_passed();
    ada.challenge(&json("/route/1?x=1", "{}")).await;
    assert_eq!(bench.effects.count(), 1);
}

#[tokio::test]
async fn an_approval_of_an_action_covers_any_route_of_it_once() {
    let bench = bench().await;
    let mut ada = bench.visitor("ada");
    bench.approve(&mut ada, &json("/action", "{}")).await;
    ada.clone().challenge(&get("/route/1")).await;
    ada.send(&get("/action/7")).await.assert_passed();
    ada.challenge(&get("/action/7")).await;
    assert_eq!(bench.effects.count(), 1);
}

#[tokio::test]
async fn an_approval_and_a_challenge_run_out() {
    let bench = bench().await;
    let mut ada = bench.visitor("ada");
    let paid = get("/pay").navigating();
    bench.approve(&mut ada, &paid).await;
    bench.clock.advance(MINUTE * 5);
    let challenge = ada.challenge(&paid).await;
    assert_eq!(bench.tracks(), 2);
    let back = bench.prove(&challenge);
    bench.clock.advance(MINUTE * 10);
    let late = ada.send(&back).await;
    assert!(matches!(late.status, 403 | 404), "{}", late.status);
    assert!(late.text().contains("This has expired"), "{}", late.text());
    ada.challenge(&paid).await;
    assert_eq!((bench.effects.count(), bench.tracks()), (0, 3));
}

/// While a challenge waits, the same request gets the same one: no second action, and no second message to the user.
#[tokio::test]
async fn a_waiting_challenge_is_shown_again() {
    let bench = bench().await;
    let mut ada = bench.visitor("ada");
    let paid = form("/pay", "a=b");
    let challenge = ada.challenge(&paid).await;
    for _ in 0..5 {
        bench.clock.advance(MINUTE);
        let reply = ada.send(&paid).await;
        assert_eq!(reply.location(), challenge);
        assert_eq!(reply.cookie(), None, "the browser has its cookie");
    }
    assert_eq!(bench.tracks(), 1);
}

/// T3: where an approval covers an action whatever the request, the action alone keeps it from covering another.
#[tokio::test]
async fn t3_an_approval_of_one_action_is_nothing_to_another() {
    let bench = bench().await;
    let mut ada = bench.visitor("ada");
    bench.approve(&mut ada, &get("/kept").navigating()).await;
    ada.challenge(&get("/action")).await;
    assert_eq!((bench.effects.count(), bench.tracks()), (0, 2));
    ada.send(&get("/kept")).await.assert_passed();
}

/// T91: a cookie that somebody planted before the login, and knows, is of no use to them afterwards.
#[tokio::test]
async fn t91_a_planted_cookie_is_worth_nothing_after_the_login() {
    let bench = bench().await;
    let mut bob = bench.visitor("bob").in_session("m");
    bench.approve(&mut bob, &get("/pay")).await;
    // Ada's browser is made to carry the cookie that bob knows; what it approves is hers, and what he approved is not.
    let mut ada = bob.signed_in_as("ada").in_session("a");
    ada.challenge(&get("/pay")).await;
    bench.approve(&mut ada, &get("/other")).await;
    bob.challenge(&get("/other")).await;
    ada.in_session("a2").challenge(&get("/other")).await;
    ada.send(&get("/other")).await.assert_passed();
    bob.send(&get("/pay")).await.assert_passed();
}
