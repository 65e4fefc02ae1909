use std::collections::BTreeSet;

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::domain::group::Membership;
use crate::plan::Operation;
use crate::plan::testing::cases::{AMPLE, SCARCE, any_blindness, any_world};
use crate::plan::testing::{World, user_id, world};
use crate::policy::list::Lists;
use crate::policy::load;
use crate::yaml::{SourceFile, render};

/// Describes a world with rules for as few people as these.
fn imported(world: &World, people_min: usize) -> (Description, Vec<NewFile>) {
    let snapshot = world.snapshot();
    let ask = Ask {
        tenant: &world.tenant,
        snapshot: &snapshot,
        settings: &world.settings,
        now: world.now,
        taken: &BTreeSet::new(),
        scope: Scope::OnlyTenant,
        on_leave: OnLeave::Remove,
        people_min,
        users_per_policy: 1,
    };
    let description = describe(&ask).unwrap();
    let files = files(&ask, &description);
    (description, files)
}

/// Loads what was written, as it will be loaded.
fn loaded(files: &[NewFile]) -> crate::policy::PolicySet {
    let is_policy = |file: &&NewFile| file.name.ends_with(".yaml");
    let source =
        |file: &NewFile| SourceFile { name: file.name.clone(), text: file.text.as_str().into() };
    let policies: Vec<SourceFile> = files.iter().filter(is_policy).map(source).collect();
    let mut lists = Lists::default();
    for file in files.iter().filter(|file| file.name.ends_with(".csv")) {
        lists.add(file.name.clone(), Ok(file.text.clone().into_bytes()));
    }
    match load(&policies, &lists) {
        Ok(loaded) => {
            assert!(loaded.warnings.is_empty(), "{}", render(&loaded.warnings, &policies));
            loaded.policies
        }
        Err(problems) => panic!("{}", render(&problems, &policies)),
    }
}

/// The world under the policies that describe it, with nothing owned yet.
fn under_import(world: &World, people_min: usize) -> World {
    let (_, files) = imported(world, people_min);
    let mut after = world.clone();
    after.policies = loaded(&files);
    after.ledger = crate::plan::ledger::Ledger {
        seen: world.ledger.seen.clone(),
        ..crate::plan::ledger::Ledger::default()
    };
    after
}

