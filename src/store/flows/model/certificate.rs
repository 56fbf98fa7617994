//! Runs the model and its broken twins, says what came of it, and writes it down where it is asked for.
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde_json::{Map, Value, json};
use stateright::{Checker as _, Expectation, HasDiscoveries, Model as _};

use super::State;
use super::settings::{Broken, Settings};

/// How many states a run may have. None comes near.
const MAX_STATES: usize = 200_000_000;

/// Where the counterexamples of the broken twins are written down for people.
const DOCUMENT: &str = "docs/model.md";

/// Writes a part of what was tried to the file that `CERTIFICATE` names, if it names one.
pub(in crate::store::flows) fn certify(part: &str, result: Value) {
    static FILE: Mutex<()> = Mutex::new(());
    let Some(file) = std::env::var_os("CERTIFICATE").map(PathBuf::from) else { return };
    let _alone = FILE.lock().unwrap_or_else(PoisonError::into_inner);
    let rustc = std::process::Command::new("rustc").arg("--version").output().expect("rustc is there");
    let lock = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock"));
    let stateright = lock.ok().and_then(|lock| {
        let (_, after) = lock.split_once("name = \"stateright\"\nversion = \"")?;
        Some(after.split_once('"')?.0.to_owned())
    });
    let before = std::fs::read(&file).ok().and_then(|text| serde_json::from_slice(&text).ok());
    let mut parts: Map<String, Value> = before.unwrap_or_default();
    parts.insert(part.to_owned(), result);
    let versions = json!({
        "axum-authsignal": env!("CARGO_PKG_VERSION"),
        "rustc": String::from_utf8_lossy(&rustc.stdout).trim(),
        "stateright": stateright,
        "profile": if cfg!(debug_assertions) { "dev" } else { "release" },
    });
    parts.insert("versions".to_owned(), versions);
    std::fs::write(&file, serde_json::to_string_pretty(&parts).unwrap() + "\n").unwrap();
    println!("{part}: written to {}", file.display());
}

type Counterexamples = Vec<(&'static str, Vec<String>)>;

/// Runs a model as far as it goes.
fn run(settings: Settings) -> (Value, Counterexamples) {
    let began = Instant::now();
    let name = settings.name;
    let checker = settings.checker().threads(2).target_state_count(MAX_STATES).spawn_bfs().join();
    let (result, counterexamples) = read(&checker);
    println!("{name}: {} states, {} steps deep, in {:.1?}", result["states"], result["depth"], began.elapsed());
    (result, counterexamples)
}

/// Runs a twin until it is found broken, and then again for as long as there is a shorter way there. Gives what it ends with.
fn run_broken(broken: Broken) -> (Value, Vec<String>) {
    let is_found = || HasDiscoveries::AnyOf(BTreeSet::from([broken.breaks()]));
    let (mut depth, mut shortest) = (usize::MAX, None);
    loop {
        let checker = Settings::broken(broken).checker().finish_when(is_found()).target_max_depth(depth);
        let (result, counterexamples) = read(&checker.spawn_bfs().join());
        match counterexamples.into_iter().find(|(property, _)| *property == broken.breaks()) {
            Some((_, path)) => {
                // A state is as deep as there are states up to it, and one that is as deep as the limit is not looked at.
                depth = path.len() + 1;
                shortest = Some((result, path));
            }
            None => return shortest.unwrap_or_else(|| panic!("{broken:?} is not found")),
        }
    }
}

/// What came of a run: its figures, and what does not hold.
fn read(checker: &impl stateright::Checker<Settings>) -> (Value, Counterexamples) {
    let settings = checker.model();
    let properties = stateright::Model::properties(settings);
    let found = checker.discoveries();
    let (states, depth) = (checker.unique_state_count(), checker.max_depth());
    let mut counterexamples = Vec::new();
    let mut results = Map::new();
    for property in &properties {
        let path = found.get(property.name);
        let holds = matches!(property.expectation, Expectation::Sometimes) == path.is_some();
        results.insert(property.name.to_owned(), holds.into());
        if !holds {
            let path = match path {
                None => vec!["never met".to_owned()],
                // What came after it was broken tells nothing.
                Some(path) => {
                    let steps = path.clone().into_vec();
                    let is_good = |state: &State| (property.condition)(checker.model(), state);
                    let broken = steps.iter().position(|(state, _)| !is_good(state)).unwrap_or(steps.len());
                    steps[..broken].iter().filter_map(|(_, action)| action.map(|does| does.to_string())).collect()
                }
            };
            counterexamples.push((property.name, path));
        }
    }
    let settings = json!({ "name": settings.name, "settings": format!("{settings:?}") });
    let figures = json!({ "states": states, "depth": depth, "properties": results });
    let all = [settings, figures].into_iter().filter_map(|part| part.as_object().cloned()).flatten();
    (Value::Object(all.collect()), counterexamples)
}

/// T24, T25, T29, T92, T120: in every order of steps of a few nodes and requests, whatever answers are lost, what is promised
/// holds; and each thing that is to happen somewhere does.
#[test]
fn t24_t25_t29_t92_t120_no_order_of_steps_breaks_a_promise() {
    let is_deep = std::env::var_os("MODEL_DEEP").is_some();
    let only = std::env::var("MODEL").ok();
    let (mut results, mut faults) = (Vec::new(), String::new());
    for settings in Settings::all(is_deep).into_iter().filter(|of| only.as_ref().is_none_or(|name| of.name == name)) {
        let (result, counterexamples) = run(settings);
        for (property, path) in counterexamples {
            let fault = format!("{}: not so: {property}\n    {}\n", result["name"], path.join("\n    "));
            print!("{fault}");
            faults += &fault;
        }
        results.push(result);
    }
    let states: u64 = results.iter().filter_map(|result| result["states"].as_u64()).sum();
    println!("{} runs, {states} states", results.len());
    certify("model", json!({ "size": if is_deep { "large" } else { "small" }, "states": states, "runs": results }));
    assert!(faults.is_empty(), "{faults}");
    assert!(!results.is_empty(), "no run is called {only:?}");
}

/// T24, T25, T29, T92: what is broken on purpose is found, each by what it breaks, and as it is written down for people.
#[test]
fn t24_t25_t29_t92_each_broken_twin_is_found() {
    let document = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(DOCUMENT)).unwrap();
    let (mut results, mut missing) = (Vec::new(), String::new());
    for broken in Broken::ALL {
        let (mut result, path) = run_broken(broken);
        println!("{}:", result["name"]);
        let numbered = path.iter().enumerate().map(|(step, does)| format!("{:>3}. {does}\n", step + 1));
        let text = format!("not so: {}\n{}", broken.breaks(), numbered.collect::<String>());
        print!("{text}");
        if !document.contains(&text) {
            missing += &format!("{}\n{text}\n", result["name"]);
        }
        result.as_object_mut().expect("an object").remove("properties");
        result["not so"] = json!(broken.breaks());
        result["counterexample"] = json!(path);
        results.push(result);
    }
    certify("broken twins", json!(results));
    assert!(missing.is_empty(), "not in {DOCUMENT}:\n{missing}");
}
