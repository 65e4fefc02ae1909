//! Which service plans cannot stand side by side, and which need another: what is known, and what
//! Graph's refusals have taught since.

use std::collections::BTreeSet;

use uuid::{Uuid, uuid};

use crate::domain::ids::ServicePlanId;

const EXCHANGE_STANDARD: Uuid = uuid!("9aaf7827-d63c-4b61-89c3-182f06f82e5c");
const EXCHANGE_ENTERPRISE: Uuid = uuid!("efb87545-963c-4e0d-99df-69c6916d9eb0");
const EXCHANGE_DESKLESS: Uuid = uuid!("4a82b400-a79f-41a4-b4e2-e94f5787b113");
const SHAREPOINT_STANDARD: Uuid = uuid!("c7699d2e-19aa-44de-8edf-1736da088ca1");
const SHAREPOINT_ENTERPRISE: Uuid = uuid!("5dbe027f-2339-4123-9542-606e4d348a72");
const SHAREPOINT_PROJECT: Uuid = uuid!("fe71d6c3-a2ea-4499-9778-da042bf08063");
const TEAMS: Uuid = uuid!("57ff2da0-773e-42df-b2af-ffb7a2317929");
const TEAMS_FREE: Uuid = uuid!("4fa4026d-ce74-4962-a151-8e96d57ea8e4");
const SKYPE_STANDARD: Uuid = uuid!("0feaeb32-d00e-4d66-bd5a-43b5b83db82c");
const SKYPE_KIOSK: Uuid = uuid!("afc06cb0-b4f4-4473-8286-d644f70d8faf");
const PHONE: Uuid = uuid!("4828c8ec-dc2e-4779-b502-87ac9ce28ab7");
const CONFERENCING: Uuid = uuid!("3e26ee1f-8a5f-4d52-aee2-b81ce45c8f40");
const DEFENDER_2: Uuid = uuid!("8e0c0a52-6a6c-4d40-8370-dd62790dcd70");

/// Pairs of which a user can have one.
///
/// Source: a Microsoft engineer's list and the support page "Resolve group license assignment
/// problems" (Exchange); what administrators met (`SharePoint`, Teams). What is only inferred is left
/// to Graph to say: a refusal is remembered.
const EXCLUSIVE: [(Uuid, Uuid); 3] = [
    (EXCHANGE_STANDARD, EXCHANGE_ENTERPRISE),
    (SHAREPOINT_STANDARD, SHAREPOINT_ENTERPRISE),
    (TEAMS, TEAMS_FREE),
];

/// The first needs one of the others.
///
/// Source: the same support page (Project); what administrators met (phone, conferencing, Defender).
const NEEDS: [(Uuid, &[Uuid]); 4] = [
    (SHAREPOINT_PROJECT, &[SHAREPOINT_ENTERPRISE]),
    (PHONE, &[SKYPE_STANDARD, TEAMS]),
    (CONFERENCING, &[SKYPE_STANDARD, SKYPE_KIOSK, TEAMS]),
    (DEFENDER_2, &[EXCHANGE_ENTERPRISE, EXCHANGE_STANDARD, EXCHANGE_DESKLESS]),
];

/// Something about service plans that a refusal taught.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lesson {
    /// Of these two a user can have one. In order.
    Exclusive(ServicePlanId, ServicePlanId),
    /// The first needs one of the others. In order.
    Needs(ServicePlanId, Vec<ServicePlanId>),
}

impl Lesson {
    /// Reads what a refusal teaches from Graph's words for it.
    ///
    /// Source: messages of Graph assignLicense: "service plans A, B are mutually exclusive",
    /// "service plan A depends on the service plan(s) B, C". Where they hold names in place of ids,
    /// nothing is learned.
    pub fn from_refusal(message: &str) -> Option<Self> {
        let folded = message.to_lowercase();
        let ids = |text: &str| -> Vec<ServicePlanId> {
            let is_part = |byte: char| byte.is_ascii_hexdigit() || byte == '-';
            text.split(|byte| !is_part(byte)).filter_map(|word| word.parse().ok()).collect()
        };
        if let Some((plans, _)) = folded.split_once("mutually exclusive") {
            return match ids(plans).as_slice() {
                [one, other] if one != other => {
                    Some(Self::Exclusive(*one.min(other), *one.max(other)))
                }
                _ => None,
            };
        }
        let (plan, needs) = folded.split_once("depends on the service plan")?;
        let (plan, mut needs) = (ids(plan), ids(needs));
        needs.sort_unstable();
        needs.dedup();
        match plan.as_slice() {
            [plan] if !needs.is_empty() && !needs.contains(plan) => Some(Self::Needs(*plan, needs)),
            _ => None,
        }
    }
}

