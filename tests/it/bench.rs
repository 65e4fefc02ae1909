//! `seatkeeper bench` measures what it says: counts, that is; how fast a machine is, is no test.

use serde_json::Value;

use crate::site::{Ran, Site, calm, tenant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_main_job_is_measured_stage_by_stage() {
    // Of the site only the environment of its program is used.
    let site = Site::with(tenant(serde_json::json!({})), calm(), "", &[]).await;
    let Ran { code, out, err } =
        site.run(&["bench", "--users", "300", "--speed", "100", "--format", "json"]);
    assert_eq!(code, 0, "{err}");
    let measured: Value = serde_json::from_str(&out).unwrap();
    let stages = measured["stages"].as_array().unwrap();
    let names: Vec<&str> = stages.iter().map(|one| one["stage"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "first read and plan",
            "apply, no quota",
            "idle cycle",
            "restart and idle cycle",
            "read, and one change each",
            "apply, documented quotas"
        ]
    );
    // A cycle in which nothing changed costs the same four requests, after a restart too.
    for idle in &stages[2..4] {
        assert_eq!(idle["requests_total"], 4, "{idle:#}");
        assert_eq!(idle["what"], "nothing to do");
        assert_eq!(idle["writes"], 0);
    }
    assert!(stages[1]["writes"].as_u64().unwrap() > 50, "{:#}", stages[1]);
    assert!(stages.iter().all(|one| one["throttled"] == 0), "{stages:#?}");
    assert!(measured["share_of_write_quota"].as_f64().unwrap() > 0.0);
    assert!(!site.store_exists());
}
