//! Tests about what is written in a user's attributes. Many users share few values, so each value is
//! compared once with each test, however many users have it.

use std::collections::BTreeMap;

use fixedbitset::FixedBitSet;

use super::{Answers, Blanks, Columns, Test, Tree};
use crate::domain::attribute::Attribute;
use crate::domain::known::Known;
use crate::domain::names::Place;
use crate::domain::user::User;
use crate::policy::pattern::{Folded, Pattern};

/// How many values a label names; of more it tells the number.
const VALUES_NAMED: usize = 3;

impl Columns {
    /// An attribute equals one of these.
    pub(crate) fn attribute<T: AsRef<str>>(
        &mut self,
        attribute: Attribute,
        values: &[T],
        place: &Place,
    ) -> Tree {
        let mut patterns: Vec<Pattern> =
            values.iter().map(|value| Pattern::new(value.as_ref())).collect();
        patterns.sort();
        patterns.dedup();
        let label = label(attribute, values);
        let nobody = format!("no user has {label}");
        let tree = self.column(Test::Attribute(attribute, patterns), || label);
        self.warn_if_empty(&tree, place, nobody);
        tree
    }
}

fn label<T: AsRef<str>>(attribute: Attribute, values: &[T]) -> String {
    let name = match attribute {
        Attribute::Extension(number) => format!("extension attribute {number}"),
        Attribute::Department
        | Attribute::JobTitle
        | Attribute::Company
        | Attribute::Country
        | Attribute::Office
        | Attribute::EmployeeType
        | Attribute::UsageLocation => attribute.key().replace('_', " "),
    };
    let named: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
    if named.iter().any(|value| Pattern::new(value).fits_all()) {
        return format!("any {name}");
    }
    match named.as_slice() {
        [one] => format!("{name} {one}"),
        [first @ .., last] if named.len() <= VALUES_NAMED => {
            format!("{name} {} or {last}", first.join(", "))
        }
        several => format!("{name} among {} values", several.len()),
    }
}

/// The values of an attribute, each once, and who has which.
struct Values {
    /// For each user the position of the value.
    of: Vec<Position>,
    folded: Vec<Folded>,
    /// How many users have none.
    blanks: Blanks,
}

type Position = Known<Option<u32>>;

impl Values {
    fn collect(attribute: Attribute, users: &[User]) -> Self {
        let mut known: BTreeMap<&str, u32> = BTreeMap::new();
        let mut folded = Vec::new();
        let mut position = |value: &str| -> u32 {
            let next = u32::try_from(folded.len()).expect("there are fewer values than users");
            folded.push(Folded::new(value));
            next
        };
        let mut blanks = Blanks::default();
        let of = users
            .iter()
            .map(|user| {
                let value = user.attribute(attribute);
                if matches!(value, Known::Known(None) | Known::Unknown) {
                    blanks.count(user);
                }
                value.map(|value| {
                    value.map(|value| *known.entry(value).or_insert_with(|| position(value)))
                })
            })
            .collect();
        Self { of, folded, blanks }
    }

    fn ask(&self, patterns: &[Pattern]) -> Answers {
        let fits: FixedBitSet = self
            .folded
            .iter()
            .enumerate()
            .filter(|(_, value)| patterns.iter().any(|pattern| pattern.fits(value)))
            .map(|(at, _)| at)
            .collect();
        let mut answers = Answers::of(self.of.len());
        for (user, position) in self.of.iter().enumerate() {
            match position {
                Known::Known(Some(value)) if fits.contains(*value as usize) => {
                    answers.holds.insert(user);
                }
                Known::Known(_) => {}
                Known::Unknown => answers.unknown.insert(user),
            }
        }
        answers
    }
}

/// Answers with the columns they are for.
type Columned = Vec<(usize, Answers)>;

/// Asks tests about attributes about all users. Returns the answers with the columns they are for,
/// and for how many users there is nothing to compare.
pub(super) fn evaluate(
    tests: &[(Attribute, &[Pattern], usize)],
    users: &[User],
) -> (Columned, Vec<(Attribute, Blanks)>) {
    let mut by_attribute: BTreeMap<Attribute, Vec<(&[Pattern], usize)>> = BTreeMap::new();
    for (attribute, patterns, column) in tests {
        by_attribute.entry(*attribute).or_default().push((patterns, *column));
    }
    let mut all = Vec::with_capacity(tests.len());
    let mut blanks = Vec::new();
    for (attribute, tests) in by_attribute {
        let values = Values::collect(attribute, users);
        blanks.push((attribute, values.blanks));
        all.extend(tests.into_iter().map(|(patterns, column)| (column, values.ask(patterns))));
    }
    (all, blanks)
}
