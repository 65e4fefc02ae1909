//! What the directory's audit log tells of licenses.
//!
//! Source: Graph directoryAudit; Entra, license activities in the audit logs.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::domain::ids::{GroupId, UserId};
use crate::sandbox::chance::Chance;
use crate::sandbox::http::filter::{Filter, Filtered};
use crate::sandbox::http::json::{self, Object};
use crate::sandbox::http::paging::{self, About, Page};
use crate::sandbox::http::properties::check_filter;
use crate::sandbox::http::reply::{Failure, Reply};
use crate::sandbox::http::world::{Call, World};

/// Entries that are kept: of the oldest nobody asks.
const ENTRIES_MAX: usize = 100_000;
const FILTERS: [&str; 5] =
    ["activityDateTime", "activityDisplayName", "category", "correlationId", "result"];

/// Who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Actor {
    /// The app that called.
    App,
    /// The service that gives what groups carry.
    GroupLicensing,
}

#[derive(Clone, Copy, Debug)]
enum Target {
    User(UserId),
    Group(GroupId),
}

#[derive(Clone, Debug)]
struct Entry {
    number: u64,
    at: Timestamp,
    actor: Actor,
    activity: &'static str,
    target: Target,
    /// Why it failed, where it did.
    refusal: Option<String>,
}

/// The latest entries, oldest first.
#[derive(Debug, Default)]
pub(super) struct Audit {
    entries: VecDeque<Entry>,
    number: u64,
}

impl Audit {
    /// Notes a change of a user's licenses.
    pub(super) fn user(
        &mut self,
        at: Timestamp,
        actor: Actor,
        user: UserId,
        refusal: Option<String>,
    ) {
        self.push(at, actor, "Change user license", Target::User(user), refusal);
    }

    /// Notes something about a group's licenses.
    pub(super) fn group(
        &mut self,
        at: Timestamp,
        actor: Actor,
        activity: &'static str,
        group: GroupId,
        refusal: Option<String>,
    ) {
        self.push(at, actor, activity, Target::Group(group), refusal);
    }

    fn push(
        &mut self,
        at: Timestamp,
        actor: Actor,
        activity: &'static str,
        target: Target,
        refusal: Option<String>,
    ) {
        if self.entries.len() == ENTRIES_MAX {
            self.entries.pop_front();
        }
        self.number += 1;
        let number = self.number;
        self.entries.push_back(Entry { number, at, actor, activity, target, refusal });
    }
}

impl Entry {
    fn category(&self) -> &'static str {
        match self.target {
            Target::User(_) => "UserManagement",
            Target::Group(_) => "GroupManagement",
        }
    }

    fn result(&self) -> &'static str {
        if self.refusal.is_some() { "failure" } else { "success" }
    }

    fn correlation(&self) -> uuid::Uuid {
        Chance::new(0, "audit", self.number).guid()
    }
}

impl Filtered for Entry {
    fn property(&self, name: &str) -> Option<String> {
        match name {
            "activityDateTime" => Some(self.at.to_string()),
            "activityDisplayName" => Some(self.activity.to_owned()),
            "category" => Some(self.category().to_owned()),
            "correlationId" => Some(self.correlation().to_string()),
            "result" => Some(self.result().to_owned()),
            _ => None,
        }
    }

    fn skus(&self) -> Vec<String> {
        Vec::new()
    }
}

/// `GET /auditLogs/directoryAudits`: the latest first.
pub(super) fn entries(world: &World, call: &Call) -> Result<Reply, Failure> {
    let query = call.options();
    let filter = match query.get("$filter") {
        Some(text) => Some(Filter::parse(text, world.rules(call))?),
        None => None,
    };
    if let Some(filter) = &filter {
        check_filter(&filter.properties(), &FILTERS, "DirectoryAudit")?;
    }
    let page = Page::asked(call, &query)?;
    let fits = |entry: &&Entry| filter.as_ref().is_none_or(|filter| filter.fits(*entry));
    let mut rest = world.audit.entries.iter().rev().filter(fits).skip(page.start);
    let shown: Vec<&Entry> = rest.by_ref().take(page.size).collect();
    let next = rest.next().map(|_| page.start + shown.len());
    let context = paging::context("auditLogs/directoryAudits", &query);
    let about = About { context, count: None, next };
    Ok(paging::reply(call, &about, |out| {
        json::list(out, shown, |out, entry| write(world, entry, out));
    }))
}

fn write(world: &World, entry: &Entry, out: &mut Vec<u8>) {
    let mut object = Object::begin(out);
    let correlation = entry.correlation();
    json::text(object.key("id"), &format!("Directory_{correlation}_{}", entry.number));
    json::text(object.key("category"), entry.category());
    json::plain(object.key("correlationId"), correlation);
    json::text(object.key("result"), entry.result());
    json::text(object.key("resultReason"), entry.refusal.as_deref().unwrap_or_default());
    json::text(object.key("activityDisplayName"), entry.activity);
    json::plain(object.key("activityDateTime"), entry.at);
    json::text(object.key("loggedByService"), "Core Directory");
    json::text(object.key("operationType"), "Update");
    let mut initiated = Object::begin(object.key("initiatedBy"));
    json::optional(initiated.key("user"), None);
    let (id, name) = match entry.actor {
        Actor::App => (Some(world.client_id.as_str()), "Sandbox app"),
        Actor::GroupLicensing => (None, "Microsoft Entra ID Group-Based Licensing"),
    };
    let mut app = Object::begin(initiated.key("app"));
    json::optional(app.key("appId"), id);
    json::text(app.key("displayName"), name);
    json::optional(app.key("servicePrincipalId"), None);
    json::optional(app.key("servicePrincipalName"), None);
    app.end();
    initiated.end();
    json::list(object.key("targetResources"), [entry.target], |out, target| {
        write_target(world, target, out);
    });
    object.key("additionalDetails").extend_from_slice(b"[]");
    object.end();
}

fn write_target(world: &World, target: Target, out: &mut Vec<u8>) {
    let mut object = Object::begin(out);
    match target {
        Target::User(id) => {
            let name = world.tenant.place_of(id).map(|place| &world.tenant.users()[place]);
            json::plain(object.key("id"), id);
            json::optional(object.key("displayName"), None);
            json::text(object.key("type"), "User");
            json::optional(object.key("userPrincipalName"), name.map(|user| &*user.principal_name));
        }
        Target::Group(id) => {
            let group = world.tenant.group(id);
            json::plain(object.key("id"), id);
            json::optional(object.key("displayName"), group.map(|group| &*group.name));
            json::text(object.key("type"), "Group");
            json::optional(object.key("userPrincipalName"), None);
        }
    }
    json::optional(object.key("groupType"), None);
    object.key("modifiedProperties").extend_from_slice(b"[]");
    object.end();
}
