//! Routes that ask about some requests alone, or about none: who passes unasked, and where that is said.
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use authsignal_emulator::{Endpoint, Fault, Outcome};
use axum::Router;
use axum::routing::any;
use axum_authsignal::{
    Ask, AuthsignalLayer, ConfigError, Grounds, RefusalReason, SkipReason, Unenrolled, User, WhenRequest,
};

use crate::logs::Log;
use crate::shapes::{raw, serve, status};
use crate::support::{Ask as Request, handle};
use crate::support::{Bench, Visitor, ask, bench, bench_with, builder, form, get, json};

fn app(bench: &Bench, layer: AuthsignalLayer) -> Router {
    let route = any(handle).layer(layer);
    Router::new().route("/x", route).with_state(bench.effects.clone()).merge(bench.authsignal.routes())
}

/// A page, a form, a script and a program.
fn callers() -> [Request; 4] {
    [
        get("/x").navigating(),
        form("/x", "amount=10"),
        json("/x", "{\"amount\":10}").header("sec-fetch-mode", "cors").header("sec-fetch-site", "same-origin"),
        json("/x", "{\"amount\":10}").header("authorization", "Bearer x"),
    ]
}

fn skip(bench: &Bench) -> SkipReason {
    match bench.effects.last().verdict.expect("a verdict").grounds() {
        Grounds::Skipped { reason, .. } => reason.clone(),
        other => panic!("{other:?}"),
    }
}

/// Nothing but the want of a user stops a request where step-up is off, not the service's being out either, and it is
/// said at start, of each request and to its handler.
#[tokio::test]
async fn a_route_that_is_off_asks_nobody_and_says_so() {
    let bench = bench().await;
    bench.emulator.set_outcome("pay", Outcome::Block);
    bench.emulator.inject_fault(Endpoint::Track, Fault::status(503).times(100));
    let log = Log::default();
    let _listening = log.listen();
    let layer = AuthsignalLayer::new(&bench.authsignal, "pay").unenrolled(Unenrolled::Deny).off("tenant is set\nup");
    let said = log.text();
    assert!(
        said.contains("WARN") && said.contains("switched off") && said.contains("tenant is set\\nup"),
        "said at start, and in one line: {said}"
    );
    let app = app(&bench, layer);
    let mut ada = Visitor::new(&app, "ada");
    for (number, ask) in callers().into_iter().enumerate() {
        ada.send(&ask).await.assert_passed();
        assert_eq!(bench.effects.count(), number + 1);
        assert_eq!(bench.effects.last().body, ask.body);
        assert_eq!(skip(&bench), SkipReason::Off("tenant is set\nup".into()));
    }
    // What a guarded route declines or refuses, apart from who asks.
    for ask in [
        get("/x").header("sec-purpose", "prefetch"),
        get("/x").header("authsignal-token", "no token"),
        form("/x", "amount=10").header("sec-fetch-site", "cross-site"),
    ] {
        ada.send(&ask).await.assert_passed();
    }
    assert_eq!(log.text().matches("skipped=\"off\"").count(), 7, "{}", log.text());
    let ran = bench.effects.count();
    Visitor { user: None, ..ada.clone() }.send(&get("/x")).await.assert_refused(&RefusalReason::Unauthenticated);
    let hostile = Visitor::new(&app, "..").send(&get("/x")).await;
    assert!(matches!(hostile.reason(), Some(RefusalReason::InvalidUser(_))));
    assert_eq!((bench.effects.count(), bench.tracks()), (ran, 0));

    let server = serve(app).await;
    let request =
        "POST /x HTTP/1.1\r\nhost: a.example\r\nx-user: ada\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi";
    assert_eq!(status(&raw(server.address, request.as_bytes()).await), 200);
    assert_eq!((bench.effects.last().body.as_ref(), bench.tracks()), (&b"hi"[..], 0));
}

