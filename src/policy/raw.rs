//! The file as it was written: which keys are where. Nothing here knows what they mean, and the
//! values are still nodes with their places.

use crate::domain::attribute::Attribute;
use crate::yaml::{Entry, Node, Reader, Spot};

/// Declares the mirror of a mapping: each field is the entry of one key, where it was written.
macro_rules! mirror {
    (@others) => { |_: &str| false };
    (@others $others:path) => { |key: &str| $others(key).is_some() };
    ($(#[$doc:meta])* $name:ident, $what:literal, { $($field:ident: $key:literal),* $(,)? }
     $(beside $others:path)?) => {
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
                let others = mirror!(@others $($others)?);
                let fields = reader.fields_beside(node, $what, Self::KEYS, &others)?;
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
    RawTest, "a test", {
        name: "name",
        tenant: "tenant",
        at: "at",
        seats: "seats",
        user: "user",
        expect: "expect",
    }
}

mirror! {
    /// A license that the user of a test holds, in its long form.
    RawHeld, "a license that is held", {
        sku: "sku",
        disable: "disable",
        group: "group",
        owner: "owner",
        let_go: "let_go",
        clocks: "clocks",
    }
}

mirror! {
    /// A license that the user of a test should have, in its long form.
    RawWanted, "a license that is expected", { sku: "sku", disable: "disable" }
}

mirror! {
    /// What should become of the user of a test.
    RawExpect, "`expect`", {
        licenses: "licenses",
        not_licenses: "not_licenses",
        because: "because",
        not_because: "not_because",
        usage_location: "usage_location",
        waiting: "waiting",
        blocked: "blocked",
        scheduled: "scheduled",
        unchanged: "unchanged",
    }
}

impl RawExpect<'_> {
    /// Whether nothing is expected.
    pub(super) fn is_empty(&self) -> bool {
        let Self {
            spot: _,
            licenses,
            not_licenses,
            because,
            not_because,
            usage_location,
            waiting,
            blocked,
            scheduled,
            unchanged,
        } = self;
        [licenses, not_licenses, because, not_because, usage_location]
            .into_iter()
            .chain([waiting, blocked, scheduled, unchanged])
            .all(Option::is_none)
    }
}

mirror! {
    /// The user of a test, but the attributes.
    #[expect(dead_code, reason = "every mirror has its spot; nothing is said of this one as a whole")]
    RawNamed, "`user`", {
        id: "id",
        user_principal_name: "user_principal_name",
        groups: "groups",
        nested_groups: "nested_groups",
        ou: "ou",
        ad_domain: "ad_domain",
        usage_location: "usage_location",
        user_type: "user_type",
        enabled: "enabled",
        synced: "synced",
        last_sign_in: "last_sign_in",
        licenses: "licenses",
    }
    beside Attribute::named
}

/// The user of a test.
#[derive(Clone, Debug)]
pub(super) struct RawUser<'a> {
    /// All but the attributes.
    pub(super) named: RawNamed<'a>,
    /// Department, country and the like.
    pub(super) attributes: Vec<&'a Entry>,
}

impl<'a> RawUser<'a> {
    /// Mirrors the user of a test.
    pub(super) fn read(reader: &mut Reader, node: &'a Node) -> Option<Self> {
        let named = RawNamed::read(reader, node)?;
        let entries = reader.mapping(node)?.entries().iter();
        let is_attribute = |entry: &&Entry| {
            Attribute::named(&entry.key).is_some_and(|of| of != Attribute::UsageLocation)
        };
        Some(Self { named, attributes: entries.filter(is_attribute).collect() })
    }
}

/// Everything in a file.
#[derive(Debug)]
pub(super) struct RawFile<'a> {
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
        Some(Self { policies, ladders, tests })
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
