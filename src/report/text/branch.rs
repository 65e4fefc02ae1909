//! Trees drawn with lines.

/// A line of a tree, and what hangs on it.
pub(crate) struct Branch {
    text: String,
    twigs: Vec<Branch>,
}

impl Branch {
    /// A branch with twigs.
    pub(super) fn new(text: String, twigs: Vec<Branch>) -> Self {
        Self { text, twigs }
    }

    /// Returns the line.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns what hangs on it.
    pub(crate) fn twigs(&self) -> &[Branch] {
        &self.twigs
    }

    /// A branch on which nothing hangs.
    pub(super) fn leaf(text: String) -> Self {
        Self::new(text, Vec::new())
    }
}

/// Draws branches below each other.
pub(super) fn draw(out: &mut String, branches: &[Branch]) {
    draw_at(out, branches, "");
}

fn draw_at(out: &mut String, branches: &[Branch], before: &str) {
    for (at, Branch { text, twigs }) in branches.iter().enumerate() {
        let (twig, below) =
            if at + 1 == branches.len() { ("└─", "   ") } else { ("├─", "│  ") };
        out.push_str(format!("{before}{twig} {text}").trim_end());
        out.push('\n');
        draw_at(out, twigs, &format!("{before}{below}"));
    }
}
