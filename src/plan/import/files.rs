//! The files of a description: policies with comments for whoever reads them first, and lists.

use std::fmt::Write as _;
use std::sync::Arc;

use super::{Ask, Counts, Described, Description, How, Scope, ServicePlans, counted};
use crate::domain::user::User;
use crate::policy::{OnLeave, Selector, Test, write};

/// The columns of a comment, without what stands before it.
const WIDTH: usize = 92;

/// A file to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    /// The path, relative to the directory of the policies.
    pub name: Arc<str>,
    /// What is in it.
    pub text: String,
}

/// Returns the files of a description: rules and lists, those that there are, and a CSV file for every
/// long list.
pub fn files(ask: &Ask<'_>, description: &Description) -> Vec<NewFile> {
    let mut files = Vec::new();
    for (how, name) in [(How::Rule, "rules"), (How::List, "lists")] {
        let policies: Vec<&Described> =
            description.policies.iter().filter(|described| described.how == how).collect();
        if policies.is_empty() {
            continue;
        }
        let name = match ask.scope {
            Scope::OnlyTenant => format!("{name}.yaml"),
            Scope::ThisTenant => format!("{}-{name}.yaml", ask.tenant),
        };
        let mut text = comment(&header(ask, description, how), 0);
        text.push_str("\npolicies:\n");
        let items: Vec<String> = policies.iter().map(|described| item(described)).collect();
        text.push_str(&items.join("\n"));
        files.push(NewFile { name: name.into(), text });
    }
    for described in &description.policies {
        described.policy.selector.for_each_test(&mut |test| {
            if let Test::Csv(list) = test {
                files.push(NewFile { name: list.file.clone(), text: csv(ask, described) });
            }
        });
    }
    files
}

/// Returns the paragraphs at the head of a file.
fn header(ask: &Ask<'_>, description: &Description, how: How) -> Vec<String> {
    let day = ask.snapshot.taken_at().strftime("%Y-%m-%d").to_string();
    let Counts { assignments, people, by_rules } = description.counts;
    let all = counted(assignments, "direct assignment", "direct assignments");
    let who = counted(people, "person", "people");
    let first =
        format!("What tenant {} held on {day}, written by `seatkeeper import`.", ask.tenant);
    let explains = match how {
        How::Rule => format!(
            "Rules explain {by_rules} of {all} of {who}. Each is exact: everybody whom it matches holds \
             directly what it grants."
        ),
        How::List => format!(
            "Lists of people explain {} of {all} of {who}: no group, OU, department or domain that \
             they share has only such people. Where one should, make a rule of it.",
            assignments - by_rules
        ),
    };
    let adopts =
        "A plan of this changes nothing: it adopts what is there, so that policies own it.";
    let mut paragraphs = vec![first, format!("{explains} {adopts}"), afterwards(ask, how)];
    if !description.left_out.is_empty() {
        let left = description.left_out.iter().map(|left| left.sentence());
        paragraphs.push(format!("Not described: {}.", left.collect::<Vec<_>>().join("; ")));
    }
    paragraphs
}

/// Says what the policies do from then on.
fn afterwards(ask: &Ask<'_>, how: How) -> String {
    let (joins, leaves) = match how {
        How::Rule => ("a rule comes to match", "it no longer matches"),
        How::List => ("is put on a list", "is taken off it"),
    };
    let gives = format!("Afterwards whoever {joins} is given its licenses, and whoever {leaves}");
    match ask.on_leave {
        OnLeave::Remove => format!(
            "{gives} loses them after the grace, which is {} here. `on_leave: keep` lets them stay.",
            ask.settings.grace
        ),
        OnLeave::Keep => format!("{gives} keeps them, as `on_leave: keep` says."),
    }
}

/// Writes paragraphs as comments, this many columns from the left, with nothing between them but a
/// line of its own. Nothing in them can end a comment.
fn comment(paragraphs: &[String], indent: usize) -> String {
    let indent = " ".repeat(indent);
    let mut text = String::new();
    for (at, paragraph) in paragraphs.iter().enumerate() {
        if at > 0 {
            let _ = writeln!(text, "{indent}#");
        }
        let mut line = String::new();
        // Whatever ends a line parts words, too.
        let parts = |letter: char| letter.is_whitespace() || letter.is_control();
        for word in paragraph.split(parts).filter(|word| !word.is_empty()) {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH {
                let _ = writeln!(text, "{indent}#{line}");
                line.clear();
            }
            line.push(' ');
            // What cannot be seen, or turns the direction of the text, does not belong in a comment.
            let shows = |letter: char| letter.is_alphanumeric() || letter.is_ascii_graphic();
            line.extend(word.chars().map(|letter| if shows(letter) { letter } else { '?' }));
        }
        let _ = writeln!(text, "{indent}#{line}");
    }
    text
}

fn item(described: &Described) -> String {
    let mut notes = Vec::new();
    if described.disabled > 0 {
        let count = counted(described.disabled, "account is", "accounts are");
        notes.push(format!("{count} disabled."));
    }
    for granted in &described.grants {
        match granted.service_plans {
            ServicePlans::Alike => {}
            ServicePlans::Different => notes.push(format!(
                "Service plans of {} differ: nothing is said of them, so everybody keeps theirs.",
                granted.sku
            )),
        }
    }
    if names_group_by_id(&described.policy.selector) {
        notes.push(format!("By id, since several are called so: {}.", described.whom));
    }
    let notes = if notes.is_empty() { String::new() } else { comment(&[notes.join(" ")], 2) };
    format!("{notes}{}", write::policy(&described.policy))
}

fn names_group_by_id(selector: &Selector) -> bool {
    let mut by_id = false;
    selector.for_each_test(&mut |test| {
        by_id |= matches!(test, Test::Group { group, nested: _ }
            if group.parse::<crate::domain::ids::GroupId>().is_ok());
    });
    by_id
}

/// Writes a list: the ids count, the names are for people.
fn csv(ask: &Ask<'_>, described: &Described) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut row = |id: &str, name: &str| {
        writer.write_record([id, name]).expect("memory takes every row");
    };
    row("ObjectId", "UserPrincipalName");
    let mut users: Vec<&User> =
        described.people.iter().filter_map(|id| ask.snapshot.user(*id)).collect();
    users.sort_by_key(|user| (user.principal_name.to_lowercase(), user.id));
    for user in users {
        let name = &user.principal_name;
        // A spreadsheet would take some for formulas; and a line break ends a row.
        let is_odd = name.starts_with(['=', '+', '-', '@']) || name.contains(char::is_control);
        row(&user.id.to_string(), if is_odd { "" } else { name });
    }
    let bytes = writer.into_inner().expect("memory takes every row");
    String::from_utf8(bytes).expect("ids and names are text")
}
