//! In which domain each user's principal name is, so that asking it of everybody reads no names.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::user::User;

/// The domains of a list of users.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailDomains {
    /// The domains as they are written, each once.
    names: Vec<Arc<str>>,
    /// For each user the place of the domain in that list; past its end where there is none.
    of: Vec<u32>,
}

impl MailDomains {
    /// Reads the principal names of users.
    pub fn of(users: &[User]) -> Self {
        let mut places: BTreeMap<&str, u32> = BTreeMap::new();
        let mut names: Vec<Arc<str>> = Vec::new();
        let mut place = |domain| {
            *places.entry(domain).or_insert_with(|| {
                names.push(domain.into());
                u32::try_from(names.len() - 1).expect("there are no more domains than users")
            })
        };
        let of = users.iter().map(|user| user.domain().map_or(u32::MAX, &mut place)).collect();
        Self { names, of }
    }

    /// Returns the positions of the users in a domain; case does not matter, and sub-domains are
    /// others.
    pub fn users_in(&self, domain: &str) -> impl Iterator<Item = usize> {
        let same: Vec<bool> =
            self.names.iter().map(|name| name.eq_ignore_ascii_case(domain)).collect();
        let is_in = move |place: &u32| same.get(*place as usize).copied().unwrap_or_default();
        self.of.iter().enumerate().filter(move |(_, place)| is_in(place)).map(|(at, _)| at)
    }
}
