//! The file as it was written: which keys are where. Nothing here knows what they mean, and the
//! values are still nodes with their places.

use crate::yaml::{Entry, Node, Reader, Spot};

/// Declares the mirror of a mapping: each field is the entry of one key, where it was written.
macro_rules! mirror {
    ($(#[$doc:meta])* $name:ident, $what:literal, { $($field:ident: $key:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub(super) struct $name<'a> {
            /// Where the mapping begins.
            pub(super) spot: Spot,
            $(pub(super) $field: Option<&'a Entry>,)*
        }

        impl<'a> $name<'a> {
            /// The keys that the mapping may have.
            pub(super) const KEYS: &'static [&'static str] = &[$($key),*];

            /// Mirrors a mapping; another kind of value, or an unknown key, is noted.
            pub(super) fn read(reader: &mut Reader, node: &'a Node) -> Option<Self> {
                let fields = reader.fields(node, $what, Self::KEYS)?;
                Some(Self { spot: fields.spot, $($field: fields.get($key),)* })
            }
        }
    };
}

mirror! {
    /// A file, at its top.
    RawTop, "a policy file", { policies: "policies", ladders: "ladders", tests: "tests" }
}

mirror! {
    /// A policy.
    RawPolicy, "a policy", {
        name: "name",
        description: "description",
        owner: "owner",
        tenants: "tenants",
        selector: "match",
        action: "action",
        replaces: "replaces",
        licenses: "licenses",
        usage_location: "usage_location",
        priority: "priority",
        on_leave: "on_leave",
        grace: "grace",
        from: "from",
        until: "until",
        moved_from: "moved_from",
        retired: "retired",
    }
}

mirror! {
    /// A license in its long form.
    RawLicense, "a license", { sku: "sku", disable: "disable", enable: "enable", plans: "plans" }
}

mirror! {
    /// What a policy says about the usage location.
    RawLocation, "`usage_location`", { set: "set", default: "default", from: "from" }
}

mirror! {
    /// A ladder.
    RawLadder, "a ladder", {
        name: "name",
        tenants: "tenants",
        rungs: "rungs",
        fall_back: "fall_back",
    }
}

mirror! {
    /// A policy test.
    RawTest, "a test", { name: "name", user: "user", expect: "expect" }
}

/// Everything in a file.
#[derive(Debug)]
pub(super) struct RawFile<'a> {
    pub(super) top: RawTop<'a>,
    pub(super) policies: Vec<RawPolicy<'a>>,
    pub(super) ladders: Vec<RawLadder<'a>>,
    pub(super) tests: Vec<RawTest<'a>>,
}

impl<'a> RawFile<'a> {
    /// Mirrors a file.
    pub(super) fn read(reader: &mut Reader, node: &'a Node) -> Option<Self> {
        let top = RawTop::read(reader, node)?;
        if [top.policies, top.ladders, top.tests].iter().all(Option::is_none) {
            reader.error(top.spot, "the file has neither `policies` nor `ladders` nor `tests`");
        }
        let policies = items(reader, top.policies, RawPolicy::read);
        let ladders = items(reader, top.ladders, RawLadder::read);
        let tests = items(reader, top.tests, RawTest::read);
        Some(Self { top, policies, ladders, tests })
    }
}

/// Mirrors the items of a list. `policies: []` is a list; nothing at all is not.
fn items<'a, T>(
    reader: &mut Reader,
    entry: Option<&'a Entry>,
    read: impl Fn(&mut Reader, &'a Node) -> Option<T>,
) -> Vec<T> {
    let list = entry.and_then(|entry| reader.list(&entry.value)).unwrap_or_default();
    list.iter().filter_map(|item| read(reader, item)).collect()
}