/// A rule that a set of enabled service plans breaks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Clash {
    /// These two are both on.
    Exclusive(ServicePlanId, ServicePlanId),
    /// The first is on, and none of the others.
    Missing(ServicePlanId, Vec<ServicePlanId>),
}

/// All rules about service plans.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    exclusive: BTreeSet<(ServicePlanId, ServicePlanId)>,
    needs: BTreeSet<(ServicePlanId, Vec<ServicePlanId>)>,
}

impl Rules {
    /// The known rules and what was learned.
    pub(crate) fn new<'l>(lessons: impl IntoIterator<Item = &'l Lesson>) -> Self {
        let id = ServicePlanId::from_uuid;
        let mut exclusive: BTreeSet<_> = EXCLUSIVE
            .iter()
            .map(|(one, other)| (id(*one.min(other)), id(*one.max(other))))
            .collect();
        let mut needs: BTreeSet<_> = NEEDS
            .iter()
            .map(|(plan, others)| (id(*plan), others.iter().copied().map(id).collect()))
            .collect();
        for lesson in lessons {
            match lesson {
                Lesson::Exclusive(one, other) => drop(exclusive.insert((*one, *other))),
                Lesson::Needs(plan, others) => drop(needs.insert((*plan, others.clone()))),
            }
        }
        Self { exclusive, needs }
    }

    /// Whether some rule speaks of a service plan.
    pub(crate) fn speak_of(&self, plan: ServicePlanId) -> bool {
        self.exclusive.iter().any(|(one, other)| *one == plan || *other == plan)
            || self.needs.iter().any(|(of, others)| *of == plan || others.contains(&plan))
    }

    /// Returns every rule that these enabled service plans break.
    pub(crate) fn broken(&self, enabled: &BTreeSet<ServicePlanId>) -> BTreeSet<Clash> {
        let exclusive = self
            .exclusive
            .iter()
            .filter(|(one, other)| enabled.contains(one) && enabled.contains(other))
            .map(|(one, other)| Clash::Exclusive(*one, *other));
        let missing = self
            .needs
            .iter()
            .filter(|(plan, needs)| {
                enabled.contains(plan) && !needs.iter().any(|need| enabled.contains(need))
            })
            .map(|(plan, needs)| Clash::Missing(*plan, needs.clone()));
        exclusive.chain(missing).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "9aaf7827-d63c-4b61-89c3-182f06f82e5c";
    const B: &str = "efb87545-963c-4e0d-99df-69c6916d9eb0";
    const C: &str = "11111111-963c-4e0d-99df-69c6916d9eb0";

    fn id(text: &str) -> ServicePlanId {
        text.parse().unwrap()
    }

    #[test]
    fn a_refusal_teaches_which_service_plans_exclude_each_other() {
        let told = format!(
            "License assignment failed because service plans {B}, {A} are mutually exclusive."
        );
        assert_eq!(Lesson::from_refusal(&told), Some(Lesson::Exclusive(id(A), id(B))));
        assert_eq!(Lesson::from_refusal("plans X and Y are mutually exclusive"), None);
    }

    #[test]
    fn a_refusal_teaches_which_service_plan_needs_which() {
        let told = format!(
            "License assignment failed because service plan {A} depends on the service plan(s) {B}, {C}"
        );
        assert_eq!(Lesson::from_refusal(&told), Some(Lesson::Needs(id(A), vec![id(C), id(B)])));
        assert_eq!(Lesson::from_refusal("No seat is left."), None);
    }

    #[test]
    fn what_was_learned_is_a_rule_like_the_known_ones() {
        let enabled = BTreeSet::from([id(A), id(B), id(C)]);
        let known = Rules::new([]).broken(&enabled);
        assert_eq!(known, BTreeSet::from([Clash::Exclusive(id(A), id(B))]));
        let lesson = Lesson::Exclusive(id(C), id(A));
        let Lesson::Exclusive(one, other) = &lesson else { unreachable!() };
        let broken = Rules::new([&lesson]).broken(&enabled);
        assert_eq!(
            broken,
            BTreeSet::from([Clash::Exclusive(*one, *other), Clash::Exclusive(id(A), id(B))])
        );
    }
}
