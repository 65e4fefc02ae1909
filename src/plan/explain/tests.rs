use insta::assert_snapshot;

use super::{Explanation, Finding, Has, LadderVoice, RungVoice, Standing, explain};
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
            Has::NotRead => "not read".to_owned(),
        };
        let wanted = if sku.wanted { "wanted" } else { "not wanted" };
        lines.push(format!("{}: {has}, {wanted}", sku.sku.name));
        for voice in sku.policies {
            let broken =
                if matches!(voice.standing, Standing::Broken { .. }) { ", broken" } else { "" };
            lines.push(format!(
                "  {} ({}) {:?} {:?}{broken}: {}",
                voice.policy, voice.at, voice.effect, voice.matches, voice.detail
            ));
        }
        for owner in sku.owners {
            let gone = if owner.in_files { "" } else { ", gone" };
            lines.push(format!("  owned by {}{gone}, let go {:?}", owner.policy, owner.let_go));
        }
        lines.extend(sku.steps.iter().map(|step| format!("  {}", step.words())));
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
    assert_snapshot!(told(&world(tenant, policies), "ana", None), @"
    SPE_E3: direct off:, wanted
      staff (policies.yaml:1) Grants True: group Staff
      leavers (policies.yaml:4) Removes False: not account disabled
      owned by staff, let go None
      its service plans are changed
    SPE_E5: not held, wanted
      sales (policies.yaml:2) Grants False: not group Sales
      up (policies.yaml:3) Grants True: group Staff
      leavers (policies.yaml:4) Removes False: not account disabled
      waits for a seat, place 1 since 2026-11-23 09:00 UTC
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
    assert_snapshot!(told(&world, "ana", Some("SPE_E3")), @"
    SPE_E3: direct off:, not wanted
      sales (policies.yaml:1) Grants False: not group Sales
      leavers (policies.yaml:2) Removes True: account disabled
      owned by sales, let go Some(2026-11-22T09:00:00Z)
      it is removed on 2026-11-29 09:00 UTC
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

/// The verdict on one SKU.
fn verdict(world: &World, user: &str, sku: &str) -> String {
    let found = world.with(|inputs| explain(inputs, user_id(user), Some(sku_id(sku))));
    found.unwrap().unwrap().skus.remove(0).verdict
}

#[test]
fn one_sentence_says_why_a_user_lacks_a_sku() {
    let policies = "eng: Engineering and enabled but not Interns -> SPE_E5
                    sales: Sales -> SPE_E5, SPE_E3
                    leavers: disabled -> no all
                    soon: everyone -> VISIO; from 2027-01-01
                    over: everyone -> VISIO; until 2026-01-01
                    old: everyone -> VISIO; retired
                    fab: everyone -> PHONE; tenant fabrikam
                    shops: department:shop* or job_title:clerk -> SPE_F1
                    board: Board -> POWER_BI_PRO
                    bad: everyone -> MAIL_1, SPE_E9
                    ladder suite: SPE_E5 > SPE_E3";
    let tenant = "group Board hidden
                  group Engineering
                  seats SPE_E5 1
                  ana: department=Legal
                  ben: in Engineering, in Interns
                  cem: in Sales, SPE_E5 by:sales
                  dan: in Sales
                  eve: in Sales, disabled
                  fay: in Sales, guest
                  gil: in Sales, from nowhere
                  hal: licenses ?, in Sales";
    let world = world(tenant, policies).protecting(&["ben@contoso.com"], &[]);
    let said: Vec<String> = [
        ("ana", "SPE_E5"),
        ("ana", "VISIO"),
        ("ana", "PHONE"),
        ("ana", "SPE_F1"),
        ("ana", "POWER_BI_PRO"),
        ("ana", "MAIL_1"),
        ("ana", "TEAMS"),
        ("ben", "SPE_E5"),
        ("cem", "SPE_E3"),
        ("dan", "SPE_E5"),
        ("eve", "SPE_E5"),
        ("fay", "SPE_E5"),
        ("gil", "SPE_E5"),
        ("hal", "SPE_E5"),
    ]
    .into_iter()
    .map(|(user, sku)| format!("{user} {}", verdict(&world, user, sku)))
    .collect();
    assert_snapshot!(said.join("\n"), @"
    ana lacks SPE_E5: no policy that matches gives it; eng (policies.yaml:1) would, with: group Engineering; sales (policies.yaml:2) would, with: group Sales
    ana lacks VISIO: no policy that matches gives it; soon (policies.yaml:4) begins on 2027-01-01; over (policies.yaml:5) is over since 2026-01-01; old (policies.yaml:6) is retired
    ana lacks PHONE: only policies for other tenants give it
    ana lacks SPE_F1: no policy that matches gives it; shops (policies.yaml:8) would, with: department shop* or job title clerk
    ana lacks POWER_BI_PRO: it cannot be told whether board (policies.yaml:9) matches: group Board cannot be told
    ana lacks MAIL_1: bad (policies.yaml:10) would give it, but takes no part: unknown SKU `SPE_E9` (policies.yaml:10:1)
    ana lacks TEAMS: no policy gives it
    ben lacks SPE_E5: protected: nothing touches the user
    cem lacks SPE_E3: SPE_E5, a higher rung of its ladder, is wanted instead
    dan lacks SPE_E5: waits for a seat, place 1 since 2026-11-23 09:00 UTC: sales gives it
    eve lacks SPE_E5: leavers takes it away
    fay lacks SPE_E5: no policy that matches gives it; eng (policies.yaml:1) would, with: member of the tenant (guests are not reached) and group Engineering; sales (policies.yaml:2) would, with: member of the tenant (guests are not reached)
    gil lacks SPE_E5: blocked: needs a usage location, and no policy gives one (sales)
    hal cannot tell about SPE_E5: Graph did not return the user's licenses, so nothing is done
    ");
}

#[test]
fn one_sentence_says_why_a_user_has_a_sku_and_what_becomes_of_it() {
    let policies = "staff: Staff -> SPE_E3
                    leavers: disabled -> no SPE_E3; grace 30d
                    up: Up -> SPE_E5 for SPE_E3
                    kiosk: Kiosk -> SPE_F1 off:TEAMS1
                    phones: everyone -> no */MCOEV
                    teams: Kiosk -> TEAMS";
    let tenant = "group Staff
                  seats SPE_E5 0
                  ana: in Staff, SPE_E3 by:staff
                  ben: SPE_E3 by:staff=1d
                  cem: in Staff, SPE_E3 by:staff, disabled
                  dan: SPE_E3 via:Carrier, SPE_F1
                  eve: in Staff, SPE_E3
                  fay: in Up, SPE_E3 by:gone
                  gil: in Kiosk, SPE_F1
                  hal: SPE_E3 unsourced
                  ida: SPE_E3 via:Carrier direct by:staff=1d";
    let world = world(tenant, policies);
    let said: Vec<String> = ["ana", "ben", "cem", "dan", "eve", "fay", "hal", "ida"]
        .into_iter()
        .map(|user| format!("{user} {}", verdict(&world, user, "SPE_E3")))
        .chain(
            [("dan", "SPE_F1"), ("gil", "SPE_F1"), ("fay", "SPE_E5")]
                .map(|(user, sku)| format!("{user} {}", verdict(&world, user, sku))),
        )
        .collect();
    assert_snapshot!(said.join("\n"), @"
    ana has SPE_E3 directly, owned by staff; stays: staff wants it
    ben has SPE_E3 directly, owned by staff; goes on 2026-11-29: staff no longer matches
    cem has SPE_E3 directly, owned by staff; goes on 2026-12-23: leavers takes it away
    dan has SPE_E3 from group 43617272-6965-7200-0000-000000000000, not directly; stays while the group gives it
    eve has SPE_E3 directly; stays: staff comes to own it
    fay has SPE_E3 directly, owned by gone; stays: up gives another in exchange, and that is not there yet
    hal has SPE_E3, and Graph does not say how; stays
    ida has SPE_E3 directly and from group 43617272-6965-7200-0000-000000000000, owned by staff; goes on 2026-11-29: staff no longer matches
    dan has SPE_F1 directly; nobody's: no policy wants or owns it
    gil has SPE_F1 directly; stays, with other service plans: kiosk gives it
    fay lacks SPE_E5: waits for a seat, place 1 since 2026-11-23 09:00 UTC: up gives it
    ");
}

/// A selector with what it says, one part a line.
fn findings(finding: &Finding, depth: usize) -> String {
    let Finding { joins, place, label, truth, found, doubt, decides, implied, parts } = finding;
    let mark = if *decides { "*" } else { " " };
    let mut text = format!("{mark}{:indent$}{truth:?} {joins:?} {place}", "", indent = depth * 2);
    for (what, said) in [("", Some(label.to_string())), ("found ", found.clone())] {
        let said = said.filter(|said| !said.is_empty());
        text.extend(said.map(|said| format!(" {what}{said}")));
    }
    text.extend(doubt.iter().map(|doubt| format!(" because {doubt}")));
    if *implied {
        text.push_str(" implied");
    }
    text.push('\n');
    text.extend(parts.iter().map(|part| findings(part, depth + 1)));
    text
}

#[test]
fn every_test_is_told_with_its_truth_its_place_and_what_was_found() {
    let policies =
        "eng: Eng and department:legal+sales and inactive:30d but not Board or enabled -> \
                    SPE_E5
                    any: type:guest or synced or domain:fabrikam.com or ou:OU=A,DC=b -> SPE_E5";
    let tenant = "group Board hidden
                  group Eng unread
                  ana: department=Accounts, synced?, enabled ?, inactive 3d";
    let world = world(tenant, policies);
    let told = world.with(|inputs| explain(inputs, user_id("ana"), Some(sku_id("SPE_E5"))));
    let told = told.unwrap().unwrap();
    let trees: Vec<String> = told.skus[0]
        .policies
        .iter()
        .map(|voice| findings(voice.selector.as_ref().unwrap(), 0))
        .collect();
    assert_snapshot!(trees.join("\n"), @"
    *False All policies.yaml:1:1
       True Test policies.yaml:1:1 member of the tenant found member implied
       Unknown Test policies.yaml:1:1 group Eng because the members were not read
    *  False Test policies.yaml:1:1 department legal or sales found Accounts
    *  False Test policies.yaml:1:1 inactive for 30d found signed in 2026-11-19 09:00 UTC
       Unknown None policies.yaml:1:1
         Unknown Test policies.yaml:1:1 group Board because not all members could be read: the membership may be hidden
         Unknown Test policies.yaml:1:1 account enabled because Graph did not send whether the account is enabled

    *Unknown Any policies.yaml:2:1
       False Test policies.yaml:2:1 guest found member
    *  Unknown Test policies.yaml:2:1 synced from on-premises because Graph did not send whether the account comes from on-premises
       False Test policies.yaml:2:1 domain fabrikam.com found contoso.com
       False Test policies.yaml:2:1 OU=A found none
    ");
}

#[test]
fn a_ladder_is_told_with_what_is_wanted_and_what_is_taken_meanwhile() {
    let policies = "eng: Eng -> SPE_E5
                    staff: Staff -> SPE_E3
                    ladder suite: SPE_E5 > SPE_E3 > SPE_F1; fall back";
    let tenant = "seats SPE_E5 0
                  ana: in Eng, in Staff, SPE_E3 by:staff";
    let world = world(tenant, policies);
    let told = world.with(|inputs| explain(inputs, user_id("ana"), None)).unwrap().unwrap();
    let said: Vec<String> = told
        .skus
        .iter()
        .map(|sku| {
            let LadderVoice { name, at, rungs, fall_back, meanwhile } = &sku.ladders[0];
            let rungs = rungs.iter().map(|rung| {
                let RungVoice { sku, held, given } = rung;
                format!("{} held:{held} given:{given}", sku.name)
            });
            let rungs: Vec<String> = rungs.collect();
            let meanwhile = meanwhile.as_ref().map(|of| (&of.sku.name, &of.waits_for.name));
            format!(
                "{}\n  {name} {at} {fall_back} {meanwhile:?}: {}",
                sku.verdict,
                rungs.join(", ")
            )
        })
        .collect();
    assert_snapshot!(said.join("\n"), @r#"
    has SPE_E3 directly, owned by staff; meanwhile, while waiting for SPE_E5
      suite policies.yaml:3 true Some(("SPE_E3", "SPE_E5")): SPE_E5 held:false given:true, SPE_E3 held:true given:true, SPE_F1 held:false given:false
    lacks SPE_E5: waits for a seat, place 1 since 2026-11-23 09:00 UTC, with SPE_E3 meanwhile: eng gives it
      suite policies.yaml:3 true Some(("SPE_E3", "SPE_E5")): SPE_E5 held:false given:true, SPE_E3 held:true given:true, SPE_F1 held:false given:false
    "#);
}

#[test]
fn what_stands_in_each_others_way_is_named_with_both_policies() {
    let policies = "mail: Mail -> MAIL_1
                    staff: Staff -> SPE_E3";
    let world = world("ana: in Staff, in Mail, SPE_E3 by:staff", policies);
    assert_snapshot!(verdict(&world, "ana", "MAIL_1"), @"lacks MAIL_1: blocked: EXCHANGE_S_STANDARD of MAIL_1 cannot stand beside EXCHANGE_S_ENTERPRISE of SPE_E3 (mail, staff)");
}

#[test]
fn what_is_missing_reads_one_way() {
    let tenant = "group Eng
                  group Up
                  group Down
                  group Out
                  ana: in Out";
    let policies = "nest: Eng and Up or Down but not Out -> TEAMS";
    assert_snapshot!(verdict(&world(tenant, policies), "ana", "TEAMS"), @"lacks TEAMS: no policy that matches gives it; nest (policies.yaml:1) would, with: group Eng and (group Up or group Down) and not group Out");
}
