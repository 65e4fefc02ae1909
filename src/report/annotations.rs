//! Problems of files as a pipeline shows them beside the lines of a change.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::yaml::{Diagnostic, Severity};

/// Renders problems as workflow commands, which GitHub Actions turns into annotations. `locate` names a
/// file as from the root of the work tree.
///
/// Source: GitHub, workflow commands: how a command and its values are escaped.
pub fn for_github(problems: &[Diagnostic], locate: &dyn Fn(&str) -> String) -> String {
    let mut out = String::new();
    for problem in problems {
        let kind = match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let place = &problem.place;
        let file = value(&locate(&place.file));
        let (line, column) = (place.line, place.column);
        let last = column + problem.length.saturating_sub(1);
        let text = data(&told(problem));
        let _ =
            writeln!(out, "::{kind} file={file},line={line},col={column},endColumn={last}::{text}");
    }
    out
}

/// Renders problems as a report of code quality, which GitLab shows in the change. `locate` names a file
/// as from the root of the work tree.
///
/// Source: GitLab, code quality report format: `description`, `check_name`, `fingerprint`, `severity`,
/// `location`.
pub fn for_gitlab(problems: &[Diagnostic], locate: &dyn Fn(&str) -> String) -> String {
    let mut seen = BTreeMap::new();
    let issues: Vec<_> = problems
        .iter()
        .map(|problem| {
            let file = locate(&problem.place.file);
            // The same problem of the same file keeps its mark when lines move.
            let text = format!("{file}\n{}", problem.message);
            let number =
                seen.entry(text.clone()).and_modify(|number| *number += 1).or_insert(0_u64);
            let mark = Sha256::digest(format!("{text}\n{number}").as_bytes());
            let mark: String = mark.iter().map(|byte| format!("{byte:02x}")).collect();
            json!({
                "description": told(problem),
                "check_name": "seatkeeper validate",
                "fingerprint": mark,
                "severity": match problem.severity {
                    Severity::Error => "blocker",
                    Severity::Warning => "minor",
                },
                "location": {"path": file, "lines": {"begin": problem.place.line}},
            })
        })
        .collect();
    serde_json::to_string_pretty(&issues).expect("values of JSON always serialise")
}

fn told(problem: &Diagnostic) -> String {
    match &problem.hint {
        Some(hint) => format!("{}; {hint}", problem.message),
        None => problem.message.clone(),
    }
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn value(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::names::Place;

    fn problem() -> Diagnostic {
        let place = Place { file: "policies/a,b:c.yaml".into(), line: 7, column: 12 };
        Diagnostic {
            severity: Severity::Error,
            message: "unknown SKU `50%\nSPE`".to_owned(),
            place,
            length: 6,
            hint: Some("did you mean `SPE_E5`?".to_owned()),
            related: None,
            conceal_from: None,
            stands_for: 1,
        }
    }

    #[test]
    fn a_command_has_its_place_and_nothing_in_it_begins_another() {
        let shown = for_github(&[problem()], &|file| format!("licensing/{file}"));
        assert_eq!(
            shown,
            "::error file=licensing/policies/a%2Cb%3Ac.yaml,line=7,col=12,endColumn=17::\
             unknown SKU `50%25%0ASPE`; did you mean `SPE_E5`?\n"
        );
    }

    #[test]
    fn a_report_of_code_quality_has_a_mark_that_stays_when_lines_move() {
        let read = |line| -> serde_json::Value {
            let mut problem = problem();
            problem.place.line = line;
            serde_json::from_str(&for_gitlab(&[problem], &str::to_owned)).unwrap()
        };
        let (one, moved) = (read(7), read(9));
        assert_eq!(
            one[0]["location"],
            serde_json::json!({"path": "policies/a,b:c.yaml", "lines": {"begin": 7}})
        );
        assert_eq!(one[0]["fingerprint"], moved[0]["fingerprint"]);
        assert_eq!(one[0]["severity"], "blocker");
        assert_eq!(for_gitlab(&[], &str::to_owned), "[]");
    }
}
