//! A change that a person asks for once: which SKUs, for whom.
//!
//! Written with names, resolved to ids against the tenant when the plan is made; from then on the
//! request says itself whom it is about, and can be planned again.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::dn::DistinguishedName;
use crate::domain::ids::{SkuId, UserId};
use crate::domain::known::Truth;
use crate::domain::names::{Place, TenantName, UsageLocation};
use crate::domain::snapshot::Snapshot;
use crate::domain::span::Span;
use crate::domain::user::User;
use crate::plan::bind::{Bound, Part, Problem, Takes, Terms, Which, bind};
use crate::plan::origin::{RequestError, made_up};
use crate::plan::words::count;
use crate::plan::{SkuRef, Warning};
use crate::policy::settings::Settings;
use crate::policy::{
    Action, License, LocationRule, OnLeave, OuScope, Policy, PolicySet, Removal, Removals,
    Replaces, Selector, ServicePlanRule, Test, Written,
};

/// What the plans that come of it name as the reason.
const NAME: &str = "bulk";
/// So many users are named in the words of a selection.
const NAMED_MAX: usize = 3;

/// What is done, to SKUs as written or as found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<S> {
    /// Gives these.
    Add {
        /// What; at least one.
        skus: Vec<S>,
    },
    /// Gives these in exchange for others.
    Replace {
        /// What; at least one.
        skus: Vec<S>,
        /// For what.
        replaces: Skus<S>,
    },
    /// Takes these away.
    Remove {
        /// What.
        skus: Skus<S>,
    },
}

/// Which SKUs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Skus<S> {
    /// All that are assigned directly.
    All,
    /// These.
    Listed(Vec<S>),
}

/// For whom, as a person writes it.
#[derive(Clone, Debug, PartialEq)]
pub enum Selection {
    /// These users, by principal name or id. Each has to be there.
    Users(Vec<Arc<str>>),
    /// The users of a file, by principal name or id. Rows that fit nobody are told.
    Csv {
        /// What the file is called.
        file: Arc<str>,
        /// Its rows, each with its line from 1.
        rows: Vec<(u32, Arc<str>)>,
    },
    /// The members of a group, nested groups included, by display name or id.
    Group(Arc<str>),
    /// The users in an on-premises OU, the subtree.
    Ou(DistinguishedName),
    /// The users whose principal name ends in this domain.
    Domain(Arc<str>),
    /// The users whose principal or display name contains this, ignoring case.
    Search(Arc<str>),
}

/// A change as a person writes it.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkOrder {
    /// What is done.
    pub change: Change<Arc<str>>,
    /// The usage location that the users get.
    pub usage_location: Option<UsageLocation>,
    /// For whom.
    pub selection: Selection,
}

/// A change for these users, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkRequest {
    /// What is done.
    pub change: Change<SkuRef>,
    /// The usage location that the users get.
    pub usage_location: Option<UsageLocation>,
    /// How the users were selected, in words.
    pub selection: Arc<str>,
    /// The users, in the order of their ids.
    pub users: Vec<UserId>,
}

/// A request and what is to be told about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bulk {
    /// The request.
    pub request: BulkRequest,
    /// What a reviewer should know, such as a row that fits nobody.
    pub warnings: Vec<Warning>,
}

impl<S> Change<S> {
    /// Returns the word for it, as on the command line.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Add { skus: _ } => "add",
            Self::Replace { skus: _, replaces: _ } => "replace",
            Self::Remove { skus: _ } => "remove",
        }
    }

    fn action(&self, name: impl Fn(&S) -> Arc<str> + Copy) -> Action {
        let sku = |sku: &S| Written { value: name(sku), place: nowhere() };
        let licenses = |skus: &[S]| -> Vec<License> {
            let license =
                |one: &S| License { sku: sku(one), service_plans: ServicePlanRule::Unsaid };
            skus.iter().map(license).collect()
        };
        match self {
            Self::Add { skus } => Action::Add { licenses: licenses(skus) },
            Self::Replace { skus, replaces } => Action::Replace {
                licenses: licenses(skus),
                replaces: match replaces {
                    Skus::All => Replaces::All,
                    Skus::Listed(listed) => Replaces::Listed(listed.iter().map(sku).collect()),
                },
            },
            Self::Remove { skus } => Action::Remove {
                removals: match skus {
                    Skus::All => Removals::All,
                    Skus::Listed(listed) => {
                        Removals::Listed(listed.iter().map(|one| Removal::Sku(sku(one))).collect())
                    }
                },
            },
        }
    }
}

