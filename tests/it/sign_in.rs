//! A sign-in as a fresh proof: who passes by it, and everybody who does not.
use std::time::Duration;

use authsignal_emulator::{Endpoint, Fault, Outcome};
use axum::Router;
use axum::http::request::Parts;
use axum::routing::any;
use axum_authsignal::client::{ActionState, Track, VerificationMethod};
use axum_authsignal::{
    Authsignal, AuthsignalLayer, ConfigError, Coverage, Outage, RefusalReason, SignInError, Unproven, User,
};
use futures_util::future::join_all;

use crate::support::{Bench, CALLBACK, MINUTE, Visitor, bench_with, form, get, handle, parameter};

/// What was shown to `approve`, unless a test says otherwise.
struct Shown<'a> {
    visitor: &'a Visitor,
    user: &'a str,
    session: Option<&'a str>,
    action: &'a str,
    token: &'a str,
}

impl Shown<'_> {
    async fn approve(&self, authsignal: &Authsignal) -> Result<(), SignInError> {
        let user = User::new(self.user);
        let user = match self.session {
            Some(session) => user.session(session),
            None => user,
        };
        authsignal.approve(&parts(self.visitor), &user, self.action, self.token).await
    }
}

fn parts(visitor: &Visitor) -> Parts {
    visitor.request(&get("/login")).into_parts().0
}

struct Scene {
    bench: Bench,
    app: Router,
}

async fn scene() -> Scene {
    let bench = bench_with(|builder| builder).await;
    let layer = |action: &str| AuthsignalLayer::new(&bench.authsignal, action).covers(Coverage::Action);
    let five = || layer("view").accepts_sign_in("signIn", MINUTE * 5);
    let app = Router::new()
        .route("/view", any(handle).layer(five()))
        .route("/long", any(handle).layer(layer("view").accepts_sign_in("signIn", MINUTE * 60)))
        .route("/other", any(handle).layer(layer("view").accepts_sign_in("login", MINUTE * 5)))
        .route("/none", any(handle).layer(layer("view")))
        .route("/push", any(handle).layer(five().methods([VerificationMethod::Push])))
        .route("/email", any(handle).layer(five().methods([VerificationMethod::EmailOtp])))
        .route("/inside", any(handle).layer((five(), layer("view"))))
        .with_state(bench.effects.clone());
    let pages = Router::new().route("/", any(async || "home")).layer(bench.authsignal.browser_layer());
    let app = app.merge(pages).merge(bench.authsignal.routes());
    Scene { bench, app }
}

impl Scene {
    /// Somebody in a browser that was given its id by a page.
    async fn visitor(&self, user: &str, session: &str) -> Visitor {
        let mut visitor = Visitor::new(&self.app, user).in_session(session);
        visitor.send(&get("/").navigating()).await;
        assert!(visitor.cookie.is_some());
        visitor
    }

    /// The application tracks a sign-in by itself; the address of its challenge, and the token as it is now.
    async fn tracked(&self, user: &str, action: &str) -> (String, String) {
        let client = self.bench.authsignal.client();
        let tracked = client.track(user, Track::new(action).redirect_url(CALLBACK)).await.unwrap();
        (tracked.url.unwrap().secret().to_owned(), tracked.token.unwrap().secret().to_owned())
    }

    /// The token of a sign-in that was proved.
    async fn token(&self, user: &str, action: &str) -> String {
        let (url, _) = self.tracked(user, action).await;
        parameter(&self.bench.emulator.succeed(&url).unwrap(), "token").unwrap()
    }

    /// A browser that has just signed in.
    async fn signed_in(&self) -> Visitor {
        let visitor = self.visitor("ada", "s").await;
        let token = self.token("ada", "signIn").await;
        let shown = Shown { visitor: &visitor, user: "ada", session: Some("s"), action: "signIn", token: &token };
        shown.approve(&self.bench.authsignal).await.unwrap();
        visitor
    }
}

