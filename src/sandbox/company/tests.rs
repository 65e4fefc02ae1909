use std::collections::BTreeSet;

use crate::domain::sku::{AppliesTo, SkuStatus};
use crate::domain::user::UserType;
use crate::sandbox::company::situations::CONTRACTOR_PLANS;
use crate::sandbox::model::{Held, InheritanceError, LicenseChange, Member, Tenant, User};

fn holders(tenant: &Tenant, sku: &str) -> usize {
    let id = tenant.sku_named(sku).unwrap().id;
    let holds = |held: &Held| held.sku == id && held.is_active();
    tenant.users().iter().filter(|user| user.licenses.iter().any(holds)).count()
}

fn unit(user: &User) -> &str {
    user.on_premises.as_ref().map_or("", |there| &there.distinguished_name)
}

#[test]
fn the_same_seed_makes_the_same_company() {
    assert_eq!(Tenant::company(300, 1), Tenant::company(300, 1));
    assert_ne!(Tenant::company(300, 1), Tenant::company(300, 2));
}

#[test]
fn seats_add_up_at_every_size() {
    for users in [0, 1, 40, 500, 2_000] {
        let tenant = Tenant::company(users, 1);
        assert_eq!(tenant.users().len(), users);
        for sku in tenant.skus() {
            let seats = sku.units.enabled + sku.units.warning;
            let name = &*sku.part_number;
            assert_eq!(sku.consumed as usize, holders(&tenant, name), "{name} at {users}");
            assert!(sku.consumed <= seats, "{name} at {users}");
        }
    }
}

#[test]
fn the_company_has_something_of_everything() {
    let tenant = Tenant::company(500, 1);
    let count = |test: &dyn Fn(&User) -> bool| tenant.users().iter().filter(|u| test(u)).count();
    assert_eq!(count(&|user| user.user_type == Some(UserType::Guest)), 20);
    assert_eq!(count(&|user| user.user_type.is_none()), 1);
    assert!(count(&|user| !user.enabled && !user.licenses.is_empty()) >= 14);
    assert!(count(&|user| user.usage_location.is_none()) > 20);
    assert!(count(&|user| user.on_premises.is_none()) >= 30);
    assert!(count(&|user| unit(user).contains("OU=Sales\\, Marketing,OU=People,")) > 50);
    assert!(count(&|user| unit(user).ends_with("DC=retail,DC=contoso,DC=com")) > 100);
    let both = |held: &Held| held.direct.is_some() && !held.inherited.is_empty();
    assert!(count(&|user| user.licenses.iter().any(both)) >= 4);
    let only = |held: &Held| held.direct.is_none() && held.is_active();
    assert!(count(&|user| user.licenses.iter().any(only)) >= 10);
    let failed = |user: &User| {
        let sources = user.licenses.iter().flat_map(|held| &held.inherited);
        sources.filter(|source| source.error == Some(InheritanceError::CountViolation)).count()
    };
    assert_eq!(tenant.users().iter().map(failed).sum::<usize>(), 1);
    let domains: BTreeSet<_> =
        tenant.users().iter().filter_map(|user| user.principal_name.split('@').nth(1)).collect();
    assert_eq!(domains.len(), 4);
    assert!(tenant.user("ana.berg@contoso.com").unwrap().licenses.is_empty());
    let extension =
        |user: &User, number| user.profile.extensions.iter().any(|(of, _)| *of == number);
    assert!(count(&|user| extension(user, 1)) > 400);
    assert!(count(&|user| extension(user, 10)) > 20);
    assert!(count(&|user| user.profile.department.is_none()) >= 30);
}

#[test]
fn the_company_owns_scarce_expiring_and_company_wide_products() {
    let tenant = Tenant::company(500, 1);
    let sku = |name: &str| tenant.sku_named(name).unwrap();
    let free = |name: &str| sku(name).units.enabled - sku(name).consumed;
    assert_eq!(free("POWER_BI_PRO"), 2);
    assert_eq!(free("VISIOCLIENT"), 0);
    assert_eq!(sku("ENTERPRISEPACK").status, SkuStatus::Warning);
    assert_eq!(sku("SHAREPOINTSTORAGE").applies_to, AppliesTo::Company);
    assert_eq!(sku("SHAREPOINTSTORAGE").consumed, 0);
}

#[test]
fn groups_are_nested_hidden_ambiguous_and_in_one_case_cyclic() {
    let tenant = Tenant::company(500, 1);
    let id = |name: &str| tenant.groups_named(name).next().unwrap().id;
    assert!(tenant.group(id("Works Council")).unwrap().hidden);
    assert_eq!(tenant.groups_named("Project Phoenix").count(), 2);
    let below = tenant.transitive_members(id("Platform Team"));
    assert!(below.contains(&Member::Group(id("Site Reliability"))));
    assert!(!below.contains(&Member::Group(id("Platform Team"))));
    let engineers = tenant.transitive_members(id("Engineering"));
    assert!(engineers.iter().filter(|member| matches!(member, Member::User(_))).count() > 60);
}

