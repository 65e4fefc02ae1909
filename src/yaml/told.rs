//! The first of many problems, and how many more there are: nobody reads ten thousand, and they have
//! to fit into memory.

use crate::yaml::diagnostic::Diagnostic;

/// How many problems of all files are told; the rest are counted.
pub const TOLD_MAX: usize = 200;

/// Gathers problems of many files, and keeps the first in the order of their places.
#[derive(Debug, Default)]
pub struct Told {
    kept: Vec<Diagnostic>,
    untold: u64,
}

impl Told {
    /// Notes a problem.
    pub fn note(&mut self, diagnostic: Diagnostic) {
        self.kept.push(diagnostic);
        // Now and then, so that sorting costs little and what is kept stays little.
        if self.kept.len() >= 16 * TOLD_MAX {
            self.keep_the_first();
        }
    }

    /// Whether nothing was noted.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Returns the first problems in the order of their places, and last how many more there are.
    pub fn finish(mut self) -> Vec<Diagnostic> {
        self.keep_the_first();
        let Self { mut kept, untold } = self;
        if let Some(last) = kept.last().filter(|_| untold > 0) {
            kept.push(Diagnostic::more(last, untold, "all files together"));
        }
        kept
    }

    fn keep_the_first(&mut self) {
        // The order in which problems of one place were noted stays.
        self.kept.sort_by(|a, b| a.place.cmp(&b.place));
        let rest = self.kept.split_off(TOLD_MAX.min(self.kept.len()));
        self.untold += rest.iter().map(|diagnostic| diagnostic.stands_for).sum::<u64>();
    }
}

impl Extend<Diagnostic> for Told {
    fn extend<T: IntoIterator<Item = Diagnostic>>(&mut self, diagnostics: T) {
        diagnostics.into_iter().for_each(|diagnostic| self.note(diagnostic));
    }
}