#[tokio::test]
async fn who_has_just_signed_in_is_not_asked_again() {
    let scene = scene().await;
    let mut ada = scene.signed_in().await;
    ada.send(&get("/view")).await.assert_passed();
    ada.send(&get("/view")).await.assert_passed();
    let verdict = scene.bench.effects.last().verdict.unwrap();
    assert!(verdict.is_verified() && verdict.action().as_str() == "view");
    // Each was asked about, and what is blocked is blocked.
    assert_eq!(scene.bench.tracks(), 3);
    for outcome in [Outcome::Block, Outcome::Review] {
        scene.bench.emulator.set_outcome("view", outcome);
        assert!(matches!(ada.send(&get("/view")).await.reason(), Some(RefusalReason::State(_))));
    }
    assert_eq!(scene.bench.effects.count(), 2);
}

/// T2, T4, T16, T28, T30, T31: on each route, everybody but the one whose fresh sign-in it names.
#[tokio::test]
async fn t28_t30_t31_a_sign_in_is_for_its_own_user_session_browser_and_routes() {
    let scene = scene().await;
    let ada = scene.signed_in().await;
    scene.bench.emulator.user("ada").enroll_push("Ada's phone");
    let other_browser = Visitor { cookie: scene.visitor("ada", "s").await.cookie, ..ada.clone() };
    let rows = [
        ("the one", ada.clone(), "/view", true),
        ("a longer age", ada.clone(), "/long", true),
        ("another user", ada.signed_in_as("bob"), "/view", false),
        ("another session", ada.in_session("t"), "/view", false),
        ("no session", Visitor { session: None, ..ada.clone() }, "/view", false),
        ("another browser", other_browser, "/view", false),
        ("no browser", ada.elsewhere(), "/view", false),
        ("another sign-in", ada.clone(), "/other", false),
        ("no sign-in is taken", ada.clone(), "/none", false),
        ("a stricter layer inside", ada.clone(), "/inside", false),
        ("T34: another method", ada.clone(), "/push", false),
        ("T34: its method", ada.clone(), "/email", true),
    ];
    for (name, mut visitor, path, passes) in rows.clone() {
        let reply = visitor.send(&get(path)).await;
        if passes {
            reply.assert_passed();
        } else {
            reply.assert_refused(&RefusalReason::ChallengeRequired);
        }
        println!("{name}: {}", if passes { "passes" } else { "is challenged" });
    }
    // T42: what a page of another site sends passes by no sign-in.
    let foreign = form("/view", "a=1").header("sec-fetch-site", "cross-site");
    ada.clone().send(&foreign).await.assert_refused(&RefusalReason::CrossSite);
    // Too old, one route after the other, by the time at which it was proved.
    scene.bench.clock.advance(MINUTE * 5);
    ada.clone().send(&get("/view")).await.assert_refused(&RefusalReason::ChallengeRequired);
    ada.clone().send(&get("/long")).await.assert_passed();
    scene.bench.clock.advance(MINUTE * 55);
    ada.clone().send(&get("/long")).await.assert_refused(&RefusalReason::ChallengeRequired);
}

