//! What is counted has names that are described, and few labels, whoever asks for what.
use std::collections::{BTreeMap, BTreeSet};
use std::fs::read_to_string;

use authsignal_client::{ActionCode, UserId};
use metrics::with_local_recorder;
use metrics_util::debugging::{DebuggingRecorder, Snapshotter};

use super::*;
use crate::decided::outcome::Outcome;
use crate::decided::{Ended, Listeners};
use crate::refusal::RefusalReason;

const ALL: [&str; 13] = [
    DECISIONS,
    REFUSALS,
    OBSERVED,
    UPSTREAM,
    BREAKERS_OPEN,
    FAILOVERS,
    FLOWS,
    BUDGETS,
    STORE,
    STORE_ERRORS,
    AUDITED,
    AUDIT_LOST,
    INSECURE,
];

/// Counts one of each.
fn count_everything(listeners: &Listeners) {
    let action = ActionCode::new("pay").unwrap();
    let refused =
        Ended { reason: Some(&RefusalReason::CrossSite), ..Ended::new(Outcome::Refused, Some(&action), None) };
    listeners.tell(&refused);
    listeners.tell(&Ended::new(Outcome::Proved, Some(&action), None));
    listeners.tell(&Ended::new(Outcome::Observed, Some(&action), None));
    called(&Timer::start(), None);
    called(&Timer::start(), Some("timeout"));
    breaker(true);
    failover("admitted", "timeout");
    over_budget("challenges");
    stored(&Timer::start(), true, None);
    stored(&Timer::start(), false, Some("full"));
    audited(None);
    audited(Some(("full", 3)));
    insecure();
}

fn series(snapshotter: &Snapshotter) -> BTreeSet<String> {
    let snapshot = snapshotter.snapshot().into_vec();
    snapshot.into_iter().map(|(key, ..)| format!("{:?}", key.key())).collect()
}

/// Each metric is described with its unit, and stands in the documentation; and nothing else is counted.
#[test]
fn every_metric_is_described_with_its_unit_and_documented() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    with_local_recorder(&recorder, || {
        describe_metrics();
        count_everything(&Listeners::default());
    });
    let mut described = BTreeMap::new();
    for (key, unit, description, _) in snapshotter.snapshot().into_vec() {
        assert!(description.is_some_and(|text| text.ends_with('.')), "{key:?}");
        described.insert(key.key().name().to_owned(), unit.expect("a unit"));
    }
    assert_eq!(described.keys().map(String::as_str).collect::<BTreeSet<_>>(), ALL.into());
    let page = read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/observability.md")).unwrap();
    for (name, unit) in described {
        assert_eq!(name.ends_with("_seconds"), unit == metrics::Unit::Seconds, "{name}");
        assert!(page.contains(&format!("| `{name}` |")), "{name} is not in docs/observability.md");
    }
}

/// The queries of the dashboard name metrics that exist, and all of them.
#[test]
fn the_dashboard_asks_for_metrics_that_exist() {
    let dashboard = read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/grafana.json")).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&dashboard).unwrap();
    let mut asked = BTreeSet::new();
    for target in dashboard["panels"].as_array().unwrap().iter().flat_map(|panel| panel["targets"].as_array().unwrap())
    {
        let query = target["expr"].as_str().unwrap();
        let words = query.split(|other: char| !other.is_ascii_alphanumeric() && other != '_');
        let names: Vec<_> =
            words.filter(|word| word.starts_with("authsignal_") || word.starts_with("stepup_")).collect();
        assert!(!names.is_empty(), "{query}");
        for name in names {
            let name = name.strip_suffix("_bucket").or(name.strip_suffix("_count")).unwrap_or(name);
            asked.insert(name.to_owned());
        }
    }
    assert_eq!(asked, ALL.map(str::to_owned).into());
}

/// T99: a million users at a million addresses, and the number of series is the one of the first; a million actions, which an
/// application names as it goes, and there are 256 and `other`.
#[test]
fn t99_series_are_as_many_whoever_asks_for_what() {
    const MANY: usize = 1_000_000;
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let listeners = Listeners::default();
    let tell = |number: usize, action: &ActionCode| {
        let (user, route) = (UserId::new(format!("user-{number}")).unwrap(), format!("/accounts/{number}"));
        let reason = RefusalReason::State(format!("STATE_{number}").as_str().into());
        let ended =
            Ended { user: Some(&user), route: Some(&route), ..Ended::new(Outcome::Allowed, Some(action), None) };
        listeners.tell(&ended);
        listeners.tell(&Ended { outcome: Outcome::Refused, reason: Some(&reason), ..ended });
    };
    let pay = ActionCode::new("pay").unwrap();
    let (few, many, of_actions) = with_local_recorder(&recorder, || {
        tell(0, &pay);
        let few = series(&snapshotter);
        (1..MANY).for_each(|number| tell(number, &pay));
        let many = series(&snapshotter);
        (0..MANY).for_each(|number| tell(number, &ActionCode::new(format!("action-{number}")).unwrap()));
        (few, many, series(&snapshotter))
    });
    println!("{MANY} users and addresses: {} series; {MANY} actions: {} series", many.len(), of_actions.len());
    assert_eq!((few.len(), &few), (3, &many));
    assert_eq!(of_actions.len(), 2 * 257 + 1);
}

/// Where nobody records, counting takes no memory.
#[test]
fn counting_without_a_recorder_takes_no_memory() {
    let listeners = Listeners::default();
    let action = ActionCode::new("pay").unwrap();
    let count = || {
        listeners.tell(&Ended::new(Outcome::Allowed, Some(&action), None));
        called(&Timer::start(), None);
        stored(&Timer::start(), true, None);
    };
    count();
    let info = allocation_counter::measure(|| (0..1000).for_each(|_| count()));
    assert_eq!(info.count_total, 0);
}
