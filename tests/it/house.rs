//! The floor plan of every crate, held against its code: no circle of imports, arrows down only, pure rooms pure.
mod waits;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, UseTree, Visibility};

/// The crates, and where their code begins.
const CRATES: [&str; 7] = [
    "src",
    "crates/authsignal-client/src",
    "crates/authsignal-emulator/src",
    "crates/authsignal-store-redis/src",
    "crates/authsignal-store-sqlx/src",
    "crates/axum-authsignal-derive/src",
    "crates/axum-authsignal-testing/src",
];

type Names = Vec<String>;

/// What one file takes from others, and what it hands on.
#[derive(Default)]
struct Room {
    file: PathBuf,
    text: String,
    /// Absolute paths within the crate.
    imports: Vec<Names>,
    /// What `pub use` calls it, and where that is from.
    exports: BTreeMap<String, Names>,
}

/// The modules of a crate by their paths.
struct House(BTreeMap<Names, Room>);

fn is_test(attributes: &[Attribute]) -> bool {
    let says = |attribute: &Attribute| {
        let is_cfg = attribute.path().is_ident("cfg");
        is_cfg && attribute.parse_args::<syn::Ident>().is_ok_and(|argument| argument == "test")
    };
    attributes.iter().any(says)
}

impl House {
    fn read(root: &Path) -> Self {
        let mut house = Self(BTreeMap::new());
        house.enter(&[], &root.join("lib.rs"), root);
        house
    }

    /// Reads a file and the modules that it declares, apart from those of tests.
    fn enter(&mut self, module: &[String], file: &Path, folder: &Path) {
        let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let children: Vec<String> = parsed.items.iter().filter_map(declared).collect();
        let mut reader = Reader { module, children: &children, room: Room::default() };
        reader.visit_file(&parsed);
        let room = Room { file: file.to_owned(), text, ..reader.room };
        self.0.insert(module.to_vec(), room);
        for child in children {
            let inside = folder.join(&child);
            let file =
                [folder.join(format!("{child}.rs")), inside.join("mod.rs")].into_iter().find(|file| file.is_file());
            let file = file.unwrap_or_else(|| panic!("no file of module {child} in {}", folder.display()));
            self.enter(&[module.to_vec(), vec![child]].concat(), &file, &inside);
        }
    }

    /// The module in which something is defined, through any number of re-exports; what is not of this crate has none.
    fn home(&self, path: &[String], depth: usize) -> Option<Names> {
        assert!(depth < 20, "re-exports in a circle: {path:?}");
        let inside = (0..=path.len()).rev().find(|&length| self.0.contains_key(&path[..length]))?;
        let (module, rest) = path.split_at(inside);
        match rest.first().and_then(|name| self.0[module].exports.get(name)) {
            Some(from) if from.first().is_some_and(|first| first == "::") => None,
            Some(from) => self.home(&[from, &rest[1..]].concat(), depth + 1),
            None => Some(module.to_vec()),
        }
    }

    /// Which file takes something from which other.
    fn arrows(&self) -> BTreeMap<Names, BTreeSet<Names>> {
        let arrows_of = |(module, room): (&Names, &Room)| {
            let homes = room.imports.iter().filter_map(|path| self.home(path, 0));
            (module.clone(), homes.filter(|home| home != module).collect())
        };
        // The front door only hands on.
        self.0.iter().filter(|(module, _)| is_of_house(module)).map(arrows_of).collect()
    }
}

/// Whether a module stands in the house: the front door does not.
fn is_of_house(module: &[String]) -> bool {
    !module.is_empty()
}

/// The name of a module that has a file of its own and is not of tests.
fn declared(item: &Item) -> Option<String> {
    match item {
        Item::Mod(ItemMod { content: None, ident, attrs, .. }) if !is_test(attrs) => Some(ident.to_string()),
        _ => None,
    }
}

struct Reader<'a> {
    module: &'a [String],
    children: &'a [String],
    room: Room,
}