/// T1, T2, T4: what is no proof of this user's sign-in is not taken, and passes nothing.
#[tokio::test]
async fn t1_t2_t4_no_other_token_is_a_sign_in() {
    let scene = scene().await;
    let mut ada = scene.visitor("ada", "s").await;
    let good = scene.token("ada", "signIn").await;
    let of_bob = scene.token("bob", "signIn").await;
    let of_action = scene.token("ada", "withdraw").await;
    let (_, unproved) = scene.tracked("ada", "signIn").await;
    let (url, _) = scene.tracked("ada", "signIn").await;
    let left = parameter(&scene.bench.emulator.quit(&url).unwrap(), "token").unwrap();
    let (url, failed) = scene.tracked("ada", "signIn").await;
    scene.bench.emulator.decline(&url).unwrap();
    scene.bench.emulator.set_outcome("allowed", Outcome::Allow);
    let (_, allowed) = scene.tracked("ada", "allowed").await;
    let shown = |token| Shown { visitor: &ada, user: "ada", session: Some("s"), action: "signIn", token };
    let bare = Visitor { cookie: None, ..ada.clone() };
    let challenge_required = SignInError::State(ActionState::ChallengeRequired);
    let rows = [
        ("no token", shown(""), SignInError::InvalidToken),
        ("two words", shown("a b"), SignInError::InvalidToken),
        ("made up", shown("ey.made.up"), SignInError::Unproven(Unproven::Token)),
        ("not proved", shown(&unproved), challenge_required.clone()),
        ("left", shown(&left), challenge_required),
        ("failed", shown(&failed), SignInError::State(ActionState::ChallengeFailed)),
        ("allowed", Shown { action: "allowed", ..shown(&allowed) }, SignInError::State(ActionState::Allow)),
        ("bob's", shown(&of_bob), SignInError::Unproven(Unproven::Token)),
        ("for bob", Shown { user: "bob", ..shown(&good) }, SignInError::Unproven(Unproven::Token)),
        ("another action's", shown(&of_action), SignInError::Unproven(Unproven::Token)),
        ("for another action", Shown { action: "login", ..shown(&good) }, SignInError::Unproven(Unproven::Token)),
        ("no session", Shown { session: None, ..shown(&good) }, SignInError::NoSession),
        ("no browser", Shown { visitor: &bare, ..shown(&good) }, SignInError::NoBrowser),
    ];
    let count = rows.len();
    for (name, shown, why) in rows {
        assert_eq!(shown.approve(&scene.bench.authsignal).await, Err(why), "{name}");
    }
    for user in [User::new("ada").bearer("s"), User::new("ada").session("s").machine()] {
        let taken = scene.bench.authsignal.approve(&parts(&ada), &user, "signIn", &good).await;
        assert_eq!(taken, Err(SignInError::NoSession));
    }
    let user = User::new("ada").session("s").impersonated_by("grace");
    let taken = scene.bench.authsignal.approve(&parts(&ada), &user, "signIn", &good).await;
    assert_eq!(taken, Err(SignInError::NoSession));
    println!("{} tokens and ways to show one: none taken", count + 3);
    ada.send(&get("/view")).await.assert_refused(&RefusalReason::ChallengeRequired);

    let (cookie, of_ada) = (ada.cookie.clone(), scene.visitor("ada", "s").await);
    let again = Visitor { cookie, ..of_ada };
    let shown = Shown { visitor: &again, user: "ada", session: Some("s"), action: "signIn", token: &good };
    shown.approve(&scene.bench.authsignal).await.unwrap();
    again.clone().send(&get("/view")).await.assert_refused(&RefusalReason::ChallengeRequired);
}

/// T37: an attempt is taken once, whoever shows it, and at whatever node.
#[tokio::test]
async fn t37_an_attempt_at_a_sign_in_is_taken_once() {
    let store = axum_authsignal::store::MemoryStore::new();
    let bench = bench_with(|builder| builder.store(store.clone())).await;
    let node = crate::support::builder(&bench.emulator, &bench.clock).store(store.clone()).build().unwrap();
    let scene = Scene { app: bench.app.clone(), bench };
    let ada = Visitor {
        cookie: Some(format!("__Host-authsignal={}", "A".repeat(43))),
        ..Visitor::new(&scene.app, "ada").in_session("s")
    };
    let token = scene.token("ada", "signIn").await;
    let shown = || Shown { visitor: &ada, user: "ada", session: Some("s"), action: "signIn", token: &token };
    let of = |node: &Authsignal| (node.clone(), shown());
    let all = (0..10).flat_map(|_| [of(&scene.bench.authsignal), of(&node)]);
    let all = join_all(all.map(|(node, shown)| async move { shown.approve(&node).await })).await;
    let taken = all.iter().filter(|taken| taken.is_ok()).count();
    let refused = all.iter().filter(|taken| **taken == Err(SignInError::AlreadyTaken)).count();
    println!("{taken} of {} at two nodes", all.len());
    assert_eq!((taken, refused), (1, 19));
    // Nor by the same user in another session.
    let shown = Shown { session: Some("t"), ..shown() };
    assert_eq!(shown.approve(&node).await, Err(SignInError::AlreadyTaken));
}

