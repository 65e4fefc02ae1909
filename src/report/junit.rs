//! Results of policy tests as `JUnit` XML, which pipelines show beside the change.

use std::fmt::Write as _;

use crate::plan::rehearse::{CaseResult, Mismatch, Rehearsed};

/// Renders the results of policy tests.
pub fn rehearsed(rehearsed: &Rehearsed) -> String {
    let failed = rehearsed.results.iter().filter(|result| !result.passed()).count();
    let tests = rehearsed.results.len();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let counts = format!("tests=\"{tests}\" failures=\"{failed}\" errors=\"0\"");
    let _ = writeln!(out, "<testsuites {counts}>");
    let _ = writeln!(out, "  <testsuite name=\"policies\" {counts}>");
    rehearsed.results.iter().for_each(|result| case(&mut out, result));
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

fn case(out: &mut String, result: &CaseResult) {
    let CaseResult { name, place, failures, why, remarks: _ } = result;
    let (name, file) = (escaped(name), escaped(&place.file));
    let _ = write!(
        out,
        "    <testcase name=\"{name}\" classname=\"{file}\" file=\"{file}\" line=\"{}\"",
        place.line
    );
    if failures.is_empty() {
        out.push_str("/>\n");
        return;
    }
    let message = failures.iter().map(mismatch).collect::<Vec<_>>().join("; ");
    let text = why.join("\n");
    let _ = writeln!(out, ">");
    let _ = writeln!(
        out,
        "      <failure message=\"{}\">{}</failure>",
        escaped(&message),
        escaped(&text)
    );
    out.push_str("    </testcase>\n");
}

fn mismatch(Mismatch { key, expected, got }: &Mismatch) -> String {
    format!("{key}: expected {expected}, got {got}")
}

/// Escapes a text for XML, which has no place for control characters.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(character),
            other if other.is_control() => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_cannot_break_out_of_the_xml() {
        assert_eq!(escaped("<a b=\"c\">&\u{1b}"), "&lt;a b=&quot;c&quot;&gt;&amp;\u{fffd}");
    }
}