/// The policies without their comments.
fn rules(world: &World) -> String {
    let (_, files) = imported(world, 2);
    let text: String =
        files.iter().map(|file| format!("--- {}\n{}", file.name, file.text)).collect();
    let is_said = |line: &&str| !line.trim_start().starts_with('#') && !line.is_empty();
    text.lines().filter(is_said).map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_group_all_of_whose_people_hold_a_sku_is_a_rule_and_the_rest_is_a_list() {
    let world = world(
        "ana: in Engineering, SPE_E5
         ben: in Engineering, SPE_E5, VISIO
         cem: SPE_E5
         dee: in Sales, SPE_E3
         eva: in Sales",
        "",
    );
    assert_snapshot!(rules(&world), @"
    --- rules.yaml
    policies:
      - name: engineering-spe-e5
        description: group Engineering (2 people)
        match:
          group: Engineering
        licenses: [SPE_E5]
    --- lists.yaml
    policies:
      - name: listed-spe-e3
        description: People whom no rule explains (1)
        match:
          user: dee@contoso.com
        licenses: [SPE_E3]
      - name: listed-spe-e5
        description: People whom no rule explains (1)
        match:
          user: cem@contoso.com
        licenses: [SPE_E5]
      - name: listed-visio
        description: People whom no rule explains (1)
        match:
          user: ben@contoso.com
        licenses: [VISIO]
    ");
}

#[test]
fn a_rule_leaves_out_those_who_hold_nothing_where_they_have_something_in_common() {
    let world = world(
        "ana: in All, SPE_E3
         ben: in All, SPE_E3
         cem: in All, SPE_E3
         dee: in All, in Interns
         eva: in Interns",
        "",
    );
    assert_snapshot!(rules(&world), @"
    --- rules.yaml
    policies:
      - name: all-not-group-interns-spe-e3
        description: group All, not group Interns (3 people)
        match:
          group: All
          none:
            - group: Interns
        licenses: [SPE_E3]
    ");
    let disabled = world.but("dee: in All, disabled\neva: enabled");
    assert_snapshot!(rules(&disabled), @"
    --- rules.yaml
    policies:
      - name: all-enabled-spe-e3
        description: group All, enabled (3 people)
        match:
          group: All
          enabled: true
        licenses: [SPE_E3]
    ");
}

#[test]
fn service_plans_are_said_where_they_are_alike_and_kept_where_they_differ() {
    let world = world(
        "ana: in Blue, SPE_E5 off:YAMMER, POWER_BI_PRO
         ben: in Blue, SPE_E5 off:YAMMER, POWER_BI_PRO
         cem: in Club, SPE_E5 off:TEAMS1
         dee: in Club, SPE_E5",
        "",
    );
    let (description, files) = imported(&world, 2);
    assert_snapshot!(files[0].text, @"
    # What tenant contoso held on 2026-11-23, written by `seatkeeper import`.
    #
    # Rules explain 6 of 6 direct assignments of 4 people. Each is exact: everybody whom it
    # matches holds directly what it grants. A plan of this changes nothing: it adopts what is
    # there, so that policies own it.
    #
    # Afterwards whoever a rule comes to match is given its licenses, and whoever it no longer
    # matches loses them after the grace, which is 7d here. `on_leave: keep` lets them stay.

    policies:
      - name: blue-power-bi-pro-spe-e5
        description: group Blue (2 people)
        match:
          group: Blue
        licenses:
          - POWER_BI_PRO
          - sku: SPE_E5
            disable: [YAMMER]

      # Service plans of SPE_E5 differ: nothing is said of them, so everybody keeps theirs.
      - name: club-spe-e5
        description: group Club (2 people)
        match:
          group: Club
        licenses: [SPE_E5]
    ");
    assert_eq!(description.counts, Counts { assignments: 6, people: 4, by_rules: 6 });
}

#[test]
fn what_policies_cannot_say_is_left_out_and_told() {
    let mut world = world(
        "group Secret hidden
         ana: in Secret, SPE_E3
         ben: SPE_E3 via:Carrier
         cem: SPE_E3 unsourced
         eva: SPE_E3
         fay: SPE_E3",
        "",
    )
    .protecting(&["eva@contoso.com"], &[]);
    world.user("dee").licenses = crate::domain::known::Known::Unknown;
    let fay = world.user("fay");
    fay.user_type = crate::domain::known::Known::Unknown;
    let (description, _) = imported(&world, 1);
    let people: Vec<UserId> =
        description.policies.iter().flat_map(|described| described.people.clone()).collect();
    assert_eq!(people, [user_id("ana")]);
    let told: Vec<String> = description.left_out.iter().map(|left| left.sentence()).collect();
    assert_snapshot!(told.join("\n"), @"
    1 assignment of protected users: nothing touches them
    1 assignment from groups of Entra's own licensing: Entra keeps them
    1 assignment of which Graph does not say where they come from: neither adopted nor removed
    1 assignment of users who are neither known as members nor as guests
    1 user whose licenses were not sent
    1 group with hidden members, no rule by them
    ");
}

#[test]
fn guests_are_described_and_a_policy_says_that_it_reaches_them() {
    let world = world(
        "ana: guest, in Partners, POWER_BI_PRO
         ben: guest, in Partners, POWER_BI_PRO
         cem: in Partners
         dee: guest, VISIO
         eva: VISIO",
        "",
    );
    assert_snapshot!(rules(&world), @"
    --- rules.yaml
    policies:
      - name: guests-in-group-partners-power-bi-pro
        description: guests in group Partners (2 people)
        match:
          user_type: guest
          group: Partners
        licenses: [POWER_BI_PRO]
    --- lists.yaml
    policies:
      - name: listed-visio
        description: People whom no rule explains (2)
        match:
          user_type: [member, guest]
          user: [dee@contoso.com, eva@contoso.com]
        licenses: [VISIO]
    ");
}

#[test]
fn nobody_with_a_license_leaves_nothing_to_write() {
    let (description, files) = imported(&world("ana:", ""), 1);
    assert_eq!((description.policies, files), (vec![], vec![]));
}

#[test]
fn a_group_that_was_not_read_is_no_rule() {
    let mut world = world("ana: in Blue, SPE_E3\nben: in Blue, SPE_E3\ncem:", "");
    world.groups[0].membership = Membership::NotRead;
    let (description, _) = imported(&world, 1);
    assert!(description.policies.iter().all(|described| described.how == How::List));
}

fn is_adoption(operation: &Operation) -> bool {
    operation.kind == Kind::Adopt
}

proptest! {
    /// The policies of any tenant adopt what is there, all of it, and do nothing else.
    #[test]
    fn what_is_imported_only_adopts(
        world in any_world(SCARCE), blindness in prop::option::of(any_blindness()), min in 1usize..3,
    ) {
        let world = blindness.map_or_else(|| world.clone(), |blindness| blindness.of(&world));
        let (description, files) = imported(&world, min);
        let after = under_import(&world, min);
        let planned = after.planned();
        let beyond = beyond_adopting(&planned);
        let written = || files.iter().map(|file| file.text.as_str()).collect::<String>();
        prop_assert!(beyond.is_empty(), "{:?}\n{}", beyond, written());
        prop_assert!(planned.plan.operations.iter().all(is_adoption));
        prop_assert!(planned.plan.warnings.is_empty(), "{:?}", planned.plan.warnings);
        let adopted: usize = planned.plan.operations.iter().map(|op| op.adopt.len()).sum();
        prop_assert_eq!(adopted, description.counts.assignments);
    }

    /// What the ledger has from before makes no difference.
    #[test]
    fn what_is_imported_removes_nothing_whoever_owned_it(world in any_world(AMPLE)) {
        let mut after = under_import(&world, 1);
        after.ledger = world.ledger.clone();
        let plan = after.plan();
        prop_assert!(plan.operations.iter().all(is_adoption), "{}", after.text());
    }

    /// A tenant described twice is described in the same words.
    #[test]
    fn importing_is_deterministic(world in any_world(AMPLE)) {
        prop_assert_eq!(imported(&world, 1), imported(&world, 1));
    }
}

#[test]
fn rules_give_way_where_there_would_be_too_many_policies() {
    let groups = |name: &str| (1..=3).map(|n| format!("{name}{n}: in {name}, SPE_E3\n")).collect();
    let people: String = ["Aces", "Blue", "Club"].map(|name| -> String { groups(name) }).concat();
    let world = world(&format!("{people}eva:\nfay: SPE_E3\ngus:"), "");
    let snapshot = world.snapshot();
    let policies = |users_per_policy| {
        let ask = Ask {
            tenant: &world.tenant,
            snapshot: &snapshot,
            settings: &world.settings,
            now: world.now,
            taken: &BTreeSet::new(),
            scope: Scope::OnlyTenant,
            on_leave: OnLeave::Remove,
            people_min: 2,
            users_per_policy,
        };
        describe(&ask).unwrap().policies.len()
    };
    assert_eq!([1, 4, 6, 12].map(policies), [4, 3, 2, 1]);
}
