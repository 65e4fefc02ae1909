//! What a plan does, in the order in which a reviewer should see it: what may be lost for good, what
//! is taken away, then the rest; in each by the policy that asks for it and by what is done.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::guard::is_loss;
use crate::plan::{Because, Kind, NoLonger, Operation, Plan, UserRef};
use crate::ports::StoredPlan;
use crate::report::text::changes::{file_and_line, lead, parts, rank, why};
use crate::report::text::rest::placed;
use crate::report::text::style::Style;
use crate::report::text::time;
use crate::report::word::Word as _;

/// Which part of a plan to show. What is not said is not asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// With this in the principal name or the display name, ignoring case.
    pub(crate) search: Option<String>,
    /// Operations of this kind.
    pub(crate) kind: Option<Kind>,
    /// Because of this policy.
    pub(crate) policy: Option<String>,
    /// About this SKU, by its name.
    pub(crate) sku: Option<String>,
    /// In the section of this key.
    pub(crate) section: Option<String>,
    /// In the block of this name.
    pub(crate) block: Option<String>,
    /// In the group of this title.
    pub(crate) group: Option<String>,
    /// In the group with this reason for all.
    pub(crate) why: Option<String>,
}

/// A part of a plan under a heading.
#[derive(Debug)]
pub(crate) struct Section<'a> {
    /// What it is called in addresses.
    pub(crate) key: &'static str,
    pub(crate) title: &'static str,
    /// What the title leaves unsaid.
    pub(crate) note: &'static str,
    /// Whether a reviewer must not miss it.
    pub(crate) is_grave: bool,
    /// How many people are in it.
    pub(crate) people: usize,
    pub(crate) blocks: Vec<Block<'a>>,
}

/// What one policy asks for; or, of people who wait, what they wait for.
#[derive(Debug)]
pub(crate) struct Block<'a> {
    pub(crate) name: String,
    /// Where the policy stands, as `file:line`; empty where it is none.
    pub(crate) at: String,
    /// Who answers for it.
    pub(crate) owner: Option<&'a str>,
    pub(crate) people: usize,
    pub(crate) groups: Vec<Group<'a>>,
}

/// People for whom the same is done.
#[derive(Debug)]
pub(crate) struct Group<'a> {
    /// What is done, each part with what its mark means.
    pub(crate) parts: Vec<Part>,
    /// The same as one text.
    pub(crate) title: String,
    /// The reason, where it is one for all.
    pub(crate) why: Option<String>,
    /// What a reviewer must not miss, where it is so for all.
    pub(crate) marks: Vec<String>,
    /// How many people there are, shown or not.
    pub(crate) count: usize,
    /// Who is shown.
    pub(crate) people: Vec<Person<'a>>,
    /// Who is shown once somebody unfolds them.
    pub(crate) folded: Vec<Person<'a>>,
    /// Where the others are, where there are more.
    pub(crate) more: Option<String>,
}

/// A part of what is done.
#[derive(Debug)]
pub(crate) struct Part {
    /// What its mark means, for colours.
    pub(crate) class: &'static str,
    pub(crate) text: String,
}

/// A person in a group.
#[derive(Debug)]
pub(crate) struct Person<'a> {
    pub(crate) user: &'a UserRef,
    /// What is so for this one and not for all.
    pub(crate) note: String,
    pub(crate) marks: Vec<String>,
}

impl Person<'_> {
    /// Returns the display name, or nothing.
    pub(crate) fn display(&self) -> &str {
        self.user.display_name.as_deref().unwrap_or_default()
    }
}

impl Filter {
    /// Whether anything is left out.
    pub(crate) fn is_active(&self) -> bool {
        *self != Self::default()
    }

    fn fits_user(&self, user: &UserRef) -> bool {
        self.search.as_ref().is_none_or(|text| {
            let names = [Some(&user.principal_name), user.display_name.as_ref()];
            names.into_iter().flatten().any(|name| name.to_lowercase().contains(text))
        })
    }

    fn fits_because(&self, because: &[Because]) -> bool {
        self.policy
            .as_ref()
            .is_none_or(|policy| because.iter().any(|of| of.policy.as_str() == policy))
    }

    fn fits_sku(&self, sku: Option<&str>) -> bool {
        self.sku.as_ref().is_none_or(|wanted| sku == Some(wanted))
    }

    fn fits(&self, operation: &Operation) -> bool {
        self.fits_user(&operation.user)
            && self.kind.is_none_or(|kind| operation.kind == kind)
            && self.fits_because(&operation.because)
            && self.sku.as_ref().is_none_or(|sku| skus(operation).any(|name| name == sku))
    }

