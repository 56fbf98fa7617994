//! `docs/security.md`: each figure has a command whose tests are there, and each number of ASVS points at tests.
use std::path::{Path, PathBuf};

/// What has to have a figure.
const MEASURES: [u32; 24] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 22, 25, 26, 28];

fn page() -> String {
    std::fs::read_to_string(root().join("docs/security.md")).unwrap()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The rows of a table below a heading, cell by cell.
fn rows<'a>(page: &'a str, heading: &str) -> Vec<Vec<&'a str>> {
    let (_, rest) = page.split_once(&format!("## {heading}\n")).expect(heading);
    let table = rest.split("\n## ").next().unwrap().lines().filter(|line| line.starts_with("| "));
    table.skip(1).map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

/// Each file below `folder`, as the name of its module from there, with its text.
fn modules(folder: &Path, start: &str, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let name = if matches!(stem, "main" | "lib" | "mod") { start.to_owned() } else { format!("{start}{stem}::") };
        if path.is_dir() && !path.ends_with("target") {
            modules(&path, &name, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push((name, std::fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The tests below a folder, named as the test program names them.
fn tests(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    modules(&root().join(folder), "", &mut found);
    let named = |(module, text): &(String, String)| {
        let functions = text.split("fn ").skip(1).filter_map(|rest| rest.split_once(['(', '<']));
        functions.map(|(name, _)| format!("{module}{name}")).collect::<Vec<_>>()
    };
    found.iter().flat_map(named).collect()
}

/// What is wrong with a command.
fn fault(command: &str) -> Option<String> {
    let mut words: Vec<_> = command.split_whitespace().collect();
    // What it is told comes first; some test has to read it.
    while let Some((name, _)) = words.first().and_then(|word| word.split_once('=')) {
        let read = ["src", "tests", "crates"].map(|folder| {
            let mut found = Vec::new();
            modules(&root().join(folder), "", &mut found);
            found.iter().any(|(_, text)| text.contains(&format!("\"{name}\"")))
        });
        if !read.contains(&true) {
            return Some(format!("nobody reads {name}"));
        }
        words.remove(0);
    }
    let has = |folder: &str, filter: &str| tests(folder).iter().any(|test| test.contains(filter));
    let missing =
        |folder: &str, filter: &str| (!has(folder, filter)).then(|| format!("no test of {folder} is {filter}"));
    match words[..] {
        [] => None,
        ["it", filter] => missing("tests/it", filter),
        ["lib", filter] => missing("src", filter),
        ["cargo", "run", "--release", "--", what] => {
            let program = std::fs::read_to_string(root().join("benches/src/main.rs")).unwrap();
            (!program.contains(&format!("\"{what}\""))).then(|| format!("no measurement {what}"))
        }
        ["cargo", "test", "-p", package, ref rest @ ..] => {
            let folder = if package == "axum-authsignal" { ".".to_owned() } else { format!("crates/{package}") };
            let filter =
                rest.iter().rev().find(|word| !word.starts_with("--") && **word != "it" && **word != "browser");
            if !root().join(&folder).join("Cargo.toml").is_file() {
                return Some(format!("no package {package}"));
            }
            filter.and_then(|filter| missing(&folder, filter))
        }
        [script] if script.starts_with("./") => (!root().join(script).is_file()).then(|| format!("no {script}")),
        _ => Some("it is no command".to_owned()),
    }
}

/// Each measure has a row, and each row says how much was tried, what failed, and by what command it is seen again.
#[test]
fn every_figure_has_a_command_whose_tests_are_there() {
    let page = page();
    let rows = rows(&page, "Score card");
    let (mut faults, mut commands) = (Vec::new(), 0);
    for row in &rows {
        let [number, _, tried, _, how] = row[..] else { panic!("not five cells: {row:?}") };
        if tried.is_empty()
            || !tried.chars().any(|letter| letter.is_ascii_digit()) && number != "S26" && number != "S21"
        {
            faults.push(format!("{number} does not say how much was tried"));
        }
        let written: Vec<_> = how.split('`').skip(1).step_by(2).filter(|word| !word.ends_with('/')).collect();
        // Some say that it is as another, or where it is said.
        if written.is_empty() && !how.starts_with("as S") && !how.contains(".md") {
            faults.push(format!("{number} has no command"));
        }
        for command in written {
            // What a command is told may stand in quotes of its own before it.
            let whole = if command.starts_with("-p ") { format!("cargo test {command}") } else { command.to_owned() };
            commands += 1;
            faults.extend(fault(&whole).map(|fault| format!("{number}: `{command}`: {fault}")));
        }
    }
    for measure in MEASURES {
        let is_there = rows.iter().any(|row| row[0] == format!("S{measure}"));
        if !is_there {
            faults.push(format!("S{measure} has no row"));
        }
    }
    println!("{} rows, {commands} commands", rows.len());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Each number of ASVS names a test, or threats whose rows do, or says that it is the application's.
#[test]
fn every_number_of_asvs_points_at_tests() {
    let (page, threats) = (page(), std::fs::read_to_string(root().join("docs/threats.md")).unwrap());
    let proved = |threat: &str| {
        let row = threats.lines().find(|line| line.starts_with(&format!("| {threat} |")));
        row.is_some_and(|row| row.rsplit(" | ").next().unwrap().contains("`t"))
    };
    let tests = tests("tests/it");
    let exists = |name: &str| tests.iter().any(|test| test.ends_with(&format!("::{name}")));
    let rows = rows(&page, "OWASP ASVS 5");
    for row in &rows {
        let [number, _, _, proof] = row[..] else { panic!("not four cells: {row:?}") };
        for one in proof.split(", ") {
            let is_good = one == "the application" || proved(one) || exists(one.trim_matches('`'));
            assert!(is_good, "{number}: {one} is no test, and no threat that names one");
        }
    }
    println!("{} rows", rows.len());
    assert!(rows.len() >= 20);
}
