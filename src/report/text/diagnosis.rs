//! What `doctor` found, as people read it.

use crate::report::diagnosis::{Check, Diagnosis, Finding, Verdict};
use crate::report::text::count;
use crate::report::text::style::{Style, clean};
use crate::yaml::is_hostile;

/// Renders what was found about each tenant.
pub fn diagnoses(diagnoses: &[Diagnosis], style: Style) -> String {
    let texts: Vec<String> = diagnoses.iter().map(|found| diagnosis(found, style)).collect();
    texts.join("\n\n")
}

fn diagnosis(found: &Diagnosis, style: Style) -> String {
    let Diagnosis { tenant, tenant_id, mode, findings } = found;
    let title = style.strong(&format!("Tenant {tenant}"));
    let mut lines = vec![format!("{title}  {}  mode {mode}", clean(tenant_id))];
    for check in Check::ALL {
        let about: Vec<&Finding> =
            findings.iter().filter(|finding| finding.check == check).collect();
        if about.is_empty() {
            continue;
        }
        lines.push(String::new());
        lines.push(check.heading().to_owned());
        let subjects = about.iter().map(|finding| finding.subject.chars().count());
        let width = subjects.max().unwrap_or_default();
        for finding in about {
            let Finding { check: _, verdict, subject, detail, hint } = finding;
            let word = format!("{:<8}", shout(*verdict));
            let word = if *verdict == Verdict::Good { word } else { style.warn(&word) };
            let line = format!("  {word} {:<width$}  {}", cleaned(subject), cleaned(detail));
            lines.push(line.trim_end().to_owned());
            lines.extend(hint.iter().map(|hint| format!("           hint: {}", cleaned(hint))));
        }
    }
    let (problems, warnings) = found.counts();
    lines.push(String::new());
    lines.push(match (problems, warnings) {
        (0, 0) => "Nothing is missing.".to_owned(),
        (0, warnings) => {
            format!("Nothing is missing; {}.", count(warnings as u64, "warning", "warnings"))
        }
        (problems, 0) => style.warn(&format!("{}.", count(problems as u64, "problem", "problems"))),
        (problems, warnings) => {
            let warnings = count(warnings as u64, "warning", "warnings");
            style.warn(&format!("{}, {warnings}.", count(problems as u64, "problem", "problems")))
        }
    });
    lines.join("\n")
}

/// Makes a text safe to print, whole.
fn cleaned(text: &str) -> String {
    text.chars().map(|c| if is_hostile(c) { '\u{fffd}' } else { c }).collect()
}

/// What work cannot go on with is in capitals: colours never carry meaning alone.
fn shout(verdict: Verdict) -> String {
    if verdict.is_problem() { verdict.as_str().to_uppercase() } else { verdict.as_str().to_owned() }
}