    fn fits_aside(&self, user: &UserRef, because: &[Because], sku: Option<&str>) -> bool {
        self.kind.is_none()
            && self.fits_user(user)
            && self.fits_because(because)
            && self.fits_sku(sku)
    }

    fn fits_section(&self, key: &str) -> bool {
        self.section.as_ref().is_none_or(|section| section == key)
    }
}

/// Names the SKUs that an operation does something with.
fn skus(operation: &Operation) -> impl Iterator<Item = &str> {
    let added = operation.add.iter().map(|addition| &*addition.sku.name);
    let removed = operation.remove.iter().map(|sku| &*sku.name);
    added.chain(removed).chain(operation.adopt.iter().map(|adoption| &*adoption.sku.name))
}

/// Returns the policies and the SKUs that a plan can be narrowed to.
pub(crate) fn choices(plan: &Plan) -> (BTreeSet<&str>, BTreeSet<&str>) {
    let because = plan.operations.iter().flat_map(|operation| &operation.because);
    let asides = plan.waiting.iter().flat_map(|waiting| &waiting.because);
    let policies = because.chain(asides).map(|because| because.policy.as_str()).collect();
    let waited = plan.waiting.iter().map(|waiting| &*waiting.sku.name);
    (policies, plan.operations.iter().flat_map(skus).chain(waited).collect())
}

/// Returns what of a plan fits, everybody listed.
pub(crate) fn sections<'a>(stored: &'a StoredPlan, filter: &Filter) -> Vec<Section<'a>> {
    let plan = &stored.plan;
    // What held it is told while it can still be decided.
    let is_open = stored.state.is_open();
    let mut by_key: BTreeMap<usize, Vec<&Operation>> = BTreeMap::new();
    for operation in plan.operations.iter().filter(|operation| filter.fits(operation)) {
        by_key.entry(kind_of_section(operation)).or_default().push(operation);
    }
    let mut sections: Vec<Section<'a>> = by_key
        .into_iter()
        .map(|(at, operations)| {
            let (key, title, note, is_grave) = OPERATIONS[at];
            let people = operations.len();
            let blocks = blocks(plan, is_open, &operations);
            Section { key, title, note, is_grave, people, blocks }
        })
        .collect();
    sections.extend(asides(plan, filter));
    sections.retain(|section| filter.fits_section(section.key));
    for section in &mut sections {
        section.blocks.retain(|block| filter.block.as_ref().is_none_or(|name| *name == block.name));
        for block in &mut section.blocks {
            block.groups.retain(|of| filter.group.as_ref().is_none_or(|group| *group == of.title));
            let why = |of: &Group<'_>| of.why.clone().unwrap_or_default();
            block.groups.retain(|of| filter.why.as_ref().is_none_or(|wanted| *wanted == why(of)));
            block.people = block.groups.iter().map(|group| group.count).sum();
        }
        section.blocks.retain(|block| !block.groups.is_empty());
        section.people = section.blocks.iter().map(|block| block.people).sum();
    }
    sections.retain(|section| section.people > 0);
    sections
}

/// The sections of operations: key, title, note, whether it is grave.
const OPERATIONS: [(&str, &str, &str, bool); 4] = [
    (
        "risk",
        "Data at risk",
        "a deletion clock starts once the last license of its kind is gone",
        true,
    ),
    (
        "remove",
        "Removals",
        "somebody loses a license and gets no other in the same operation",
        true,
    ),
    ("change", "Other changes", "added, replaced, modified, located", false),
    (
        "adopt",
        "Adopted",
        "policies come to own what is there; nothing changes in the tenant",
        false,
    ),
];

fn kind_of_section(operation: &Operation) -> usize {
    match operation.kind {
        _ if !operation.data_at_risk.is_empty() => 0,
        _ if is_loss(operation) => 1,
        Kind::Remove => 1,
        Kind::Add | Kind::Replace | Kind::Modify | Kind::Locate => 2,
        Kind::Adopt => 3,
    }
}

