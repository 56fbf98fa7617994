//! Requests that no person is behind, and those of people who act as another: who is asked, who passes, and what is said of it.
use std::time::Duration;

use authsignal_emulator::{Endpoint, Fault, Outcome};
use axum::Router;
use axum::http::request::Parts;
use axum::routing::any;
use axum_authsignal::client::ActionState;
use axum_authsignal::{Actor, AuthsignalLayer, NoPerson, OnOutage, RefusalReason, User};

use crate::logs::Log;
use crate::shapes::{raw, serve, status};
use crate::support::{Ask, Bench, MINUTE, Reply, Visitor, bench_with, form, get, handle, json, parameter};

/// From `x-user`: `ada`, `ada@machine`, or `ada@bob` where bob acts as ada.
pub(crate) fn who(parts: &Parts) -> Option<User> {
    let read = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let (user, actor) = match read("x-user")?.split_once('@') {
        Some((user, actor)) => (user, Some(actor)),
        None => (read("x-user")?, None),
    };
    let user = User::new(user).email("of-the-account@example.com").username("of-the-account");
    let user = match read("authorization") {
        Some(token) => user.bearer(token),
        None => user.session("s"),
    };
    Some(match actor {
        None => user,
        Some("machine") => user.machine(),
        Some(other) => user.impersonated_by(other),
    })
}

async fn actors() -> Bench {
    bench_with(|builder| builder.identify_parts(who).bearer_challenges()).await
}

fn app(bench: &Bench, change: impl FnOnce(AuthsignalLayer) -> AuthsignalLayer) -> Router {
    let route = any(handle).layer(change(AuthsignalLayer::new(&bench.authsignal, "pay")));
    Router::new().route("/x", route).with_state(bench.effects.clone()).merge(bench.authsignal.routes())
}

fn callers() -> [Ask; 4] {
    [
        get("/x").navigating(),
        form("/x", "amount=10"),
        json("/x", "{\"amount\":10}").header("sec-fetch-mode", "cors").header("sec-fetch-site", "same-origin"),
        json("/x", "{\"amount\":10}").header("authorization", "Bearer x"),
    ]
}

/// A user's name with who acts as them, as a visitor has it.
fn named(user: &str, actor: Option<&str>) -> String {
    actor.map_or_else(|| user.to_owned(), |actor| format!("{user}@{actor}"))
}

#[derive(Debug, PartialEq, Eq)]
enum Got {
    Passed,
    Challenged,
    NoPerson,
    Blocked,
}

fn got(reply: &Reply) -> Got {
    match reply.reason() {
        None => Got::Passed,
        Some(RefusalReason::ChallengeRequired) => Got::Challenged,
        Some(RefusalReason::NoPerson) => Got::NoPerson,
        Some(RefusalReason::State(ActionState::Block)) => Got::Blocked,
        Some(other) => panic!("{other:?}"),
    }
}

/// Who is behind it by what the route says by what Authsignal says by how they ask.
#[tokio::test]
async fn who_is_behind_a_request_cell_by_cell() {
    let bench = actors().await;
    let mut cells = 0;
    for policy in [None, Some(NoPerson::Refuse), Some(NoPerson::AllowedOnly), Some(NoPerson::AskPerson)] {
        let app = app(&bench, |layer| match policy {
            Some(policy) => layer.machines(policy).impersonation(policy),
            None => layer,
        });
        for outcome in [Outcome::Allow, Outcome::Challenge, Outcome::Block] {
            bench.emulator.set_outcome("pay", outcome);
            for actor in [None, Some("machine"), Some("bob")] {
                for ask in callers() {
                    let before = (bench.effects.count(), bench.tracks());
                    let reply = Visitor::new(&app, &named("ada", actor)).send(&ask).await;
                    let want = match (policy.unwrap_or_default(), outcome, actor.is_some()) {
                        (NoPerson::Refuse, _, true) => Got::NoPerson,
                        (_, Outcome::Block, _) => Got::Blocked,
                        (NoPerson::AllowedOnly, Outcome::Challenge, true)
                        | (NoPerson::AskPerson, Outcome::Allow, true) => Got::NoPerson,
                        (_, Outcome::Challenge, _) => Got::Challenged,
                        _ => Got::Passed,
                    };
                    let cell = format!("{policy:?} {outcome:?} {actor:?} {ask:?}");
                    assert_eq!(got(&reply), want, "{cell}");
                    let is_asked = policy.unwrap_or_default() != NoPerson::Refuse || actor.is_none();
                    let ran = usize::from(want == Got::Passed);
                    let after = (before.0 + ran, before.1 + usize::from(is_asked));
                    assert_eq!((bench.effects.count(), bench.tracks()), after, "{cell}");
                    cells += 1;
                }
            }
        }
    }
    println!("{cells} requests by who is behind them");
    assert_eq!(cells, 4 * 3 * 3 * 4);
}

