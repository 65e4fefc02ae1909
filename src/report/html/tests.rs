use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::domain::ids::UserId;
use crate::plan::testing::{World, world};
use crate::plan::{Digest, Plan, PlanState};
use crate::report::any::{a_plan, any_stored_plan};

fn stored(plan: Plan, state: PlanState) -> StoredPlan {
    StoredPlan { plan, state, decisions: Vec::new() }
}

fn company() -> World {
    world(
        "seats POWER_BI_PRO 1
         ana: in Staff, in Analysts, from DE
         ben: in Staff, VISIO, from DE
         cem: disabled, SPE_E3 by:staff, from DE
         dee: in Staff, in Analysts, from DE
         eve: in Staff, SPE_E3, from DE
         fay: in Staff, from nowhere",
        "staff: Staff -> SPE_E3
         analysts: Analysts -> POWER_BI_PRO",
    )
}

/// Returns what stands between the style and the end.
fn body(html: &str) -> &str {
    html.split_once("</style>").unwrap().1
}

/// Returns a plan of many people, of whom some lose everything: a small one, told again and again.
pub(crate) fn crowd(people: usize) -> Plan {
    let world = world(
        "u0: disabled, SPE_E3 by:staff, from DE
         u1: in Staff, in Analysts, from DE
         u2: in Staff, from DE\nu3: in Staff, from DE\nu4: in Staff, from DE",
        "staff: Staff -> SPE_E3; grace 0\nanalysts: Analysts -> POWER_BI_PRO",
    );
    let few = world.plan();
    let mut plan = few.clone();
    let operation = |n: usize| {
        let mut operation = few.operations[n % few.operations.len()].clone();
        operation.user.principal_name = format!("user{n:05}@contoso.com").into();
        operation.user.display_name = Some(format!("Person Number {n:05}").into());
        operation.user.id = UserId::from_uuid(uuid::Uuid::from_u128(n as u128));
        operation.key = Digest(std::array::from_fn(|at| n.to_be_bytes()[at % 8]));
        operation
    };
    plan.operations = (0..people).map(operation).collect();
    plan
}

#[test]
fn a_plan_is_a_file_with_what_may_be_lost_first() {
    let plan = plan(&stored(company().plan(), PlanState::Proposed));
    assert!(plan.contains("default-src 'none'; style-src 'unsafe-inline'"));
    assert!(!plan.contains("<script") && !plan.contains("src=") && !plan.contains("href="));
    assert_snapshot!(without_ids(body(&plan)));
}

/// Replaces what changes from run to run.
fn without_ids(html: &str) -> String {
    let plan = company().plan();
    html.replace(&plan.id.to_string(), "PLAN")
}

#[test]
fn what_anybody_wrote_is_text_and_turns_nothing_around() {
    let mut hostile = a_plan(1);
    let name = "<script>alert(1)</script>\u{202e}gpj\"'&\u{0}";
    hostile.operations[0].user.display_name = Some(name.into());
    hostile.operations[0].user.principal_name = "<img src=x onerror=alert(1)>@contoso.com".into();
    hostile.operations[0].because[0].detail = "group </summary><b>".into();
    let html = plan(&stored(hostile, PlanState::Held));
    assert!(!html.contains("<script") && !html.contains("<img") && !html.contains("<b>"), "{html}");
    assert!(!html.contains('\u{202e}') && !html.contains('\u{0}'));
    assert!(html.contains("&#60;script&#62;alert(1)&#60;/script&#62;\u{fffd}gpj"), "{html}");
}

#[test]
fn ten_thousand_people_are_counted_first_and_all_in_it() {
    let crowd = crowd(10_000);
    let people = crowd.operations.len();
    assert_eq!(people, 10_000);
    let began = tokio::time::Instant::now();
    let html = plan(&stored(crowd, PlanState::Held));
    println!("10,000 people: {} bytes in {:?}", html.len(), began.elapsed());
    let listed: usize = html.matches("<li><bdi>user").count();
    assert_eq!(listed, people);
    // What is not folded stays short enough to read.
    let unfolded = html.split("<details class=\"rest\">").next().unwrap();
    assert!(unfolded.matches("<li><bdi>user").count() <= 12);
    let open = html.matches("<details class=\"group\" open>").count();
    assert!(html.find("Data at risk").unwrap() < html.find("Other changes").unwrap());
    assert_eq!(open, 1, "only what loses something is unfolded");
    assert!(html.len() < 2_000_000, "{} bytes", html.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever stands in a plan, the tags are ours, and each that is opened is closed.
    #[test]
    fn no_text_becomes_a_tag(stored in any_stored_plan()) {
        const OURS: [&str; 31] = [
            "!doctype", "bdi", "body", "code", "details", "div", "h1", "h2", "h3", "head", "header",
            "html", "li", "main", "meta", "p", "rect", "section", "span", "strong", "style",
            "summary", "svg", "table", "tbody", "td", "th", "thead", "title", "tr", "ul",
        ];
        const VOID: [&str; 3] = ["!doctype", "meta", "rect"];
        let html = plan(&stored);
        let mut open: Vec<&str> = Vec::new();
        for tag in html.split('<').skip(1) {
            let end = tag.find(|c: char| c == '>' || c.is_whitespace()).unwrap();
            let name = &tag[..end];
            let closed = name.trim_start_matches('/');
            prop_assert!(OURS.contains(&closed), "{}", name);
            if VOID.contains(&closed) {
                continue;
            }
            if name.starts_with('/') {
                prop_assert_eq!(open.pop(), Some(closed));
            } else {
                open.push(name);
            }
        }
        prop_assert!(open.is_empty(), "{:?}", open);
        prop_assert!(!html.chars().any(|c| is_hostile(c) && c != '\n'));
    }
}
