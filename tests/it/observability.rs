//! The page on what is seen shows what a program prints.
use std::path::PathBuf;
use std::process::Command;

/// A line without what is another in each run: ids, and how long things took.
fn masked(line: &str) -> String {
    let is_id = |word: &str| word.len() == 36 && word.matches('-').count() == 4;
    let mask = |word: &str| match word.split_once('=') {
        Some(("upstream", _)) => "upstream=..".to_owned(),
        Some((name, id)) if is_id(id) => format!("{name}=.."),
        _ => word.to_owned(),
    };
    let words: Vec<_> = line.trim().split(' ').map(mask).collect();
    match (line.contains("_seconds_"), words.split_last()) {
        (true, Some((_, name))) => name.join(" "),
        _ => words.join(" "),
    }
}

/// All lines, whose order is not the same in each run.
fn lines(text: &str) -> Vec<String> {
    let mut lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).map(masked).collect();
    lines.sort_unstable();
    lines
}

/// S27: the trace, the explanation and the metrics of one challenged request, as the page shows them, are real output.
#[test]
fn s27_the_page_shows_what_the_example_prints() {
    // Cargo builds the examples before it runs the tests, next to them.
    let tests = std::env::current_exe().unwrap();
    let example: PathBuf = tests.ancestors().nth(2).unwrap().join("examples/observed");
    let output = Command::new(example).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/observability.md")).unwrap();
    let shown: String = page.split("```text\n").skip(1).map(|block| block.split("```").next().unwrap()).collect();
    assert_eq!(lines(&shown), lines(&printed), "`cargo run --example observed` prints:\n{printed}");
}
