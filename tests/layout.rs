//! The layout holds: imports go one way, files stay short, the two Leptos files agree, and documents name tests that exist.
#![cfg(feature = "ssr")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use syn::visit::Visit;

/// The parts of the program, each of which may import those before it.
const PARTS: [&str; 5] = ["accounts", "forms", "pages", "server", "cli"];

/// What a part may not name, beside the parts behind it.
const FOREIGN: [(&str, &[&str]); 3] = [
    (
        "accounts",
        &[
            "axum", "leptos", "http", "hyper", "mongodb", "redb", "lettre",
        ],
    ),
    ("forms", &["mongodb", "redb", "lettre"]),
    ("pages", &["mongodb", "redb", "lettre"]),
];

#[test]
fn imports_go_one_way() {
    for (position, part) in PARTS.iter().enumerate() {
        let foreign = FOREIGN.iter().filter(|(name, _)| name == part);
        let foreign = foreign.flat_map(|(_, crates)| crates.iter().map(ToString::to_string));
        let behind = PARTS[position + 1..].iter();
        let behind = behind.map(|part| format!("crate::{part}"));
        let forbidden: Vec<String> = foreign.chain(behind).collect();
        for file in rust_files(&Path::new("src").join(part)) {
            let code = fs::read_to_string(&file).unwrap();
            for name in &forbidden {
                let names_it = code.lines().any(|line| {
                    let line = line.trim_start();
                    !line.starts_with("//") && line.contains(&format!("{name}::"))
                });
                assert!(!names_it, "{} names {name}", file.display());
            }
        }
    }
}

#[test]
fn no_file_imports_itself_by_way_of_others() {
    let mut imports = imports();
    // Whatever imports nothing that is left, or is imported by nothing that is left, is in no circle.
    loop {
        let before = imports.len();
        let left: BTreeSet<String> = imports.keys().cloned().collect();
        imports.retain(|_, to| to.iter().any(|to| left.contains(to)));
        let imported: BTreeSet<String> = imports.values().flatten().cloned().collect();
        imports.retain(|from, _| imported.contains(from));
        if imports.len() == before {
            break;
        }
    }
    assert!(imports.is_empty(), "{imports:#?}");
}

/// What each module imports, by the files of `src/`; what only tests import is left out.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let files = rust_files(Path::new("src"));
    let modules: BTreeSet<String> = files.iter().map(|file| module(file)).collect();
    let mut imports = BTreeMap::new();
    for file in files {
        let code = syn::parse_file(&fs::read_to_string(&file).unwrap()).unwrap();
        let mut paths = Paths::default();
        paths.visit_file(&code);
        let name = module(&file);
        let named = paths.0.iter().filter_map(|path| absolute(&name, path));
        let named = named.filter_map(|path| {
            let lengths = (1..=path.len()).rev();
            let mut prefixes = lengths.map(|length| path[..length].join("::"));
            prefixes.find(|module| modules.contains(module))
        });
        let others = named.filter(|module| *module != name).collect();
        imports.insert(name, others);
    }
    imports
}

/// The module of a file.
fn module(file: &Path) -> String {
    let path = file.strip_prefix("src").unwrap().with_extension("");
    let parts = path.iter().map(|part| part.to_str().unwrap());
    let parts: Vec<&str> = parts
        .filter(|part| !matches!(*part, "mod" | "lib"))
        .collect();
    [&["crate"], &parts[..]].concat().join("::")
}

/// A path as from the root of the crate; none if it leads to another crate.
fn absolute(module: &str, path: &[String]) -> Option<Vec<String>> {
    let mut base: Vec<String> = module.split("::").map(str::to_owned).collect();
    let rest = match path.first()?.as_str() {
        "crate" => return Some(path.to_vec()),
        "fpm_registry" => {
            base.truncate(1);
            &path[1..]
        }
        "self" => &path[1..],
        "super" => {
            let ups = path.iter().take_while(|part| *part == "super").count();
            base.truncate(base.len() - ups);
            &path[ups..]
        }
        // A child module by its bare name, or another crate, which is no module of this one.
        _ => path,
    };
    Some([&base[..], rest].concat())
}