/// What would guard nothing by mistake is no layer.
#[tokio::test]
async fn what_asks_nobody_without_a_reason_is_refused() {
    let bench = bench().await;
    let layer = || AuthsignalLayer::new(&bench.authsignal, "pay");
    let mut refused = 0;
    for (layer, is_meant) in [
        (layer().off(""), false),
        (layer().off("  "), false),
        (layer().off("a reason"), true),
        (layer().share(0), false),
        (layer().share(101), false),
        (layer().share(1), true),
        (layer().share(100), true),
        (layer().share(0).share(10), true),
        (layer().when(|_| async { Ask::Yes }), true),
    ] {
        match layer.checked() {
            Ok(_) => assert!(is_meant),
            Err(ConfigError::Policies { action, reason, .. }) => {
                assert!(!is_meant && action == "pay", "{reason}");
                assert!(reason.contains("`off`") || reason.contains("`share"), "{reason}");
                refused += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(refused, 4);
}

/// A condition that says no lets the request pass, with its reason; one that cannot say means: ask.
#[tokio::test]
async fn t86_a_condition_that_breaks_means_ask() {
    let bench = bench().await;
    let layer = || AuthsignalLayer::new(&bench.authsignal, "pay");
    let never = |_: WhenRequest| async {
        std::future::pending::<()>().await;
        Ask::No("never said")
    };
    fn panics(_: WhenRequest) -> std::future::Ready<Ask> {
        panic!("a condition of the application's")
    }
    let rows: [(&str, AuthsignalLayer, Option<&str>); 9] = [
        ("yes", layer().when(|_| async { Ask::Yes }), None),
        ("no", layer().when(|_| async { Ask::No("below 100 EUR") }), Some("below 100 EUR")),
        ("a fine no", layer().when(|_| async { Ok::<_, String>(Ask::No("small")) }), Some("small")),
        ("a fine yes", layer().when(|_| async { Ok::<_, String>(Ask::Yes) }), None),
        ("an error", layer().when(|_| async { Err::<Ask, _>("the database is away") }), None),
        ("a no without a reason", layer().when(|_| async { Ask::No("") }), None),
        ("a panic at once", layer().when(panics), None),
        ("a panic later", layer().when(|_| async { panic!("later") as Ask }), None),
        ("too slow", layer().when(never).when_timeout(Duration::ZERO), None),
    ];
    for (why, layer, skipped) in rows {
        let log = Log::default();
        let listening = log.listen();
        let app = app(&bench, layer);
        for ask in callers() {
            let before = (bench.effects.count(), bench.tracks());
            let reply = Visitor::new(&app, "ada").send(&ask).await;
            let after = (bench.effects.count() - before.0, bench.tracks() - before.1);
            match skipped {
                Some(reason) => {
                    reply.assert_passed();
                    assert_eq!((after, skip(&bench)), ((1, 0), SkipReason::When(reason)), "{why}");
                }
                None => {
                    reply.assert_refused(&RefusalReason::ChallengeRequired);
                    assert_eq!(after, (0, 1), "{why}");
                }
            }
        }
        drop(listening);
        let said = log.text();
        assert_eq!(said.matches("skipped=\"when\"").count(), if skipped.is_some() { 4 } else { 0 }, "{why}: {said}");
        let is_broken = !matches!(why, "yes" | "no" | "a fine no" | "a fine yes");
        assert_eq!(said.contains("ERROR") && said.contains("AuthsignalLayer::when"), is_broken, "{why}: {said}");
    }
}

/// A condition sees who asks and the parts; asked for, the request goes its usual way and comes back with its proof.
#[tokio::test]
async fn a_condition_is_told_who_asks_and_for_what() {
    let bench = bench_with(|builder| {
        builder.identify_parts(|parts| {
            let user = parts.headers.get("x-user")?.to_str().ok()?;
            Some(User::new(user).session("s"))
        })
    })
    .await;
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let layer = AuthsignalLayer::new(&bench.authsignal, "pay").when(move |request: WhenRequest| {
        counted.fetch_add(1, Ordering::SeqCst);
        assert_eq!((request.action().as_str(), request.session()), ("pay", Some("s")));
        let is_partner = request.user_id().as_str() == "bob" && request.parts().uri.path() == "/x";
        async move { if is_partner { Ask::No("a partner") } else { Ask::Yes } }
    });
    let app = app(&bench, layer);
    Visitor::new(&app, "bob").send(&form("/x", "amount=10")).await.assert_passed();
    let mut ada = Visitor::new(&app, "ada");
    let pay = form("/x", "amount=10");
    bench.approve(&mut ada, &pay).await;
    assert_eq!(bench.effects.count(), 1);
    ada.send(&pay).await.assert_passed();
    assert!(bench.effects.last().verdict.unwrap().is_verified());
    assert_eq!((bench.effects.count(), asked.load(Ordering::SeqCst), bench.tracks()), (2, 3, 1));
}

/// T61: a request that one layer does not ask about is asked about by the other that does.
#[tokio::test]
async fn t61_what_one_layer_skips_the_other_decides() {
    let bench = bench().await;
    bench.emulator.set_outcome("pay", Outcome::Allow);
    let layer = || AuthsignalLayer::new(&bench.authsignal, "pay");
    let skipping: [fn(AuthsignalLayer) -> AuthsignalLayer; 3] =
        [|layer| layer.off("a reason"), |layer| layer.when(|_| async { Ask::No("small") }), |layer| layer.share(1)];
    // Somebody who is not among one in a hundred.
    let mut left_out = 0;
    for number in 0..20 {
        let user = format!("user-{number}");
        bench.emulator.user(&user).enroll_email_otp("ada@example.com");
        let mut is_left_out = true;
        for skip in skipping {
            for (outer, inner, is_outer) in [(skip(layer()), layer(), true), (layer(), skip(layer()), false)] {
                let app = Router::new().route("/x", any(handle).layer((outer, inner)));
                let app = app.with_state(bench.effects.clone());
                let before = bench.tracks();
                Visitor::new(&app, &user).send(&ask("POST", "/x")).await.assert_passed();
                let grounds = bench.effects.last().verdict.unwrap().grounds().clone();
                // The one that asks does, once; what the outer one found out is good for the inner one.
                assert_eq!((bench.tracks() - before, grounds), (1, Grounds::Allowed), "{user} {is_outer}");
            }
            let app = app_of(&bench, skip(layer()), skip(layer()));
            let before = bench.tracks();
            Visitor::new(&app, &user).send(&ask("POST", "/x")).await.assert_passed();
            is_left_out &= bench.tracks() == before;
        }
        left_out += usize::from(is_left_out);
    }
    assert!(left_out >= 17, "{left_out} of 20 are left out of one in a hundred");
}

fn app_of(bench: &Bench, outer: AuthsignalLayer, inner: AuthsignalLayer) -> Router {
    Router::new().route("/x", any(handle).layer((outer, inner))).with_state(bench.effects.clone())
}

/// Over sockets: the same users are asked by each node and after a restart, and those who were asked before a raise still are.
#[tokio::test]
async fn a_share_of_the_users_is_asked_the_same_everywhere() {
    let bench = bench().await;
    let mut asked = Vec::new();
    for percent in [10, 10, 20] {
        // Each is a node of its own, with a store of its own and the secret of all.
        let authsignal = builder(&bench.emulator, &bench.clock).build().unwrap();
        let layer = AuthsignalLayer::new(&authsignal, "pay").share(percent).unenrolled(Unenrolled::Deny);
        let server = serve(app(&bench, layer)).await;
        let mut users = BTreeSet::new();
        for number in 0..200 {
            let request =
                format!("GET /x HTTP/1.1\r\nhost: a.example\r\nx-user: user-{number}\r\nconnection: close\r\n\r\n");
            match status(&raw(server.address, request.as_bytes()).await) {
                403 => drop(users.insert(number)),
                status => assert_eq!((status, skip(&bench)), (200, SkipReason::Share)),
            }
        }
        asked.push(users);
    }
    println!("of 200 users are asked: {:?}", asked.iter().map(BTreeSet::len).collect::<Vec<_>>());
    assert_eq!(asked[0], asked[1]);
    assert!(asked[0].is_subset(&asked[2]) && asked[0].len() < asked[2].len());
    assert!((5..=40).contains(&asked[0].len()), "{}", asked[0].len());
}
