//! The contract of stores: ours keeps it, and each of its cases notices a store that does not.
mod broken;

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum_authsignal::Clock;
use axum_authsignal::store::MemoryStore;
use axum_authsignal::testing::contract::{Case, Subject, expiry};

use self::broken::{BROKEN, BrokenStore};

fn clock() -> Clock {
    let start: SystemTime = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    Clock::manual(start)
}

axum_authsignal::store_contract!(memory, {
    let clock = clock();
    Subject::new(MemoryStore::new().clock(clock.clone())).clock(clock)
});

// What is broken in one way below is sound in all others.
axum_authsignal::store_contract!(sound, {
    let clock = clock();
    Subject::new(BrokenStore::new("", &clock)).clock(clock)
});

/// Without a clock that can be moved, the contract waits.
#[tokio::test]
async fn the_systems_own_time_is_waited_for() {
    expiry::a_record_is_gone_after_its_time(Subject::new(MemoryStore::new())).await;
}

/// Every store that is broken in one way fails the case that is about it, and no case is one that nothing fails.
#[test]
fn each_case_notices_a_broken_store() {
    let cases = axum_authsignal::store_contract_cases!(store_contract_table, { BrokenStore });
    let mut unproved: BTreeSet<_> = cases.iter().map(|(name, _)| *name).collect();
    let count = cases.len();
    assert_eq!(unproved.len(), count, "a case is listed twice");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    for (way, name) in BROKEN {
        let (_, case): &(&str, Case<BrokenStore>) = cases.iter().find(|(other, _)| *other == name).expect(name);
        let case = *case;
        // In a task, whose panic does not end this test. What it says is not repeated. A race is not lost each time.
        let is_noticed = || {
            let clock = clock();
            let end = runtime.block_on(runtime.spawn(async move {
                let store = BrokenStore::new(way, &clock);
                case(Subject::new(store).clock(clock)).await;
            }));
            end.is_err_and(|error| error.is_panic())
        };
        assert!((0..50).any(|_| is_noticed()), "`{name}` takes a store that {way}");
        unproved.remove(name);
    }
    assert_eq!(unproved, BTreeSet::new(), "cases that no broken store fails");
    println!("{count} cases, {} broken stores, each noticed", BROKEN.len());
}
