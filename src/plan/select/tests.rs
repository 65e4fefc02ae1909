use insta::assert_snapshot;

use crate::domain::sign_in::Extent;
use crate::plan::testing::{World, world};

/// Names whom a selector matches, with a question mark whom it may match, and says why.
fn selected(tenant: &str, selector: &str) -> String {
    let world = world(tenant, &format!("p: {selector} -> VISIO"));
    let plan = world.plan();
    let name = |upn: &str| upn.split('@').next().unwrap().to_owned();
    let mut lines: Vec<String> = plan
        .operations
        .iter()
        .map(|op| format!("{}: {}", name(&op.user.principal_name), op.because[0].detail))
        .collect();
    lines.extend(plan.unknown.iter().map(|of| format!("{} unknown: {}", of.users, of.detail)));
    lines.extend(plan.left_out.iter().map(|of| of.problem.clone()));
    lines.extend(plan.warnings.iter().map(|of| format!("{}: {}", of.at, of.message)));
    lines.join("\n")
}

const STAFF: &str = "group Board hidden
                     group Later unread
                     ana: in Board, in Staff
                     ben: in Staff, disabled
                     cem: below Staff, in Sales
                     dee: in Sales, enabled ?
                     eve: guest, in Staff, in Board
                     fay: type ?, in Staff";

