use insta::assert_snapshot;

use super::{Explanation, Has, explain};
use crate::plan::testing::{World, sku_id, user_id, world};

fn told(world: &World, user: &str, only: Option<&str>) -> String {
    let only = only.map(sku_id);
    let found = world.with(|inputs| explain(inputs, user_id(user), only)).unwrap();
    let Some(Explanation { user: _, protected, snapshot_taken_at: _, skus, location, blocked }) =
        found
    else {
        return "no such user".to_owned();
    };
    let mut lines = Vec::new();
    if protected {
        lines.push("protected".to_owned());
    }
    for sku in skus {
        let has = match sku.has {
            Has::Not => "not held".to_owned(),
            Has::Told { direct, groups } => {
                let direct = direct.map(|off| format!("direct off:{}", off.join("+")));
                let groups = (!groups.is_empty()).then(|| format!("via {}", groups.join("+")));
                [direct, groups].into_iter().flatten().collect::<Vec<_>>().join(" and ")
            }
            Has::UnknownSource => "unsourced".to_owned(),
        };
        let wanted = if sku.wanted { "wanted" } else { "not wanted" };
        lines.push(format!("{}: {has}, {wanted}", sku.sku.name));
        for voice in sku.policies {
            let broken = if voice.broken { ", broken" } else { "" };
            lines.push(format!(
                "  {} ({}) {:?} {:?}{broken}: {}",
                voice.policy, voice.at, voice.effect, voice.matches, voice.detail
            ));
        }
        for owner in sku.owners {
            let gone = if owner.in_files { "" } else { ", gone" };
            lines.push(format!("  owned by {}{gone}, let go {:?}", owner.policy, owner.let_go));
        }
        lines.extend(sku.next.iter().map(|next| format!("  {next}")));
    }
    lines.extend(location.map(|location| format!("location {location}")));
    lines.extend(blocked.iter().map(|blocked| format!("blocked: {}", blocked.detail)));
    lines.join("\n")
}

#[test]
fn why_a_user_has_lacks_or_will_lose_each_sku() {
    let tenant = "group Sales
                  seats SPE_E5 0
                  ana: in Staff, SPE_E3 by:staff, VISIO by:sales=1d by:gone, SPE_F1 via:Sales
                  ben: in Staff";
    let policies = "staff: Staff -> SPE_E3 off:YAMMER
                    sales: Sales -> VISIO, SPE_E5
                    up: Staff but not Sales -> SPE_E5
                    leavers: disabled -> no all";
    assert_snapshot!(told(&world(tenant, policies), "ana", None), @r"
        SPE_E3: direct off:, wanted
          staff (policies.yaml:1) Grants True: group Staff
          leavers (policies.yaml:4) Removes False: not account disabled
          owned by staff, let go None
          its service plans are changed
        SPE_E5: not held, wanted
          sales (policies.yaml:2) Grants False: not group Sales
          up (policies.yaml:3) Grants True: group Staff
          leavers (policies.yaml:4) Removes False: not account disabled
          waits for a seat, at place 1 in the queue, since 2026-11-23 09:00 UTC
        SPE_F1: via Sales, not wanted
          leavers (policies.yaml:4) Removes False: not account disabled
        VISIO: direct off:, not wanted
          sales (policies.yaml:2) Grants False: not group Sales
          leavers (policies.yaml:4) Removes False: not account disabled
          owned by gone, gone, let go None
          owned by sales, let go Some(2026-11-22T09:00:00Z)
          left alone: policy gone is gone from the files
    ");
}

#[test]
fn why_one_sku_will_go_and_when() {
    let tenant = "group Sales\nana: disabled, SPE_E3 by:sales=1d";
    let policies = "sales: Sales -> SPE_E3
                    leavers: disabled -> no SPE_E3; grace 30d";
    let world = world(tenant, policies);
    assert_snapshot!(told(&world, "ana", Some("SPE_E3")), @r"
        SPE_E3: direct off:, not wanted
          sales (policies.yaml:1) Grants False: not group Sales
          leavers (policies.yaml:2) Removes True: account disabled
          owned by sales, let go Some(2026-11-22T09:00:00Z)
          it is removed on 2026-11-29 09:00 UTC (sales)
    ");
    assert_snapshot!(told(&world, "ana", Some("VISIO")), @"VISIO: not held, not wanted");
    assert_snapshot!(told(&world, "nobody", None), @"no such user");
}

#[test]
fn a_policy_that_does_not_fit_the_tenant_is_named_as_the_reason() {
    let policies = "up: Nowhere -> SPE_E5 for VISIO
                    cut: Nowhere -> no POWER_BI_PRO";
    assert_snapshot!(told(&world("ana:", policies), "ana", None), @r"
        POWER_BI_PRO: not held, not wanted
          cut (policies.yaml:2) Removes Unknown, broken: the policy does not fit the tenant
        SPE_E5: not held, not wanted
          up (policies.yaml:1) Grants Unknown, broken: the policy does not fit the tenant
        VISIO: not held, not wanted
          up (policies.yaml:1) Replaces Unknown, broken: the policy does not fit the tenant
    ");
}

#[test]
fn what_is_blocked_or_set_for_the_user_as_a_whole_is_told() {
    let policies = "staff: Staff -> nothing; set DE
                    sales: Sales -> nothing; set FR";
    let world = world("ana: in Staff, in Sales\nben: in Sales\ncem: in Sales", policies);
    let world = world.protecting(&["cem@contoso.com"], &[]);
    assert_snapshot!(told(&world, "ana", None), @"blocked: policies want different usage locations");
    assert_snapshot!(told(&world, "ben", None), @"location DE becomes FR, by sales (policies.yaml:2)");
    assert_snapshot!(told(&world, "cem", None), @"protected");
}
