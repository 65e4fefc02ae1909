//! Trees as nested lists: the same lines as in a terminal, by what hangs on what.

use askama::Template;

use crate::plan::explain::Explanation;
use crate::ports::HistoryEntry;
use crate::report::text;
use crate::report::text::branch::Branch;

/// Why a user stands with a SKU as they do.
#[derive(Debug)]
pub(crate) struct Tree {
    /// The answer in one sentence.
    pub(crate) verdict: String,
    /// What proves it, as lists in lists. Empty where there is nothing more to say.
    pub(crate) proof: String,
}

/// Returns the trees of a user, one for each SKU: of what decides, or of `all`.
pub(crate) fn trees(told: &Explanation, history: &[HistoryEntry], all: bool) -> Vec<Tree> {
    let tree =
        |(verdict, branches): (String, Vec<Branch>)| Tree { verdict, proof: listed(&branches) };
    text::trees(told, history, all).into_iter().map(tree).collect()
}

/// A list, whose entries are lists.
#[derive(Template)]
#[template(
    source = "<ul>{% for twig in twigs %}<li>{% if !twig.label.is_empty() %}<span class=\"label\">{{ twig.label }}</span> {% endif %}<bdi>{{ twig.text }}</bdi>{{ twig.below|safe }}</li>{% endfor %}</ul>",
    ext = "html"
)]
struct List<'a> {
    twigs: Vec<Twig<'a>>,
}

struct Twig<'a> {
    /// What the line is about.
    label: &'a str,
    text: &'a str,
    /// The list below it, written.
    below: String,
}

fn listed(branches: &[Branch]) -> String {
    if branches.is_empty() {
        return String::new();
    }
    let twigs = branches.iter().map(|branch| {
        // The lines begin with a label in a column of its own.
        let (label, text) = branch.text().split_once("  ").unwrap_or(("", branch.text()));
        Twig { label, text: text.trim_start(), below: listed(branch.twigs()) }
    });
    List { twigs: twigs.collect() }.render().expect("writing to memory does not fail")
}
