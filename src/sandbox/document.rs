//! A tenant as somebody describes it: names in place of ids, only what matters said.
//!
//! Mirrors this YAML, key by key; whoever reads the file fills the structs:
//!
//! ```yaml
//! seed: 1                         # ids follow from it; default 1
//! domains: [contoso.com]          # the first is the default one; default contoso.com
//! skus:
//!   - sku: SPE_E5                 # a part number that the emulator knows
//!     enabled: 100
//!     warning: 0                  # likewise suspended, locked_out; default 0
//!     not_in: [CN]                # where it must not be used; default nowhere
//!     status: Enabled             # default: Enabled, or Warning where only warning units are left
//! units:                          # administrative units
//!   - name: Germany
//!     hidden: false               # whether members are hidden
//!     restricted: false           # whether only administrators of the unit may change members
//! groups:
//!   - name: Engineering
//!     groups: [Platform Team]     # groups inside
//!     hidden: false               # whether members are hidden
//!     licenses: [SPE_E5]          # what the group carries; or {sku: SPE_E5, disable: [SWAY]}
//! users:
//!   - user_principal_name: ana@contoso.com
//!     display_name: Ana Berg      # default: the part before the @
//!     enabled: true               # default true
//!     guest: false                # default false
//!     usage_location: DE
//!     on_premises_dn: CN=Berg\, Ana,OU=Engineering,DC=corp,DC=contoso,DC=com
//!     ad_domain: corp.contoso.com # needed beside on_premises_dn
//!     department: Engineering     # likewise job_title, company, country, office, employee_type
//!     extension_attributes: {1: CC-2100}
//!     groups: [Engineering]
//!     units: [Germany]
//!     licenses: [SPE_E3]          # direct ones
//!     obstacles: [address_taken]  # another object has the mail address; or location_synced: the
//!                                 # usage location is kept on premises
//!     last_sign_in: 2026-08-14T07:30:00Z          # none on record where nothing is said
//!     last_silent_sign_in: 2026-08-15T03:10:00Z   # by an app on the user's behalf
//! ```
//!
//! Pure: reads no file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::ids::{GroupId, UserId};
use crate::domain::names::UsageLocation;
use crate::domain::products::{Product, Products};
use crate::domain::sku::{Sku, SkuStatus, Units};
use crate::domain::user::{ServicePlanSet, UserType};
use crate::sandbox::chance::Chance;
use crate::sandbox::company::TENANT_ID;
use crate::sandbox::model::{
    About, Direct, Group, GroupKind, Held, Member, OnPremises, Parts, Profile, SignIns, Tenant,
    User,
};

mod obstacles;
mod shape;

pub use self::shape::{
    GroupDocument, LicenseDocument, ObstacleDocument, SkuDocument, TenantDocument, UnitDocument,
    UserDocument,
};

/// What is wrong with a description.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {message}")]
pub struct Problem {
    /// Where, such as `users[3].licenses[0]`.
    pub at: String,
    /// What.
    pub message: String,
}

impl Tenant {
    /// Makes a tenant from a description.
    ///
    /// # Errors
    ///
    /// Returns everything that is wrong with it, at once.
    pub fn from_document(document: &TenantDocument) -> Result<Self, Vec<Problem>> {
        let mut reader = Reader {
            seed: document.seed.unwrap_or(1),
            products: Products::published(),
            groups: BTreeMap::new(),
            owned: document.skus.iter().map(|sku| sku.sku.clone()).collect(),
            problems: Vec::new(),
        };
        reader.name_groups(&document.groups);
        let skus = reader.skus(&document.skus);
        let mut groups = reader.groups(&document.groups);
        let users = reader.users(&document.users, &mut groups);
        let obstacles = reader.obstacles(document, &users);
        if !reader.problems.is_empty() {
            return Err(reader.problems);
        }
        let parts = Parts { about: about(document), skus, groups, users, at: start() };
        Self::build(parts)
            .map(|tenant| tenant.with_obstacles(obstacles, start()))
            .map_err(|error| vec![Problem { at: "users".to_owned(), message: error.to_string() }])
    }
}

fn start() -> Timestamp {
    "2026-09-14T08:21:07Z".parse().expect("the instant is written in RFC 3339")
}

fn about(document: &TenantDocument) -> About {
    let mut domains: Vec<_> = document.domains.iter().map(|name| name.as_str().into()).collect();
    if domains.is_empty() {
        domains.push("contoso.com".into());
    }
    domains.push("contoso.onmicrosoft.com".into());
    About {
        id: TENANT_ID,
        display_name: "Sandbox".into(),
        domains,
        country: "DE".parse().expect("DE is two letters"),
    }
}