#[test]
fn a_large_company_is_made_quickly_and_in_proportion() {
    let tenant = Tenant::company(100_000, 1);
    assert_eq!(tenant.users().len(), 100_000);
    let disabled = tenant.users().iter().filter(|user| !user.enabled).count();
    assert!((4_000..5_500).contains(&disabled), "{disabled}");
}

/// A suite, its service plans that are off (none where the policy does not say), and what goes in
/// exchange.
type Wish = (&'static str, Option<Vec<String>>, Vec<&'static str>);

/// What the example policies want of a user who is enabled. Written out by hand, so that the company
/// can be judged without the planner.
fn suite(tenant: &Tenant, user: &User) -> Option<Wish> {
    let id = |name: &str| tenant.groups_named(name).next().unwrap().id;
    let is_in = |name: &str| !tenant.check_member_groups(user.id, &[id(name)]).is_empty();
    let yammer = || Some(vec!["YAMMER_ENTERPRISE".to_owned()]);
    let place = unit(user);
    if !user.enabled {
        return None;
    }
    if is_in("Contractors") {
        let f3 = tenant.sku_named("SPE_F1").unwrap().service_plans.iter();
        let off = f3.filter(|plan| plan.applies_to == AppliesTo::User);
        let off = off.map(|plan| plan.name.to_string());
        let off = off.filter(|name| !CONTRACTOR_PLANS.contains(&name.as_str())).collect();
        let others = vec!["SPE_E3", "SPE_E5", "ENTERPRISEPACK", "POWER_BI_PRO", "VISIOCLIENT"];
        return Some(("SPE_F1", Some(off), others));
    }
    if is_in("Engineering") || place.contains("OU=Engineering,") {
        return Some(("SPE_E5", yammer(), vec!["SPE_E3", "SPE_F1", "ENTERPRISEPACK"]));
    }
    if place.ends_with(",OU=People,DC=corp,DC=contoso,DC=com") {
        return Some(("SPE_E3", None, vec!["ENTERPRISEPACK", "SPE_F1"]));
    }
    if place.contains(",OU=Germany,") {
        return Some(("SPE_F1", None, vec!["SPE_E3"]));
    }
    place.contains(",OU=France,").then(|| ("SPE_F1", yammer(), vec!["SPE_E3"]))
}

#[test]
fn every_change_that_the_example_policies_want_is_one_that_graph_takes() {
    for users in [500, 2_000] {
        let mut tenant = Tenant::company(users, 1);
        let now = jiff::Timestamp::UNIX_EPOCH;
        let (mut added, mut swapped, mut modified, mut located, mut blocked) = (0, 0, 0, 0, 0);
        for place in 0..users {
            let user = tenant.users()[place].clone();
            let Some((sku, off, others)) = suite(&tenant, &user) else { continue };
            let id = |name: &str| tenant.sku_named(name).unwrap().id;
            let product = tenant.sku_named(sku).unwrap();
            let off = off.map(|names| {
                let plans = product.service_plans.iter();
                plans.filter(|plan| names.contains(&plan.name.to_string())).map(|p| p.id).collect()
            });
            let held = |name: &str| user.licenses.iter().find(|held| held.sku == id(name));
            let remove: Vec<_> = others
                .iter()
                .filter(|name| held(name).is_some_and(|held| held.direct.is_some()))
                .map(|name| id(name))
                .collect();
            let mut change = LicenseChange { add: Vec::new(), remove };
            match held(sku).map(|held| (&held.direct, held.is_active())) {
                Some((Some(direct), _))
                    if off.as_ref().is_some_and(|off| *off != direct.disabled) =>
                {
                    modified += 1;
                    change.add.push((product.id, off.unwrap()));
                }
                Some((_, true)) => {}
                Some((_, false)) | None => {
                    added += usize::from(change.remove.is_empty());
                    swapped += usize::from(!change.remove.is_empty());
                    change.add.push((product.id, off.unwrap_or_default()));
                }
            }
            let says = sku != "SPE_E3";
            if user.usage_location.is_none() && says {
                located += 1;
                let country = if unit(&user).contains(",OU=France,") { "FR" } else { "DE" };
                tenant.set_usage_location(place, Some(country.parse().unwrap())).unwrap();
            }
            if user.usage_location.is_none() && !says {
                blocked += 1;
            } else if !change.add.is_empty() || !change.remove.is_empty() {
                let taken = tenant.assign_license(place, &change, now);
                assert_eq!(taken, Ok(()), "{} wants {sku}", user.principal_name);
            }
        }
        let counts = [added, swapped, modified, located, blocked];
        assert!(counts.iter().all(|count| *count >= 3), "{counts:?}");
    }
}
