//! Which service plans exclude each other, and which need another.
//!
//! Source: Microsoft publishes no matrix; these are the cases known from its support pages
//! ("Resolve group license assignment problems") and from what administrators met.

use std::collections::BTreeSet;

use uuid::{Uuid, uuid};

use crate::domain::ids::ServicePlanId;
use crate::sandbox::model::refusal::Refusal;

const EXCHANGE_STANDARD: Uuid = uuid!("9aaf7827-d63c-4b61-89c3-182f06f82e5c");
const EXCHANGE_ENTERPRISE: Uuid = uuid!("efb87545-963c-4e0d-99df-69c6916d9eb0");
const EXCHANGE_DESKLESS: Uuid = uuid!("4a82b400-a79f-41a4-b4e2-e94f5787b113");
const SHAREPOINT_STANDARD: Uuid = uuid!("c7699d2e-19aa-44de-8edf-1736da088ca1");
const SHAREPOINT_ENTERPRISE: Uuid = uuid!("5dbe027f-2339-4123-9542-606e4d348a72");
const SHAREPOINT_DESKLESS: Uuid = uuid!("902b47e5-dcb2-4fdc-858b-c63a90a2bdb9");
const SHAREPOINT_PROJECT: Uuid = uuid!("fe71d6c3-a2ea-4499-9778-da042bf08063");
const TEAMS: Uuid = uuid!("57ff2da0-773e-42df-b2af-ffb7a2317929");
const TEAMS_FREE: Uuid = uuid!("4fa4026d-ce74-4962-a151-8e96d57ea8e4");
const SKYPE_STANDARD: Uuid = uuid!("0feaeb32-d00e-4d66-bd5a-43b5b83db82c");
const SKYPE_KIOSK: Uuid = uuid!("afc06cb0-b4f4-4473-8286-d644f70d8faf");
const PHONE: Uuid = uuid!("4828c8ec-dc2e-4779-b502-87ac9ce28ab7");
const CONFERENCING: Uuid = uuid!("3e26ee1f-8a5f-4d52-aee2-b81ce45c8f40");
const CALLING: Uuid = uuid!("4ed3ff63-69d7-4fb7-b984-5aec7f605ca8");
const THREAT_INTELLIGENCE: Uuid = uuid!("8e0c0a52-6a6c-4d40-8370-dd62790dcd70");

/// Of each of these a user can have one.
const FAMILIES: [&[Uuid]; 3] = [
    &[EXCHANGE_STANDARD, EXCHANGE_ENTERPRISE, EXCHANGE_DESKLESS],
    &[SHAREPOINT_STANDARD, SHAREPOINT_ENTERPRISE, SHAREPOINT_DESKLESS],
    &[TEAMS, TEAMS_FREE],
];

/// The first needs one of the others.
const NEEDS: [(Uuid, &[Uuid]); 5] = [
    (SHAREPOINT_PROJECT, &[SHAREPOINT_ENTERPRISE]),
    (PHONE, &[SKYPE_STANDARD, TEAMS]),
    (CONFERENCING, &[SKYPE_STANDARD, SKYPE_KIOSK, TEAMS]),
    (CALLING, &[PHONE]),
    (THREAT_INTELLIGENCE, &[EXCHANGE_ENTERPRISE, EXCHANGE_STANDARD, EXCHANGE_DESKLESS]),
];

/// Finds two enabled service plans that cannot stand side by side.
pub(super) fn exclusion(enabled: &BTreeSet<ServicePlanId>) -> Option<Refusal> {
    let on = |id: &&Uuid| enabled.contains(&ServicePlanId::from_uuid(**id));
    FAMILIES.iter().find_map(|family| {
        let mut there = family.iter().filter(on).map(|id| ServicePlanId::from_uuid(*id));
        let (one, other) = (there.next()?, there.next()?);
        Some(Refusal::Exclusive { plans: [one.min(other), one.max(other)] })
    })
}

/// Whether one of these service plans is a mailbox.
pub(super) fn has_mailbox(enabled: &BTreeSet<ServicePlanId>) -> bool {
    let mailboxes = [EXCHANGE_STANDARD, EXCHANGE_ENTERPRISE, EXCHANGE_DESKLESS];
    mailboxes.into_iter().any(|id| enabled.contains(&ServicePlanId::from_uuid(id)))
}

/// Finds an enabled service plan whose foundation is missing.
pub(super) fn dependency(enabled: &BTreeSet<ServicePlanId>) -> Option<Refusal> {
    let on = |id: &Uuid| enabled.contains(&ServicePlanId::from_uuid(*id));
    let (plan, needs) = NEEDS.iter().find(|(plan, needs)| on(plan) && !needs.iter().any(on))?;
    Some(Refusal::Dependency {
        plan: ServicePlanId::from_uuid(*plan),
        needs: needs.iter().map(|id| ServicePlanId::from_uuid(*id)).collect(),
    })
}
