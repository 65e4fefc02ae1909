//! Plans as short text, a line for each thing they say.

use std::fmt::{self, Write as _};

use super::World;
use crate::domain::known::Known;
use crate::domain::names::PolicyName;
use crate::domain::user::{Assignment, Licenses, ServicePlanSet, User};
use crate::plan::ledger::LedgerChange;
use crate::plan::{Because, Operation, Plan, ServicePlanRef, Undoing, UserRef};

/// Shows a plan: operations, then everything else that it says, but counts and seats.
pub(crate) fn show(plan: &Plan) -> String {
    let mut lines: Vec<String> = plan.operations.iter().map(operation).collect();
    for blocked in &plan.blocked {
        let sku = blocked.sku.as_ref().map_or(String::new(), |sku| format!(" {}", sku.name));
        let (who, why) = (name(&blocked.user), because(&blocked.because));
        lines.push(format!("blocked {who}{sku}: {}{why}", blocked.detail));
    }
    for waiting in &plan.waiting {
        let (who, why) = (name(&waiting.user), because(&waiting.because));
        let meanwhile = waiting.meanwhile.as_ref();
        let meanwhile = meanwhile.map_or(String::new(), |sku| format!(" with {}", sku.name));
        let position = waiting.position;
        lines.push(format!("waiting {position} for {}: {who}{meanwhile}{why}", waiting.sku.name));
    }
    for scheduled in &plan.scheduled {
        let (who, why) = (name(&scheduled.user), because(&scheduled.because));
        let due = scheduled.due.to_string();
        let due = due.strip_suffix("T09:00:00Z").unwrap_or(&due);
        let plans: Vec<String> =
            scheduled.service_plans.iter().map(|plan| format!("/{}", plan.name)).collect();
        let plans = plans.concat();
        lines.push(format!("scheduled {due} {who}: -{}{plans}{why}", scheduled.sku.name));
    }
    for released in &plan.released {
        let who = name(&released.user);
        let wanted = if released.still_wanted { ", others want it" } else { "" };
        lines.push(format!("released {who}: {} of {}{wanted}", released.sku.name, released.policy));
    }
    for unknown in &plan.unknown {
        lines.push(format!("unknown {} for {}: {}", unknown.policy, unknown.users, unknown.detail));
    }
    for left_out in &plan.left_out {
        lines.push(format!("left out {} ({}): {}", left_out.policy, left_out.at, left_out.problem));
    }
    for Undoing { policy, at, sku, how, users } in &plan.undone_by {
        let sku = sku.as_ref().map_or("location", |sku| &sku.name);
        lines.push(format!("undone by {policy} ({at}): {} {sku} for {users}", how.as_str()));
    }
    for warning in &plan.warnings {
        lines.push(format!("warning ({}): {}", warning.at, warning.message));
    }
    for verdict in plan.guards.iter().filter(|verdict| verdict.tripped) {
        let (guard, scope) = (verdict.guard.as_str(), &verdict.scope);
        lines.push(format!("{guard} {scope}: {}, limit {}", verdict.actual, verdict.limit));
    }
    if plan.summary.unmanaged > 0 {
        lines.push(format!("unmanaged {}", plan.summary.unmanaged));
    }
    if lines.is_empty() { "nothing to do".to_owned() } else { lines.join("\n") }
}

fn operation(operation: &Operation) -> String {
    let mut line = format!("{:?} {}:", operation.kind, name(&operation.user)).to_lowercase();
    for addition in &operation.add {
        let sign = if addition.held { '~' } else { '+' };
        let _ = write!(line, " {sign}{}{}", addition.sku.name, off(&addition.disabled));
    }
    for removed in &operation.remove {
        let _ = write!(line, " -{}", removed.name);
    }
    for adopted in &operation.adopt {
        let owners: Vec<&str> = adopted.owners.iter().map(PolicyName::as_str).collect();
        let _ = write!(line, " {} becomes {}'s", adopted.sku.name, owners.join("+"));
    }
    if let Some(change) = operation.usage_location {
        let from = change.from.map_or("nowhere".to_owned(), |from| from.to_string());
        let _ = write!(line, " from {from} to {}", change.to);
    }
    for family in &operation.data_at_risk {
        let _ = write!(line, " risks {}", format!("{family:?}").to_lowercase());
    }
    line.push_str(&because(&operation.because));
    if operation.wave > 0 {
        let _ = write!(line, " [wave {}]", operation.wave);
    }
    for guard in &operation.held_by {
        let _ = write!(line, " [held by {}]", guard.as_str());
    }
    line
}

fn off(plans: &[ServicePlanRef]) -> String {
    let names: Vec<&str> = plans.iter().map(|plan| &*plan.name).collect();
    if names.is_empty() { String::new() } else { format!(" off:{}", names.join("+")) }
}

fn name(user: &UserRef) -> &str {
    user.principal_name.split('@').next().unwrap_or_default()
}

