//! The whole layer under a simulated network, store and clock, by seed (threats T1, T24, T25, T29, T85, T92, T120).
//!
//! Nodes of an application, each with the shipped layer, callback and stores' client, on one thread and paused time: whatever is waited
//! for, a seed decides how long it takes and what becomes of it. Two tabs of one browser and a thief with the same session and a
//! browser of their own send requests, prove, come back, hang up; processes die at a call and come back, with newer secrets; the user is
//! revoked. Beside it stands the truth: what was proved, what was revoked when, and on what each handler ran.
//!
//! `SEED=17` runs that one and says what happened in it, `SEEDS=100000` so many; `docs/model.md` has what came of it.
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use serde_json::json;

mod people;
mod random;
mod setting;
mod store;
mod truth;

use setting::Simulation;
use store::Broken;

/// How many seeds every run of the tests takes.
const SHARE: u64 = 80;
/// How many a broken store may take to be found, from where it does not take long.
const PATIENCE: u64 = 200;
const FIRST_BROKEN: u64 = 60;

/// What came of one seed.
#[derive(Default)]
struct Outcome {
    faults: Vec<String>,
    trace: Vec<String>,
    counts: BTreeMap<&'static str, u64>,
}

/// Everything that happens under one seed.
fn simulate(seed: u64, broken: Option<Broken>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let simulation = runtime.block_on(async {
        let simulation = Simulation::new(seed, broken);
        people::live(&simulation).await;
        simulation
    });
    drop(runtime);
    simulation.outcome()
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|number| number.parse().expect("a number"))
}

/// The key of the emulator's tokens is made once in a process, in a thread of its own.
fn warm_up() {
    simulate(0, None);
}

/// T1, T24, T25, T29, T85, T92, T120: whatever the seed does to nodes, network and store, an approval runs its handler at most once,
/// nothing passes without its proof, in time, or by what is older than a revocation, and afterwards everybody gets through.
#[test]
fn t1_t24_t25_t29_t85_t92_t120_no_seed_breaks_a_promise() {
    warm_up();
    if let Some(seed) = setting("SEED") {
        let outcome = simulate(seed, None);
        println!("{}", outcome.trace.join("\n"));
        println!("seed {seed}: {:?}", outcome.counts);
        return assert!(outcome.faults.is_empty(), "{:?}", outcome.faults);
    }
    let (first, seeds) = (setting("FIRST_SEED").unwrap_or(1), setting("SEEDS").unwrap_or(SHARE));
    let (began, next) = (Instant::now(), AtomicU64::new(first));
    let run = || {
        let mut counts = BTreeMap::<_, u64>::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + seeds {
                return counts;
            }
            let outcome = simulate(seed, None);
            if let Some(fault) = outcome.faults.first() {
                panic!("seed {seed}: {fault}\n{}\nagain by SEED={seed}", outcome.trace.join("\n"));
            }
            for (name, count) in outcome.counts {
                *counts.entry(name).or_default() += count;
            }
        }
    };
    let counts = std::thread::scope(|scope| {
        let threads = [scope.spawn(run), scope.spawn(run)];
        let mut all = BTreeMap::<_, u64>::new();
        for thread in threads {
            for (name, count) in thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)) {
                *all.entry(name).or_default() += count;
            }
        }
        all
    });
    println!("{seeds} seeds from {first} in {:.1?}: {counts:#?}", began.elapsed());
    for name in setting::SOMETIMES {
        assert!(counts.contains_key(name), "never: {name}");
    }
    certify(json!({ "first seed": first, "seeds": seeds, "faults": 0, "counted": counts }));
}

/// The same seed is the same life.
#[test]
fn a_seed_can_be_repeated() {
    warm_up();
    for seed in 1..8 {
        assert_eq!(simulate(seed, None).trace, simulate(seed, None).trace, "seed {seed}");
    }
}

/// T24, T29: a store that keeps its contract badly is found, by what it breaks.
#[test]
fn t24_t29_seeds_find_a_store_that_is_broken() {
    warm_up();
    for broken in Broken::ALL {
        let mut faults = (FIRST_BROKEN..FIRST_BROKEN + PATIENCE)
            .flat_map(|seed| simulate(seed, Some(broken)).faults.into_iter().map(move |fault| (seed, fault)));
        let found = faults.find(|(_, fault)| fault.contains(broken.breaks()));
        let (seed, fault) = found.unwrap_or_else(|| panic!("{broken:?} is not found"));
        println!("{broken:?}: found after {} seeds, at {seed}: {fault}", seed + 1 - FIRST_BROKEN);
    }
}

/// Writes down what was tried, beside what the model tried, in the file that `CERTIFICATE` names.
fn certify(result: serde_json::Value) {
    let Some(file) = std::env::var_os("CERTIFICATE") else { return };
    let before = std::fs::read(&file).ok().and_then(|text| serde_json::from_slice(&text).ok());
    let mut parts: serde_json::Map<String, serde_json::Value> = before.unwrap_or_default();
    parts.insert("simulated".to_owned(), result);
    std::fs::write(&file, serde_json::to_string_pretty(&parts).unwrap() + "\n").unwrap();
}
