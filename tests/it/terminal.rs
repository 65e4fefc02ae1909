//! What a person sees on a terminal: as wide as it is, through a pager where it is longer.

use std::process::Command;

use seatkeeper::sandbox::Tenant;
use serde_json::json;

use crate::site::{Site, ran, tenant};

const STAFF: &str =
    "policies:\n  - name: staff-e3\n    match: {group: Staff}\n    licenses: [SPE_E3]\n";

fn people(count: u32) -> Tenant {
    let user = |number: u32| {
        json!({"user_principal_name": format!("somebody.with.a.long.name.{number:03}@contoso.com"),
               "display_name": "Somebody With A Name That Is Rather Long", "usage_location": "DE",
               "groups": ["Staff"]})
    };
    tenant(json!({
        "domains": ["contoso.com"],
        "skus": [{"sku": "SPE_E3", "enabled": 1000}],
        "groups": [{"name": "Staff"}],
        "users": (0..count).map(user).collect::<Vec<_>>(),
    }))
}

/// Runs a command on a terminal of this size; none where there is no program that makes one.
fn on_terminal(site: &Site, size: (u16, u16), environment: &str, command: &str) -> Option<String> {
    let (columns, rows) = size;
    let program = env!("CARGO_BIN_EXE_seatkeeper");
    let script = format!("stty cols {columns} rows {rows}; {environment} {program} {command}");
    let mut terminal = Command::new("script");
    site.prepare(&mut terminal);
    terminal.env("PATH", "/usr/local/bin:/usr/bin:/bin");
    terminal.args(["--quiet", "--return", "--command", &script, "/dev/null"]);
    match terminal.output() {
        Ok(output) => {
            let ran = ran(&output);
            assert_eq!(ran.code, 0, "{}", ran.shown());
            Some(ran.out.replace('\r', ""))
        }
        // Without `script` nothing can be tried on a terminal.
        Err(_) => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_narrow_terminal_breaks_lines_and_loses_nothing() {
    let site = Site::new(people(3), &[("policies.yaml", STAFF)]).await;
    site.expect(0, &["plan"]);
    let Some(shown) = on_terminal(&site, (60, 200), "NO_COLOR=1", "show") else { return };
    let wide: Vec<&str> = shown.lines().filter(|line| line.chars().count() > 60).collect();
    assert_eq!(wide, [""; 0], "{shown}");
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(words(&shown), words(&site.expect(0, &["show"]).out));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_longer_than_the_terminal_goes_through_the_pager_that_is_named() {
    let site = Site::new(people(3), &[("policies.yaml", STAFF)]).await;
    site.expect(0, &["plan"]);
    let pager = "SEATKEEPER_PAGER='sed s/^/paged:/'";
    let Some(short) = on_terminal(&site, (200, 200), pager, "show") else { return };
    assert!(!short.contains("paged:"), "{short}");
    let long = on_terminal(&site, (200, 10), pager, "show").unwrap();
    assert!(long.lines().all(|line| line.starts_with("paged:")), "{long}");
    // A pager that is not there, or none, is no reason to show nothing.
    for environment in ["SEATKEEPER_PAGER=no-such-pager", "PAGER=cat"] {
        let plain = on_terminal(&site, (200, 10), environment, "show").unwrap();
        assert!(plain.contains("staff-e3"), "{environment}: {plain}");
    }
    let off = on_terminal(&site, (200, 10), pager, "show --no-pager").unwrap();
    assert!(!off.contains("paged:"), "{off}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_shows_as_a_difference_for_each_user_and_without_names_where_asked() {
    let site = Site::new(people(60), &[("policies.yaml", STAFF)]).await;
    site.expect(0, &["plan"]);
    let shown = site.expect(0, &["show", "--diff"]).out;
    let mut lines = shown.lines();
    assert!(lines.next().is_some_and(|line| line.starts_with("Plan ") && line.ends_with("  held")));
    let first = lines.find(|line| !line.is_empty());
    assert!(
        first.is_some_and(|line| line.starts_with("somebody.with.a.long.name.000@")),
        "{shown}"
    );
    assert!(shown.contains("\n  + SPE_E3\n"), "{shown}");
    assert!(shown.contains("and 10 more people (--all lists everybody)"), "{shown}");
    let hidden = site.expect(0, &["show", "--diff", "--redact", "--all"]).out;
    assert!(hidden.contains("user-") && !hidden.contains("somebody"), "{hidden}");
    for format in ["text", "markdown"] {
        let hidden = site.expect(0, &["show", "--redact", "--format", format]).out;
        assert!(!hidden.contains("omebody"), "{hidden}");
    }
    let refused = site.run(&["show", "--redact", "--format", "json"]);
    assert_eq!(refused.code, 64, "{}", refused.shown());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_are_blocks_where_columns_do_not_fit() {
    let site = Site::new(people(3), &[("policies.yaml", STAFF)]).await;
    site.expect(0, &["apply", "--yes", "--accept", "first_plan", "--reason", "looked at"]);
    for list in ["users", "seats", "history", "plans", "groups"] {
        let list = format!("{list} 2>/dev/null");
        let Some(narrow) = on_terminal(&site, (44, 500), "NO_COLOR=1", &list) else { return };
        let fits = |line: &&str| line.chars().count() > 44 && line.trim_start().contains(' ');
        assert_eq!(narrow.lines().filter(fits).collect::<Vec<_>>(), [""; 0], "{narrow}");
        assert!(narrow.lines().any(|line| line.starts_with("  ")), "{narrow}");
        let wide = on_terminal(&site, (400, 500), "NO_COLOR=1", &list).unwrap();
        assert!(!wide.lines().any(|line| line.starts_with(' ')), "{wide}");
        // Nothing that stands in the columns is missing in the blocks.
        let cells = wide.lines().skip(1).flat_map(str::split_whitespace);
        let blocks: Vec<&str> = narrow.split_whitespace().collect();
        for cell in cells {
            assert!(blocks.contains(&cell), "{cell} of {list}: {narrow}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_that_was_carried_out_tells_what_became_of_it_and_no_longer_what_held_it() {
    let site = Site::new(people(3), &[("policies.yaml", STAFF)]).await;
    let writes = "item-forbidden=1@assignLicense";
    site.sandbox.set_faults(seatkeeper::sandbox::Faults::parse(1, [writes]).unwrap());
    let ran = site.run(&["apply", "--yes", "--accept", "first_plan", "--reason", "looked at"]);
    assert_ne!(ran.code, 0, "{}", ran.shown());
    let shown = site.expect(0, &["show"]).out;
    let told = shown.split("What became of it: ").nth(1).unwrap_or_else(|| panic!("{shown}"));
    assert!(told.starts_with("3 refused\n  3 refused: Authorization_RequestDenied: "), "{shown}");
    let of = |outcome: &str| {
        let arguments = ["history", "--outcome", outcome, "--format", "json"];
        site.json(0, &arguments)["history"].as_array().unwrap().len()
    };
    assert_eq!((of("refused"), of("done")), (3, 0));
    site.sandbox.set_faults(seatkeeper::sandbox::Faults::default());
    site.expect(0, &["retry", "--all"]);
    site.expect(0, &["apply", "--yes", "--accept", "first_plan", "--reason", "looked at"]);
    let shown = site.expect(0, &["show"]).out;
    assert!(shown.contains("What became of it: 3 done\n"), "{shown}");
    assert_eq!((of("refused"), of("done")), (3, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_inactive_is_not_known_before_sign_ins_are_read() {
    let site = Site::new(people(3), &[("policies.yaml", STAFF)]).await;
    site.sandbox.change(|tenant| {
        let id = tenant.user("somebody.with.a.long.name.001@contoso.com").unwrap().id;
        tenant.set_enabled(id, false);
    });
    site.expect(0, &["apply", "--yes", "--accept", "first_plan", "--reason", "looked at"]);
    site.expect(0, &["plan"]);
    let inactive = |ran: &crate::site::Ran| {
        let row = ran.out.lines().nth(1).unwrap().to_owned();
        row.split_whitespace().nth(3).unwrap().to_owned()
    };
    let unknown = site.expect(0, &["seats", "--reclaimable"]);
    assert_eq!(inactive(&unknown), "?", "{}", unknown.shown());
    assert!(unknown.err.contains("who is inactive is not known"), "{}", unknown.err);
    let read = site.expect(0, &["seats", "--reclaimable", "--refresh"]);
    assert_ne!(inactive(&read), "?", "{}", read.shown());
    assert!(!read.err.contains("not known"), "{}", read.err);
}
