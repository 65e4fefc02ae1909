//! Colours, which never carry meaning alone, and the cleaning of what others wrote.

use anstyle::{AnsiColor, Style as Ansi};

use crate::yaml::is_hostile;

/// Whether to use colours and weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// Plain text.
    #[default]
    Plain,
    /// With ANSI escape sequences.
    Coloured,
}

impl Style {
    fn paint(self, ansi: Ansi, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Coloured => format!("{}{text}{}", ansi.render(), ansi.render_reset()),
        }
    }

    /// Makes a text stand out.
    pub fn strong(self, text: &str) -> String {
        self.paint(Ansi::new().bold(), text)
    }

    /// Makes a text stand back.
    pub fn dim(self, text: &str) -> String {
        self.paint(Ansi::new().dimmed(), text)
    }

    /// Marks what is given.
    pub fn plus(self, text: &str) -> String {
        self.paint(AnsiColor::Green.on_default(), text)
    }

    /// Marks what is taken.
    pub fn minus(self, text: &str) -> String {
        self.paint(AnsiColor::Red.on_default(), text)
    }

    /// Marks what is changed.
    pub fn change(self, text: &str) -> String {
        self.paint(AnsiColor::Cyan.on_default(), text)
    }

    /// Marks what needs a person.
    pub fn warn(self, text: &str) -> String {
        self.paint(AnsiColor::Yellow.on_default().bold(), text)
    }
}

/// Makes a text that anybody may have written safe to print: no control characters, no marks that
/// turn the direction of writing, at most 80 characters.
pub fn clean(text: &str) -> String {
    const CHARACTERS_MAX: usize = 80;
    let mut clean: String = text
        .chars()
        .take(CHARACTERS_MAX)
        .map(|c| if is_hostile(c) { '\u{fffd}' } else { c })
        .collect();
    if text.chars().count() > CHARACTERS_MAX {
        clean.push('…');
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_display_name_cannot_steer_the_terminal() {
        assert_eq!(clean("Ana\u{1b}[2J\u{202e}Berg\n"), "Ana\u{fffd}[2J\u{fffd}Berg\u{fffd}");
        assert_eq!(clean(&"x".repeat(200)).chars().count(), 81);
    }
}
