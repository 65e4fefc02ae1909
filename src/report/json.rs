//! The published JSON of plans, the list of plans and the history: for programs, and for good.
//!
//! A name that once stood here never changes its meaning; new ones may come beside it, and a reader
//! passes over what it does not know. Only a change that would break readers raises
//! [`FORMAT_VERSION`]. Never decides anything, and never leaves out what a plan holds: what is
//! written reads back as the same plan.

use serde::{Deserialize, Serialize};

use crate::ports::{HistoryEntry, PlanHead, StoredPlan};

pub(crate) use list::{HeadForm, HistoryForm};
pub(crate) use operation::forms;
pub(crate) use people::{UserForm, user_form};
pub(crate) use plan::PlanForm;

pub use diagnosis::diagnoses_to_json;
pub use explanation::explanation_to_json;
pub use import::import_to_json;
pub use inventory::{
    domains_to_json, groups_to_json, ous_to_json, reclaimable_to_json, seats_to_json,
};
pub use operation::Contradiction;
pub use people::users_to_json;
pub use rehearsal::rehearsed_to_json;

mod diagnosis;
mod entry;
mod explanation;
mod import;
mod inventory;
mod list;
pub(crate) mod operation;
mod origin;
mod people;
pub(crate) mod plan;
mod rehearsal;
pub mod schema;
pub(crate) mod text;
mod what_if;

#[cfg(test)]
mod tests;

/// The version of the published form.
pub const FORMAT_VERSION: u64 = 1;

/// A text that is not the published form of a plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanJsonError {
    /// It is not JSON, or not of the published form.
    #[error("the text is not a plan in JSON")]
    Malformed(#[source] serde_json::Error),
    /// A later version of this program wrote it, in a form that this one cannot know.
    #[error(
        "the plan is written in format version {found}; this program reads version {FORMAT_VERSION}"
    )]
    OtherVersion {
        /// The version of the text.
        found: u64,
    },
    /// Parts of it contradict each other.
    #[error("the plan contradicts itself")]
    Contradictory(#[source] Contradiction),
    /// It says what a plan holds, but not where it stands, what it does, or who decided on it.
    #[error("the plan lacks one of `state`, `operations` and `decisions`")]
    OnlyHead,
}

impl PlanJsonError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::OtherVersion { found } if *found > FORMAT_VERSION => {
                "use the version of seatkeeper that wrote it, or a newer one"
            }
            Self::Malformed(_)
            | Self::OtherVersion { found: _ }
            | Self::Contradictory(_)
            | Self::OnlyHead => "write it again with `seatkeeper show PLAN --format json`",
        }
    }
}

/// Writes a plan, indented, with every field in a fixed order.
pub fn to_json(stored: &StoredPlan) -> String {
    pretty(&PlanForm::whole(stored))
}

/// Reads a plan that [`to_json`] wrote, in this version of the program or another of the same
/// format. Fields that it does not know are passed over.
///
/// # Errors
///
/// Fails where the text is not such a plan; nothing of it is used then.
pub fn from_json(text: &str) -> Result<StoredPlan, PlanJsonError> {
    // The version first: a form that only a later program knows would else look like a mistake.
    let Version { format_version } =
        serde_json::from_str(text).map_err(PlanJsonError::Malformed)?;
    if format_version != FORMAT_VERSION {
        return Err(PlanJsonError::OtherVersion { found: format_version });
    }
    let form: PlanForm = serde_json::from_str(text).map_err(PlanJsonError::Malformed)?;
    let stored = form.into_stored().map_err(PlanJsonError::Contradictory)?;
    stored.ok_or(PlanJsonError::OnlyHead)
}

/// Writes the list of plans, in the order given.
pub fn plans_to_json(plans: &[PlanHead]) -> String {
    pretty(&PlanList { format_version: FORMAT_VERSION, plans: forms(plans) })
}

/// Writes outcomes with their operations, in the order given.
pub fn history_to_json(history: &[HistoryEntry]) -> String {
    pretty(&HistoryList { format_version: FORMAT_VERSION, history: forms(history) })
}

/// Writes outcomes with their operations, a line each, in the order given.
pub fn history_to_json_lines(history: &[HistoryEntry]) -> String {
    let line = |form: &HistoryForm| {
        serde_json::to_string(form).expect("the forms have text keys and no foreign writer")
    };
    forms(history).iter().map(line).collect::<Vec<_>>().join("\n")
}

#[derive(Deserialize)]
struct Version {
    format_version: u64,
}

#[derive(Serialize)]
struct PlanList {
    format_version: u64,
    plans: Vec<HeadForm>,
}

#[derive(Serialize)]
struct HistoryList {
    format_version: u64,
    history: Vec<HistoryForm>,
}

fn pretty(form: &impl Serialize) -> String {
    serde_json::to_string_pretty(form).expect("the forms have text keys and no foreign writer")
}