fn blocks<'a>(plan: &'a Plan, is_open: bool, operations: &[&'a Operation]) -> Vec<Block<'a>> {
    let mut by_policy: BTreeMap<(&str, &str), Vec<&Operation>> = BTreeMap::new();
    for operation in operations {
        let policy = lead(operation);
        let policy = policy.map_or(("", ""), |because| (&*because.at, because.policy.as_str()));
        by_policy.entry(policy).or_default().push(operation);
    }
    let mut policies: Vec<_> = by_policy.into_iter().collect();
    policies.sort_by_key(|((at, policy), _)| (file_and_line(at), *policy));
    let block = |((at, policy), operations): ((&str, &str), Vec<&'a Operation>)| {
        let owner = plan.policy_owners.iter().find(|owner| owner.policy.as_str() == policy);
        Block {
            name: policy.to_owned(),
            at: at.to_owned(),
            owner: owner.map(|of| &*of.owner),
            people: operations.len(),
            groups: groups(is_open, &operations),
        }
    };
    policies.into_iter().map(block).collect()
}

fn groups<'a>(is_open: bool, operations: &[&'a Operation]) -> Vec<Group<'a>> {
    let mut by_change: BTreeMap<(u8, Vec<String>), Vec<&Operation>> = BTreeMap::new();
    for operation in operations {
        let key = (rank(operation), parts(operation, Style::Plain));
        by_change.entry(key).or_default().push(operation);
    }
    let group = |((_, parts), operations): ((u8, Vec<String>), Vec<&'a Operation>)| {
        let person = |operation: &&'a Operation| Person {
            user: &operation.user,
            note: why(operation),
            marks: marks(operation, is_open),
        };
        let title = parts.join("  ");
        let parts = parts.into_iter().map(part).collect();
        Group::new(parts, title, None, operations.iter().map(person).collect())
    };
    by_change.into_iter().map(group).collect()
}

fn part(text: String) -> Part {
    let class = match text.chars().next() {
        Some('+') => "plus",
        Some('-') => "minus",
        Some('~' | '@') => "tilde",
        Some(_) | None => "same",
    };
    Part { class, text }
}

/// Says what a reviewer must not miss about an operation.
fn marks(operation: &Operation, is_open: bool) -> Vec<String> {
    let mut marks = Vec::new();
    if !operation.data_at_risk.is_empty() {
        let families: Vec<&str> = operation.data_at_risk.iter().map(|of| of.word()).collect();
        marks.push(format!("data at risk: {}", families.join(", ")));
    }
    let some = operation.held_by.iter().filter(|guard| guard.holds_removals_only());
    let some: Vec<&str> = some.map(|guard| guard.as_str()).collect();
    if is_open && !some.is_empty() {
        marks.push(format!("held by {}", some.join(", ")));
    }
    marks
}

impl<'a> Group<'a> {
    /// A group of people in the order of their names, in which what is so for all is said once.
    fn new(
        parts: Vec<Part>,
        title: String,
        why: Option<String>,
        mut people: Vec<Person<'a>>,
    ) -> Self {
        people.sort_by(|a, b| a.user.principal_name.cmp(&b.user.principal_name));
        Self::in_order(parts, title, why, people)
    }

    fn in_order(
        parts: Vec<Part>,
        title: String,
        why: Option<String>,
        mut people: Vec<Person<'a>>,
    ) -> Self {
        let first = people.first().map(|first| (first.note.clone(), first.marks.clone()));
        let (note, marks) = first.unwrap_or_default();
        let same_note = why.is_none() && people.iter().all(|person| person.note == note);
        let same_marks = people.iter().all(|person| person.marks == marks);
        for person in &mut people {
            if same_note {
                person.note.clear();
            }
            if same_marks {
                person.marks.clear();
            }
        }
        let why = why.or_else(|| (same_note && !note.is_empty()).then_some(note));
        let marks = if same_marks { marks } else { Vec::new() };
        let count = people.len();
        Self { parts, title, why, marks, count, people, folded: Vec::new(), more: None }
    }
}

/// What is beside the operations, while it is gathered: by block, then by title and reason.
type Gathered<'a> = BTreeMap<(String, String, String), Vec<Person<'a>>>;

fn asides<'a>(plan: &'a Plan, filter: &Filter) -> Vec<Section<'a>> {
    let all = [
        ("blocked", "Blocked", "wanted, and cannot be done", blocked(plan, filter)),
        ("waiting", "Waiting for a seat", "in the order of the queue", waiting(plan, filter)),
        ("scheduled", "Scheduled", "removed when their grace is over", scheduled(plan, filter)),
        (
            "released",
            "Released",
            "their policy is gone from the files; left alone",
            released(plan, filter),
        ),
        ("no-longer", "No longer", "said with the baseline alone", no_longer(plan, filter)),
    ];
    all.into_iter().map(|(key, title, note, gathered)| aside(key, title, note, gathered)).collect()
}

fn aside<'a>(
    key: &'static str,
    title: &'static str,
    note: &'static str,
    gathered: Gathered<'a>,
) -> Section<'a> {
    let mut blocks: BTreeMap<String, Vec<Group<'a>>> = BTreeMap::new();
    for ((block, title, why), people) in gathered {
        let parts = vec![Part { class: "same", text: title.clone() }];
        let why = Some(why).filter(|why| !why.is_empty());
        blocks.entry(block).or_default().push(Group::in_order(parts, title, why, people));
    }
    let block = |(name, groups): (String, Vec<Group<'a>>)| {
        let people = groups.iter().map(|group| group.count).sum();
        Block { name, at: String::new(), owner: None, people, groups }
    };
    let blocks: Vec<Block<'a>> = blocks.into_iter().map(block).collect();
    let people = blocks.iter().map(|block| block.people).sum();
    Section { key, title, note, is_grave: false, people, blocks }
}

