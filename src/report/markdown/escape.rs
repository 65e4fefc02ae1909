//! Text that anybody may have written, made safe for Markdown.

use std::fmt::Write as _;

use crate::report::text::style::clean;
use crate::yaml::is_hostile;

/// So many characters of a text are shown.
const CHARACTERS_MAX: usize = 400;

/// Writes a text in code: no markup, no links, and nobody is called by an `@` in it.
pub(super) fn code(text: &str) -> String {
    format!("<code>{}</code>", entities(&clean(text), ""))
}

/// Writes a text as it reads, without markup; an `@` calls nobody.
pub(super) fn plain(text: &str) -> String {
    let shown = text.chars().take(CHARACTERS_MAX);
    let mut shown: String = shown.map(|c| if is_hostile(c) { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(CHARACTERS_MAX).is_some() {
        shown.push('…');
    }
    // Sources: CommonMark 0.31, 6.2: what is written as an entity is never markup. GitHub and GitLab look
    // for names and numbers to link once that is decoded; a joiner that nobody sees keeps them apart.
    entities(&shown, "&#8288;")
}

fn entities(text: &str, apart: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '@' | '#' | '!' | '$' | '%' | '~' => {
                let _ = write!(out, "&#{};{apart}", u32::from(c));
            }
            // What is a letter, a digit, or no mark of Markdown or HTML stays as it is.
            c if c.is_alphanumeric() || matches!(c, ' ' | ',' | '-' | '.' | ';' | '/' | '=') => {
                out.push(c);
            }
            c if !c.is_ascii() => out.push(c),
            c => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
        }
    }
    // `www.` and `://` are linked wherever they stand.
    out.replace("www.", "www&#46;")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn marks_of_markdown_html_and_mentions_are_only_text() {
        assert_eq!(
            code("a|b`c<script>*x*_y_[z](http://e.vil)"),
            "<code>a&#124;b&#96;c&#60;script&#62;&#42;x&#42;&#95;y&#95;&#91;z&#93;&#40;http&#58;//e.vil&#41;</code>"
        );
        assert_eq!(plain("@admins #12"), "&#64;&#8288;admins &#35;&#8288;12");
        assert_eq!(plain("a\nb\u{202e}c"), "a\u{fffd}b\u{fffd}c");
        assert_eq!(plain("Zoë 李, O-1.5/x"), "Zoë 李, O-1.5/x");
        assert_eq!(plain("www.e.vil"), "www&#46;e.vil");
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_cell(text in any::<String>()) {
            for safe in [code(&text), plain(&text)] {
                let inner = safe.trim_start_matches("<code>").trim_end_matches("</code>");
                prop_assert!(!inner.contains(['|', '<', '>', '`', '*', '_', '[', ']', '\n', '\r', '@', '\\']));
            }
        }
    }
}
