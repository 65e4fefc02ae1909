//! Plans as HTML: one file that can be mailed, and the same parts for the daemon's page.
//!
//! Templates escape whatever stands in them; what could turn a text around or steer a terminal is
//! replaced in the whole of what was written, at the end.

use askama::Template;

use crate::ports::StoredPlan;
use crate::yaml::is_hostile;
use sections::{Filter, Group};
use view::View;

pub(crate) mod chart;
pub(crate) mod sections;
pub(crate) mod tree;
pub(crate) mod view;

#[cfg(test)]
pub(crate) mod tests;

/// How everything looks, in light and dark, on paper and on small screens.
pub(crate) const STYLE: &str = include_str!("html/style.css");
/// So many people of a group are shown before the rest is folded.
pub(crate) const LISTED_MAX: usize = 12;
/// Adoptions change nothing in the tenant, so that a few examples do.
pub(crate) const ADOPTED_MAX: usize = 3;

/// A file that needs nothing beside it.
#[derive(Template)]
#[template(path = "file.html", config = ".askama.toml")]
struct File<'a> {
    plan: View<'a>,
    style: &'static str,
}

/// Renders a plan as a file of its own: no script, nothing loaded, everybody in it.
pub fn plan(stored: &StoredPlan) -> String {
    let mut plan = View::new(stored, &Filter::default());
    for section in &mut plan.sections {
        let most = if section.key == "adopt" { ADOPTED_MAX } else { LISTED_MAX };
        let groups = section.blocks.iter_mut().flat_map(|block| &mut block.groups);
        groups.for_each(|group| fold(group, most));
    }
    written(&File { plan, style: STYLE })
}

/// Folds the people of a group behind the first so many.
fn fold(group: &mut Group<'_>, most: usize) {
    if group.people.len() > most {
        group.folded = group.people.split_off(most);
    }
}

/// Writes a template, with nothing in it that turns the direction of writing or that no text has.
pub(crate) fn written(template: &impl Template) -> String {
    let html = template.render().expect("writing to memory does not fail");
    let is_harmful = |c: char| is_hostile(c) && c != '\n';
    if !html.contains(is_harmful) {
        return html;
    }
    html.chars().map(|c| if is_harmful(c) { '\u{fffd}' } else { c }).collect()
}