/// Reads a description and keeps what is wrong with it.
struct Reader {
    seed: u64,
    products: Products,
    groups: BTreeMap<String, Vec<GroupId>>,
    owned: BTreeSet<String>,
    problems: Vec<Problem>,
}

impl Reader {
    fn problem(&mut self, at: &str, message: String) {
        self.problems.push(Problem { at: at.to_owned(), message });
    }

    fn name_groups(&mut self, groups: &[GroupDocument]) {
        for (index, group) in groups.iter().enumerate() {
            let id = GroupId::from_uuid(Chance::new(self.seed, "group", index as u64).guid());
            self.groups.entry(group.name.clone()).or_default().push(id);
        }
    }

    fn product(&mut self, at: &str, name: &str) -> Option<Product> {
        let product = self.products.named(name).cloned();
        if product.is_none() {
            let known: Vec<_> = self.products.part_numbers().collect();
            let message =
                format!("the emulator does not know SKU `{name}`; it knows {}", known.join(", "));
            self.problem(at, message);
        }
        product
    }

    fn skus(&mut self, skus: &[SkuDocument]) -> Vec<Sku> {
        let mut made = Vec::new();
        let mut seen = BTreeSet::new();
        for (index, document) in skus.iter().enumerate() {
            let at = format!("skus[{index}]");
            if !seen.insert(&document.sku) {
                self.problem(&at, format!("SKU `{}` is there twice", document.sku));
            }
            let Some(product) = self.product(&at, &document.sku) else { continue };
            let status = self.status(&at, document);
            made.push(Sku {
                id: product.id,
                part_number: product.part_number,
                applies_to: product.applies_to,
                status,
                units: Units {
                    enabled: document.enabled,
                    warning: document.warning,
                    suspended: document.suspended,
                    locked_out: document.locked_out,
                },
                consumed: 0,
                service_plans: product.service_plans,
            });
        }
        made
    }

    fn status(&mut self, at: &str, document: &SkuDocument) -> SkuStatus {
        match document.status.as_deref() {
            None if document.enabled == 0 && document.warning > 0 => SkuStatus::Warning,
            None | Some("Enabled") => SkuStatus::Enabled,
            Some("Warning") => SkuStatus::Warning,
            Some("Suspended") => SkuStatus::Suspended,
            Some("Deleted") => SkuStatus::Deleted,
            Some("LockedOut") => SkuStatus::LockedOut,
            Some(other) => {
                self.problem(at, format!("`{other}` is no state of a SKU"));
                SkuStatus::Enabled
            }
        }
    }

    fn license(
        &mut self,
        at: &str,
        license: &LicenseDocument,
    ) -> Option<(Product, ServicePlanSet)> {
        let (name, disable) = match license {
            LicenseDocument::Sku(sku) => (sku, &[][..]),
            LicenseDocument::Customised { sku, disable } => (sku, disable.as_slice()),
        };
        let product = self.product(at, name)?;
        if !self.owned.contains(name) {
            self.problem(at, format!("SKU `{name}` is not among the tenant's `skus`"));
        }
        let mut off = Vec::new();
        for plan in disable {
            match product.service_plans.iter().find(|other| *other.name == **plan) {
                Some(found) => off.push(found.id),
                None => self.problem(at, format!("`{name}` has no service plan `{plan}`")),
            }
        }
        Some((product, off.into_iter().collect()))
    }

    fn ids(&mut self, at: &str, name: &str) -> Vec<GroupId> {
        if let Some(ids) = self.groups.get(name) {
            return ids.clone();
        }
        self.problem(at, format!("there is no group `{name}`"));
        Vec::new()
    }

    fn groups(&mut self, groups: &[GroupDocument]) -> Vec<Group> {
        let mut made = Vec::new();
        for (index, document) in groups.iter().enumerate() {
            let at = format!("groups[{index}]");
            let inside: Vec<_> =
                document.groups.iter().flat_map(|name| self.ids(&at, name)).collect();
            let mut licenses = Vec::new();
            for (place, license) in document.licenses.iter().enumerate() {
                let carried = self.license(&format!("{at}.licenses[{place}]"), license);
                licenses.extend(carried.map(|(product, off)| (product.id, off)));
            }
            made.push(Group {
                id: GroupId::from_uuid(Chance::new(self.seed, "group", index as u64).guid()),
                name: document.name.as_str().into(),
                description: None,
                kind: GroupKind::Security,
                hidden: document.hidden,
                synced: false,
                created_at: start(),
                licenses,
                members: inside.into_iter().map(Member::Group).collect(),
            });
        }
        made
    }

