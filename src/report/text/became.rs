//! What became of a plan that was carried out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::ports::{HistoryEntry, OutcomeKind};
use crate::report::text::count;
use crate::report::text::style::{Style, clean};

/// So many reasons are told before the rest is counted.
const REASONS_MAX: usize = 5;

/// Renders how many operations ended in which way, and why those that did not take effect did not.
pub(super) fn render(out: &mut String, outcomes: &[HistoryEntry], style: Style) {
    let lines = lines(outcomes);
    let Some((counts, reasons)) = lines.split_first() else { return };
    let _ = writeln!(out, "\n{} {counts}", style.strong("What became of it:"));
    for reason in reasons {
        let _ = writeln!(out, "{}", style.warn(&format!("  {reason}")));
    }
}

/// Returns how many operations ended in which way, and behind that a line for each of the most frequent
/// reasons of those that did not take effect. Nothing where there is no outcome.
pub(crate) fn lines(outcomes: &[HistoryEntry]) -> Vec<String> {
    let mut kinds: BTreeMap<OutcomeKind, u64> = BTreeMap::new();
    let mut reasons: BTreeMap<(OutcomeKind, String), u64> = BTreeMap::new();
    for entry in outcomes {
        let kind = entry.outcome.kind;
        *kinds.entry(kind).or_default() += 1;
        if !matches!(kind, OutcomeKind::Done | OutcomeKind::AlreadyDone) {
            let code = entry.outcome.code.as_deref();
            let code = code.map(|code| format!("{code}: ")).unwrap_or_default();
            *reasons.entry((kind, format!("{code}{}", entry.outcome.detail))).or_default() += 1;
        }
    }
    if kinds.is_empty() {
        return Vec::new();
    }
    let counts: Vec<String> = kinds
        .iter()
        .map(|(kind, number)| format!("{number} {}", kind.as_str().replace('_', " ")))
        .collect();
    let mut lines = vec![counts.join(", ")];
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
    for ((kind, why), number) in reasons.iter().take(REASONS_MAX) {
        lines.push(format!("{number} {}: {}", kind.as_str(), clean_line(why)));
    }
    if reasons.len() > REASONS_MAX {
        let more = count((reasons.len() - REASONS_MAX) as u64, "more reason", "more reasons");
        lines.push(format!("and {more}"));
    }
    lines
}

/// Writes a text of Graph's on one line, whole but for what would fill a page.
fn clean_line(text: &str) -> String {
    const CHARACTERS_MAX: usize = 300;
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let parts: Vec<String> = words.split(' ').map(clean).collect();
    let mut line: String = parts.join(" ").chars().take(CHARACTERS_MAX).collect();
    if words.chars().nth(CHARACTERS_MAX).is_some() {
        line.push('…');
    }
    line
}
