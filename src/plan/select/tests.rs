use crate::domain::sign_in::Extent;
use insta::assert_snapshot;

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
fn an_attribute_equals_one_of_the_given_strings_ignoring_case() {
    let tenant = "ana: department=Sales
                  ben: department=IT
                  cem: department=Sales and IT
                  dee: department=
                  eva: department?
                  fay: department=SALES";
    assert_snapshot!(selected(tenant, "department:sales"), @r"
        ana: department sales
        fay: department sales
        1 unknown: department sales cannot be told
    ");
    assert_snapshot!(selected(tenant, "department:Sales+it"), @r"
        ana: department Sales or it
        ben: department Sales or it
        fay: department Sales or it
        1 unknown: department Sales or it cannot be told
    ");
}

#[test]
fn every_attribute_has_a_selector_of_its_own() {
    let tenant = "ana: job_title=Engineer, company=Contoso, country=Germany, office=Berlin, employee_type=Intern, extension_attribute15=x, from NO
                  ben: department=Engineer, extension_attribute1=Contoso, from SE";
    for (selector, label) in [
        ("job_title:engineer", "job title engineer"),
        ("company:contoso", "company contoso"),
        ("country:germany", "country germany"),
        ("office:berlin", "office berlin"),
        ("employee_type:intern", "employee type intern"),
        ("extension_attribute15:x", "extension attribute 15 x"),
        ("usage_location:no", "usage location no"),
    ] {
        assert_eq!(selected(tenant, selector), format!("ana: {label}"));
    }
}

#[test]
fn a_usage_location_that_is_not_there_or_not_known_is_told_apart() {
    let tenant = "ana: from DE\nben: from nowhere\ncem: from ?";
    assert_snapshot!(selected(tenant, "usage_location:*"), @r"
        ana: any usage location
        1 unknown: any usage location cannot be told
    ");
}

#[test]
fn a_star_in_an_attribute_stands_for_any_text() {
    let tenant = "ana: job_title=Senior Engineer
                  ben: job_title=Engineering Manager
                  cem: job_title=Engineer
                  dee: job_title=Sales.Engineer?";
    assert_snapshot!(selected(tenant, "job_title:*engineer"), @r"
        ana: job title *engineer
        cem: job title *engineer
    ");
    assert_snapshot!(selected(tenant, "job_title:engineer*"), @r"
        ben: job title engineer*
        cem: job title engineer*
    ");
    assert_snapshot!(selected(tenant, "job_title:s*r*engineer"), @"ana: job title s*r*engineer");
    assert_snapshot!(selected(tenant, "job_title:Sales?Engineer*+Engin..r"), @"policies.yaml:1: no user has job title Sales?Engineer* or Engin..r");
}

#[test]
fn a_star_alone_in_an_attribute_is_any_value_at_all() {
    let tenant = "ana: country=DE\nben: country=\ncem: country?";
    assert_snapshot!(selected(tenant, "country:*"), @r"
        ana: any country
        1 unknown: any country cannot be told
    ");
    assert_snapshot!(selected(tenant, "everyone but not country:*"), @r"
        ben: everyone
        1 unknown: any country cannot be told
    ");
}

#[test]
fn an_attribute_that_nobody_has_is_a_warning() {
    let tenant = "ana: department=Sales\nben: country?";
    assert_snapshot!(selected(tenant, "department:Slaes"), @"policies.yaml:1: no user has department Slaes");
    assert_snapshot!(selected(tenant, "country:FR"), @"1 unknown: country FR cannot be told");
}

#[test]
fn a_user_is_synced_from_on_premises_or_is_not() {
    let tenant = "ana: synced\nben:\ncem: synced?";
    assert_snapshot!(selected(tenant, "synced"), @r"
        ana: synced from on-premises
        1 unknown: synced from on-premises cannot be told
    ");
    assert_snapshot!(selected(tenant, "cloud-only"), @r"
        ben: cloud-only account
        1 unknown: cloud-only account cannot be told
    ");
}

#[test]
fn an_account_is_enabled_or_it_is_not() {
    let tenant = "ana:\nben: disabled\ncem: enabled ?";
    assert_snapshot!(selected(tenant, "enabled"), @r"
        ana: account enabled
        1 unknown: account enabled cannot be told
    ");
    assert_snapshot!(selected(tenant, "disabled"), @r"
        ben: account disabled
        1 unknown: account disabled cannot be told
    ");
}

#[test]
fn a_policy_that_names_the_user_type_reaches_guests() {
    let tenant = "ana: guest, in Staff\nben: in Staff\ncem: type ?, in Staff\ndee: guest";
    assert_snapshot!(selected(tenant, "Staff"), @r"
        ben: group Staff
        1 unknown: member of the tenant cannot be told
    ");
    assert_snapshot!(selected(tenant, "type:guest"), @r"
        ana: guest
        dee: guest
        1 unknown: guest cannot be told
    ");
    assert_snapshot!(selected(tenant, "type:member"), @r"
        ben: member of the tenant
        1 unknown: member of the tenant cannot be told
    ");
    assert_snapshot!(selected(tenant, "type:guest+member and Staff"), @r"
        ana: member or guest and group Staff
        ben: member or guest and group Staff
        1 unknown: member or guest cannot be told
    ");
    assert_snapshot!(selected(tenant, "everyone but not type:guest"), @r"
        ben: everyone
        1 unknown: guest cannot be told
    ");
}

#[test]
fn has_counts_direct_and_inherited() {
    let tenant = "ana: SPE_E3
                  ben: SPE_E3 via:LIC
                  cem: SPE_E5
                  dee:
                  eva: licenses ?
                  fay: SPE_E3 unsourced";
    assert_snapshot!(selected(tenant, "has:SPE_E3"), @r"
        ana: holder of SPE_E3
        ben: holder of SPE_E3
        fay: holder of SPE_E3
        1 unknown: holder of SPE_E3 cannot be told
    ");
    let by_id = format!("has:{}", crate::plan::testing::sku_id("SPE_E3"));
    assert_eq!(selected(tenant, &by_id), selected(tenant, "has:SPE_E3"));
}

#[test]
fn a_list_selects_whom_it_names_by_name_or_id() {
    let tenant = "ana:\nben:\ncem:\ndee: called Dee@Fabrikam.com";
    let list = "csv:ANA@contoso.com+63656d00-0000-0000-0000-000000000000+dee@fabrikam.com";
    assert_snapshot!(selected(tenant, list), @r"
        ana: listed in ANA+63656d00-0000-0000-0000-000000000000+dee@fabrikam.com.csv
        cem: listed in ANA+63656d00-0000-0000-0000-000000000000+dee@fabrikam.com.csv
        Dee: listed in ANA+63656d00-0000-0000-0000-000000000000+dee@fabrikam.com.csv
    ");
    assert_snapshot!(selected(tenant, &format!("everyone but not {list}")), @"ben: everyone");
}

#[test]
fn a_row_that_fits_no_user_is_a_warning_with_its_line() {
    assert_snapshot!(selected("ana:", "csv:ana@contoso.com+zoe@contoso.com+7a6f6500-0000-0000-0000-000000000000"), @r"
        ana: listed in ana+zoe+7a6f6500-0000-0000-0000-000000000000.csv
        ana+zoe+7a6f6500-0000-0000-0000-000000000000.csv:3: no user `zoe@contoso.com` in the tenant
        ana+zoe+7a6f6500-0000-0000-0000-000000000000.csv:4: no user `7a6f6500-0000-0000-0000-000000000000` in the tenant
    ");
}

#[test]
fn of_many_rows_that_fit_no_user_the_first_are_told_and_the_others_counted() {
    let list = |rows: usize| (0..rows).map(|row| format!("x{row}@contoso.com")).collect::<Vec<_>>();
    let told = |rows| -> Vec<String> {
        let selected = selected("ana:", &format!("csv:{}", list(rows).join("+")));
        selected.lines().map(|line| line.rsplit_once(".csv:").unwrap().1.to_owned()).collect()
    };
    assert_eq!(told(21)[20], "22: no user `x20@contoso.com` in the tenant");
    assert_eq!(told(40).len(), 21);
    assert_eq!(told(40)[20], "22: this row and 19 more fit no user of the tenant");
}

#[test]
fn a_list_that_several_policies_name_is_told_of_once() {
    let policies = "p: csv:zoe@contoso.com -> VISIO\nq: csv:zoe@contoso.com -> POWER_BI_PRO";
    assert_eq!(world("ana:", policies).plan().warnings.len(), 1);
}

#[test]
fn unknown_is_carried_through_all_any_and_none_as_a_third_value() {
    let tenant = "ana: department?, country=DE
                  ben: department?, country=FR
                  cem: department=Sales, country=DE
                  dee: department=IT, country=DE";
    assert_snapshot!(selected(tenant, "department:Sales and country:DE"), @r"
        cem: department Sales and country DE
        1 unknown: department Sales cannot be told
    ");
    assert_snapshot!(selected(tenant, "department:Sales or country:DE"), @r"
        ana: country DE
        cem: department Sales
        dee: country DE
        1 unknown: department Sales cannot be told
    ");
    assert_snapshot!(selected(tenant, "country:DE but not department:Sales"), @r"
        dee: country DE
        1 unknown: department Sales cannot be told
    ");
}

#[test]
fn tests_that_mean_the_same_are_one_column() {
    let policies = "p: department:Sales+IT -> VISIO\nq: department:it+SALES+Sales -> POWER_BI_PRO";
    let world = world("ana: department=IT", policies);
    assert_snapshot!(world.text(), @"add ana: +POWER_BI_PRO +VISIO (p matched, q matched)");
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

#[test]
fn nested_false_means_direct_members_only() {
    let tenant = "ana: in Staff\ncem: below Staff";
    assert_snapshot!(selected(tenant, "direct:Staff"), @"ana: group Staff (direct members)");
}

#[test]
fn everyone_means_all_members_and_no_guest() {
    let tenant = "ana: disabled\nben: from DE\neve: guest";
    assert_snapshot!(selected(tenant, "everyone"), @r"
        ana: everyone
        ben: everyone
    ");
}
