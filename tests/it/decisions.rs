//! One id and one code for each decision, wherever somebody meets it: the log, the problem, the verdict, the service.
use authsignal_emulator::{Endpoint, Fault, Outcome};
use axum_authsignal::RefusalReason;
use axum_authsignal::client::InvalidId;

use crate::logs::Log;
use crate::support::{Bench, bench, bench_with, get, json, post};

/// The id under which Authsignal was last told of an attempt.
fn told(bench: &Bench) -> String {
    bench.tracked()["idempotencyKey"].as_str().unwrap().to_owned()
}

/// The lines of a log that tell of this decision.
fn lines<'a>(text: &'a str, id: &str) -> Vec<&'a str> {
    let is_of = |line: &&str| line.contains(&format!("decision_id={id}")) && !line.contains("decision explained");
    text.lines().filter(is_of).collect()
}

/// C6: whoever has the id from one place finds it in all others, from the challenge to the proof to the pass.
#[tokio::test]
async fn c6_a_decision_goes_by_one_id_everywhere() {
    let log = Log::default();
    let _listening = log.listen();
    let bench = bench().await;
    let mut ada = bench.visitor("ada");

    bench.emulator.inject_fault(Endpoint::Track, Fault::state("BLOCK"));
    let reply = ada.send(&json("/pay", "{}")).await;
    let blocked = told(&bench);
    let (problem, refusal) = (reply.json(), reply.refusal.as_ref().unwrap());
    assert_eq!((&problem["decisionId"], refusal.decision_id().unwrap().as_str()), (&blocked.clone().into(), &*blocked));
    assert_eq!((&problem["code"], refusal.reason().code()), (&"AUTHSIGNAL-R006".into(), "AUTHSIGNAL-R006"));

    bench.emulator.set_outcome("pay", Outcome::Allow);
    ada.send(&get("/pay")).await.assert_passed();
    let allowed = told(&bench);
    assert_eq!(bench.effects.last().verdict.unwrap().decision_id().as_str(), allowed);

    bench.emulator.set_outcome("pay", Outcome::Challenge);
    let reply = ada.send(&json("/pay", "{}")).await;
    let challenged = told(&bench);
    assert_eq!(reply.json()["decisionId"], *challenged);
    let again = ada.send(&json("/pay", "{}")).await;
    assert_eq!(again.json()["decisionId"], *challenged, "the waiting flow's attempt, and no new one");
    let back = ada.send(&bench.prove(reply.json()["url"].as_str().unwrap())).await;
    assert_eq!(back.status, 303);
    ada.send(&json("/pay", "{}")).await.assert_passed();
    assert_eq!(bench.effects.last().verdict.unwrap().decision_id().as_str(), challenged);

    // Nobody whom Authsignal can be asked about: it knows nothing of it, and the log does.
    let nobody = bench.visitor("").send(&json("/pay", "{}")).await;
    nobody.assert_refused(&RefusalReason::InvalidUser(InvalidId::Empty));
    let nobodys = nobody.refusal.as_ref().unwrap().decision_id().unwrap().as_str().to_owned();
    assert_eq!(
        (nobody.json()["decisionId"].as_str(), nobody.json()["code"].as_str()),
        (Some(&*nobodys), Some("AUTHSIGNAL-R003"))
    );

    let text = log.text();
    let outcomes = |id: &str| -> Vec<_> {
        let outcome = |line: &str| Some(line.split_once("outcome=\"")?.1.split_once('"')?.0.to_owned());
        lines(&text, id).into_iter().filter_map(outcome).collect()
    };
    assert_eq!(outcomes(&blocked), ["refused"]);
    assert_eq!(outcomes(&allowed), ["allowed"]);
    assert_eq!(outcomes(&challenged), ["challenged", "challenged", "proved", "verified"]);
    assert_eq!(outcomes(&nobodys), ["refused"]);
    let [refused] = lines(&text, &blocked)[..] else { panic!("{text}") };
    for part in ["action=pay", "code=\"AUTHSIGNAL-R006\"", "state=\"BLOCK\"", "route=\"/pay\"", "upstream="] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
    let proved = lines(&text, &challenged)[2];
    assert!(proved.contains("method="), "{proved}");
}

/// T97: users are named where that was asked for, and nowhere else.
#[tokio::test]
async fn t97_users_are_named_in_the_log_only_where_that_was_asked_for() {
    for asked_for in [false, true] {
        let log = Log::default();
        let _listening = log.listen();
        let bench = bench_with(|builder| builder.log_user_ids(asked_for)).await;
        let mut ada = bench.visitor("canary-user");
        bench.emulator.inject_fault(Endpoint::Track, Fault::state("BLOCK"));
        ada.send(&json("/pay", "{}")).await.assert_refused(&RefusalReason::State("BLOCK".into()));
        let text = log.text();
        let ours: Vec<_> = text.lines().filter(|line| line.contains(" axum_authsignal::")).collect();
        assert!(ours.iter().any(|line| line.contains("request refused")), "{text}");
        assert_eq!(ours.iter().any(|line| line.contains("user_id=canary-user")), asked_for, "{ours:?}");
        assert_eq!(ours.iter().any(|line| line.contains("canary-user")), asked_for, "{ours:?}");
    }
}

/// C18: whoever is refused on a page has something to tell their support: the code, and the id that the log has.
#[tokio::test]
async fn c18_a_page_says_code_and_id_in_small_print() {
    let bench = bench().await;
    bench.emulator.inject_fault(Endpoint::Track, Fault::state("BLOCK"));
    let reply = bench.visitor("ada").send(&get("/pay").navigating()).await;
    let small = format!("<p class=\"small\" dir=\"ltr\">AUTHSIGNAL-R006\n{}</p>", told(&bench));
    assert!(reply.text().contains(&small), "{}", reply.text());
    bench.emulator.inject_fault(Endpoint::Track, Fault::state("BLOCK"));
    let inside =
        post("/pay", "application/x-www-form-urlencoded", "a=b").header("accept", "text/vnd.turbo-stream.html");
    let reply = bench.visitor("ada").send(&inside).await;
    let small = format!("<small>AUTHSIGNAL-R006\n{}</small>", told(&bench));
    assert!(reply.text().contains(&small), "{}", reply.text());
    // A way back that belongs to nothing has a code alone.
    let lost = bench.visitor("ada").send(&get("/authsignal/callback?flow=none").navigating()).await;
    assert!(lost.text().contains("dir=\"ltr\">AUTHSIGNAL-R016</p>"), "{}", lost.text());
}
