//! Texts in which a `*` stands for any run of characters, compared without regard to case.

/// A text of which case does not count any more.
///
/// Each character by itself, so that a part of a text folds like the same part of a longer one: the
/// Greek sigma at the end of a word is the same letter as elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Folded(Box<str>);

impl Folded {
    /// Folds a text.
    pub fn new(text: &str) -> Self {
        let lower = text.chars().flat_map(char::to_lowercase);
        Self(lower.map(|letter| if letter == 'ς' { 'σ' } else { letter }).collect())
    }
}

/// A text in which `*` stands for any run of characters, also none. No other character is special.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern {
    /// What stands before the first `*`, or the whole text where there is none.
    start: Box<str>,
    /// What stands behind each `*`, in order.
    rest: Box<[Box<str>]>,
}

impl Pattern {
    /// Reads a pattern as it was written.
    pub fn new(written: &str) -> Self {
        let Folded(folded) = Folded::new(written);
        let mut pieces = folded.split('*').map(Box::from);
        let start = pieces.next().unwrap_or_default();
        Self { start, rest: pieces.collect() }
    }

    /// Whether it fits every text.
    pub fn fits_all(&self) -> bool {
        self.start.is_empty()
            && !self.rest.is_empty()
            && self.rest.iter().all(|piece| piece.is_empty())
    }

    /// Whether it fits a text. Takes time in proportion to the text: each piece is looked for once,
    /// behind the one before, since the first place where it fits leaves the most to the others.
    pub fn fits(&self, text: &Folded) -> bool {
        let Some((end, middle)) = self.rest.split_last() else { return self.start == text.0 };
        let Some(mut left) = text.0.strip_prefix(&*self.start) else { return false };
        for piece in middle {
            let Some(at) = left.find(&**piece) else { return false };
            left = &left[at + piece.len()..];
        }
        left.ends_with(&**end)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fits(pattern: &str, text: &str) -> bool {
        Pattern::new(pattern).fits(&Folded::new(text))
    }

    #[test]
    fn a_star_is_any_run_of_characters_and_nothing_else_is_special() {
        for (pattern, text, expected) in [
            ("sales", "SALES", true),
            ("sales", "sales it", false),
            ("sales*", "Sales", true),
            ("*sales", "Inside Sales", true),
            ("*sales*", "the salesperson", true),
            ("s*s", "s", false),
            ("s*s", "ss", true),
            ("a*b*a", "aba", true),
            ("a*ba*a", "aba", false),
            ("*", "x", true),
            ("**", "x", true),
            ("a.c", "abc", false),
            ("a?c", "abc", false),
            ("[ab]", "a", false),
            ("größe*", "GRÖSSE", false),
            ("GRÖßE*", "Größenlehre", true),
            ("ΟΔΟΣ*", "οδοσα", true),
            ("ΟΔΟΣ", "οδος", true),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
        assert!(Pattern::new("*").fits_all() && Pattern::new("***").fits_all());
        assert!(!Pattern::new("").fits_all() && !Pattern::new("a*").fits_all());
    }

    /// What a star means, by its definition: takes as many characters as it likes, one by one.
    fn model(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], text) => text.is_empty(),
            (['*', rest @ ..], text) => (0..=text.len()).any(|taken| model(rest, &text[taken..])),
            ([letter, pattern @ ..], [found, text @ ..]) => letter == found && model(pattern, text),
            ([_, ..], []) => false,
        }
    }

    proptest! {
        #[test]
        fn a_pattern_fits_what_the_definition_says(pattern in "[ab*]{0,8}", text in "[ab]{0,10}") {
            let letters = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(fits(&pattern, &text), model(&letters(&pattern), &letters(&text)));
        }

        #[test]
        fn every_text_fits_itself_in_either_case(text in "[^*]{0,20}") {
            prop_assert!(fits(&text, &text));
            prop_assert!(fits(&text.to_ascii_uppercase(), &text));
            let starred = format!("{text}*");
            let with_more = format!("{text}more");
            prop_assert!(fits(&starred, &with_more));
        }
    }

    #[test]
    fn a_pattern_of_many_stars_takes_no_longer_than_the_text() {
        let text = "a".repeat(100_000);
        let pattern = "*a".repeat(1_000) + "*b";
        assert!(!fits(&pattern, &text));
    }
}
