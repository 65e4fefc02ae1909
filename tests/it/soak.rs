//! Months in a minute: the daemon for some hundreds of cycles, while the network fails in every way,
//! people edit policies, rights and wrongs, others change the tenant, and the power of kill -9 is used.
//! Bounded in time; what happens follows from a seed, when it happens does not.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use seatkeeper::sandbox::model::Member;
use seatkeeper::sandbox::{Faults, Tenant};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::daemon::{Daemon, GUARDS_OFF};
use crate::site::{Site, calm, direct, tenant};

const SEED: u64 = 4;
const PEOPLE: usize = 40;
/// How long trouble is made.
const TROUBLE: Duration = Duration::from_secs(75);
/// How long the tenant may take to come to rest afterwards.
const REST: Duration = Duration::from_mins(2);

const TOP: &str = "mode: enforce\nschedule: '* * * * * *'\napi: off\n\
    apply: {confirm_within: 5s, settle_after: 1s}\n\
    requests: {timeout: 1s, give_up_after: 4s}\n";

/// Everything that heals by itself, each now and then.
const FAULTS: [&str; 19] = [
    "throttle-fraction=0.005",
    "conflict=0.01",
    "error=0.005",
    "unavailable=0.005",
    "timeout=0.005",
    "timeout-after=0.01",
    "reset=0.005",
    "reset-after=0.01",
    "truncate=0.005",
    "html=0.0025",
    "html-gateway=0.005",
    "empty=0.005",
    "slow=0.0025",
    "hang=0.001",
    "expired=0.005",
    "wrong-types=0.0015",
    "forbidden=0.0005",
    "throttle=0.001",
    "throttle-bare=0.0025",
];

const VARIANTS: [&str; 4] = [
    "policies: [{name: staff, match: {group: Staff}, licenses: [SPE_E3], grace: 0d}]",
    "policies: [{name: staff, match: {group: Staff}, licenses: [SPE_E3], grace: 0d}, \
     {name: bi, match: {group: Analysts}, licenses: [POWER_BI_PRO], grace: 0d}]",
    "policies: [{name: staff, match: {group: Staff}, grace: 0d, \
     licenses: [{sku: SPE_E3, disable: [YAMMER_ENTERPRISE]}]}]",
    "policies: [{name: staff, match: {group: Staff, none: [{group: Analysts}]}, \
     licenses: [SPE_E3], grace: 0d}]",
];
/// So many cycles are gone through at least.
const CYCLES_MIN: usize = 250;
const LAST: &str = "policies: [{name: staff, match: {group: Staff}, licenses: [SPE_E3], grace: 0d}, \
     {name: bi, match: {group: Analysts}, licenses: [POWER_BI_PRO], grace: 0d}, \
     {name: leavers, match: {enabled: false}, action: remove, licenses: all}]";

fn company() -> Tenant {
    let users: Vec<Value> = (0..PEOPLE)
        .map(|k| {
            let groups: &[&str] = if k % 2 == 0 { &["Staff"] } else { &[] };
            json!({"user_principal_name": name(k), "usage_location": "DE", "groups": groups})
        })
        .collect();
    tenant(json!({
        "skus": [{"sku": "SPE_E3", "enabled": PEOPLE}, {"sku": "POWER_BI_PRO", "enabled": PEOPLE}],
        "groups": [{"name": "Staff"}, {"name": "Analysts"}], "users": users,
    }))
}

fn name(k: usize) -> String {
    format!("u{k}@contoso.com")
}

/// Something that happens elsewhere.
fn change(site: &Site, chance: &mut StdRng) {
    let (who, group) = (chance.random_range(0..PEOPLE), chance.random_range(0..2));
    let (joins, enabled) = (chance.random_bool(0.5), chance.random_bool(0.9));
    let disables = chance.random_bool(0.2);
    site.sandbox.change(|tenant| {
        let user = tenant.user(&name(who)).unwrap().id;
        let group = ["Staff", "Analysts"][group];
        let group = tenant.groups_named(group).next().unwrap().id;
        tenant.set_membership(group, user, joins);
        if disables {
            tenant.set_enabled(user, enabled);
        }
    });
}

