//! What the documents say is so: the README's program runs, and threats and tests name each other.
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha384};
use test_support::waiting::first_line;

const README: &str = include_str!("../../README.md");
const EXAMPLE: &str = include_str!("../../examples/smallest.rs");

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_readme_shows_the_example() {
    let shown = README.split("```rust\n").nth(1).expect("a Rust program").split("```").next().unwrap();
    let example = EXAMPLE.split_once("\nuse std").map(|(_, rest)| format!("use std{rest}")).unwrap();
    assert_eq!(shown, example, "README.md and examples/smallest.rs differ");
}

/// The shop has its eleven tests, in no more than 60 lines with all that stands before them, and the document shows them.
#[test]
fn the_shops_tests_take_no_more_than_sixty_lines() {
    let tests = include_str!("../../examples/shop/tests.rs");
    let document = include_str!("../../docs/testing.md");
    let shown = document.split("```rust\n").nth(1).expect("Rust").split("```").next().unwrap();
    assert_eq!(shown, tests, "docs/testing.md and examples/shop/tests.rs differ");
    let count = tests.matches("#[tokio::test]\n").count();
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//") && !line.starts_with("use ");
    let lines = tests.lines().filter(is_code).count();
    println!("{count} tests in {lines} lines, without blank ones, comments and imports");
    assert!(count == 11 && lines <= 60, "{count} tests in {lines} lines");
}

#[tokio::test]
async fn the_readmes_program_challenges_its_visitor() {
    // Cargo builds the examples before it runs the tests, next to them.
    let tests = std::env::current_exe().unwrap();
    let example: PathBuf = tests.ancestors().nth(2).unwrap().join("examples/smallest");
    let mut running = Running(Command::new(example).stdout(Stdio::piped()).spawn().unwrap());
    let (line, _stdout) = first_line(&mut running.0);
    let url = line.trim().strip_prefix("Your card: ").expect("the address");

    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let response = client.get(url).header("accept", "text/html").send().await.unwrap();
    assert_eq!(response.status(), 303);
    let challenge = response.headers()["location"].to_str().unwrap();
    assert!(challenge.starts_with("http://127.0.0.1:") && challenge.contains("?token="), "{challenge}");
    assert_eq!(client.get(challenge).send().await.unwrap().status(), 200, "the challenge page");

    let response = client.get(url).send().await.unwrap();
    assert_eq!(response.status(), 403, "a client gets the challenge as JSON");
    assert_eq!(response.headers()["content-type"], "application/problem+json");
}

/// The hash that pages are told to check is the module's.
#[test]
fn the_integrity_of_the_module_is_as_documented() {
    let module = include_bytes!("../../js/step-up.min.js");
    let hash = STANDARD.encode(Sha384::digest(module));
    let page = include_str!("../../docs/front-end.md");
    assert!(page.contains(&format!("integrity=\"sha384-{hash}\"")), "docs/front-end.md has to say sha384-{hash}");
}

/// The threats are numbered T1 to T129.
const THREATS: std::ops::RangeInclusive<u32> = 1..=129;

/// One row of `docs/threats.md`: `| T1 | attack | standing | what stands against it | proof |`.
struct Threat<'a> {
    number: u32,
    row: &'a str,
    standing: &'a str,
    /// The tests, or where a limit is said, or nothing.
    named: Vec<&'a str>,
}

fn threats(listed: &str) -> Vec<Threat<'_>> {
    let rows = listed.lines().filter(|line| line.starts_with("| T"));
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [number, _, standing, _, named] = cells[..] else { panic!("not five cells: {row}") };
        Threat {
            number: number[1..].parse().expect(row),
            row,
            standing,
            named: named.split('`').skip(1).step_by(2).collect(),
        }
    })
    .collect()
}

/// Every file below these folders that ends in `.rs`, as one text.
fn sources(root: &Path) -> String {
    let mut sources = String::new();
    let mut folders = vec![root.join("src"), root.join("tests"), root.join("crates")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                None if path.is_dir() => folders.push(path),
                Some(extension) if extension == "rs" => sources += &std::fs::read_to_string(path).unwrap(),
                _ => {}
            }
        }
    }
    sources
}

/// The list has a row for every number, in order, and each says what is true: a defence names tests that exist, a limit
/// the file that states it, and what a test proves is not called unbuilt.
#[test]
fn threats_and_tests_name_each_other() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let listed = std::fs::read_to_string(root.join("docs/threats.md")).unwrap();
    let threats = threats(&listed);
    assert_eq!(threats.iter().map(|threat| threat.number).collect::<Vec<_>>(), THREATS.collect::<Vec<_>>());

    let sources = sources(&root);
    let names: HashSet<_> = sources
        .split("fn ")
        .skip(1)
        .filter_map(|rest| rest.split_once(['(', '<']).map(|(name, _)| name))
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
        .collect();
    for Threat { row, standing, named, .. } in &threats {
        let (files, tests): (Vec<&str>, Vec<&str>) = named.iter().partition(|name| name.contains('.'));
        for test in &tests {
            assert!(names.contains(*test), "no test `{test}`: {row}");
        }
        for file in &files {
            assert!(root.join(*file).is_file(), "no file `{file}`: {row}");
        }
        match *standing {
            "defended" => assert!(!tests.is_empty() && files.is_empty(), "a defence names its tests: {row}"),
            "limit" => assert!(!files.is_empty(), "a limit names the file that states it: {row}"),
            "not built" => assert!(named.is_empty(), "what is not built has no proof: {row}"),
            _ => panic!("neither defended, nor limit, nor not built: {row}"),
        }
    }
    for name in names {
        let numbers = name.split('_').map_while(|part| part.strip_prefix('t')?.parse::<u32>().ok());
        for number in numbers {
            let threat = threats.iter().find(|threat| threat.number == number);
            let threat = threat.unwrap_or_else(|| panic!("`{name}` proves a number that there is not"));
            assert_ne!(threat.standing, "not built", "`{name}` proves T{number}");
        }
    }
}
