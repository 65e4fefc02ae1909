//! What a selector says about one user, node by node: the same columns, read for one user, with what
//! was found about the user and why something cannot be told.

use std::sync::Arc;

use super::{Columns, Test, Tree};
use crate::domain::group::Membership;
use crate::domain::known::{Known, Truth};
use crate::domain::sign_in::Extent;
use crate::domain::snapshot::Snapshot;
use crate::domain::user::{User, UserType};

/// What a tree says about one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// Whether it holds.
    pub(crate) truth: Truth,
    /// The test in words; empty where it joins parts.
    pub(crate) label: Arc<str>,
    /// What the user has of that which is asked about, where the truth alone does not say it.
    pub(crate) found: Option<String>,
    /// Why it cannot be told, where a test cannot.
    pub(crate) doubt: Option<String>,
    /// What it joins.
    pub(crate) parts: Vec<Told>,
}

impl Columns {
    /// Asks a tree about one user, node by node.
    pub(crate) fn tell(&self, tree: &Tree, user: usize, snapshot: &Snapshot) -> Told {
        let truth = self.truth(tree, user);
        match tree {
            Tree::All(parts) | Tree::Any(parts) | Tree::None(parts) => Told {
                truth,
                label: "".into(),
                found: None,
                doubt: None,
                parts: parts.iter().map(|part| self.tell(part, user, snapshot)).collect(),
            },
            Tree::Column(at) => {
                let test =
                    self.index.iter().find(|(_, column)| *column == at).map(|(test, _)| test);
                let of = &snapshot.users()[user];
                let doubted = test.filter(|_| truth == Truth::Unknown);
                Told {
                    truth,
                    label: self.all[*at].label.clone(),
                    found: test.and_then(|test| test.found(of)),
                    doubt: doubted.and_then(|test| test.doubt(snapshot)),
                    parts: Vec::new(),
                }
            }
        }
    }
}

impl Test {
    /// Returns what a user has of that which is asked about.
    fn found(&self, user: &User) -> Option<String> {
        let none = || "none".to_owned();
        match self {
            Self::Attribute(attribute, _) => match user.attribute(*attribute) {
                Known::Known(value) => Some(value.map_or_else(none, str::to_owned)),
                Known::Unknown => None,
            },
            Self::Ou { ou: _, scope: _ } => user
                .distinguished_name
                .value()
                .map(|name| name.as_ref().map_or_else(none, ToString::to_string)),
            Self::Domain(_) => Some(user.domain().map_or_else(none, str::to_owned)),
            Self::AdDomain(_) => {
                user.ad_domain.value().map(|of| of.as_ref().map_or_else(none, ToString::to_string))
            }
            Self::SignedInBy(_) => user
                .last_sign_in
                .value()
                .map(|at| format!("signed in {}", at.strftime("%Y-%m-%d %H:%M UTC"))),
            Self::Members | Self::UserType(_) => user.user_type.value().map(|kind| {
                match kind {
                    UserType::Member => "member",
                    UserType::Guest => "guest",
                }
                .to_owned()
            }),
            Self::Everyone
            | Self::Enabled(_)
            | Self::Synced(_)
            | Self::Has(_)
            | Self::Group { group: _, nested: _ }
            | Self::Users(_, _) => None,
        }
    }

    /// Says why it could not be decided.
    fn doubt(&self, snapshot: &Snapshot) -> Option<String> {
        let not_sent = |what: &str| Some(format!("Graph did not send {what}"));
        match self {
            Self::Everyone | Self::Domain(_) | Self::Users(_, _) => None,
            Self::Members | Self::UserType(_) => not_sent("whether the user is a guest"),
            Self::Enabled(_) => not_sent("whether the account is enabled"),
            Self::Synced(_) => not_sent("whether the account comes from on-premises"),
            Self::Has(_) => not_sent("the user's licenses"),
            Self::Attribute(attribute, _) => not_sent(&format!("the user's `{}`", attribute.key())),
            Self::Ou { ou: _, scope: _ } => not_sent("where the user lies on-premises"),
            Self::AdDomain(_) => not_sent("the user's on-premises domain"),
            Self::Group { group, nested } => {
                let membership = snapshot.group(*group).map(|group| &group.membership);
                Some(match membership {
                    Some(Membership::Read { nested: _, direct: None }) if !nested => {
                        "the direct members were not read".to_owned()
                    }
                    Some(Membership::Read { nested: _, direct: _ }) => {
                        "not all members could be read: the membership may be hidden".to_owned()
                    }
                    Some(Membership::NotRead) | None => "the members were not read".to_owned(),
                })
            }
            Self::SignedInBy(_) => Some(match &snapshot.sign_ins().extent {
                Extent::NotRead => "sign-ins were not read".to_owned(),
                Extent::Partial { users: _, stopped: _ } => {
                    "the first read of sign-ins has not come to the user".to_owned()
                }
                Extent::Whole => "no sign-in is on record, which proves nothing".to_owned(),
                Extent::Unavailable { reason } => format!("sign-ins cannot be read: {reason}"),
            }),
        }
    }
}
