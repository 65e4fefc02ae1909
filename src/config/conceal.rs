//! Keeps secrets out of what is shown: a diagnostic prints its line, and in a configuration that
//! line may hold one, by mistake or because a key was misspelled.

use crate::yaml::Diagnostic;

/// Words in keys whose values are nobody's business.
const WORDS: [&str; 12] = [
    "secret",
    "password",
    "passwd",
    "token",
    "key",
    "credential",
    "webhook",
    "notify",
    "assertion",
    "certificate",
    "pkcs12",
    "identity",
];

/// The mapping that holds credentials: its keys are shown, whatever they are, and no value.
const HOLDER: &str = "auth";

/// Marks each line that may hold a secret, so that it is shown up to the key alone.
pub(super) fn conceal(diagnostics: &mut [Diagnostic], text: &str) {
    let lines: Vec<&str> = text.strip_prefix('\u{feff}').unwrap_or(text).lines().collect();
    for diagnostic in diagnostics {
        let found = column(&lines, diagnostic.place.line);
        diagnostic.conceal_from = least(diagnostic.conceal_from, found);
        if let Some(related) = &mut diagnostic.related {
            related.conceal_from = least(related.conceal_from, column(&lines, related.place.line));
        }
    }
}

fn least(one: Option<u32>, other: Option<u32>) -> Option<u32> {
    one.into_iter().chain(other).min()
}

/// Returns the column, from 1, from which a line is not to be shown.
fn column(lines: &[&str], line: u32) -> Option<u32> {
    let index = (line as usize).checked_sub(1)?;
    let text = lines.get(index)?;
    let bytes = after_word(text).or_else(|| {
        // A value may stand on lines of its own, each indented further than its key.
        let mut above = lines[..index].iter().rev().filter(|line| !line.trim().is_empty());
        let parent = above.find(|line| indent(line) < indent(text))?;
        if parent.trim_start_matches([' ', '-']).starts_with(HOLDER) {
            return Some(text.find(':').map_or(indent(text), |colon| colon + 1));
        }
        after_word(parent).map(|_| indent(text))
    })?;
    u32::try_from(text[..bytes].chars().count() + 1).ok()
}

/// Returns where, behind a telling word, the value begins.
fn after_word(text: &str) -> Option<usize> {
    let lower = text.to_ascii_lowercase();
    let words = WORDS.iter().chain([&HOLDER]);
    let word = words.filter_map(|word| Some(lower.find(word)? + word.len())).min()?;
    let colon = text[word..].find(':').map_or(word, |colon| word + colon + 1);
    let blanks = text[colon..].len() - text[colon..].trim_start().len();
    Some(colon + blanks)
}

fn indent(text: &str) -> usize {
    text.len() - text.trim_start().len()
}
