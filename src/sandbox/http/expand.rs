//! `$expand`: the nearest relations of an object, within it.
//!
//! Source: Graph, query parameters: one property, one level, 20 objects at most and no link to more,
//! not in advanced queries.

use crate::sandbox::http::json::{self, Object};
use crate::sandbox::http::objects::{Cast, Chosen};
use crate::sandbox::http::query::Query;
use crate::sandbox::http::reply::Failure;
use crate::sandbox::http::world::{Call, Caller, World};
use crate::sandbox::model::Member;
use crate::sandbox::roles::Role;

const OBJECTS_MAX: usize = 20;

/// A relation that is to be shown.
pub(super) struct Expand {
    property: String,
    chosen: Chosen,
    sees_hidden: bool,
}

impl Expand {
    /// Reads `$expand`, where it is there: `members` or `members($select=id)`.
    pub(super) fn asked(
        query: &Query,
        advanced: bool,
        allowed: &[&str],
        caller: &Caller,
    ) -> Result<Option<Self>, Failure> {
        let Some(text) = query.get("$expand") else { return Ok(None) };
        let unsupported =
            |what: &str| Failure::unsupported(format!("The query option '$expand' {what}."));
        if advanced {
            return Err(unsupported("is not supported in an advanced query"));
        }
        let (property, options) = match text.split_once('(') {
            Some((property, rest)) => (property.trim(), rest.strip_suffix(')')),
            None => (text.trim(), Some("")),
        };
        if property.contains([',', '/']) {
            return Err(unsupported("takes one property of one level"));
        }
        if !allowed.contains(&property) {
            return Err(unsupported(&format!("is not supported for '{property}'")));
        }
        let options = options.ok_or_else(|| unsupported("is not closed"))?;
        let select = match options.split_once('=') {
            None if options.is_empty() => None,
            Some(("$select", names)) => {
                Some(names.split(',').map(|name| name.trim().to_owned()).collect())
            }
            Some(_) | None => return Err(unsupported("takes no option but '$select' inside")),
        };
        let chosen = Chosen::selected(select, Cast::None, caller)?;
        let sees_hidden = caller.contains(&Role::MemberReadHidden);
        Ok(Some(Self { property: property.to_owned(), chosen, sees_hidden }))
    }

    /// Writes the relation of an object.
    pub(super) fn write(&self, world: &World, call: &Call, of: Member, to: &mut Object<'_>) {
        let hidden = |id| world.tenant.group(id).is_some_and(|group| group.hidden);
        let related: Vec<Member> = match of {
            Member::User(_) => {
                let groups = world.tenant.groups_of(of, false).into_iter();
                let shown = groups.filter(|id| self.sees_hidden || !hidden(*id));
                shown.map(Member::Group).collect()
            }
            Member::Group(id) if !self.sees_hidden && hidden(id) => Vec::new(),
            Member::Group(id) => world.present_members(id).to_vec(),
        };
        json::list(to.key(&self.property), related.into_iter().take(OBJECTS_MAX), |out, member| {
            self.chosen.write(world, call, member, out);
        });
    }
}