impl Reader<'_> {
    /// A path from the crate's root, if it leads into this crate.
    fn absolute(&self, path: Names) -> Option<Names> {
        let supers = path.iter().take_while(|name| *name == "super").count();
        match path.first()?.as_str() {
            "crate" => Some(path[1..].to_vec()),
            "self" => Some([self.module.to_vec(), path[1..].to_vec()].concat()),
            "super" => {
                let parent = self.module.len().checked_sub(supers)?;
                Some([self.module[..parent].to_vec(), path[supers..].to_vec()].concat())
            }
            first if self.children.iter().any(|child| child == first) => Some([self.module.to_vec(), path].concat()),
            _ => None,
        }
    }

    fn tree(&mut self, tree: &UseTree, before: &[String], is_public: bool) {
        let with = |name: &syn::Ident| [before.to_vec(), vec![name.to_string()]].concat();
        let (path, name) = match tree {
            UseTree::Path(path) => return self.tree(&path.tree, &with(&path.ident), is_public),
            UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.tree(tree, before, is_public));
            }
            UseTree::Name(name) if name.ident == "self" => {
                (before.to_vec(), before.last().cloned().unwrap_or_default())
            }
            UseTree::Name(name) => (with(&name.ident), name.ident.to_string()),
            UseTree::Rename(name) => (with(&name.ident), name.rename.to_string()),
            UseTree::Glob(_) => (before.to_vec(), String::new()),
        };
        match (self.absolute(path), is_public) {
            (Some(path), true) => drop(self.room.exports.insert(name, path)),
            (Some(path), false) => self.room.imports.push(path),
            (None, true) => drop(self.room.exports.insert(name, vec!["::".to_owned()])),
            (None, false) => {}
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Mod(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !is_test(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_test(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.tree(&item.tree, &[], !matches!(item.vis, Visibility::Inherited));
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Names = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if names.len() > 1 {
            self.room.imports.extend(self.absolute(names));
        }
        visit::visit_path(self, path);
    }
}

/// The groups that import each other, each in order.
fn circles<T: Ord + Clone>(arrows: &BTreeMap<T, BTreeSet<T>>) -> BTreeSet<BTreeSet<T>> {
    let reached_from = |start: &T| {
        let mut reached = BTreeSet::new();
        let mut next: Vec<&T> = arrows.get(start).into_iter().flatten().collect();
        while let Some(at) = next.pop() {
            if reached.insert(at) {
                next.extend(arrows.get(at).into_iter().flatten());
            }
        }
        reached
    };
    let all: BTreeMap<&T, BTreeSet<&T>> = arrows.keys().map(|file| (file, reached_from(file))).collect();
    let mut circles = BTreeSet::new();
    for (file, reached) in &all {
        let back = reached.iter().filter(|other| all.get(**other).is_some_and(|from| from.contains(file)));
        circles.insert(back.map(|&other| other.clone()).collect());
    }
    circles.remove(&BTreeSet::new());
    circles
}

fn houses() -> impl Iterator<Item = (&'static str, House)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    CRATES.into_iter().map(|code| (code, House::read(&root.join(code))))
}

/// Neither files nor folders import each other in a circle, so that each stands above all that it imports.
#[test]
fn imports_run_down_only() {
    for (code, house) in houses() {
        let files = house.arrows();
        println!("{code}: {} files, {} arrows", files.len(), files.values().map(BTreeSet::len).sum::<usize>());
        assert_eq!(circles(&files), BTreeSet::new(), "files of {code} import each other");
        let mut rooms: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (from, to) in files.iter().flat_map(|(from, all)| all.iter().map(move |to| (from, to))) {
            // Straight from the root are a few names that the front door defines itself.
            let to = to.first().cloned().unwrap_or_default();
            if from[0] != to {
                rooms.entry(from[0].clone()).or_default().insert(to);
            }
        }
        assert_eq!(circles(&rooms), BTreeSet::new(), "rooms of {code} import each other");
    }
}

/// What is pure takes nothing from the rooms that do something, and knows neither tasks nor a clock.
#[test]
fn the_domain_is_pure() {
    let house = House::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let mut pure = 0;
    for (from, all) in house.arrows().iter().filter(|(module, _)| module[0] == "domain") {
        pure += 1;
        for to in all {
            let room = to.first().map(String::as_str);
            let is_below = matches!(room, Some("config" | "domain" | "random"));
            assert!(is_below, "{from:?} takes something from {to:?}");
        }
        let room = &house.0[from];
        for word in ["tokio", "Clock", "SystemTime::now", "Instant"] {
            let code = room.text.split("#[cfg(test)]").next().unwrap_or_default();
            assert!(!code.contains(word), "{}: {word}", room.file.display());
        }
    }
    assert!(pure >= 10, "{pure} pure files");
}

/// Whoever opens a file reads first what it is for.
#[test]
fn every_file_says_what_it_is_for() {
    for (_, house) in houses() {
        for (_, room) in house.0.iter().filter(|(module, _)| is_of_house(module)) {
            let first = room.text.lines().next().unwrap_or_default();
            assert!(first.starts_with("//! ") || first.starts_with("#!["), "{}: {first}", room.file.display());
        }
    }
}

/// Words that one had to learn here, before they became the field's.
const OWN_WORDS: [&str; 32] = [
    "Answerer",
    "Back",
    "Departure",
    "Door",
    "Held",
    "Keeper",
    "Kept",
    "LEAST",
    "LONGEST",
    "MOST",
    "Meeting",
    "Met",
    "Noted",
    "Occasion",
    "Parcel",
    "Said",
    "Scripted",
    "SeenRequest",
    "SentHook",
    "Shared",
    "Standing",
    "Told",
    "Trusted",
    "Twin",
    "Wish",
    "World",
    "come_back",
    "deeds",
    "keeper",
    "lead_back",
    "onward",
    "world",
];

#[derive(Default)]
struct Idents(BTreeSet<String>);

impl<'ast> Visit<'ast> for Idents {
    fn visit_ident(&mut self, ident: &'ast syn::Ident) {
        self.0.insert(ident.to_string());
    }
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") && !path.ends_with("node_modules") {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Names are the field's own: none of ours from before, and bounds are `MAX_` and `MIN_`.
#[test]
fn names_are_the_fields_own() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "crates", "tests", "examples"] {
        rust_files(&root.join(folder), &mut files);
    }
    let mut faults = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        let Ok(parsed) = syn::parse_file(&text) else { continue };
        let mut idents = Idents::default();
        idents.visit_file(&parsed);
        let is_own = |ident: &&String| {
            let is_bound = ["LONGEST_", "MOST_", "LEAST_"].iter().any(|start| ident.starts_with(start));
            is_bound || ident.ends_with("_life") || OWN_WORDS.contains(&ident.as_str())
        };
        faults.extend(idents.0.iter().filter(is_own).map(|ident| format!("{}: {ident}", file.display())));
    }
    println!("{} files", files.len());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The reader itself: a circle through a re-export and an inline path is seen, what tests import is not.
#[test]
fn a_circle_is_seen() {
    let folder = tempfile();
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write("lib.rs", "mod a;\nmod b;\nmod c;\npub use a::A;");
    write("a.rs", "pub struct A;\nfn f(b: crate::b::B) {}");
    write("b.rs", "use crate::c::C;\npub struct B;");
    write("c.rs", "pub struct C;\n#[cfg(test)]\nmod tests { use crate::a::A; }");
    assert_eq!(circles(&House::read(&folder).arrows()), BTreeSet::new());
    write("c.rs", "use crate::{A as Other};\npub struct C;");
    let files = ["a", "b", "c"].map(|file| vec![file.to_owned()]);
    assert_eq!(circles(&House::read(&folder).arrows()), BTreeSet::from([BTreeSet::from(files)]));
    std::fs::remove_dir_all(folder).unwrap();
}

fn tempfile() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("house-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