/// T29: a revocation ends it, of the user and of the session.
#[tokio::test]
async fn t29_a_revocation_ends_a_sign_in() {
    for of_session in [false, true] {
        let scene = scene().await;
        let mut ada = scene.signed_in().await;
        ada.send(&get("/view")).await.assert_passed();
        let authsignal = &scene.bench.authsignal;
        authsignal.forget("ada", "another").await.unwrap();
        ada.send(&get("/view")).await.assert_passed();
        if of_session {
            authsignal.forget("ada", "s").await.unwrap();
        } else {
            authsignal.revoke("ada").await.unwrap();
        }
        ada.send(&get("/view")).await.assert_refused(&RefusalReason::ChallengeRequired);
    }
}

/// T31: how old a sign-in is, is counted from its proof, however late its token is shown.
#[tokio::test]
async fn t31_a_token_that_is_shown_late_is_as_old_as_its_proof() {
    let scene = scene().await;
    let mut ada = scene.visitor("ada", "s").await;
    let token = scene.token("ada", "signIn").await;
    scene.bench.clock.advance(MINUTE * 4);
    let shown = Shown { visitor: &ada, user: "ada", session: Some("s"), action: "signIn", token: &token };
    shown.approve(&scene.bench.authsignal).await.unwrap();
    ada.send(&get("/view")).await.assert_passed();
    scene.bench.clock.advance(Duration::from_secs(61));
    ada.send(&get("/view")).await.assert_refused(&RefusalReason::ChallengeRequired);
}

#[tokio::test]
async fn an_outage_takes_nothing_and_loses_nothing() {
    let scene = scene().await;
    let mut ada = scene.visitor("ada", "s").await;
    let token = scene.token("ada", "signIn").await;
    scene.bench.emulator.inject_fault(Endpoint::ValidateChallenge, Fault::status(503).times(9));
    let shown = || Shown { visitor: &ada, user: "ada", session: Some("s"), action: "signIn", token: &token };
    let taken = shown().approve(&scene.bench.authsignal).await;
    assert!(matches!(taken, Err(SignInError::Outage { outage: Outage::Server, .. })), "{taken:?}");
    scene.bench.emulator.clear_faults();
    shown().approve(&scene.bench.authsignal).await.unwrap();
    ada.send(&get("/view")).await.assert_passed();
}

#[tokio::test]
async fn what_an_approval_of_a_request_covers_takes_no_sign_in() {
    let bench = bench_with(|builder| builder).await;
    let layer = || AuthsignalLayer::new(&bench.authsignal, "view");
    for refused in [
        layer().accepts_sign_in("signIn", MINUTE),
        layer().covers(Coverage::Request).accepts_sign_in("signIn", MINUTE),
        layer().remember(MINUTE).covers(Coverage::Request).accepts_sign_in("signIn", MINUTE),
        layer().remember(MINUTE).accepts_sign_in("sign in", MINUTE),
        layer().remember(MINUTE).accepts_sign_in("view", MINUTE),
        layer().remember(MINUTE).accepts_sign_in("signIn", Duration::ZERO),
        layer().remember(MINUTE).accepts_sign_in("signIn", MINUTE * 60 * 25),
    ] {
        let error = refused.checked().unwrap_err();
        assert!(
            matches!(&error, ConfigError::Policies { .. }) && error.to_string().contains("accepts_sign_in"),
            "{error}"
        );
    }
    layer().remember(MINUTE).accepts_sign_in("signIn", MINUTE).checked().unwrap();
}
