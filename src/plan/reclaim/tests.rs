use super::*;
use crate::plan::testing::{World, world};

fn told(world: &World) -> Vec<String> {
    let snapshot = world.snapshot();
    let ladders = Ladders::of(&world.policies, &world.tenant, snapshot.catalogue());
    let found = reclaimable(&snapshot, &world.settings, &ladders, INACTIVE_FOR, world.now);
    let each = found.iter().map(|seat| {
        let why: Vec<String> = seat
            .why
            .iter()
            .map(|why| match why {
                NotNeeded::Disabled | NotNeeded::Inactive(_) => why.word().to_owned(),
                NotNeeded::Within(sku) => format!("in {}", sku.name),
                NotNeeded::Outranked(sku) => format!("below {}", sku.name),
            })
            .collect();
        let name = seat.user.principal_name.split('@').next().unwrap();
        format!("{} {name}: {}", seat.sku.name, why.join(", "))
    });
    each.collect()
}

#[test]
fn seats_of_the_disabled_the_inactive_and_within_other_skus_are_told_where_they_can_be_freed() {
    let world = world(
        "ana: disabled, SPE_E3, inactive 100d
         ben: disabled, SPE_E3 via:Carrier
         cem: disabled, SPE_E3 direct via:Carrier
         dee: enabled, SPE_E3, inactive 91d
         eva: enabled, SPE_E3, inactive 89d
         fay: enabled, SPE_E3, SPE_E5
         gus: enabled, SPE_E5 off:MCOEV, PHONE
         hal: enabled, SPE_E5, PHONE, TEAMS
         ida: enabled, SPE_E3 via:Carrier, TEAMS",
        "",
    );
    assert_eq!(
        told(&world),
        [
            "PHONE hal: in SPE_E5",
            "SPE_E3 ana: disabled, inactive",
            "SPE_E3 dee: inactive",
            "SPE_E3 fay: in SPE_E5",
            "TEAMS hal: in SPE_E5",
            "TEAMS ida: in SPE_E3",
        ]
    );
}

#[test]
fn of_two_that_are_alike_the_cheaper_one_stays() {
    let tenant = "ana: enabled, SPE_E3, SPE_E5 off:MCOEV";
    let mut one = world(tenant, "");
    assert_eq!(told(&one).len(), 1);
    for (e3, e5, dropped) in [("1 EUR", "2 EUR", "SPE_E5"), ("2 EUR", "1 EUR", "SPE_E3")] {
        one.settings.prices =
            [("SPE_E3".into(), e3.parse().unwrap()), ("SPE_E5".into(), e5.parse().unwrap())].into();
        let none = Ladders::default();
        let found = reclaimable(&one.snapshot(), &one.settings, &none, INACTIVE_FOR, one.now);
        assert_eq!(found.len(), 1);
        assert_eq!(&*found[0].sku.name, dropped);
        let sums: Vec<String> = monthly(&found).iter().map(ToString::to_string).collect();
        assert_eq!(sums, ["2.00 EUR"]);
    }
}

#[test]
fn whom_nothing_touches_holds_nothing_that_could_be_freed() {
    let mut world =
        world("ana: disabled, SPE_E3\nben: disabled, SPE_E3, in Safe\ncem: disabled, SPE_E3", "");
    let written = |name: &str| crate::policy::Written {
        value: name.into(),
        place: crate::domain::names::Place { file: "x".into(), line: 1, column: 1 },
    };
    let ana = world.users[0].principal_name.to_uppercase();
    world.settings.protected.users = vec![written(&ana)];
    world.settings.protected.groups = vec![written("safe")];
    assert_eq!(told(&world), ["SPE_E3 cem: disabled"]);
}

#[test]
fn a_lower_rung_is_not_needed_beside_a_higher_one_whatever_they_hold() {
    let ladder = "ladder suite: SPE_E5 > SPE_E3 > SPE_F1";
    let world = world(
        "ana: enabled, SPE_E5, SPE_F1
         ben: enabled, SPE_E5 off:MCOEV, SPE_E3
         cem: enabled, SPE_E3 via:Carrier, SPE_F1
         dee: enabled, SPE_F1, PHONE
         eva: enabled, SPE_E5 via:Carrier, SPE_E3 via:Carrier, SPE_F1
         fay: enabled, SPE_E5 off:TEAMS1, SPE_E3, TEAMS",
        ladder,
    );
    assert_eq!(
        told(&world),
        [
            "SPE_E3 ben: below SPE_E5",
            "SPE_E3 fay: below SPE_E5",
            "SPE_F1 ana: below SPE_E5",
            "SPE_F1 cem: below SPE_E3",
            "SPE_F1 eva: below SPE_E5",
        ]
    );
}
