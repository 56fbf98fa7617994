//! The README's program is the example that runs, and does what the README says.
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
