//! Licenses beside the direct ones of a user: in full, worked out anew, and what groups carry.

use jiff::Timestamp;

use crate::domain::sku::Sku;
use crate::sandbox::chance::Chance;
use crate::sandbox::http::audit::Actor;
use crate::sandbox::http::json::{self, Object};
use crate::sandbox::http::paging::{self, About};
use crate::sandbox::http::reads::{self, find_group};
use crate::sandbox::http::reply::{Failure, Reply};
use crate::sandbox::http::world::{Call, Caller, World};
use crate::sandbox::http::{directory, writes};
use crate::sandbox::model::Held;

/// `GET /users/{id}/licenseDetails`.
pub(super) fn details(world: &World, call: &Call, key: &str) -> Result<Reply, Failure> {
    let place = world.tenant.user_index(key).ok_or_else(|| Failure::not_found(key))?;
    let seen = world.seen(call.view(), place);
    let user = seen.user.id;
    let held = seen.licenses.iter().filter(|held| held.is_active());
    let held: Vec<(&Held, &Sku)> =
        held.filter_map(|held| world.tenant.sku(held.sku).map(|sku| (held, sku))).collect();
    let context = format!("users('{user}')/licenseDetails");
    let about = About { context, count: None, next: None };
    Ok(paging::reply(call, &about, |out| {
        json::list(out, held, |out, (held, sku)| {
            let mut object = Object::begin(out);
            let id = Chance::new(0, &format!("{user} {}", sku.id), 0).guid();
            json::plain(object.key("id"), id);
            json::plain(object.key("skuId"), sku.id);
            json::text(object.key("skuPartNumber"), &sku.part_number);
            let off = held.disabled();
            json::list(object.key("servicePlans"), &sku.service_plans, |out, plan| {
                let state = if off.contains(&plan.id) { "Disabled" } else { "Success" };
                directory::write_service_plan(plan, state, out);
            });
            object.end();
        });
    }))
}

/// `POST /users/{id}/reprocessLicenseAssignment`.
pub(super) fn reprocess(world: &mut World, call: &Call, key: &str) -> Result<Reply, Failure> {
    let place = world.tenant.user_index(key).ok_or_else(|| Failure::not_found(key))?;
    let user = world.tenant.users()[place].id;
    let mut refusal = None;
    world.write(call, place, |world| {
        // What reached the user stays, whatever did not.
        refusal = world.tenant.reprocess_user(place, call.now.at).err();
        Ok(())
    })?;
    let reason = refusal.as_ref().map(ToString::to_string);
    world.audit.user(call.now.at, Actor::GroupLicensing, user, reason);
    match refusal {
        Some(refusal) => Err(refusal.into()),
        None => reads::user_now(world, call, place),
    }
}

/// `POST /groups/{id}/assignLicense`: 202, and the members get it later.
pub(super) fn assign_to_group(
    world: &mut World,
    call: &Call,
    key: &str,
    caller: &Caller,
) -> Result<Reply, Failure> {
    let body = writes::object(call)?;
    let group = find_group(world, key)?.id;
    let change = writes::license_change(&body)?;
    let at: Timestamp = call.now.at;
    let done = world.tenant.change_group_licenses(group, &change);
    let reason = done.as_ref().err().map(ToString::to_string);
    world.audit.group(at, Actor::App, "Set group license", group, reason);
    done?;
    world.enqueue(group, call.now);
    world.horizon.note(world.views.delta_lag(), call.now, world.tenant.journal().latest());
    let reply = reads::group(world, call, key, caller)?;
    Ok(Reply { status: 202, ..reply })
}
