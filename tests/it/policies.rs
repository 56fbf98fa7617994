//! Which settings of a layer go together: each with each other, in both orders.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use axum::Router;
use axum::routing::any;
use axum_authsignal::client::VerificationMethod::Passkey;
use axum_authsignal::{AuthsignalLayer, ConfigError, Coverage, OnOutage, Unenrolled};

use crate::support::{MINUTE, bench, handle};

type Setting = (&'static str, fn(AuthsignalLayer) -> AuthsignalLayer);

/// Those that are refused whatever they stand beside come first.
const ALONE: usize = 8;
const SETTINGS: [Setting; 21] = [
    ("no method", |layer| layer.methods([])),
    ("a method that is no name", |layer| layer.methods(["pass key".into(), Passkey])),
    ("a method without a name", |layer| layer.methods(["".into()])),
    ("no age", |layer| layer.max_age(Duration::ZERO)),
    ("29 seconds", |layer| layer.max_age(Duration::from_secs(29))),
    ("no review", |layer| layer.review(Duration::ZERO)),
    ("59 seconds of review", |layer| layer.review(Duration::from_secs(59))),
    ("a day and a second of review", |layer| layer.review(MINUTE * 60 * 24 + Duration::from_secs(1))),
    ("methods", |layer| layer.methods([Passkey])),
    ("max_age", |layer| layer.max_age(Duration::from_secs(30))),
    ("review", |layer| layer.review(MINUTE)),
    ("remember", |layer| layer.remember(MINUTE)),
    ("remember, this request", |layer| layer.covers(Coverage::Request).remember(MINUTE)),
    ("covers route", |layer| layer.covers(Coverage::Route)),
    ("covers action", |layer| layer.covers(Coverage::Action)),
    ("covers request", |layer| layer.covers(Coverage::Request)),
    ("unenrolled allow", |layer| layer.unenrolled(Unenrolled::Allow)),
    ("unenrolled enrol", |layer| layer.unenrolled(Unenrolled::Enrol)),
    ("unenrolled deny", |layer| layer.unenrolled(Unenrolled::Deny)),
    ("on outage", |layer| layer.on_outage(OnOutage::Admit)),
    ("off", |layer| layer.off("not set up yet")),
];

/// What does not go together, by what the message names.
const CONFLICTS: [(&str, &str, [&str; 2]); 5] = [
    ("methods", "unenrolled allow", ["`methods`", "`unenrolled(Unenrolled::Allow)`"]),
    ("review", "remember", ["`review`", "`remember`"]),
    ("review", "remember, this request", ["`review`", "`remember`"]),
    ("review", "covers route", ["`review`", "`covers(Coverage::Route)`"]),
    ("review", "covers action", ["`review`", "`covers(Coverage::Action)`"]),
];

/// Of the settings that stand in the same place the last one counts, so they are no pair.
fn is_same_setter(one: &str, other: &str) -> bool {
    let kind = |name: &str| ["unenrolled", "covers"].into_iter().find(|kind| name.starts_with(kind));
    kind(one).is_some() && kind(one) == kind(other)
        || [one, other].iter().all(|name| name.starts_with("remember") || name.starts_with("covers"))
}

#[tokio::test]
async fn each_pair_of_settings_goes_together_or_is_refused() {
    let bench = bench().await;
    let (mut pairs, mut refused) = (0, 0);
    for (at, (one, set_one)) in SETTINGS.into_iter().enumerate() {
        let alone = set_one(AuthsignalLayer::new(&bench.authsignal, "pay")).checked();
        assert_eq!(alone.is_err(), at < ALONE, "{one}");
        for (other, set_other) in SETTINGS {
            let layer = || set_other(set_one(AuthsignalLayer::new(&bench.authsignal, "pay")));
            let is_bad = |name: &str| SETTINGS[..ALONE].iter().any(|(bad, _)| *bad == name);
            if is_bad(one) || is_bad(other) || is_same_setter(one, other) {
                continue;
            }
            let conflict = CONFLICTS.iter().find(|(a, b, _)| [(*a, *b), (*b, *a)].contains(&(one, other)));
            pairs += 1;
            match (layer().checked(), conflict) {
                (Ok(_), None) => {}
                (Err(error @ ConfigError::Policies { .. }), Some((.., named))) => {
                    refused += 1;
                    let text = error.to_string();
                    assert!(text.starts_with("policies of `pay` refused: "), "{text}");
                    assert!(
                        named.iter().all(|name| text.contains(name)) && text.contains("do not go together"),
                        "{text}"
                    );
                    // Where nobody asked, the layer says the same when it is put on a route.
                    let put = catch_unwind(AssertUnwindSafe(|| {
                        let route = any(handle).layer::<_, std::convert::Infallible>(layer());
                        Router::new().route("/", route).with_state::<()>(bench.effects.clone())
                    }));
                    let panic = put.expect_err("a panic");
                    assert_eq!(panic.downcast_ref::<String>(), Some(&text));
                }
                (checked, conflict) => panic!("{one}, {other}: {checked:?}, and not {conflict:?}"),
            }
        }
    }
    println!("{pairs} ordered pairs of settings, {refused} refused; {ALONE} refused by themselves");
    assert_eq!(refused, 2 * CONFLICTS.len());
}

/// A policy that is looser than it says is refused by name, and what is merely long is bounded.
#[tokio::test]
async fn what_is_out_of_range_is_refused_by_name() {
    let bench = bench().await;
    for (at, named) in
        ["`methods`", "`methods`", "`methods`", "`max_age`", "`max_age`", "`review`", "`review`", "`review`"]
            .into_iter()
            .enumerate()
    {
        let (name, set) = SETTINGS[at];
        let error = set(AuthsignalLayer::new(&bench.authsignal, "pay")).checked().unwrap_err().to_string();
        assert!(error.contains(named), "{name}: {error}");
    }
}