/// A machine's request is proved by the account's user, who is asked whatever Authsignal remembers of them, each time.
#[tokio::test]
async fn a_machine_passes_with_its_users_proof_once() {
    let bench = actors().await;
    let app = app(&bench, |layer| layer.machines(NoPerson::AskPerson).remember(MINUTE * 10));
    let mut token = Visitor::new(&app, "ada@machine");
    let ask = callers()[3].clone();
    for _ in 0..2 {
        let challenge = token.challenge(&ask).await;
        let tracked = bench.tracked();
        assert_eq!(tracked["custom"], serde_json::json!({"stepUpActor": "machine"}));
        assert_eq!(tracked["email"], "of-the-account@example.com");
        let proof = parameter(&bench.emulator.succeed(&challenge).unwrap(), "token").unwrap();
        token.send(&ask.clone().header("authsignal-token", &proof)).await.assert_passed();
        let verdict = bench.effects.last().verdict.unwrap();
        assert_eq!((verdict.user_id().as_str(), verdict.actor()), ("ada", &Actor::Machine));
        assert!(verdict.is_verified());
    }
    assert_eq!(bench.effects.count(), 2);
}

/// Whoever acts as another proves it by methods of their own, and what the account's user has enrolled or given is not theirs.
#[tokio::test]
async fn an_impersonator_proves_it_as_themselves() {
    let bench = actors().await;
    let app = app(&bench, |layer| {
        layer
            .impersonation(NoPerson::AskPerson)
            .remember(MINUTE * 10)
            .custom(|_| axum_authsignal::client::CustomData::new().with("amount", 10).with("stepUpActor", "person"))
    });
    let mut bob = Visitor::new(&app, "ada@bob");
    for ask in callers().into_iter().take(3) {
        let challenge = bob.challenge(&ask).await;
        let requests = bench.emulator.received_requests();
        let track = requests.iter().rev().find(|request| request.endpoint == Endpoint::Track).unwrap();
        assert!(track.path.contains("/users/bob/"), "{}", track.path);
        let tracked = bench.tracked();
        assert_eq!(
            tracked["custom"],
            serde_json::json!({"amount": 10, "stepUpActor": "impersonator", "stepUpOnBehalfOf": "ada"})
        );
        assert_eq!((tracked.get("email"), tracked.get("username")), (None, None), "they are the user's");
        // The way back is theirs, too, and nobody else's.
        let way_back = bench.prove(&challenge);
        let other = bob.signed_in_as("ada").send(&way_back).await;
        assert!(other.reason() == Some(&RefusalReason::OtherUser), "the user themselves: {}", other.text());
        let back = bob.send(&way_back).await;
        assert_eq!((back.status, back.refusal.is_none()), (303, true), "{}", back.text());
        bob.send(&ask).await.assert_passed();
        let verdict = bench.effects.last().verdict.unwrap();
        let bob_id = axum_authsignal::UserId::new("bob").unwrap();
        assert_eq!((verdict.user_id().as_str(), verdict.actor()), ("ada", &Actor::Impersonator(bob_id)));
        assert!(verdict.is_verified());
        // Nothing is remembered of it.
        bench.clock.advance(Duration::from_secs(20));
        bob.challenge(&ask).await;
    }
    assert_eq!(bench.effects.count(), 3);
}

