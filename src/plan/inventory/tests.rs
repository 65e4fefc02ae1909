use super::*;
use crate::plan::testing::{World, sku_id, world};
use crate::policy::settings::Reserve;

#[test]
fn ous_come_in_the_order_of_the_tree_with_those_directly_in_them_and_below() {
    let world = world(
        "ana: ou CN=Ana,OU=Sales,OU=People,DC=corp
         ben: ou CN=Ben,ou=sales,OU=People,DC=corp
         cem: ou CN=Cem,OU=People,DC=corp
         dee: ou CN=Dee,OU=Berlin,OU=Sales,OU=People,DC=corp
         eva: ou CN=Eva,OU=Engineering,OU=People,DC=corp
         fay: ou CN=Fay,OU=Admins,DC=corp
         gus: ou CN=Gus,DC=corp
         hal:",
        "",
    );
    let found: Vec<_> = ous(&world.snapshot())
        .into_iter()
        .map(|ou| (ou.name.to_string(), ou.depth, ou.direct, ou.subtree))
        .collect();
    let line = |name: &str, depth, direct, subtree| (name.to_owned(), depth, direct, subtree);
    assert_eq!(
        found,
        [
            line("OU=Admins,DC=corp", 0, 1, 1),
            line("OU=People,DC=corp", 0, 1, 5),
            line("OU=Engineering,OU=People,DC=corp", 1, 1, 1),
            line("OU=Sales,OU=People,DC=corp", 1, 2, 3),
            line("OU=Berlin,OU=Sales,OU=People,DC=corp", 2, 1, 1),
        ]
    );
}

#[test]
fn domains_are_counted_by_kind_and_without_regard_to_case() {
    let world = world(
        "ana: called ana@Contoso.com, ad CORP.contoso.com, enabled, SPE_E3
         ben: called ben@contoso.com, ad corp.contoso.com, disabled
         cem: called cem@stores.contoso.com, enabled ?",
        "",
    );
    let found: Vec<_> = domains(&world.snapshot())
        .into_iter()
        .map(|of| (of.kind.selector(), of.name, [of.users, of.enabled, of.licensed]))
        .collect();
    assert_eq!(
        found,
        [
            ("domain", "contoso.com".to_owned(), [2, 1, 1]),
            ("domain", "stores.contoso.com".to_owned(), [1, 0, 0]),
            ("ad_domain", "corp.contoso.com".to_owned(), [2, 1, 1]),
        ]
    );
}

#[test]
fn groups_say_who_is_in_them_who_names_them_and_what_they_carry() {
    let world = world(
        "group Board hidden
         group Later unread
         ana: in Staff, in Board, SPE_E3 via:Staff
         ben: in Staff",
        "p: staff -> VISIO
         q: everyone but not Staff -> VISIO
         r: Later -> VISIO; tenant fabrikam",
    );
    let found: Vec<_> = groups(&world.snapshot(), &world.policies, &world.tenant)
        .into_iter()
        .map(|of| {
            let policies: Vec<_> = of.policies.iter().map(ToString::to_string).collect();
            (of.name.to_string(), of.members, policies.join(" "), of.carries.join(" "))
        })
        .collect();
    let line = |name: &str, members, policies: &str, carries: &str| {
        (name.to_owned(), members, policies.to_owned(), carries.to_owned())
    };
    assert_eq!(
        found,
        [
            line("Board", Some((1, false)), "", ""),
            line("Later", None, "", ""),
            line("Staff", Some((2, true)), "p q", "SPE_E3"),
        ]
    );
}

fn of(world: &World, sku: &str) -> SeatCount {
    let seats = seats(
        &world.snapshot(),
        &world.settings,
        &Ladders::default(),
        &world.plan(),
        &[],
        world.now,
    );
    seats.into_iter().find(|seat| seat.now.id == sku_id(sku)).unwrap()
}

#[test]
fn free_seats_are_those_neither_in_use_nor_kept_and_never_below_zero() {
    let mut world = world("seats SPE_E5 10 used 7 warning 5\nana:", "");
    assert_eq!((of(&world, "SPE_E5").now.total, of(&world, "SPE_E5").now.free), (10, 3));
    let place = crate::domain::names::Place { file: "x".into(), line: 1, column: 1 };
    world.settings.reserve.insert("SPE_E5".into(), Reserve { seats: 2, place });
    assert_eq!((of(&world, "SPE_E5").now.reserved, of(&world, "SPE_E5").now.free), (2, 1));
    world.settings.use_warning_seats = true;
    assert_eq!((of(&world, "SPE_E5").now.total, of(&world, "SPE_E5").now.free), (15, 6));
    world.sku("SPE_E5").consumed = 20;
    assert_eq!(of(&world, "SPE_E5").now.free, 0);
}

#[test]
fn waiting_is_who_the_plan_has_no_seat_for_and_reclaimable_what_the_disabled_hold() {
    let world = world(
        "seats SPE_E5 1 used 0
         ana: in Staff, from DE
         ben: in Staff, from DE
         cem: disabled, SPE_E3
         dee: disabled, SPE_E3 via:Carrier
         eva: disabled, SPE_E3 direct via:Carrier
         fay: enabled, SPE_E3",
        "p: Staff -> SPE_E5",
    );
    assert_eq!(of(&world, "SPE_E5").now.waiting, 1);
    assert_eq!(of(&world, "SPE_E3").reclaimable, 1);
    assert_eq!(of(&world, "SPE_E3").next_expiry, Known::Unknown);
}