fn because(because: &[Because]) -> String {
    let mut words: Vec<String> = because
        .iter()
        .map(|why| format!("{} {}", why.policy, format!("{:?}", why.reason).to_lowercase()))
        .collect();
    words.dedup();
    format!(" ({})", words.join(", "))
}

impl fmt::Debug for World {
    /// Prints what a failing case takes to be understood.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.written)?;
        for user in &self.users {
            let User {
                id: _, principal_name, user_type, enabled, usage_location, licenses, ..
            } = user;
            let state = (user_type, enabled, usage_location);
            writeln!(f, "{principal_name}: {state:?} {}", show_licenses(licenses))?;
        }
        for group in &self.groups {
            writeln!(f, "{}: {:?}", group.name, group.membership)?;
        }
        for sku in &self.skus {
            let (enabled, name) = (sku.units.enabled, &sku.part_number);
            writeln!(f, "{name}: {} of {enabled}", sku.consumed)?;
        }
        for ((user, sku), owners) in &self.ledger.owners {
            let (user, sku) = (text(user.as_uuid()), text(sku.as_uuid()));
            writeln!(f, "{user} {sku} owned by {owners:?}")?;
        }
        for ((user, sku, policy), since) in &self.ledger.clocks {
            let (user, sku) = (text(user.as_uuid()), text(sku.as_uuid()));
            writeln!(f, "{user} {sku} clock of {policy} since {since}")?;
        }
        writeln!(f, "{:?} now {}", self.settings, self.now)
    }
}

fn show_licenses(licenses: &Known<Licenses>) -> String {
    let Known::Known(licenses) = licenses else { return "licenses unknown".to_owned() };
    let offs = |off: &ServicePlanSet| {
        off.iter().map(|plan| text(plan.as_uuid())).collect::<Vec<_>>().join("+")
    };
    let held = |held: &Assignment| {
        let direct = held.direct().map(|off| format!(" direct off:{}", offs(off)));
        let via = held
            .inherited()
            .iter()
            .map(|via| format!(" via:{}/{}", text(via.group.as_uuid()), offs(&via.disabled)));
        let via: String = via.collect();
        format!("{}{}{via}", text(held.sku.as_uuid()), direct.unwrap_or_default())
    };
    licenses.assignments.iter().map(held).collect::<Vec<_>>().join(", ")
}

/// The name that an id of the test tenant was made from.
fn text(id: uuid::Uuid) -> String {
    String::from_utf8_lossy(id.as_bytes()).trim_end_matches('\0').to_owned()
}

/// Shows the seats of SKUs that a plan speaks of.
pub(crate) fn seats(plan: &Plan) -> String {
    let line = |line: &crate::plan::SeatLine| {
        format!(
            "{}: {} of {}, {} reserved, {} after, {} waiting",
            line.sku.name, line.consumed, line.total, line.reserved, line.after, line.waiting
        )
    };
    plan.seats.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Shows what having looked changes in the ledger, but what guards remember.
pub(crate) fn observed(changes: &[LedgerChange]) -> String {
    let is_memory = |change: &&LedgerChange| matches!(change, LedgerChange::Memory(_));
    let changes: Vec<&LedgerChange> = changes.iter().filter(|change| !is_memory(change)).collect();
    let line = |change: &&LedgerChange| {
        let (what, user, sku, policy) = match *change {
            LedgerChange::Rename(from, to) => return format!("rename {from} to {to}"),
            LedgerChange::Queue(user, sku, _) => ("queue", user, sku, None),
            LedgerChange::Unqueue(user, sku) => ("unqueue", user, sku, None),
            LedgerChange::See(sku, _) => return format!("see {}", text(sku.as_uuid())),
            LedgerChange::Learn(lesson) => return format!("learn {lesson:?}"),
            LedgerChange::Unlearn(lesson) => return format!("unlearn {lesson:?}"),
            LedgerChange::Memory(change) => return format!("{change:?}"),
            LedgerChange::Own(user, sku, policy, _) => ("own", user, sku, Some(policy)),
            LedgerChange::LetGo(user, sku, policy, _) => ("let go", user, sku, Some(policy)),
            LedgerChange::TakeBack(user, sku, policy) => ("take back", user, sku, Some(policy)),
            LedgerChange::Disown(user, sku, policy) => ("disown", user, sku, Some(policy)),
            LedgerChange::Forget(user, sku) => ("forget", user, sku, None),
            LedgerChange::StartClock(user, sku, policy, _) => ("start", user, sku, Some(policy)),
            LedgerChange::StopClock(user, sku, policy) => ("stop", user, sku, Some(policy)),
        };
        let policy = policy.map_or(String::new(), |policy| format!(" {policy}"));
        format!("{what} {} {}{policy}", text(user.as_uuid()), text(sku.as_uuid()))
    };
    if changes.is_empty() {
        return "nothing".to_owned();
    }
    changes.iter().map(line).collect::<Vec<_>>().join("\n")
}
