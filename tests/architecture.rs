//! The house has floors: a module may use what stands below it, and nothing above.
#![expect(clippy::unwrap_used, reason = "a file that cannot be read fails the test, as it should")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each module and what it may use of ours, besides itself.
const MAY_USE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("yaml", &["domain"]),
    ("policy", &["domain", "yaml"]),
    ("config", &["domain", "yaml", "policy"]),
    ("plan", &["domain", "policy"]),
    ("report", &["domain", "yaml", "policy", "config", "plan", "ports"]),
    ("ports", &["domain", "yaml", "policy", "config", "plan", "report"]),
    ("graph", &["domain", "yaml", "policy", "config", "plan", "report", "ports"]),
    ("source", &["domain", "yaml", "policy", "config", "plan", "report", "ports"]),
    ("store", &["domain", "yaml", "policy", "config", "plan", "report", "ports"]),
    ("sandbox", &["domain", "yaml", "ports"]),
    ("engine", &["domain", "yaml", "policy", "config", "plan", "report", "ports"]),
    ("webhook", &["domain", "yaml", "policy", "config", "plan", "report", "ports"]),
    ("api", &["domain", "yaml", "policy", "config", "plan", "report", "ports", "engine"]),
    (
        "cli",
        &[
            "domain", "yaml", "policy", "config", "plan", "report", "ports", "graph", "source",
            "store", "sandbox", "engine", "api", "webhook",
        ],
    ),
];

/// Modules that decide: no `async`, clock, randomness, input or output, or logging in them.
const PURE: &[&str] = &["domain", "yaml", "policy", "config", "plan", "report"];
const IMPURE_WORDS: &[&str] = &[
    "async fn",
    "tokio::",
    "std::fs",
    "std::net",
    "std::io::",
    "std::process",
    "tracing::",
    "rand::",
    "Timestamp::now",
    "SystemTime",
    "Instant::now",
    "std::env",
    "reqwest",
    "rusqlite",
];

fn sources() -> Vec<(String, PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut left = vec![root.clone()];
    while let Some(dir) = left.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let inside = path.strip_prefix(&root).unwrap();
                let module = inside.components().next().unwrap().as_os_str().to_str().unwrap();
                let module = module.trim_end_matches(".rs").to_owned();
                found.push((module, path.clone(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

fn is_test(path: &Path) -> bool {
    let name = path.file_stem().unwrap().to_str().unwrap();
    let in_tests = path.components().any(|part| part.as_os_str() == "tests");
    in_tests || matches!(name, "tests" | "testing" | "any")
}

/// Returns the code of a file without its tests and comments.
fn code(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let lines = text[..end].lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns the modules that a text names by `crate::module`.
fn used(text: &str) -> BTreeSet<String> {
    text.match_indices("crate::")
        .map(|(at, word)| {
            let rest = &text[at + word.len()..];
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            rest[..end].to_owned()
        })
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn no_module_uses_what_stands_above_it() {
    let may: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    let mut broken = Vec::new();
    for (module, path, text) in sources() {
        if matches!(module.as_str(), "main" | "lib") || is_test(&path) {
            continue;
        }
        let Some(allowed) = may.get(module.as_str()) else {
            broken.push(format!("{}: module `{module}` has no row in MAY_USE", path.display()));
            continue;
        };
        for name in used(&code(&text)) {
            if name != module && !allowed.contains(&name.as_str()) {
                broken.push(format!("{}: `{module}` uses `{name}`", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn deciding_is_pure() {
    let mut broken = Vec::new();
    for (module, path, text) in sources() {
        if !PURE.contains(&module.as_str()) || is_test(&path) {
            continue;
        }
        let code = code(&text);
        for word in IMPURE_WORDS.iter().filter(|word| code.contains(*word)) {
            broken.push(format!("{}: `{word}`", path.display()));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_engine_names_no_file_database_or_protocol() {
    for (module, path, text) in sources() {
        if module == "engine" && !is_test(&path) {
            let code = code(&text).to_lowercase();
            for word in ["sqlite", "reqwest", "std::fs", "http", "graph::"] {
                assert!(!code.contains(word), "{}: `{word}`", path.display());
            }
        }
    }
}

#[test]
fn only_the_cli_prints() {
    for (module, path, text) in sources() {
        if module != "cli" && !is_test(&path) {
            let code = code(&text);
            for word in ["println!", "eprintln!", "std::io::stdout", "std::io::stderr"] {
                assert!(!code.contains(word), "{}: `{word}`", path.display());
            }
        }
    }
}

#[test]
fn every_module_says_what_it_is_for() {
    for (_, path, text) in sources() {
        let tests = path.file_stem().is_some_and(|name| name == "tests") || is_test(&path);
        assert!(tests || text.starts_with("//!"), "{} has no `//!`", path.display());
    }
}
