//! What of a user can be selected, and how it looks.
//!
//! Source: Graph user resource, v1.0.

use jiff::Timestamp;

use crate::domain::ids::{GroupId, SkuId};
use crate::domain::names::UsageLocation;
use crate::domain::user::{ServicePlanSet, UserType};
use crate::sandbox::chance::Chance;
use crate::sandbox::http::filter::Filtered;
use crate::sandbox::http::json::{self, Object};
use crate::sandbox::http::reply::Failure;
use crate::sandbox::model::{Held, InheritanceError, OnPremises, SignIns, User};

/// A user as a read shows it: what was written lately may not be there yet.
pub(super) struct Seen<'a> {
    pub(super) user: &'a User,
    pub(super) licenses: &'a [Held],
    pub(super) location: Option<UsageLocation>,
    /// Whether only administrators of its unit may change it.
    pub(super) restricted: bool,
}

/// Writes one property of a user.
pub(super) type WriteUser = fn(&Seen<'_>, &mut Vec<u8>);
/// The properties of a request, in order, each with its writer.
pub(super) type Selection<W> = Vec<(&'static str, W)>;

/// What comes without `$select`.
///
/// Source: Graph user, default properties.
const USER_DEFAULTS: [&str; 11] = [
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
];

/// Returns the properties of users to send.
pub(super) fn users(select: Option<&[String]>) -> Result<Selection<WriteUser>, Failure> {
    selection(select, &USER_DEFAULTS, "user", user_property)
}

pub(super) fn selection<W>(
    select: Option<&[String]>,
    defaults: &[&'static str],
    kind: &str,
    property: fn(&str) -> Option<(&'static str, W)>,
) -> Result<Selection<W>, Failure> {
    let Some(names) = select else {
        return Ok(defaults.iter().filter_map(|name| property(name)).collect());
    };
    let mut chosen: Selection<W> = property("id").into_iter().collect();
    for name in names {
        let found = property(name).ok_or_else(|| no_property(name, kind))?;
        if chosen.iter().all(|(other, _)| *other != found.0) {
            chosen.push(found);
        }
    }
    Ok(chosen)
}

pub(super) fn no_property(name: &str, kind: &str) -> Failure {
    let message =
        format!("Could not find a property named '{name}' on type 'microsoft.graph.{kind}'.");
    Failure::new(400, "BadRequest", message)
}

/// Writes an object with the selected properties.
pub(super) fn write_user(object: &mut Object<'_>, seen: &Seen<'_>, chosen: &Selection<WriteUser>) {
    for (name, write) in chosen {
        write(seen, object.key(name));
    }
}

pub(super) fn null<T>(_: &T, out: &mut Vec<u8>) {
    json::optional(out, None);
}

fn synced(seen: &Seen<'_>, get: fn(&OnPremises) -> &str) -> Option<String> {
    seen.user.on_premises.as_ref().map(|there| get(there).to_owned())
}

pub(super) fn user_property(name: &str) -> Option<(&'static str, WriteUser)> {
    let write: (&'static str, WriteUser) = match name {
        "id" => ("id", |seen, out| json::plain(out, seen.user.id)),
        "accountEnabled" => ("accountEnabled", |seen, out| json::bare(out, seen.user.enabled)),
        "businessPhones" => ("businessPhones", |_, out| out.extend_from_slice(b"[]")),
        "createdDateTime" => {
            ("createdDateTime", |seen, out| json::plain(out, seen.user.created_at))
        }
        "onPremisesSyncEnabled" => ("onPremisesSyncEnabled", |seen, out| {
            json::optional_bare(out, seen.user.on_premises.as_ref().map(|_| true));
        }),
        "onPremisesExtensionAttributes" => ("onPremisesExtensionAttributes", extension_attributes),
        "assignedLicenses" => ("assignedLicenses", |seen, out| assigned(seen.licenses, out)),
        "licenseAssignmentStates" => {
            ("licenseAssignmentStates", |seen, out| states(seen.licenses, out))
        }
        "signInActivity" => ("signInActivity", sign_ins),
        "mobilePhone" => ("mobilePhone", |seen, out| null(seen, out)),
        "preferredLanguage" => ("preferredLanguage", |seen, out| null(seen, out)),
        "city" => ("city", |seen, out| null(seen, out)),
        "state" => ("state", |seen, out| null(seen, out)),
        "employeeHireDate" => ("employeeHireDate", |seen, out| null(seen, out)),
        "deletedDateTime" => ("deletedDateTime", |seen, out| null(seen, out)),
        // Source: Graph user, true for members of a restricted management administrative unit.
        "isManagementRestricted" => ("isManagementRestricted", |seen, out| {
            json::optional_bare(out, seen.restricted.then_some(true));
        }),
        _ => return user_text_property(name),
    };
    Some(write)
}

/// The properties that are a text or null, which filters can ask for too.
fn user_text_property(name: &str) -> Option<(&'static str, WriteUser)> {
    macro_rules! texts {
        ($($name:literal),* $(,)?) => {
            match name {
                $($name => Some(($name, |seen, out| {
                    json::optional(out, user_text(seen, $name).as_deref());
                })),)*
                _ => None,
            }
        };
    }
    texts!(
        "userPrincipalName",
        "displayName",
        "givenName",
        "surname",
        "mail",
        "mailNickname",
        "userType",
        "externalUserState",
        "usageLocation",
        "country",
        "department",
        "companyName",
        "jobTitle",
        "officeLocation",
        "employeeType",
        "employeeId",
        "onPremisesDistinguishedName",
        "onPremisesDomainName",
        "onPremisesSamAccountName",
        "onPremisesUserPrincipalName",
    )
}

fn user_text(seen: &Seen<'_>, name: &str) -> Option<String> {
    let user = seen.user;
    let profile = &user.profile;
    let owned = |text: &Option<Box<str>>| text.as_deref().map(ToOwned::to_owned);
    let kept = |text: &Option<std::sync::Arc<str>>| text.as_deref().map(ToOwned::to_owned);
    match name {
        "userPrincipalName" => Some(user.principal_name.to_string()),
        "displayName" => Some(user.display_name.to_string()),
        "givenName" => owned(&user.given_name),
        "surname" => owned(&user.surname),
        "mail" => owned(&user.mail),
        "mailNickname" => user.principal_name.split('@').next().map(ToOwned::to_owned),
        "userType" => user.user_type.map(|kind| user_type(kind).to_owned()),
        "externalUserState" => {
            (user.user_type == Some(UserType::Guest)).then(|| "Accepted".to_owned())
        }
        "usageLocation" => seen.location.map(|location| location.to_string()),
        "country" => kept(&profile.country),
        "department" => kept(&profile.department),
        "companyName" => kept(&profile.company),
        "jobTitle" => kept(&profile.job_title),
        "officeLocation" => kept(&profile.office),
        "employeeType" => kept(&profile.employee_type),
        "employeeId" => owned(&profile.employee_id),
        "onPremisesDistinguishedName" => synced(seen, |there| &there.distinguished_name),
        "onPremisesDomainName" => synced(seen, |there| &there.domain),
        "onPremisesSamAccountName" => synced(seen, |there| &there.account),
        "onPremisesUserPrincipalName" => {
            synced(seen, |_| "").map(|_| user.principal_name.to_string())
        }
        _ => None,
    }
}

fn user_type(kind: UserType) -> &'static str {
    match kind {
        UserType::Member => "Member",
        UserType::Guest => "Guest",
    }
}

fn extension_attributes(seen: &Seen<'_>, out: &mut Vec<u8>) {
    let mut object = Object::begin(out);
    for number in 1..=15 {
        let found = seen.user.profile.extensions.iter().find(|(of, _)| *of == number);
        let value = found.map(|(_, value)| &**value);
        json::optional(object.key(&format!("extensionAttribute{number}")), value);
    }
    object.end();
}

/// Source: Graph signInActivity; the object is absent where no sign-in is on record, which a client
/// reads as it reads null.
fn sign_ins(seen: &Seen<'_>, out: &mut Vec<u8>) {
    let Some(SignIns { attempted, silent, successful }) = seen.user.sign_ins else {
        return json::optional(out, None);
    };
    let mut object = Object::begin(out);
    for (kind, at) in [("", attempted), ("NonInteractive", silent), ("Successful", successful)] {
        let (id, at) = match at {
            None => (String::new(), None),
            Some(at) => {
                let of = format!("{kind} {}", seen.user.id);
                let id = Chance::new(0, &of, at.as_second().unsigned_abs()).guid();
                (id.to_string(), Some(at.to_string()))
            }
        };
        let id = at.as_ref().map(|_| id.as_str());
        json::optional(object.key(&format!("last{kind}SignInDateTime")), at.as_deref());
        json::optional(object.key(&format!("last{kind}SignInRequestId")), id);
    }
    object.end();
}

pub(super) fn plans(out: &mut Vec<u8>, plans: &ServicePlanSet) {
    json::list(out, plans.iter(), json::plain);
}

fn assigned(licenses: &[Held], out: &mut Vec<u8>) {
    json::list(out, licenses.iter().filter(|held| held.is_active()), |out, held| {
        let mut object = Object::begin(out);
        plans(object.key("disabledPlans"), &held.disabled().into_iter().collect());
        json::plain(object.key("skuId"), held.sku);
        object.end();
    });
}

fn states(licenses: &[Held], out: &mut Vec<u8>) {
    let states = licenses.iter().flat_map(sources);
    json::list(out, states, |out, state| {
        let State { sku, group, disabled, word, error, since } = state;
        let mut object = Object::begin(out);
        json::plain(object.key("skuId"), sku);
        plans(object.key("disabledPlans"), disabled);
        let group = group.map(|group| group.to_string());
        json::optional(object.key("assignedByGroup"), group.as_deref());
        json::text(object.key("state"), word);
        json::text(object.key("error"), error.map_or("None", InheritanceError::as_str));
        json::plain(object.key("lastUpdatedDateTime"), since);
        object.end();
    });
}

/// One source of a license.
///
/// Source: Graph licenseAssignmentState.
struct State<'a> {
    sku: SkuId,
    /// None when direct.
    group: Option<GroupId>,
    disabled: &'a ServicePlanSet,
    word: &'static str,
    error: Option<InheritanceError>,
    since: Timestamp,
}

fn sources(held: &Held) -> impl Iterator<Item = State<'_>> {
    let sku = held.sku;
    let direct = held.direct.iter().map(move |source| State {
        sku,
        group: None,
        disabled: &source.disabled,
        word: "Active",
        error: None,
        since: source.since,
    });
    let inherited = held.inherited.iter().map(move |source| {
        let (word, error) = match (source.error, source.lingers) {
            (Some(error), _) => ("Error", Some(error)),
            (None, true) => ("ActiveWithError", Some(InheritanceError::DependencyViolation)),
            (None, false) => ("Active", None),
        };
        let (group, disabled, since) = (Some(source.group), &source.disabled, source.since);
        State { sku, group, disabled, word, error, since }
    });
    direct.chain(inherited)
}

/// Returns the properties that filters on users may name.
pub(super) fn user_filters(advanced: bool) -> Vec<&'static str> {
    let more = if advanced { &USER_ADVANCED_FILTERS[..] } else { &[] };
    [&USER_FILTERS, more].concat()
}

