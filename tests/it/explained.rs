//! Why a decision ended as it did, read back by its id, in the log, and in spans.
use authsignal_emulator::{Endpoint, Fault, Outcome as Says};
use axum_authsignal::{Explanation, Outcome};
use tracing_subscriber::fmt::format::FmtSpan;

use crate::logs::Log;
use crate::support::{Visitor, bench, bench_with, get, json};

fn names(explanation: &Explanation) -> Vec<&'static str> {
    explanation.checks.iter().map(|check| check.name).collect()
}

fn id_of(reply: &crate::support::Reply) -> String {
    reply.json()["decisionId"].as_str().unwrap().to_owned()
}

/// C6: who asks why somebody was asked finds each check in its order, and the one that decided, from the challenge to the pass.
#[tokio::test]
async fn c6_each_check_is_named_in_its_order_with_the_deciding_one() {
    let bench = bench_with(|builder| builder.keep_explanations(100)).await;
    let explain = |id: &str| bench.authsignal.explain(id);
    let mut ada = bench.visitor("ada").in_session("canary-session");
    let asked = ada.send(&json("/pay", "{}")).await;
    let id = id_of(&asked);
    let [first] = &explain(&id)[..] else { panic!("{:?}", explain(&id)) };
    let order = [
        "token",
        "prefetch",
        "target",
        "host",
        "identify",
        "user id",
        "extent",
        "budgets",
        "track",
        "policy",
        "budgets",
        "challenge URL",
    ];
    assert_eq!((first.outcome, names(first)), (Outcome::Challenged, order.to_vec()));
    assert_eq!((first.code, first.route.as_deref()), (Some("AUTHSIGNAL-R004"), Some("/pay")));
    let found = |explanation: &Explanation, name: &str| {
        explanation.checks.iter().find(|check| check.name == name).and_then(|check| check.found.clone()).unwrap()
    };
    assert_eq!(found(first, "track"), "CHALLENGE_REQUIRED");
    assert_eq!(found(first, "policy"), "something enrolled, the route says `allow`");

    ada.send(&json("/pay", "{}")).await;
    ada.send(&bench.prove(asked.json()["url"].as_str().unwrap())).await;
    ada.send(&json("/pay", "{}")).await.assert_passed();
    let all = explain(&id);
    let outcomes: Vec<_> = all.iter().map(|explanation| explanation.outcome).collect();
    assert_eq!(outcomes, [Outcome::Challenged, Outcome::Challenged, Outcome::Verified]);
    assert_eq!(found(&all[1], "flow"), "waits for its proof");
    assert_eq!(all[2].deciding().map(|check| (check.name, check.found.as_deref())), Some(("flow", Some("approved"))));
    let shown: String = all.iter().map(|explanation| format!("{explanation} {explanation:?}")).collect();
    assert!(
        !shown.contains("canary") && !shown.contains("ada") && !shown.contains("eyJ") && !shown.contains("token="),
        "{shown}"
    );

    let deciding = async |fault: Fault| {
        bench.emulator.inject_fault(Endpoint::Track, fault);
        let reply = Visitor::new(&bench.app, "ada").send(&json("/other", "{}")).await;
        bench.emulator.clear_faults();
        let explanation = explain(&id_of(&reply)).pop().unwrap();
        explanation.deciding().map(|check| (check.name, check.found.clone().unwrap_or_default())).unwrap()
    };
    let blocked =
        deciding(Fault::merge(serde_json::json!({ "state": "BLOCK", "ruleIds": ["rule-1", "rule\n\u{1b}2"] }))).await;
    assert_eq!(blocked, ("policy", "something enrolled, the route says `allow`".to_owned()));
    assert_eq!(deciding(Fault::status(503).always()).await, ("failover", "the route says `refuse`".to_owned()));
    let untrusted = deciding(Fault::merge(
        serde_json::json!({ "state": "CHALLENGE_REQUIRED", "url": "https://evil.example.com/?token=canary" }),
    ))
    .await;
    assert!(untrusted.0 == "challenge URL" && !untrusted.1.contains("canary"), "{untrusted:?}");
}

/// T98: what the service says is repeated on one line, and no further than a few words.
#[tokio::test]
async fn t98_rules_and_states_are_repeated_escaped_and_capped() {
    let bench = bench_with(|builder| builder.keep_explanations(100)).await;
    let rules: Vec<_> = (0..100).map(|number| format!("rule-{number}\n\u{1b}[31m{}", "x".repeat(500))).collect();
    let members = serde_json::json!({ "state": "NEW\n\u{1b}[31m", "ruleIds": rules });
    bench.emulator.inject_fault(Endpoint::Track, Fault::merge(members));
    let reply = bench.visitor("ada").send(&json("/pay", "{}")).await;
    let shown = bench.authsignal.explain(id_of(&reply))[0].to_string();
    assert!(!shown.contains(['\n', '\u{1b}']) && shown.len() < 1200 && shown.contains("rule-0"), "{shown}");
}

/// Nothing is kept unless that was asked for, and then so many, the last ones.
#[tokio::test]
async fn so_many_explanations_are_kept_as_were_asked_for() {
    for (most, want) in [(None, 0), (Some(0), 0), (Some(3), 3)] {
        let bench =
            bench_with(|builder| most.into_iter().fold(builder, |builder, most| builder.keep_explanations(most))).await;
        bench.emulator.set_outcome("pay", Says::Block);
        let mut ids = Vec::new();
        for number in 0..5 {
            ids.push(id_of(&Visitor::new(&bench.app, &format!("user-{number}")).send(&json("/pay", "{}")).await));
        }
        let known: Vec<_> = ids.iter().map(|id| bench.authsignal.explain(id).len()).collect();
        assert_eq!(known.iter().sum::<usize>(), want, "{known:?}");
        assert!(known.is_sorted(), "the last ones: {known:?}");
    }
}

/// T97, T99: a span per decision, with the route's template, action, outcome, code and id; no address, no user; and the log explains
/// it at `debug`.
#[tokio::test]
async fn t97_t99_a_decisions_span_and_explanation_name_no_address_and_no_user() {
    let log = Log::default();
    let _listening = log.listen_to(FmtSpan::CLOSE);
    let bench = bench().await;
    bench.emulator.inject_fault(Endpoint::Track, Fault::state("BLOCK"));
    let reply = bench.visitor("canary-user").in_session("canary-session").send(&get("/pay/canary-path")).await;
    let (id, text) = (id_of(&reply), log.text());
    let closed = text.lines().find(|line| line.contains("step_up{") && line.contains(": close"));
    let span = format!(
        "step_up{{action=pay route=\"/pay/{{id}}\" decision_id={id} outcome=\"refused\" code=\"AUTHSIGNAL-R006\"}}: "
    );
    assert!(closed.is_some_and(|closed| closed.contains(&span)), "{closed:?} {span}");
    let explained = text.lines().find(|line| line.contains("decision explained")).unwrap();
    for part in
        ["DEBUG", "axum_authsignal::explain", "deciding=\"policy\"", "track: BLOCK", &format!("decision_id={id}")]
    {
        assert!(explained.contains(part), "{part}: {explained}");
    }
    let ours: String = text.lines().filter(|line| line.contains("axum_authsignal")).collect();
    assert!(!ours.contains("canary"), "{ours}");
}
