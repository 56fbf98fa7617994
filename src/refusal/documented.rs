//! The page on refusals says of each reason what the table says, and what is done about it.
use std::collections::BTreeMap;
use std::fs::read_to_string;
use std::path::{Path, PathBuf};

use super::tests::every_reason;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// S27, C18: each code has its section, with the name and the status of the table, and a line each for whoever meets it; and no
/// section is about a code that is none.
#[test]
fn s27_each_code_has_a_section_that_says_what_to_do() {
    let page = read_to_string(root().join("docs/refusals.md")).unwrap();
    let sections: Vec<_> = page.split("\n## ").skip(1).collect();
    let rows: BTreeMap<_, _> = every_reason().into_iter().map(|reason| (reason.code(), reason)).collect();
    assert_eq!(sections.len(), rows.len());
    for (section, (code, reason)) in sections.iter().zip(&rows) {
        let (heading, lines) = section.split_once('\n').unwrap();
        assert!(heading.starts_with(&format!("{code} `{}`, ", reason.anchor())), "{heading}");
        let says_status = heading.contains(reason.status().as_str());
        assert!(says_status || *code == "AUTHSIGNAL-R002", "{heading}: {}", reason.status());
        let lines: Vec<_> = lines.trim_end().lines().collect();
        assert_eq!(lines.len(), 3, "{heading}");
        for (line, who) in lines.iter().zip(["User", "Developer", "Operator"]) {
            assert!(line.starts_with(&format!("- {who}: ")) && line.ends_with('.'), "{heading}: {line}");
        }
    }
    println!("{} codes documented", rows.len());
}

/// Each setter that the page leads to is there.
#[test]
fn s27_each_setter_of_the_page_exists() {
    let page = read_to_string(root().join("docs/refusals.md")).unwrap();
    let source: String = sources(&root().join("src")).iter().map(|file| read_to_string(file).unwrap()).collect();
    let named: Vec<_> = page.split('`').filter_map(|word| word.split_once("::")).collect();
    assert!(named.len() > 10);
    for (owner, name) in named {
        let name = name.trim_end_matches("()");
        let is_there = [format!("pub fn {name}("), format!("pub fn {name}<"), format!("    {name},")];
        assert!(is_there.iter().any(|item| source.contains(item)), "{owner}::{name}");
    }
}