    fn users(&mut self, users: &[UserDocument], groups: &mut [Group]) -> Vec<User> {
        let mut made = Vec::new();
        for (index, document) in users.iter().enumerate() {
            let at = format!("users[{index}]");
            let user = self.user(&at, document);
            for name in &document.groups {
                let ids = self.ids(&at, name);
                for group in groups.iter_mut().filter(|group| ids.contains(&group.id)) {
                    group.members.push(Member::User(user.id));
                }
            }
            made.push(user);
        }
        made
    }

    fn user(&mut self, at: &str, document: &UserDocument) -> User {
        let name = &document.user_principal_name;
        if !name.contains('@') {
            self.problem(at, format!("`{name}` is not a user principal name: no @ in it"));
        }
        let local = name.split('@').next().unwrap_or(name);
        let derived = Chance::new(self.seed, &name.to_lowercase(), 0).guid();
        let id = match document.id.as_deref().map(str::parse) {
            None => UserId::from_uuid(derived),
            Some(Ok(id)) => id,
            Some(Err(error)) => {
                self.problem(at, format!("{error}"));
                UserId::from_uuid(derived)
            }
        };
        let licenses = self.held(at, document);
        User {
            id,
            principal_name: name.as_str().into(),
            display_name: document.display_name.as_deref().unwrap_or(local).into(),
            given_name: None,
            surname: None,
            mail: (!licenses.is_empty()).then(|| name.as_str().into()),
            enabled: document.enabled,
            user_type: Some(if document.guest { UserType::Guest } else { UserType::Member }),
            usage_location: self.location(at, document),
            profile: self.profile(at, document),
            on_premises: self.on_premises(at, document, local),
            created_at: start(),
            sign_ins: self.sign_ins(at, document),
            licenses,
        }
    }

    fn sign_ins(&mut self, at: &str, document: &UserDocument) -> Option<SignIns> {
        let attempted = self.instant(at, document.last_sign_in.as_deref());
        let silent = self.instant(at, document.last_silent_sign_in.as_deref());
        let any = attempted.is_some() || silent.is_some();
        any.then(|| SignIns { attempted, silent, successful: attempted.max(silent) })
    }

    fn instant(&mut self, at: &str, text: Option<&str>) -> Option<Timestamp> {
        match text?.parse() {
            Ok(instant) => Some(instant),
            Err(error) => {
                self.problem(at, format!("`{}` is no instant: {error}", text.unwrap_or_default()));
                None
            }
        }
    }

    fn held(&mut self, at: &str, document: &UserDocument) -> Vec<Held> {
        let mut licenses: Vec<Held> = Vec::new();
        for (place, license) in document.licenses.iter().enumerate() {
            let at = format!("{at}.licenses[{place}]");
            let Some((product, disabled)) = self.license(&at, license) else { continue };
            if licenses.iter().any(|held| held.sku == product.id) {
                self.problem(&at, format!("SKU `{}` is there twice", product.part_number));
            }
            let direct = Some(Direct { disabled, since: start() });
            licenses.push(Held { sku: product.id, direct, inherited: Vec::new() });
        }
        licenses
    }

    fn location(&mut self, at: &str, document: &UserDocument) -> Option<UsageLocation> {
        match document.usage_location.as_deref()?.parse() {
            Ok(location) => Some(location),
            Err(error) => {
                self.problem(at, format!("{error}"));
                None
            }
        }
    }

    fn profile(&mut self, at: &str, document: &UserDocument) -> Profile {
        let text = |text: &Option<String>| text.as_deref().map(Arc::from);
        if let Some(number) = document.extension_attributes.keys().find(|n| !(1..=15).contains(*n))
        {
            self.problem(at, format!("extension attributes go from 1 to 15, there is no {number}"));
        }
        let numbered = document.extension_attributes.iter();
        Profile {
            department: text(&document.department),
            job_title: text(&document.job_title),
            company: text(&document.company),
            country: text(&document.country),
            office: text(&document.office),
            employee_type: text(&document.employee_type),
            employee_id: None,
            extensions: numbered.map(|(number, text)| (*number, text.as_str().into())).collect(),
        }
    }

    fn on_premises(
        &mut self,
        at: &str,
        document: &UserDocument,
        local: &str,
    ) -> Option<OnPremises> {
        match (&document.on_premises_dn, &document.ad_domain) {
            (None, None) => None,
            (Some(name), Some(domain)) => Some(OnPremises {
                distinguished_name: name.as_str().into(),
                domain: domain.as_str().into(),
                account: local.into(),
            }),
            (Some(_), None) | (None, Some(_)) => {
                self.problem(at, "`on_premises_dn` and `ad_domain` go together".to_owned());
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
