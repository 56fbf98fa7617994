//! No test waits for ever: each loop that waits for something has a bound.
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

use super::rust_files;

/// The loops that wait for something and have no bound.
#[derive(Default)]
struct Loops {
    waits: bool,
    is_bounded: bool,
    endless: usize,
}

impl Loops {
    fn looks(&mut self, walk: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        walk(&mut inner);
        self.endless += inner.endless + usize::from(inner.waits && !inner.is_bounded);
    }
}

impl<'ast> Visit<'ast> for Loops {
    fn visit_expr_while(&mut self, node: &'ast syn::ExprWhile) {
        self.looks(|inner| visit::visit_expr_while(inner, node));
    }

    fn visit_expr_loop(&mut self, node: &'ast syn::ExprLoop) {
        self.looks(|inner| visit::visit_expr_loop(inner, node));
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.waits |= path.segments.last().is_some_and(|last| last.ident == "yield_now" || last.ident == "sleep");
        visit::visit_path(self, path);
    }

    fn visit_expr_method_call(&mut self, node: &'ast syn::ExprMethodCall) {
        self.is_bounded |= node.method == "elapsed";
        visit::visit_expr_method_call(self, node);
    }

    fn visit_expr_call(&mut self, node: &'ast syn::ExprCall) {
        let of_time = |path: &syn::ExprPath| path.path.segments.last().is_some_and(|last| last.ident == "timeout");
        if !matches!(&*node.func, syn::Expr::Path(path) if of_time(path)) {
            visit::visit_expr_call(self, node);
        }
    }

    fn visit_macro(&mut self, node: &'ast syn::Macro) {
        self.is_bounded |= node.path.is_ident("assert") || node.path.is_ident("panic");
    }
}

/// A test that waits for what does not come fails and says so: a loop that waits looks how long, as those of
/// `test_support::waiting` do.
#[test]
fn no_test_waits_for_ever() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "crates", "tests", "examples"] {
        rust_files(&root.join(folder), &mut files);
    }
    let is_test = |file: &&PathBuf| {
        let of_tests = ["tests", "tests.rs", "test-support"];
        file.strip_prefix(root).unwrap().iter().any(|part| of_tests.iter().any(|name| part == *name))
    };
    let mut faults = Vec::new();
    for file in files.iter().filter(is_test) {
        let Ok(parsed) = syn::parse_file(&std::fs::read_to_string(file).unwrap()) else { continue };
        let mut loops = Loops::default();
        loops.visit_file(&parsed);
        if loops.endless > 0 {
            faults.push(format!("{}: {} loops wait for ever", file.display(), loops.endless));
        }
    }
    println!("{} files", files.iter().filter(is_test).count());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
