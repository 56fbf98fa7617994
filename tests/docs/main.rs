//! What the documents say is so: the README's program runs, and threats and tests name each other.
#![cfg(feature = "emulator")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

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

#[tokio::test]
async fn the_readmes_program_challenges_its_visitor() {
    // Cargo builds the examples before it runs the tests, next to them.
    let tests = std::env::current_exe().unwrap();
    let example: PathBuf = tests.ancestors().nth(2).unwrap().join("examples/smallest");
    let mut program = Command::new(example).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let _running = Running(program);
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

/// Every threat that a test names has its row in `docs/threats.md`, and every test that is named there exists.
#[test]
fn threats_and_tests_name_each_other() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let listed = std::fs::read_to_string(root.join("docs/threats.md")).unwrap();
    let mut sources = String::new();
    let mut folders = vec![root.join("src"), root.join("tests")];
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
    let names: std::collections::HashSet<_> = sources
        .split("fn ")
        .skip(1)
        .filter_map(|rest| rest.split_once(['(', '<']).map(|(name, _)| name))
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
        .collect();
    for row in listed.lines().filter(|line| line.starts_with("| T")) {
        let proofs = row.rsplit_once(" | ").unwrap().1;
        let named: Vec<_> = proofs.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "no proof: {row}");
        for test in named {
            assert!(names.contains(test), "`{test}` is named in docs/threats.md and is not there");
        }
    }
    for name in names {
        let numbers = name.split('_').take_while(|part| {
            part.strip_prefix('t')
                .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
        });
        for number in numbers {
            let row = format!("| T{} |", &number[1..]);
            assert!(listed.contains(&row), "`{name}` proves {number}, which docs/threats.md does not list");
        }
    }
}