fn edit(site: &Site, chance: &mut StdRng) {
    let text = match chance.random_range(0..6) {
        variant @ 0..4 => VARIANTS[variant].to_owned(),
        4 => "policies: [{name: staff, match: {grup: Staff}".to_owned(),
        _ => "policies: [{name: staff, match: {group: Nobody}, licenses: [SPE_E3]}]".to_owned(),
    };
    // As editors save: beside it, and renamed.
    site.write("policies/.policies.yaml.swp", &text);
    std::fs::rename(site.path("policies/.policies.yaml.swp"), site.path("policies/policies.yaml"))
        .unwrap();
}

/// Returns the resident memory of a process in KiB.
fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn cycles(daemon: &Daemon) -> usize {
    daemon.log().matches(" trigger=").count()
}

/// Makes trouble for a while. Returns the daemon that runs then.
async fn trouble(site: &Site, chance: &mut StdRng) -> Daemon {
    let began = Instant::now();
    let mut daemon = Daemon::start(site);
    while began.elapsed() < TROUBLE {
        tokio::time::sleep(Duration::from_millis(chance.random_range(10..150))).await;
        match chance.random_range(0..20) {
            0 => {
                // Wherever it is just now.
                drop(daemon);
                daemon = Daemon::start(site);
            }
            1..3 => edit(site, chance),
            3 => {
                site.run(&["pause", "--for", "1h", "--reason", "soak"]);
            }
            4..6 => {
                site.run(&["resume"]);
            }
            6..12 => change(site, chance),
            _ => daemon.hang_up(),
        }
    }
    daemon
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_the_tenant_comes_to_what_the_policies_say() {
    let mut chance = StdRng::seed_from_u64(SEED);
    let top = format!("{TOP}{GUARDS_OFF}");
    let site = Site::with(company(), calm(), &top, &[("policies.yaml", VARIANTS[0])]).await;
    site.sandbox.set_faults(Faults::parse(SEED, FAULTS).unwrap());
    let daemon = trouble(&site, &mut chance).await;
    site.run(&["resume"]);
    site.sandbox.set_faults(Faults::default());
    site.write("policies/policies.yaml", LAST);
    // From here on the same process: what it needs must not grow with every cycle.
    let settled = || {
        site.plans().iter().all(|plan| plan["state"] != "applying")
            && site.run(&["plan", "--detailed-exitcode"]).code == 0
    };
    let began = Instant::now();
    while !settled() {
        assert!(began.elapsed() < REST, "it did not come to rest\n{}", daemon.log());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let (before, first) = (resident(daemon.child.id()), cycles(&daemon));
    // However slow the machine: some hundreds in all.
    while cycles(&daemon) < (first + 150).max(CYCLES_MIN) {
        assert!(began.elapsed() < REST + TROUBLE, "cycles do not go on\n{}", daemon.log());
        daemon.hang_up();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let after = resident(daemon.child.id());
    assert!(after < before + before / 5 + 8_192, "{before} KiB became {after} KiB");
    let cycles = cycles(&daemon);
    assert!(cycles >= CYCLES_MIN, "{cycles} cycles");
    println!(
        "{cycles} cycles, {} requests, {before} to {after} KiB",
        site.sandbox.counts().requests
    );

    let tenant = site.sandbox.tenant();
    let mut wanted_by_policies = 0;
    for (group, sku) in [("Staff", "SPE_E3"), ("Analysts", "POWER_BI_PRO")] {
        let group = tenant.groups_named(group).next().unwrap();
        for user in tenant.users() {
            let (name, member) = (&user.principal_name, Member::User(user.id));
            let has = direct(&tenant, name).iter().any(|held| held == sku);
            if !user.enabled {
                assert!(!has, "{name} left and has {sku}");
            } else if group.members.contains(&member) {
                assert!(has, "{name} has no {sku}");
                wanted_by_policies += 1;
            }
        }
    }
    // Whoever else holds something got it from a policy that was deleted: let go, and nobody's since.
    let status = site.json(0, &["status", "--format", "json"]);
    assert_eq!(status["tenants"][0]["owned_by_policies"], wanted_by_policies);
    site.assert_one_outcome_each();
    site.expect(0, &["history", "--verify"]);
}
