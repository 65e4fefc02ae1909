//! Results of policy tests, as a test runner prints them.

use std::fmt::Write as _;

use crate::plan::rehearse::{CaseResult, Mismatch, Rehearsed};
use crate::report::text::count;
use crate::report::text::style::{Style, clean};
use crate::yaml::visible;

/// Renders the results of policy tests; whether all of them ran says whether coverage can be told.
pub fn rehearsed(rehearsed: &Rehearsed, whole: bool, style: Style) -> String {
    let Rehearsed { results, unreached, policies } = rehearsed;
    let mut out = String::new();
    for result in results {
        let verdict = if result.passed() { style.plus("ok") } else { style.minus("FAILED") };
        let _ = writeln!(out, "test {} ... {verdict}", clean(&result.name));
    }
    for result in results.iter().filter(|result| !result.passed()) {
        failed(&mut out, result, style);
    }
    let remarks = results.iter().flat_map(|of| of.remarks.iter().map(move |remark| (of, remark)));
    for (at, (result, remark)) in remarks.enumerate() {
        let gap = if at == 0 { "\n" } else { "" };
        let place = result.place.file_and_line();
        let _ = writeln!(out, "{gap}{} {place}: {}", style.warn("warning:"), clean(remark));
    }
    if whole && !unreached.is_empty() && !results.is_empty() {
        let reached = policies - unreached.len();
        let _ = writeln!(
            out,
            "\n{reached} of {} reached; not reached:",
            count(*policies as u64, "policy", "policies")
        );
        for (policy, at) in unreached {
            let _ = writeln!(out, "  {policy}  {}", style.dim(at));
        }
    }
    let failures = results.iter().filter(|result| !result.passed()).count();
    let passed = results.len() - failures;
    let gap = if results.is_empty() { "" } else { "\n" };
    let verdict = match (results.len(), failures) {
        (0, _) => "no policy has a test: write them in a `tests` section".to_owned(),
        (_, 0) => style.strong(&format!("{passed} passed, 0 failed")),
        (_, _) => style.strong(&format!("{passed} passed, {failures} failed")),
    };
    let _ = writeln!(out, "{gap}{verdict}");
    out
}

fn failed(out: &mut String, result: &CaseResult, style: Style) {
    let CaseResult { name, place, failures, why, remarks: _ } = result;
    let _ = writeln!(out, "\n{} {}", style.strong(&place.file_and_line()), clean(name));
    let width = failures.iter().map(|mismatch| mismatch.key.len()).max().unwrap_or_default();
    for Mismatch { key, expected, got } in failures {
        let _ = writeln!(out, "  {key:width$}  expected {}", visible(expected));
        let _ = writeln!(out, "  {:width$}  got      {}", "", visible(got));
    }
    for line in why {
        let _ = writeln!(out, "  {} {}", style.dim("because"), visible(line));
    }
}
