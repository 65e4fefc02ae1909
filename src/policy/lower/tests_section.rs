//! The `tests` section: its shape is checked, so that a file for a later version is right today.

use crate::policy::lower::needed;
use crate::policy::raw::RawTest;
use crate::yaml::{Node, Reader};

/// What a key holds.
#[derive(Clone, Copy)]
enum Shape {
    Text,
    Texts,
    Boolean,
}

const USER: [(&str, Shape); 18] = [
    ("id", Shape::Text),
    ("user_principal_name", Shape::Text),
    ("groups", Shape::Texts),
    ("ou", Shape::Text),
    ("ad_domain", Shape::Text),
    ("department", Shape::Text),
    ("job_title", Shape::Text),
    ("company", Shape::Text),
    ("country", Shape::Text),
    ("office", Shape::Text),
    ("employee_type", Shape::Text),
    ("usage_location", Shape::Text),
    ("user_type", Shape::Text),
    ("enabled", Shape::Boolean),
    ("synced", Shape::Boolean),
    ("licenses", Shape::Texts),
    ("owned", Shape::Texts),
    ("last_sign_in", Shape::Text),
];

const EXPECT: [(&str, Shape); 3] =
    [("licenses", Shape::Texts), ("because", Shape::Texts), ("usage_location", Shape::Text)];

/// The keys of `user`, beside the extension attributes.
#[cfg(test)]
pub(in crate::policy) const USER_KEYS: [&str; USER.len()] = keys(&USER);
/// The keys of `expect`.
#[cfg(test)]
pub(in crate::policy) const EXPECT_KEYS: [&str; EXPECT.len()] = keys(&EXPECT);

#[cfg(test)]
const fn keys<const N: usize>(shapes: &[(&'static str, Shape); N]) -> [&'static str; N] {
    let mut keys = [""; N];
    let mut at = 0;
    while at < N {
        keys[at] = shapes[at].0;
        at += 1;
    }
    keys
}

/// Notes what is wrong with the tests of a file.
pub(super) fn check(reader: &mut Reader, tests: &[RawTest<'_>]) {
    for test in tests {
        let RawTest { spot, name, user, expect } = *test;
        if let Some(name) = needed(reader, spot, "a test", "name", name) {
            reader.text(name);
        }
        if let Some(user) = needed(reader, spot, "a test", "user", user) {
            shapes(reader, user, "`user`", &USER);
        }
        if let Some(expect) = needed(reader, spot, "a test", "expect", expect) {
            shapes(reader, expect, "`expect`", &EXPECT);
        }
    }
}

fn shapes(reader: &mut Reader, node: &Node, what: &str, known: &[(&str, Shape)]) {
    let keys: Vec<_> = known.iter().map(|(key, _)| *key).collect();
    let Some(fields) = reader.mapping(node) else { return };
    for entry in fields.entries() {
        let extension = entry.key.starts_with("extension_attribute").then_some(Shape::Text);
        let shape = known.iter().find(|(key, _)| *key == &*entry.key).map(|(_, shape)| *shape);
        match shape.or(extension) {
            None => reader.unknown_key(entry, what, &keys),
            Some(Shape::Text) => drop(reader.text(&entry.value)),
            Some(Shape::Boolean) => drop(reader.boolean(&entry.value)),
            Some(Shape::Texts) => {
                for item in reader.list(&entry.value).unwrap_or_default() {
                    reader.text(item);
                }
            }
        }
    }
}