fn policies(because: &[Because]) -> String {
    let mut policies: Vec<String> = because.iter().map(placed).collect();
    policies.dedup();
    policies.join(", ")
}

fn blocked<'a>(plan: &'a Plan, filter: &Filter) -> Gathered<'a> {
    let mut gathered = Gathered::new();
    for of in &plan.blocked {
        let sku = of.sku.as_ref().map(|sku| &*sku.name);
        if filter.fits_aside(&of.user, &of.because, sku) {
            let block = sku.unwrap_or("the user").to_owned();
            let key = (block, of.detail.clone(), policies(&of.because));
            let person = Person { user: &of.user, note: String::new(), marks: Vec::new() };
            gathered.entry(key).or_default().push(person);
        }
    }
    gathered
}

fn waiting<'a>(plan: &'a Plan, filter: &Filter) -> Gathered<'a> {
    let mut gathered = Gathered::new();
    let mut queue: Vec<&crate::plan::Waiting> = plan.waiting.iter().collect();
    queue.sort_by_key(|of| (&of.sku.name, of.position));
    for of in queue {
        if filter.fits_aside(&of.user, &of.because, Some(&of.sku.name)) {
            let meanwhile = of.meanwhile.as_ref();
            let meanwhile = meanwhile.map(|sku| format!(", with {} meanwhile", sku.name));
            let since = time(of.since);
            let note = format!("place {}, since {since}", of.position);
            let note = format!("{note}{}", meanwhile.unwrap_or_default());
            let key = (of.sku.name.to_string(), "queue".to_owned(), policies(&of.because));
            gathered.entry(key).or_default().push(Person {
                user: &of.user,
                note,
                marks: Vec::new(),
            });
        }
    }
    gathered
}

fn scheduled<'a>(plan: &'a Plan, filter: &Filter) -> Gathered<'a> {
    let mut gathered = Gathered::new();
    let mut all: Vec<&crate::plan::Scheduled> = plan.scheduled.iter().collect();
    all.sort_by_key(|of| (of.due, &of.user.principal_name));
    for of in all {
        if filter.fits_aside(&of.user, &of.because, Some(&of.sku.name)) {
            let plans: Vec<&str> = of.service_plans.iter().map(|plan| &*plan.name).collect();
            let what = match plans.as_slice() {
                [] => format!("- {}", of.sku.name),
                plans => format!("- {} of {}", plans.join(", "), of.sku.name),
            };
            let key = (of.sku.name.to_string(), what, policies(&of.because));
            let note = format!("on {}", time(of.due));
            gathered.entry(key).or_default().push(Person {
                user: &of.user,
                note,
                marks: Vec::new(),
            });
        }
    }
    gathered
}

fn released<'a>(plan: &'a Plan, filter: &Filter) -> Gathered<'a> {
    let mut gathered = Gathered::new();
    for of in &plan.released {
        let is_its = filter.policy.as_ref().is_none_or(|policy| of.policy.as_str() == policy);
        if is_its && filter.fits_aside_of_gone_policy(&of.user, &of.sku.name) {
            let title = if of.still_wanted { "other policies want it still" } else { "left alone" };
            let key = (of.policy.to_string(), format!("{}: {title}", of.sku.name), String::new());
            let person = Person { user: &of.user, note: String::new(), marks: Vec::new() };
            gathered.entry(key).or_default().push(person);
        }
    }
    gathered
}

fn no_longer<'a>(plan: &'a Plan, filter: &Filter) -> Gathered<'a> {
    let mut gathered = Gathered::new();
    for NoLonger { what, user, sku, because } in &plan.no_longer {
        let sku = sku.as_ref().map(|sku| &*sku.name);
        if filter.fits_aside(user, because, sku) {
            let title = format!("{} {}", what.as_str(), sku.unwrap_or("the user"));
            let key = (what.as_str().to_owned(), title, policies(because));
            let person = Person { user, note: String::new(), marks: Vec::new() };
            gathered.entry(key).or_default().push(person);
        }
    }
    gathered
}

impl Filter {
    fn fits_aside_of_gone_policy(&self, user: &UserRef, sku: &str) -> bool {
        self.kind.is_none() && self.fits_user(user) && self.fits_sku(Some(sku))
    }
}
