//! The licenses of a user: what is there from one list, where it comes from by another.
//!
//! Source: Graph user.assignedLicenses has one entry per SKU, whatever its sources;
//! user.licenseAssignmentStates has one per SKU and source.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::domain::ids::{GroupId, SkuId};
use crate::domain::known::Known;
use crate::domain::user::{
    Assignment, AssignmentSource, FailedInheritance, Inherited, Licenses, ServicePlanSet,
};
use crate::graph::wire::scalar::{List, Object, Scalar, ids};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::graph) struct RawLicense {
    sku_id: Scalar,
    disabled_plans: List<Scalar>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::graph) struct RawState {
    sku_id: Scalar,
    assigned_by_group: Scalar,
    disabled_plans: List<Scalar>,
    state: Scalar,
    error: Scalar,
}

/// Reads what a user holds. Unknown where the list of SKUs was not sent or one of it is unreadable:
/// what else the user holds could not be told.
pub(in crate::graph) fn licenses(
    held: List<Object<RawLicense>>,
    states: List<Object<RawState>>,
) -> Known<Licenses> {
    let Some(held) = held_skus(held) else { return Known::Unknown };
    let sources = match states {
        List::Sent(states) => Sources::read(&states),
        List::Unsent => Sources::default(),
    };
    let assignments = held
        .into_iter()
        .map(|(sku, disabled)| Assignment { sku, disabled, source: sources.of(sku) })
        .collect();
    Known::Known(Licenses { assignments, failed: sources.failed.into() })
}

fn held_skus(held: List<Object<RawLicense>>) -> Option<BTreeMap<SkuId, ServicePlanSet>> {
    let List::Sent(held) = held else { return None };
    held.into_iter()
        .map(|Object(license)| {
            Some((license.sku_id.id()?, ids(license.disabled_plans)?.into_iter().collect()))
        })
        .collect()
}

/// Where SKUs come from, as far as it was told without doubt.
#[derive(Default)]
struct Sources {
    told: BTreeMap<SkuId, Told>,
    failed: Vec<FailedInheritance>,
}

#[derive(Default)]
struct Told {
    direct: Option<ServicePlanSet>,
    inherited: Vec<Inherited>,
    /// A source that is certainly there could not be read.
    unreadable: bool,
}

/// One element, as far as it can be understood.
enum State {
    Direct(ServicePlanSet),
    Inherited(Inherited),
    Failed(FailedInheritance),
    /// It tells nothing that could be relied on, but other elements may.
    Nothing,
    /// It is a source that works, with details that cannot be read.
    Unreadable,
}

impl Sources {
    fn read(states: &[Object<RawState>]) -> Self {
        let mut sources = Self::default();
        for Object(raw) in states {
            let Some(sku) = raw.sku_id.id::<SkuId>() else {
                // Whose source this is cannot be told, so it may be anybody's.
                return Self::default();
            };
            let told = sources.told.entry(sku).or_default();
            match state(sku, raw) {
                State::Direct(disabled) => match &told.direct {
                    Some(other) if *other != disabled => told.unreadable = true,
                    Some(_) | None => told.direct = Some(disabled),
                },
                State::Inherited(inherited) => told.inherited.push(inherited),
                State::Failed(failed) => sources.failed.push(failed),
                State::Nothing => {}
                State::Unreadable => told.unreadable = true,
            }
        }
        for told in sources.told.values_mut() {
            told.inherited.sort();
            told.inherited.dedup();
        }
        sources.failed.sort();
        sources.failed.dedup();
        sources
    }

    fn of(&self, sku: SkuId) -> AssignmentSource {
        match self.told.get(&sku) {
            Some(Told { direct, inherited, unreadable: false })
                if direct.is_some() || !inherited.is_empty() =>
            {
                AssignmentSource::Told {
                    direct: direct.clone(),
                    inherited: inherited.as_slice().into(),
                }
            }
            Some(_) | None => AssignmentSource::Unknown,
        }
    }
}

/// Source: Graph licenseAssignmentState: assignedByGroup is null when direct; state is `Active`,
/// `ActiveWithError` (it works, a change of it failed), `Error` (of a group: it was not given; a
/// direct one after a lost subscription or a restore) or `Disabled` (undocumented).
fn state(sku: SkuId, raw: &RawState) -> State {
    let is =
        |name: &str| matches!(&raw.state, Scalar::Text(text) if text.eq_ignore_ascii_case(name));
    let works = is("Active") || is("ActiveWithError");
    let disabled =
        || Some(ids(raw.disabled_plans.clone())?.into_iter().collect::<ServicePlanSet>());
    match &raw.assigned_by_group {
        Scalar::Absent | Scalar::Null if works || is("Error") => {
            disabled().map_or(State::Unreadable, State::Direct)
        }
        Scalar::Absent | Scalar::Null => State::Nothing,
        group => match (group.id::<GroupId>(), disabled()) {
            (Some(group), Some(disabled)) if works => {
                State::Inherited(Inherited { group, disabled })
            }
            (None, _) | (_, None) if works => State::Unreadable,
            (Some(group), _) if is("Error") => {
                let error = match &raw.error {
                    Scalar::Text(error) => error.as_str().into(),
                    Scalar::Absent
                    | Scalar::Null
                    | Scalar::Flag(_)
                    | Scalar::Number(_)
                    | Scalar::Odd => "Unknown".into(),
                };
                State::Failed(FailedInheritance { sku, group, error })
            }
            (Some(_) | None, _) => State::Nothing,
        },
    }
}

#[cfg(test)]
mod tests;
