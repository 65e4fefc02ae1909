//! Tells the program which commit it was built from, where that can be known.
//!
//! In this order: `SOURCE_COMMIT` and `SOURCE_DATE_EPOCH`, which builds of packages set; the git
//! repository that this directory is the root of; else nothing, and the version stands alone.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a build of the program is made of: a change elsewhere does not make it another program.
const SOURCES: &[&str] = &["src", "policies", "Cargo.toml", "Cargo.lock", "build.rs"];

fn main() {
    for name in ["SOURCE_COMMIT", "SOURCE_DATE_EPOCH"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    for path in SOURCES {
        println!("cargo::rerun-if-changed={path}");
    }
    let repository = Repository::here();
    for path in repository.iter().flat_map(Repository::marks) {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    let commit = given("SOURCE_COMMIT").map(|commit| short(&commit));
    let commit = commit.or_else(|| repository.as_ref()?.commit());
    let date = given("SOURCE_DATE_EPOCH").and_then(|seconds| day(seconds.parse().ok()?));
    let date = date.or_else(|| repository.as_ref()?.date());
    let version = env!("CARGO_PKG_VERSION");
    let told = [commit, date].into_iter().flatten().collect::<Vec<_>>().join(", ");
    let told = if told.is_empty() { version.into() } else { format!("{version} ({told})") };
    println!("cargo::rustc-env=SEATKEEPER_VERSION={told}");
}

#[expect(clippy::disallowed_methods, reason = "a build script has no other way to be told")]
fn given(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns twelve letters of a commit, and what is said behind it.
fn short(commit: &str) -> String {
    let (hash, rest) = commit.split_once('-').unwrap_or((commit, ""));
    let hash: String = hash.chars().take(12).collect();
    if rest.is_empty() { hash } else { format!("{hash}-{rest}") }
}

/// Returns the day in UTC, as ISO 8601 writes it, of a time in seconds since 1970.
fn day(seconds: i64) -> Option<String> {
    // Days since 0000-03-01, in eras of 400 years, so that a leap day comes last.
    let days = seconds.div_euclid(86_400) + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march + 2) / 5 + 1;
    let month = if march < 10 { march + 3 } else { march - 9 };
    let year = era * 400 + year + i64::from(month <= 2);
    (0..=9_999).contains(&year).then(|| format!("{year:04}-{month:02}-{day:02}"))
}

/// The git repository whose root this directory is.
struct Repository;

impl Repository {
    /// Returns none where there is no git, or where a release was unpacked into another repository.
    fn here() -> Option<Self> {
        let root = PathBuf::from(git(&["rev-parse", "--show-toplevel"])?).canonicalize().ok()?;
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).canonicalize().ok()?;
        (root == here).then_some(Self)
    }

    /// Returns files of which one changes with every commit and every checkout. A branch is a file of
    /// its own, or packed with the others.
    fn marks(&self) -> Vec<PathBuf> {
        let Self = self;
        let mut names = vec!["HEAD".to_owned(), "logs/HEAD".into(), "packed-refs".into()];
        names.extend(git(&["symbolic-ref", "--quiet", "HEAD"]));
        let paths = names.iter().filter_map(|name| git(&["rev-parse", "--git-path", name]));
        paths.map(PathBuf::from).filter(|path| path.exists()).collect()
    }

    fn commit(&self) -> Option<String> {
        let Self = self;
        let commit = git(&["rev-parse", "HEAD"]).map(|commit| short(&commit))?;
        let mut changed = vec!["--no-optional-locks", "status", "--porcelain", "--"];
        changed.extend(SOURCES);
        let clean = git(&changed).is_some_and(|changes| changes.is_empty());
        Some(if clean { commit } else { format!("{commit}-dirty") })
    }

    fn date(&self) -> Option<String> {
        let Self = self;
        day(git(&["show", "--no-patch", "--format=%ct", "HEAD"])?.parse().ok()?)
    }
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
