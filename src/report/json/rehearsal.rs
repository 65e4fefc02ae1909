//! Results of policy tests in JSON.

use serde::Serialize;

use crate::plan::rehearse::{CaseResult, Mismatch, Rehearsed};
use crate::report::json::{FORMAT_VERSION, pretty};

#[derive(Serialize)]
struct RehearsedForm<'a> {
    format_version: u64,
    passed: usize,
    failed: usize,
    tests: Vec<CaseForm<'a>>,
    policies: usize,
    unreached: Vec<PolicyForm<'a>>,
}

#[derive(Serialize)]
struct CaseForm<'a> {
    name: &'a str,
    at: String,
    passed: bool,
    failures: Vec<MismatchForm<'a>>,
    why: &'a [String],
    warnings: &'a [String],
}

#[derive(Serialize)]
struct MismatchForm<'a> {
    key: &'a str,
    expected: &'a str,
    got: &'a str,
}

#[derive(Serialize)]
struct PolicyForm<'a> {
    policy: &'a str,
    at: &'a str,
}

/// Renders the results of policy tests.
pub fn rehearsed_to_json(rehearsed: &Rehearsed) -> String {
    let Rehearsed { results, unreached, policies } = rehearsed;
    let failed = results.iter().filter(|result| !result.passed()).count();
    let unreached = unreached.iter().map(|(policy, at)| PolicyForm { policy: policy.as_str(), at });
    pretty(&RehearsedForm {
        format_version: FORMAT_VERSION,
        passed: results.len() - failed,
        failed,
        tests: results.iter().map(CaseForm::from).collect(),
        policies: *policies,
        unreached: unreached.collect(),
    })
}

impl<'a> From<&'a CaseResult> for CaseForm<'a> {
    fn from(result: &'a CaseResult) -> Self {
        let CaseResult { name, place, failures, why, remarks } = result;
        let failure =
            |Mismatch { key, expected, got }: &'a Mismatch| MismatchForm { key, expected, got };
        Self {
            name,
            at: place.file_and_line(),
            passed: result.passed(),
            failures: failures.iter().map(failure).collect(),
            why,
            warnings: remarks,
        }
    }
}
