use insta::assert_snapshot;

use super::Problem;
use crate::plan::testing::{World, sku_id, world};
use crate::policy::settings::Reserve;

fn problems(problems: &[Problem]) -> String {
    let line = |problem: &Problem| {
        let hint = problem.hint.as_deref().unwrap_or("none");
        format!("{}: {} (hint: {hint})", problem.place, problem.message)
    };
    problems.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn found(world: &World) -> String {
    problems(&world.planned().problems)
}

fn refused(world: &World) -> String {
    problems(&world.try_plan().unwrap_err())
}

#[test]
fn every_name_that_fits_nothing_is_told_at_once_with_what_was_meant() {
    let policies = "a: Enginering -> SPE_E33, VISIO off:VISIONLINE
                    b: Zzz -> no QQQ
                    c: Engineering -> SPE_E5 for SPE_E4";
    assert_snapshot!(found(&world("group Engineering", policies)), @r"
        policies.yaml:1:1: unknown group `Enginering` (hint: tenant `contoso` has `Engineering`)
        policies.yaml:1:1: unknown SKU `SPE_E33` (hint: tenant `contoso` has `SPE_E3`)
        policies.yaml:1:1: SKU `VISIO` has no service plan `VISIONLINE` (hint: VISIO has `VISIOONLINE`)
        policies.yaml:2:1: unknown group `Zzz` (hint: tenant `contoso` has `Engineering`)
        policies.yaml:2:1: unknown SKU `QQQ` (hint: tenant `contoso` has `COMPANY`, `MAIL_1`, `PHONE`, `POWER_BI_PRO`, `SPE_E3`, `SPE_E5`, `SPE_F1`, `SUSPENDED`, `TEAMS`, `VISIO`)
        policies.yaml:3:1: unknown SKU `SPE_E4` (hint: tenant `contoso` has `SPE_E3`)
    ");
}

#[test]
fn names_of_groups_are_compared_without_regard_to_case() {
    let world = world("ana: in Engineering", "a: engineering -> VISIO");
    assert_snapshot!(world.text(), @"add ana: +VISIO (a matched)");
}

#[test]
fn a_name_that_fits_several_groups_or_skus_is_told_with_the_ids() {
    let mut world = world("group Twins\nana: in Twins", "a: Twins -> VISIO\nb: everyone -> SPE_E5");
    let mut twin = world.groups[0].clone();
    twin.id = crate::plan::testing::group_id("Other");
    world.groups.push(twin);
    let mut twin = world.sku("SPE_E5").clone();
    twin.id = sku_id("SPE_E5_NEW");
    world.skus.push(twin);
    assert_snapshot!(found(&world), @r"
        policies.yaml:1:1: 2 groups are called `Twins` (hint: write the id instead: `4f746865-7200-0000-0000-000000000000` or `5477696e-7300-0000-0000-000000000000`)
        policies.yaml:2:1: SKU `SPE_E5` names 2 products (hint: write the id instead: `5350455f-4535-0000-0000-000000000000` or `5350455f-4535-5f4e-4557-000000000000`)
    ");
}

#[test]
fn an_id_names_what_a_name_cannot_tell_apart() {
    let mut world = world("ana:", "");
    let (group, sku) = (crate::plan::testing::group_id("Twins"), sku_id("VISIO"));
    world = world.but("ana: in Twins").under(&format!("a: {group} -> {sku}"));
    assert_snapshot!(world.text(), @"add ana: +VISIO (a matched)");
}

#[test]
fn what_belongs_to_the_company_cannot_be_assigned_or_switched() {
    let policies = "a: everyone -> COMPANY
                    b: everyone -> SPE_E3 off:INTUNE";
    assert_snapshot!(found(&world("ana:", policies)), @r"
        policies.yaml:1:1: SKU `COMPANY` belongs to the company and cannot be assigned (hint: remove it from the policy)
        policies.yaml:2:1: service plan `INTUNE` belongs to the company and cannot be switched (hint: remove it from the list)
    ");
}

#[test]
fn a_sku_is_granted_once_by_a_policy() {
    let policies = format!("a: everyone -> VISIO, {}", sku_id("VISIO"));
    assert_snapshot!(found(&world("ana:", &policies)), @"policies.yaml:1:1: SKU `VISIO` is granted twice by this policy (hint: name it once, by part number or by id)");
}

#[test]
fn one_problem_leaves_the_whole_policy_out() {
    let policies = "a: everyone -> VISIO, SPE_E33
                    b: everyone -> POWER_BI_PRO";
    assert_snapshot!(world("ana:", policies).text(), @r"
        add ana: +POWER_BI_PRO (b matched)
        left out a (policies.yaml:1): unknown SKU `SPE_E33`
    ");
}

#[test]
fn a_policy_for_another_tenant_is_not_looked_at() {
    assert_snapshot!(world("ana:", "a: Nowhere -> QQQ; tenant fabrikam").text(), @"nothing to do");
}

#[test]
fn nothing_is_planned_where_a_protected_user_or_group_cannot_be_found_or_read() {
    let world = world(
        "group Board hidden
         group Later unread
         group Vault
         ana:",
        "a: everyone -> VISIO",
    );
    let with = |users: &[&str], groups: &[&str]| refused(&world.clone().protecting(users, groups));
    assert_snapshot!(with(&["anna@contoso.com", "zzz"], &["Vaults"]), @r"
        policies.yaml:1:1: unknown protected user `anna@contoso.com` (hint: tenant `contoso` has `ana@contoso.com`)
        policies.yaml:1:1: unknown protected user `zzz` (hint: a protected user who cannot be found would not be protected: correct the name, or take it off the list)
        policies.yaml:1:1: unknown group `Vaults` (hint: tenant `contoso` has `Vault`)
    ");
    assert_snapshot!(with(&[], &["Board", "Later"]), @r"
        policies.yaml:1:1: the members of protected group `Board` cannot all be read (hint: grant the app `Member.Read.Hidden`, or protect the users by name)
        policies.yaml:1:1: the members of protected group `Later` cannot all be read (hint: grant the app `Member.Read.Hidden`, or protect the users by name)
    ");
}

#[test]
fn nothing_is_planned_where_a_reserve_names_no_sku() {
    let world = world("ana:", "a: everyone -> VISIO").set(|settings| {
        let place = crate::domain::names::Place { file: "c.yaml".into(), line: 7, column: 3 };
        settings.reserve.insert("VISIOO".into(), Reserve { seats: 1, place });
    });
    assert_snapshot!(refused(&world), @"c.yaml:7:3: unknown SKU `VISIOO` (hint: tenant `contoso` has `VISIO`)");
}

#[test]
fn a_sku_that_a_selector_names_has_to_be_there() {
    let policies = "a: has:SPE_E33 -> VISIO\nb: everyone but not has:QQQ -> VISIO";
    assert_snapshot!(found(&world("ana:", policies)), @r"
        policies.yaml:1:1: unknown SKU `SPE_E33` (hint: tenant `contoso` has `SPE_E3`)
        policies.yaml:2:1: unknown SKU `QQQ` (hint: tenant `contoso` has `COMPANY`, `MAIL_1`, `PHONE`, `POWER_BI_PRO`, `SPE_E3`, `SPE_E5`, `SPE_F1`, `SUSPENDED`, `TEAMS`, `VISIO`)
    ");
}

#[test]
fn a_row_of_an_exception_that_fits_no_user_leaves_the_policy_out() {
    let policies = "a: everyone but not csv:ana@contoso.com+zoe@contoso.com -> VISIO
                    b: csv:ana@contoso.com+yan@contoso.com -> POWER_BI_PRO";
    let world = world("ana:\nben:", policies);
    assert_snapshot!(found(&world), @"ana+zoe.csv:3:1: unknown user `zoe@contoso.com` among the exceptions (hint: an exception that fits nobody protects nobody: correct the row, or take it out)");
    assert_snapshot!(world.text(), @r"
        add ana: +POWER_BI_PRO (b matched)
        left out a (ana+zoe.csv:3): unknown user `zoe@contoso.com` among the exceptions
        warning (ana+yan.csv:3): no user `yan@contoso.com` in the tenant
        warning (ana+zoe.csv:3): no user `zoe@contoso.com` in the tenant
    ");
}

#[test]
fn a_list_of_another_tenant_is_not_looked_at() {
    let world = world("ana:", "a: csv:zoe@fabrikam.com -> VISIO; tenant fabrikam");
    assert_eq!(world.plan().warnings, []);
}