#[test]
fn a_group_selects_its_members_and_those_of_groups_inside_it() {
    assert_snapshot!(selected(STAFF, "Staff"), @r"
        ana: group Staff
        ben: group Staff
        cem: group Staff
        1 unknown: member of the tenant cannot be told
    ");
    assert_snapshot!(selected(STAFF, "direct:Staff"), @r"
        ana: group Staff (direct members)
        ben: group Staff (direct members)
        1 unknown: member of the tenant cannot be told
    ");
}

#[test]
fn a_hidden_group_selects_whom_it_shows_and_leaves_the_others_open() {
    assert_snapshot!(selected(STAFF, "Board"), @r"
        ana: group Board
        4 unknown: group Board cannot be told
    ");
    assert_snapshot!(selected(STAFF, "Later"), @"5 unknown: group Later cannot be told");
}

#[test]
fn unknown_gives_way_only_where_the_other_tests_decide() {
    assert_snapshot!(selected(STAFF, "Board and Staff"), @r"
        ana: group Board and group Staff
        3 unknown: group Board cannot be told
    ");
    assert_snapshot!(selected(STAFF, "Board or Sales"), @r"
        ana: group Board
        cem: group Sales
        dee: group Sales
        2 unknown: group Board cannot be told
    ");
    assert_snapshot!(selected(STAFF, "Sales but not Board"), @"2 unknown: group Board cannot be told");
    assert_snapshot!(selected(STAFF, "Staff but not disabled"), @r"
        ana: group Staff
        cem: group Staff
        1 unknown: member of the tenant cannot be told
    ");
}

#[test]
fn a_policy_matches_guests_only_where_it_names_the_user_type() {
    let policies = "p: everyone -> VISIO
                    q: everyone -> POWER_BI_PRO; guests";
    let world: World = world("ana: guest\nben:\ncem: type ?", policies);
    assert_snapshot!(world.text(), @r"
        add ana: +POWER_BI_PRO (q matched)
        add ben: +POWER_BI_PRO +VISIO (p matched, q matched)
        add cem: +POWER_BI_PRO (q matched)
        unknown p for 1: member of the tenant cannot be told
    ");
}

#[test]
fn a_domain_is_the_part_behind_the_at_exactly() {
    let tenant = "ana: called ana@Contoso.com
                  ben: called ben@sub.contoso.com
                  cem: called cem@contoso.com.example
                  dee: called dee_other.org#EXT#@contoso.com";
    assert_snapshot!(selected(tenant, "domain:contoso.COM"), @r"
        ana: domain contoso.COM
        dee_other.org#EXT#: domain contoso.COM
    ");
}

#[test]
fn an_ad_domain_is_compared_without_regard_to_case() {
    let tenant = "ana: ad Corp.contoso.com\nben: ad contoso.com\ncem:\ndee: ad?";
    assert_snapshot!(selected(tenant, "ad:corp.CONTOSO.com"), @r"
        ana: AD domain corp.CONTOSO.com
        1 unknown: AD domain corp.CONTOSO.com cannot be told
    ");
}

#[test]
fn an_ou_is_a_subtree_and_no_prefix_of_a_name() {
    let tenant = "ana: ou CN=Ana,OU=Sales,DC=corp,DC=contoso,DC=com
                  ben: ou CN=Ben,OU=North,OU=Sales,DC=corp,DC=contoso,DC=com
                  cem: ou CN=Cem,OU=Sales-IT,DC=corp,DC=contoso,DC=com
                  dee:";
    assert_snapshot!(selected(tenant, "ou:ou=sales,DC=corp,DC=contoso,DC=com"), @r"
        ana: ou=sales
        ben: ou=sales
    ");
    assert_snapshot!(selected(tenant, "level:OU=Sales,DC=corp,DC=contoso,DC=com"), @"ana: OU=Sales (that level)");
}

#[test]
fn an_ou_that_holds_nobody_is_a_warning() {
    assert_snapshot!(selected("ana:", "ou:OU=Empty,DC=corp,DC=contoso,DC=com"), @"policies.yaml:1: OU `OU=Empty,DC=corp,DC=contoso,DC=com` holds no user");
}

#[test]
fn users_are_named_by_principal_name_or_id() {
    let tenant = "ana:\nben:\ncem:";
    let users = "user:ANA@contoso.com+63656d00-0000-0000-0000-000000000000+bem@contoso.com";
    assert_snapshot!(selected(tenant, users), @r"
        ana: one of the 3 users it names
        cem: one of the 3 users it names
        policies.yaml:1: no user `bem@contoso.com` in the tenant: did you mean `ben@contoso.com`?
    ");
}

#[test]
fn the_words_name_the_tests_that_decide() {
    let tenant = "ana: in Staff\nben: in Sales, disabled\ncem: in Staff, in Sales";
    assert_snapshot!(selected(tenant, "Staff or Sales"), @r"
        ana: group Staff
        ben: group Sales
        cem: group Staff
    ");
    assert_snapshot!(selected(tenant, "Staff and Sales"), @"cem: group Staff and group Sales");
    assert_snapshot!(selected(tenant, "everyone but not Staff"), @"ben: everyone");
}

#[test]
fn a_user_without_sign_in_data_is_unknown_and_not_inactive() {
    let tenant = "ana: inactive 90d\nben: inactive 89d\ncem:";
    assert_snapshot!(selected(tenant, "inactive:90d"), @r"
        ana: inactive for 90d
        1 unknown: inactive for 90d cannot be told
    ");
    assert_snapshot!(selected(tenant, "everyone but not inactive:90d"), @r"
        ben: everyone
        1 unknown: inactive for 90d cannot be told
    ");
}

#[test]
fn inactive_for_counts_up_to_the_instant_until_which_sign_ins_are_known() {
    let mut world = world("ana: inactive 90d", "p: inactive:90d -> VISIO");
    assert_snapshot!(world.text(), @"add ana: +VISIO (p matched)");
    // A second less is known, and she may have signed in during it.
    world.sign_ins.until -= jiff::SignedDuration::from_secs(1);
    assert_snapshot!(world.text(), @"nothing to do");
}

#[test]
fn how_much_of_the_sign_ins_was_read_is_a_warning() {
    let told = |extent: Extent| {
        let policies = "p: inactive:90d -> VISIO\nq: inactive:30d -> VISIO";
        let mut world = world("ana:\nben:", policies);
        world.sign_ins.extent = extent;
        let warnings: Vec<String> =
            world.plan().warnings.iter().map(|of| format!("{}: {}", of.at, of.message)).collect();
        warnings.join("\n")
    };
    assert_snapshot!(told(Extent::Whole), @"");
    assert_snapshot!(told(Extent::NotRead), @"policies.yaml:1: sign-ins were not read: whether users are inactive cannot be told");
    assert_snapshot!(told(Extent::Partial { users: 1, stopped: None }), @"policies.yaml:1: the read of sign-ins has come to 1 of 2 users; whether the others are inactive cannot be told");
    assert_snapshot!(told(Extent::Partial { users: 1, stopped: Some("no answer".into()) }), @"policies.yaml:1: the read of sign-ins has come to 1 of 2 users; whether the others are inactive cannot be told; it stopped: no answer");
    assert_snapshot!(told(Extent::Unavailable { reason: "no premium license".into() }), @"policies.yaml:1: sign-ins cannot be read, so whether users are inactive cannot be told: no premium license");
}
