//! Several tenants in one daemon: what happens to one is nothing to the others.

use seatkeeper::sandbox::{Faults, Server};
use serde_json::Value;

use crate::daemon::{Daemon, GUARDS_OFF, company, holders};
use crate::site::{Site, calm, in_time};

const TOP: &str = "mode: enforce\nschedule: '* * * * * *'\n\
    apply: {confirm_within: 20s, settle_after: 1s}\n\
    requests: {timeout: 2s, give_up_after: 2s}\napi: off";
const POLICIES: &str =
    "policies: [{name: staff, match: {group: Staff}, licenses: [SPE_E3], grace: 0d}]\n";

fn status_of(site: &Site, tenant: &str) -> Value {
    let status = site.json(0, &["status", "--format", "json", "--tenant", tenant]);
    status["tenants"][0].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_that_cannot_be_reached_or_is_paused_keeps_no_other_waiting() {
    let top = format!("{GUARDS_OFF}{TOP}");
    let site = Site::with(company(6, 4), calm(), &top, &[("policies.yaml", POLICIES)]).await;
    let other = Server::start(company(9, 7).with_id(uuid::Uuid::from_u128(2)), in_time(calm()))
        .await
        .unwrap();
    let configuration = std::fs::read_to_string(site.path("seatkeeper.yaml")).unwrap();
    let url = other.url();
    let second = format!(
        "  - name: fabrikam\n    tenant_id: {}\n    \
         auth: {{client_id: {}, client_secret: {{env: SEATKEEPER_SECRET}}}}\n    \
         endpoints: {{graph: \"{url}\", login: \"{url}\"}}\n",
        other.tenant_id, other.client_id,
    );
    site.write("seatkeeper.yaml", &format!("{configuration}{second}"));
    // The first cannot be read, and goes on being asked.
    site.sandbox.set_faults(Faults::parse(1, ["unavailable=1"]).unwrap());
    let mut daemon = Daemon::start(&site);
    let elsewhere = |name: &str| {
        let tenant = other.tenant();
        tenant.user(name).unwrap().licenses.len()
    };
    daemon
        .until("the other tenant", || (0..7).all(|k| elsewhere(&format!("u{k}@contoso.com")) == 1))
        .await;
    daemon
        .until("failures", || status_of(&site, "contoso")["daemon"]["failures_in_a_row"] != 0)
        .await;
    assert_eq!(status_of(&site, "fabrikam")["daemon"]["failures_in_a_row"], 0);
    assert_eq!(holders(&site), 0);
    // The first comes back while the other is paused.
    site.expect(0, &["pause", "--tenant", "fabrikam", "--for", "1h", "--reason", "look"]);
    other.change(|tenant| {
        let group = tenant.groups_named("Staff").next().unwrap().id;
        let user = tenant.user("u8@contoso.com").unwrap().id;
        tenant.set_membership(group, user, true);
    });
    site.sandbox.set_faults(Faults::default());
    daemon.hang_up();
    daemon.until("the first tenant", || holders(&site) == 4).await;
    daemon
        .until("a plan of the other", || {
            let plans = site.json(0, &["plans", "--tenant", "fabrikam", "--format", "json"]);
            plans.to_string().contains("\"proposed\"")
        })
        .await;
    assert_eq!(elsewhere("u8@contoso.com"), 0);
    site.expect(0, &["resume", "--tenant", "fabrikam"]);
    daemon.until("the newcomer of the other", || elsewhere("u8@contoso.com") == 1).await;
    assert_eq!(daemon.stop().0, 0);
    site.expect(0, &["history", "--verify"]);
}
