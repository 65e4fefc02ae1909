//! What the pages name has to exist: other pages, metrics, commands, files and tests.
#![expect(clippy::unwrap_used, reason = "a file that cannot be read fails the test, as it should")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const PAGES: &[&str] = &[
    "README.md",
    "docs/configuration.md",
    "docs/operations.md",
    "docs/policies.md",
    "docs/pull-requests.md",
    "docs/sandbox.md",
    "docs/security.md",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// Returns the lines of a page that are not in an example.
fn prose(page: &str) -> String {
    let mut inside = false;
    let mut prose = String::new();
    for line in page.lines() {
        if line.starts_with("```") {
            inside = !inside;
        } else if !inside {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    prose
}

/// Returns the places of a page that can be led to, as they are written behind a `#`.
fn anchors(page: &str) -> BTreeSet<String> {
    let prose = prose(page);
    let headings = prose.lines().filter_map(|line| {
        let text = line.trim_start_matches('#');
        (text.len() < line.len()).then(|| text.trim())
    });
    let anchor = |heading: &str| {
        let kept = heading.to_lowercase().replace(' ', "-");
        kept.chars().filter(|one| one.is_alphanumeric() || *one == '-' || *one == '_').collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn every_link_leads_somewhere() {
    for name in PAGES {
        let page = prose(&read(name));
        for link in page.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            if link.starts_with("http") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let folder = root().join(name).parent().unwrap().to_owned();
            let target = if path.is_empty() { root().join(name) } else { folder.join(path) };
            let text = fs::read_to_string(&target);
            let text = text.unwrap_or_else(|error| panic!("{name}: {link}: {error}"));
            assert!(anchor.is_empty() || anchors(&text).contains(anchor), "{name}: {link}");
        }
    }
}

#[test]
fn every_metric_that_is_named_is_told() {
    let told = read("src/api/metrics.rs");
    let endings = ["_total", "_info", "_bucket", "_count", "_sum", ""];
    let mut seen = 0;
    for name in PAGES {
        let page = read(name);
        for (at, _) in page.match_indices("seatkeeper_") {
            let rest = &page[at..];
            let end = rest.find(|one: char| !one.is_ascii_alphanumeric() && one != '_');
            let metric = &rest[..end.unwrap_or(rest.len())];
            // The name of a package, and its version.
            if rest.starts_with("seatkeeper_0") || metric == "seatkeeper_VERSION_ARCH" {
                continue;
            }
            let family = |ending| metric.strip_suffix(ending).map(|name| format!("\"{name}\""));
            let known = endings.iter().filter_map(family).any(|name| told.contains(&name));
            assert!(known, "{name} names {metric}");
            seen += 1;
        }
    }
    assert!(seen > 30);
}

#[test]
fn every_metric_is_in_the_table_of_the_page_on_operations() {
    let (told, page) = (read("src/api/metrics.rs"), read("docs/operations.md"));
    let names = told.split("\"seatkeeper_").skip(1).map(|rest| rest.split('"').next().unwrap());
    for name in names {
        assert!(page.contains(&format!("seatkeeper_{name}")), "seatkeeper_{name} is not told of");
    }
}

/// The table of threats names a test for each mitigation.
#[test]
fn every_file_and_test_that_the_page_on_security_names_is_there() {
    let mut seen = 0;
    let page = read("docs/security.md");
    for row in page.lines().filter(|line| line.contains(".rs`: `")) {
        let cell = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        for part in cell.split("; ") {
            let (path, tests) = part.split_once(": ").unwrap();
            let text = read(path.trim_matches('`'));
            for test in tests.split(", ").map(|name| name.trim_matches('`')) {
                assert!(text.contains(&format!("fn {test}(")), "{path} has no {test}");
                seen += 1;
            }
        }
    }
    assert!(seen > 20);
}

#[test]
fn every_guard_and_exit_code_is_told_of() {
    let configuration = read("docs/configuration.md");
    let schema = read("src/config/schema.rs");
    let guards = schema.split("struct Guards {").nth(1).unwrap().split("\n}").next().unwrap();
    let names = guards.lines().filter_map(|line| line.trim().split_once(": Option<"));
    for (guard, _) in names {
        assert!(configuration.contains(&format!("| `{guard}` |")), "{guard}");
    }
    let (readme, exits) = (read("README.md"), read("src/cli/exit.rs"));
    let list = exits.split("pub enum Exit {").nth(1).unwrap().split("\n}").next().unwrap();
    let codes = list.lines().filter_map(|line| line.trim().split_once(" = "));
    for (name, code) in codes {
        let code = code.trim_end_matches(',');
        assert!(readme.contains(&format!("\n| {code} |")), "{name}, {code}");
    }
}

#[test]
fn every_key_of_a_described_tenant_is_in_its_example() {
    let (page, shape) = (read("docs/sandbox.md"), read("src/sandbox/document/shape.rs"));
    let mut examples =
        page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let example = examples.find(|text| text.contains("users:\n")).unwrap();
    let fields = shape.lines().filter_map(|line| line.trim().strip_prefix("pub "));
    let keys: Vec<_> = fields.filter_map(|field| field.split_once(": ")).collect();
    for (key, _) in &keys {
        assert!(
            example.contains(&format!("{key}: ")) || example.contains(&format!("{key}:\n")),
            "{key}"
        );
    }
    assert!(keys.len() > 30);
}