/// Every path that a file names.
#[derive(Default)]
struct Paths(Vec<Vec<String>>);

impl Paths {
    fn add_tree(&mut self, prefix: &[String], tree: &syn::UseTree) {
        let with = |name: &syn::Ident| [prefix, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.add_tree(&with(&path.ident), &path.tree),
            syn::UseTree::Group(group) => {
                group
                    .items
                    .iter()
                    .for_each(|item| self.add_tree(prefix, item));
            }
            syn::UseTree::Name(name) => self.0.push(with(&name.ident)),
            syn::UseTree::Rename(name) => self.0.push(with(&name.ident)),
            syn::UseTree::Glob(_) => self.0.push(prefix.to_vec()),
        }
    }
}

impl<'a> Visit<'a> for Paths {
    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        self.add_tree(&[], &item.tree);
    }

    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        if item.ident != "tests" {
            syn::visit::visit_item_mod(self, item);
        }
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let parts = path.segments.iter().map(|part| part.ident.to_string());
        let parts: Vec<String> = parts.collect();
        if parts.len() > 1 {
            self.0.push(parts);
        }
        syn::visit::visit_path(self, path);
    }
}

#[test]
fn files_stay_short() {
    for (folder, most) in [("src", 400), ("tests", 600)] {
        for file in rust_files(Path::new(folder)) {
            let lines = fs::read_to_string(&file).unwrap().lines().count();
            assert!(lines < most, "{} has {lines} lines", file.display());
        }
    }
}

#[test]
fn cfg_stands_on_mod_lines_only() {
    for file in rust_files(Path::new("src")) {
        let code = fs::read_to_string(&file).unwrap();
        let lines: Vec<&str> = code.lines().map(str::trim).collect();
        for pair in lines
            .windows(2)
            .filter(|pair| pair[0].starts_with("#[cfg(feature"))
        {
            let is_mod = pair[1].starts_with("mod ") || pair[1].starts_with("pub mod ");
            assert!(is_mod, "{}: {}", file.display(), pair[1]);
        }
    }
}

#[test]
fn the_server_and_the_build_read_the_same_leptos_keys() {
    let build = fs::read_to_string("Cargo.toml").unwrap();
    let run = fs::read_to_string("Leptos.toml").unwrap();
    for key in [
        "output-name",
        "site-root",
        "site-pkg-dir",
        "site-addr",
        "hash-files",
    ] {
        let line = |file: &str| {
            let found = file
                .lines()
                .find(|line| line.starts_with(&format!("{key} = ")));
            found.map(str::to_owned)
        };
        assert!(line(&run).is_some(), "{key} is not in Leptos.toml");
        assert_eq!(line(&build), line(&run));
    }
}

/// A test that gets another name must not leave a promise behind that nothing proves.
#[test]
fn the_tests_exist_that_documents_name() {
    let folders = ["src", "tests"].map(|folder| rust_files(Path::new(folder)));
    let files = folders.into_iter().flatten();
    let code: String = files
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let is_of_name = |c: char| c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit();
    for document in ["SECURITY.md", "RELIABILITY.md"] {
        let text = fs::read_to_string(document).unwrap();
        let names = text
            .split('`')
            .filter(|name| name.matches('_').count() > 1 && name.chars().all(is_of_name));
        for name in names {
            let is_there = code.contains(&format!("fn {name}("));
            assert!(is_there, "{document} names {name}, which is no test");
        }
    }
}

fn rust_files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        let is_code = path.extension().is_some_and(|ending| ending == "rs");
        return is_code.then(|| path.to_owned()).into_iter().collect();
    }
    let entries = fs::read_dir(path).unwrap();
    let files = entries.flat_map(|entry| rust_files(&entry.unwrap().path()));
    files
        .filter(|file| file.extension().is_some_and(|ending| ending == "rs"))
        .collect()
}