/// The properties that a plain filter on users may name.
///
/// Source: Graph, properties of user that support `$filter`.
const USER_FILTERS: [&str; 17] = [
    "id",
    "userPrincipalName",
    "displayName",
    "givenName",
    "surname",
    "jobTitle",
    "mail",
    "accountEnabled",
    "userType",
    "usageLocation",
    "country",
    "department",
    "officeLocation",
    "employeeId",
    "onPremisesSyncEnabled",
    "createdDateTime",
    "assignedLicenses",
];

/// What users can be filtered by in advanced queries alone.
const USER_ADVANCED_FILTERS: [&str; 3] =
    ["companyName", "employeeType", "onPremisesSamAccountName"];

/// Refuses a filter over what users cannot be filtered by.
pub(super) fn check_user_filter(names: &[&str], advanced: bool) -> Result<(), Failure> {
    check_filter(names, &user_filters(advanced), "User")
}

pub(super) fn check_filter(names: &[&str], allowed: &[&str], kind: &str) -> Result<(), Failure> {
    match names.iter().find(|name| !allowed.contains(name)) {
        None => Ok(()),
        Some(name) => Err(Failure::unsupported(format!(
            "Unsupported or invalid query filter clause specified for property '{name}' of \
             resource '{kind}'."
        ))),
    }
}

impl Filtered for Seen<'_> {
    fn property(&self, name: &str) -> Option<String> {
        match name {
            "id" => Some(self.user.id.to_string()),
            "accountEnabled" => Some(self.user.enabled.to_string()),
            "onPremisesSyncEnabled" => synced(self, |_| "true"),
            "createdDateTime" => Some(self.user.created_at.to_string()),
            _ => user_text(self, name),
        }
    }

    fn skus(&self) -> Vec<String> {
        let held = self.licenses.iter().filter(|held| held.is_active());
        held.map(|held| held.sku.to_string()).collect()
    }
}
