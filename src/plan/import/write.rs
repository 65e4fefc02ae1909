//! From rules and lists to policies.

use std::sync::Arc;

use super::exact::{policy, test, written};
use super::held::Held;
use super::lists::Roster;
use super::name::{self, Namer};
use super::rules::Chosen;
use super::{Ask, Described, Granted, How, Scope, ServicePlans, counted};
use crate::domain::ids::SkuId;
use crate::domain::known::Known;
use crate::domain::user::UserType;
use crate::policy::list::{List, Listed, Row};
use crate::policy::{Action, License, Policy, Selector, ServicePlanRule, Test};

/// The most people whom a policy names itself; of more it names a file.
const NAMED_MAX: usize = 10;
/// The directory of the lists, beside the policies.
const LISTS: &str = "lists";

/// Makes the policy of a rule.
pub(super) fn rule(
    ask: &Ask<'_>,
    held: &Held<'_>,
    chosen: &Chosen<'_>,
    namer: &mut Namer<'_>,
) -> Described {
    let draft = &chosen.rule.draft;
    let people = &chosen.rule.people;
    let (licenses, grants) = licenses(ask, held, &chosen.skus, people);
    let whom = draft.whom();
    let label = whom.strip_prefix("group ").unwrap_or(&whom);
    let name = namer.policy(&short(label), &skus(&grants));
    let mut policy = policy(name, draft.selector());
    let count = counted(people.len(), "person", "people");
    finish(ask, &mut policy, licenses, &format!("{whom} ({count})"));
    Described {
        policy,
        how: How::Rule,
        whom,
        people: ids(ask, people),
        disabled: disabled(ask, people),
        grants,
    }
}

/// Of an OU, only what it is itself called; the rest tells where it lies.
fn short(label: &str) -> String {
    let Some((kind, rest)) = label.split_once('=') else { return label.to_owned() };
    let end =
        rest.char_indices().find(|(at, letter)| *letter == ',' && !rest[..*at].ends_with('\\'));
    let own = end.map_or(rest, |(at, _)| &rest[..at]);
    if kind.contains(' ') { label.to_owned() } else { own.to_owned() }
}

/// Makes the policy of a list.
pub(super) fn list(
    ask: &Ask<'_>,
    held: &Held<'_>,
    list: &Roster,
    namer: &mut Namer<'_>,
) -> Described {
    let Roster { skus: ids_of_skus, people } = list;
    let (licenses, grants) = licenses(ask, held, ids_of_skus, people);
    let name = namer.policy("listed", &skus(&grants));
    let users = ask.snapshot.users();
    let who = if people.len() <= NAMED_MAX {
        let mut named: Vec<Arc<str>> =
            people.iter().map(|user| namer.user(&users[*user])).collect();
        named.sort();
        Test::User(named.into_iter().map(written).collect())
    } else {
        let row = |(user, line): (&usize, u32)| Row { who: Listed::Id(users[*user].id), line };
        let rows = people.iter().zip(2..).map(row).collect();
        Test::Csv(Arc::new(List::new(format!("{LISTS}/{name}.csv").into(), rows)))
    };
    let is_guest = |user: &usize| users[*user].user_type == Known::Known(UserType::Guest);
    let selector = if people.iter().any(is_guest) {
        let both = test(Test::UserType(vec![UserType::Member, UserType::Guest]));
        Selector::All(vec![both, test(who)])
    } else {
        test(who)
    };
    let mut policy = policy(name, selector);
    let count = people.len();
    finish(ask, &mut policy, licenses, &format!("People whom no rule explains ({count})"));
    Described {
        policy,
        how: How::List,
        whom: "people by name".to_owned(),
        people: ids(ask, people),
        disabled: disabled(ask, people),
        grants,
    }
}

fn finish(ask: &Ask<'_>, policy: &mut Policy, licenses: Vec<License>, description: &str) {
    policy.description = Some(description.into());
    policy.action = Action::Add { licenses };
    policy.on_leave = ask.on_leave;
    policy.tenants = match ask.scope {
        Scope::OnlyTenant => None,
        Scope::ThisTenant => Some(vec![ask.tenant.clone()]),
    };
}

fn licenses(
    ask: &Ask<'_>,
    held: &Held<'_>,
    skus: &[SkuId],
    people: &[usize],
) -> (Vec<License>, Vec<Granted>) {
    let catalogue = ask.snapshot.catalogue();
    let known = skus.iter().filter_map(|sku| catalogue.get(*sku));
    let license = |sku: &crate::domain::sku::Sku| {
        let name = name::sku(catalogue, sku);
        let (rule, service_plans) = match held.off(sku.id, people) {
            None => (ServicePlanRule::Unsaid, ServicePlans::Different),
            Some(off) if off.is_empty() => (ServicePlanRule::Unsaid, ServicePlans::Alike),
            Some(off) => {
                let mut names: Vec<Arc<str>> =
                    off.iter().map(|plan| name::service_plan(sku, plan)).collect();
                names.sort();
                let off = names.into_iter().map(written).collect();
                (ServicePlanRule::Disable(off), ServicePlans::Alike)
            }
        };
        let license = License { sku: written(name.clone()), service_plans: rule };
        (license, Granted { sku: name, service_plans })
    };
    let mut licenses: Vec<(License, Granted)> = known.map(license).collect();
    licenses.sort_by(|(_, a), (_, b)| a.sku.cmp(&b.sku));
    licenses.into_iter().unzip()
}

fn skus(grants: &[Granted]) -> Vec<Arc<str>> {
    grants.iter().map(|granted| granted.sku.clone()).collect()
}

fn ids(ask: &Ask<'_>, people: &[usize]) -> Vec<crate::domain::ids::UserId> {
    people.iter().map(|user| ask.snapshot.users()[*user].id).collect()
}

fn disabled(ask: &Ask<'_>, people: &[usize]) -> usize {
    let is_disabled = |user: &&usize| ask.snapshot.users()[**user].enabled == Known::Known(false);
    people.iter().filter(is_disabled).count()
}