impl BulkRequest {
    /// Whether a user is among those it is for.
    pub(crate) fn selects(&self, user: UserId) -> bool {
        self.users.binary_search(&user).is_ok()
    }

    /// Returns the policy that says what is asked for, of exactly these users.
    pub(crate) fn policy(&self) -> Policy {
        let action = self.change.action(|sku| sku.id.to_string().into());
        policy(NAME, action, self.usage_location, these(&self.users))
    }
}

impl BulkOrder {
    /// Finds the SKUs and the users in the tenant.
    ///
    /// # Errors
    ///
    /// Fails where it names what the tenant does not have, with what was probably meant, and where
    /// nobody is selected.
    pub fn resolve(
        &self,
        tenant: &TenantName,
        snapshot: &Snapshot,
        now: Timestamp,
    ) -> Result<Bulk, RequestError> {
        let selector = self.selection.selector(snapshot);
        let action = self.change.action(Arc::clone);
        let set = PolicySet {
            policies: vec![policy(NAME, action, self.usage_location, selector)],
            ..PolicySet::default()
        };
        let unfit = |problems| RequestError::Unfit { problems };
        let bound = bind(&set, &Settings::default(), tenant, snapshot, now).map_err(unfit)?;
        let mut problems: Vec<Problem> =
            bound.problems.iter().map(|(_, problem)| problem.clone()).collect();
        let mut warnings = bound.warnings.clone();
        if let Selection::Users(_) = self.selection {
            problems.extend(std::mem::take(&mut warnings).into_iter().map(problem));
        }
        let Some(terms) = taken(&bound).filter(|_| problems.is_empty()) else {
            return Err(unfit(problems));
        };
        let selection = self.selection.words();
        let matches = bound.columns.matches(&terms.tree);
        let all = snapshot.users().iter().enumerate();
        let selected = all.filter(|(at, _)| matches.of(*at) == Truth::True);
        let users: Vec<UserId> = selected.map(|(_, user)| user.id).collect();
        let undecided = matches.unknown().count();
        if undecided > 0 {
            let users = count(undecided, "user", "users");
            let message = format!("{selection}: cannot be told of {users}, who are left alone");
            warnings.push(Warning { at: "".into(), message });
        }
        if users.is_empty() {
            return Err(RequestError::Nobody { selection });
        }
        let change = self.change.found(terms, snapshot);
        let request = BulkRequest { change, usage_location: self.usage_location, selection, users };
        Ok(Bulk { request, warnings })
    }
}

fn taken<'b>(bound: &'b Bound<'_>) -> Option<&'b Terms> {
    match &bound.policies.first()?.part {
        Part::Taken(terms) => Some(terms),
        Part::Idle(_) | Part::Elsewhere | Part::Broken => None,
    }
}

fn problem(Warning { at: _, message }: Warning) -> Problem {
    let hint = Some("`seatkeeper users --search TEXT` finds users".to_owned());
    Problem { place: nowhere(), written: "".into(), message, hint }
}

impl Change<Arc<str>> {
    /// Returns the same with the SKUs as they were found.
    fn found(&self, terms: &Terms, snapshot: &Snapshot) -> Change<SkuRef> {
        let found = |id: &SkuId| {
            let sku = snapshot.catalogue().get(*id);
            let name = sku.map_or_else(|| id.to_string().into(), |sku| sku.part_number.clone());
            SkuRef { id: *id, name }
        };
        let given = || terms.grants.keys().map(found).collect();
        let taken = || match &terms.takes {
            Takes::Nothing => Skus::Listed(Vec::new()),
            Takes::Removes(Which::All) | Takes::Replaces(Which::All) => Skus::All,
            Takes::Removes(Which::Listed(skus)) | Takes::Replaces(Which::Listed(skus)) => {
                Skus::Listed(skus.iter().map(found).collect())
            }
        };
        match self {
            Self::Add { skus: _ } => Change::Add { skus: given() },
            Self::Replace { skus: _, replaces: _ } => {
                Change::Replace { skus: given(), replaces: taken() }
            }
            Self::Remove { skus: _ } => Change::Remove { skus: taken() },
        }
    }
}

