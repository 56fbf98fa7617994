//! What `docs/recipes.md` says of versions and files, held against `Cargo.lock` and this folder.
use std::collections::BTreeSet;
use std::path::Path;

const DOCUMENT: &str = include_str!("../../../docs/recipes.md");
const LOCK: &str = include_str!("../../../Cargo.lock");

/// The longest recipe, without its tests.
const MAX_LINES: usize = 120;

/// The crates that a text names with the beginning of a version: `` `name` 1.2 ``.
fn named(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let quoted = text.split('`').skip(1).step_by(2);
    let behind = text.split('`').skip(2).step_by(2);
    quoted.zip(behind).filter_map(|(name, behind)| {
        let version = behind.strip_prefix(' ')?;
        let end = version.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(version.len());
        let version = version[..end].trim_end_matches('.');
        (!version.is_empty()).then_some((name, version))
    })
}

/// The versions of a crate in `Cargo.lock`, each with its entry there.
fn locked(name: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let begin = format!("name = \"{name}\"\nversion = \"");
    LOCK.split("[[package]]\n").filter_map(move |entry| entry.strip_prefix(&*begin)?.split_once('"'))
}

#[test]
fn the_versions_that_go_together_are_those_that_are_tried() {
    let rows = DOCUMENT.lines().filter(|line| line.starts_with("| ") && line.contains("examples/recipes/src/"));
    let mut said = 0;
    for row in rows {
        let [first, second, _] = row.trim_matches('|').split('|').collect::<Vec<_>>()[..] else { panic!("{row}") };
        for (name, version) in named(first) {
            let is_it = |locked: &&str| locked.strip_prefix(version).is_some_and(|rest| rest.starts_with('.'));
            let (_, entry) = locked(name).find(|(locked, _)| is_it(locked)).unwrap_or_else(|| panic!("{name}: {row}"));
            said += 1;
            for (other, its_version) in named(second) {
                let of_two = entry.lines().find_map(|line| line.trim().strip_prefix(&format!("\"{other} ")));
                let of_one = || entry.contains(&format!("\"{other}\"")).then(|| locked(other).next().unwrap().0);
                let takes = of_two.map(|line| line.trim_end_matches("\",")).or_else(of_one);
                let takes = takes.unwrap_or_else(|| panic!("{name} does not depend on {other}"));
                assert!(takes.starts_with(&format!("{its_version}.")), "{name} takes {other} {takes}: {row}");
                said += 1;
            }
        }
    }
    println!("{said} versions");
    assert!(said >= 7, "{said} versions");
}

/// What `npm ci` installs is what the document says.
#[test]
fn the_scripts_are_of_the_versions_that_are_tried() {
    let installed = include_str!("../../../package.json");
    for (said, package) in
        [("htmx 2 (`htmx.org`)", "\"htmx.org\": \"2."), ("Turbo 8 (`@hotwired/turbo`)", "turbo\": \"8.")]
    {
        assert!(DOCUMENT.contains(said) && installed.contains(package), "{said}");
    }
}

#[test]
fn every_recipe_is_short_and_is_listed() {
    let files = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    let files = files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|end| end == "rs"));
    let beside = ["bank.rs", "docs.rs", "main.rs", "way.rs"];
    let mut recipes = BTreeSet::new();
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//! "), "{name} says first what it is for");
        if beside.contains(&&*name) {
            continue;
        }
        let lines = text.split("#[cfg(test)]").next().unwrap().lines().count();
        assert!(lines <= MAX_LINES, "{name} has {lines} lines, without its tests");
        assert!(DOCUMENT.contains(&format!("[{name}](../examples/recipes/src/{name})")), "{name} is not listed");
        recipes.insert(name);
    }
    println!("{} recipes: {recipes:?}", recipes.len());
    assert_eq!(recipes.len(), super::NAMES.len(), "{recipes:?}");
}

#[tokio::test]
async fn every_name_is_a_recipe_that_runs() {
    for name in super::NAMES {
        let authsignal = axum_authsignal_testing::TestAuthsignal::new().builder().with_insecure_cookies();
        let authsignal = authsignal.callback_url(format!("{}/authsignal/callback", super::SITE));
        assert!(super::recipe(name, authsignal).await.unwrap().is_some(), "{name}");
    }
}
