//! The compile errors that users will meet say what to do.
//!
//! Each file in `cases` is a program that must not compile; each of its `//~` lines must stand in what the compiler
//! says. Only our own words are compared, since the compiler's change from version to version, which is why this is not
//! a snapshot of the whole output.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A package whose programs are the cases, so that one run of cargo builds what they need.
fn package(cases: &[PathBuf]) -> PathBuf {
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ui");
    fs::create_dir_all(&package).unwrap();
    let mut manifest = format!(
        "[package]\nname = \"ui\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n\
         axum = {{ version = \"0.8\", default-features = false, features = [\"tokio\"] }}\n\
         axum-authsignal = {{ path = {:?} }}\nbytes = \"1\"\nserde = {{ version = \"1\", features = [\"derive\"] }}\nhttp = \"1\"\nhttp-body-util = \"0.1\"\n\
         tower = {{ version = \"0.5\", features = [\"util\"] }}\n",
        root()
    );
    for case in cases {
        let name = case.file_stem().unwrap().to_str().unwrap();
        manifest += &format!("[[bin]]\nname = {name:?}\npath = {case:?}\n");
    }
    fs::write(package.join("Cargo.toml"), manifest).unwrap();
    fs::copy(root().join("Cargo.lock"), package.join("Cargo.lock")).unwrap();
    package
}

#[test]
fn compile_errors_say_what_to_do() {
    let mut cases: Vec<_> =
        fs::read_dir(root().join("tests/ui/cases")).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(!cases.is_empty());
    let package = package(&cases);
    let check = |name: &str| {
        let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let output = Command::new(cargo)
            .args(["check", "--quiet", "--color", "never", "--bin", name])
            .current_dir(&package)
            .env("CARGO_TARGET_DIR", package.join("target"))
            .env_remove("RUSTFLAGS")
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let mut faults = String::new();
    for case in &cases {
        let name = case.file_stem().unwrap().to_str().unwrap();
        let (compiles, said) = check(name);
        // The compiler breaks its notes into lines.
        let flat = said.split_whitespace().filter(|word| !matches!(*word, "|" | "=")).collect::<Vec<_>>().join(" ");
        let source = fs::read_to_string(case).unwrap();
        let wanted: Vec<_> = source.lines().filter_map(|line| line.strip_prefix("//~ ")).collect();
        if name == "compiles" {
            if !compiles {
                faults += &format!("{name} has to compile, and does not:\n{said}\n");
            }
        } else if compiles || wanted.is_empty() {
            faults += &format!("{name} compiles, or asks for nothing\n");
        } else {
            for phrase in wanted.iter().filter(|phrase| !flat.contains(**phrase)) {
                faults += &format!("{name}: the compiler does not say `{phrase}`:\n{said}\n");
            }
        }
    }
    assert!(faults.is_empty(), "{faults}");
}