impl Selection {
    /// Says in words who is selected.
    pub fn words(&self) -> Arc<str> {
        match self {
            Self::Users(users) if users.len() <= NAMED_MAX => {
                format!("user {}", users.join(", ")).into()
            }
            Self::Users(users) => format!("{} users by name", users.len()).into(),
            Self::Csv { file, rows } => {
                format!("{} of {file}", count(rows.len(), "row", "rows")).into()
            }
            Self::Group(group) => format!("group {group}").into(),
            Self::Ou(ou) => format!("OU {ou}").into(),
            Self::Domain(domain) => format!("domain {domain}").into(),
            Self::Search(text) => format!("search `{text}`").into(),
        }
    }

    /// Returns the group whose members have to be read for it.
    pub fn group(&self) -> Option<&Arc<str>> {
        match self {
            Self::Group(group) => Some(group),
            Self::Users(_)
            | Self::Csv { file: _, rows: _ }
            | Self::Ou(_)
            | Self::Domain(_)
            | Self::Search(_) => None,
        }
    }

    fn selector(&self, snapshot: &Snapshot) -> Selector {
        let named = |users: &[Arc<str>]| {
            let user = |user: &Arc<str>| Written { value: user.clone(), place: nowhere() };
            Test::User(users.iter().map(user).collect())
        };
        let value = match self {
            Self::Users(users) => named(users),
            Self::Csv { file, rows } => {
                let row = |(line, user): &(u32, Arc<str>)| Written {
                    value: user.clone(),
                    place: Place { file: file.clone(), line: *line, column: 1 },
                };
                Test::User(rows.iter().map(row).collect())
            }
            Self::Group(group) => Test::Group { group: group.clone(), nested: true },
            Self::Ou(ou) => Test::Ou { ou: ou.clone(), scope: OuScope::Subtree },
            Self::Domain(domain) => Test::Domain(domain.clone()),
            Self::Search(text) => {
                let text = text.to_lowercase();
                let found = snapshot.users().iter().filter(|user| is_named(user, &text));
                return these(&found.map(|user| user.id).collect::<Vec<_>>());
            }
        };
        Selector::Test(Written { value, place: nowhere() })
    }
}

/// Whether a user's principal or display name contains a text in lower case.
fn is_named(user: &User, text: &str) -> bool {
    let names = [Some(&user.principal_name), user.display_name.as_ref()];
    names.into_iter().flatten().any(|name| name.to_lowercase().contains(text))
}

/// Selects exactly these users.
pub(crate) fn these(users: &[UserId]) -> Selector {
    let user = |user: &UserId| Written { value: user.to_string().into(), place: nowhere() };
    let once: BTreeSet<&UserId> = users.iter().collect();
    let value = Test::User(once.into_iter().map(user).collect());
    Selector::Test(Written { value, place: nowhere() })
}

/// Makes a policy up that says what a person asks for once.
pub(crate) fn policy(
    name: &str,
    action: Action,
    location: Option<UsageLocation>,
    selector: Selector,
) -> Policy {
    Policy {
        name: made_up(name),
        place: nowhere(),
        description: None,
        owner: None,
        tenants: None,
        selector,
        // Whoever selects a guest means them.
        reaches_guests: true,
        action,
        usage_location: location.map(LocationRule::Set),
        priority: 0,
        on_leave: OnLeave::Keep,
        grace: Some(Span::ZERO),
        from: None,
        until: None,
        moved_from: None,
        retired: false,
    }
}

/// What a person asks for on the command line stands in no file.
fn nowhere() -> Place {
    Place { file: "command line".into(), line: 1, column: 1 }
}

#[cfg(test)]
mod tests;