/// T28: an approval is for one actor and one account: in the same browser and session, nobody else passes by it.
#[tokio::test]
async fn t28_an_approval_is_for_who_acts_and_for_whom() {
    let bench = actors().await;
    for user in ["carol", "eve"] {
        bench.emulator.user(user).enroll_email_otp(format!("{user}@example.com"));
    }
    let app = app(&bench, |layer| layer.machines(NoPerson::AskPerson).impersonation(NoPerson::AskPerson));
    let people = [
        ("ada", None),
        ("ada", Some("bob")),
        ("ada", Some("carol")),
        ("ada", Some("ada")),
        ("ada", Some("machine")),
        ("bob", None),
        ("bob", Some("ada")),
        ("eve", Some("bob")),
    ];
    let ask = form("/x", "amount=10");
    let mut tried = 0;
    for (user, actor) in people {
        let mut browser = Visitor::new(&app, &named(user, actor));
        let challenge = browser.challenge(&ask).await;
        let back = browser.send(&bench.prove(&challenge)).await;
        assert_eq!((back.status, back.refusal.is_none()), (303, true), "{user} {actor:?}: {}", back.text());
        let before = bench.effects.count();
        for (other, other_actor) in people.into_iter().filter(|other| *other != (user, actor)) {
            let reply = browser.signed_in_as(&named(other, other_actor)).send(&ask).await;
            assert_eq!(got(&reply), Got::Challenged, "{user} {actor:?}, {other} {other_actor:?}");
            tried += 1;
        }
        assert_eq!(bench.effects.count(), before, "{user} {actor:?}");
        browser.send(&ask).await.assert_passed();
        assert_eq!(bench.effects.count(), before + 1, "{user} {actor:?}");
        // What waits is bounded; it runs out before the next.
        bench.clock.advance(MINUTE * 11);
    }
    println!("{tried} others tried an approval, 0 passed");
    assert_eq!(tried, 8 * 7);
}

/// In an outage nobody but the account's own user passes undecided, and the log says who it was, by id only where that is asked.
#[tokio::test]
async fn an_outage_lets_no_machine_pass_and_the_log_says_who_asked() {
    for (names, bench) in
        [(false, actors().await), (true, bench_with(|builder| builder.identify_parts(who).log_user_ids(true)).await)]
    {
        bench.emulator.inject_fault(Endpoint::Track, Fault::status(503).always());
        let log = Log::default();
        let _listening = log.listen();
        let app = app(&bench, |layer| {
            layer.on_outage(OnOutage::Admit).machines(NoPerson::AllowedOnly).impersonation(NoPerson::AskPerson)
        });
        let mut ada = Visitor::new(&app, "ada");
        ada.send(&json("/x", "{}")).await.assert_passed();
        for actor in ["machine", "carol"] {
            let reply = ada.signed_in_as(&named("ada", Some(actor))).send(&json("/x", "{}")).await;
            assert!(matches!(reply.reason(), Some(RefusalReason::Outage(_))), "{actor}: {}", reply.text());
        }
        assert_eq!(bench.effects.count(), 1);
        bench.emulator.clear_faults();
        let hostile = ada.signed_in_as("ada@..").send(&json("/x", "{}")).await;
        assert!(matches!(hostile.reason(), Some(RefusalReason::InvalidUser(_))), "an impersonator's id is one");
        let text = log.text();
        let line = |what: &str| text.lines().any(|line| line.contains(what) && line.contains("request refused"));
        assert!(line("actor=machine") && line("actor=impersonator"), "{text}");
        assert_eq!(line("impersonator_id=carol"), names, "{text}");
    }
}

/// Over a socket, as a service's token asks.
#[tokio::test]
async fn a_machines_request_is_refused_over_a_socket() {
    let bench = actors().await;
    bench.emulator.set_outcome("pay", Outcome::Allow);
    let server = serve(app(&bench, |layer| layer)).await;
    for (actor, want) in [("", 200), ("@machine", 403), ("@bob", 403)] {
        let request = format!(
            "POST /x HTTP/1.1\r\nhost: a.example\r\nx-user: ada{actor}\r\nauthorization: Bearer x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        assert_eq!(status(&raw(server.address, request.as_bytes()).await), want, "{actor}");
    }
    assert_eq!((bench.effects.count(), bench.tracks()), (1, 1));
}
