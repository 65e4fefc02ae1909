//! The parts one by one: selectors, the queue for seats, pages of users, and the store's journal.

use std::sync::atomic::{AtomicU64, Ordering};

use seatkeeper::domain::names::TenantName;
use seatkeeper::graph;
use seatkeeper::plan::{Digest, PlanState};
use seatkeeper::policy;
use seatkeeper::policy::list::Lists;
use seatkeeper::ports::{Decision, Outcome, OutcomeKind, Records as _, Settlement};
use seatkeeper::store::Store;
use seatkeeper::yaml::SourceFile;

use crate::tenant::{Size, Tenant};

mod tenant;

#[global_allocator]
static ALLOCATOR: divan::AllocProfiler = divan::AllocProfiler::system();

fn main() {
    divan::main();
}

const USERS: usize = 100_000;
const SIZE: Size = Size { users: USERS, policies: 50, groups: 100 };

/// Fifty policies with five tests each, which in the end fit nobody: what is left is to look.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn selectors(bencher: divan::Bencher) {
    let mut tenant = Tenant::new(SIZE, None);
    tenant.policies = policies(|at| {
        format!(
            "match: {{all: [{{any: [{{group: Group {at}}}, {{group: Group {}}}]}}, \
             {{domain: contoso.com}}, {{has: SKU_7}}, {{none: [{{enabled: true}}]}}]}}\n    \
             action: remove\n    licenses: [SKU_7]",
            at + 50,
        )
    });
    assert_eq!(tenant.plan().plan.operations, []);
    bencher.bench_local(|| tenant.plan());
}

/// All want a SKU that most do not hold, and there are seats for one in ten of them: who gets one, and
/// who waits at which place.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn queue_for_seats(bencher: divan::Bencher) {
    let (used, free) = (15_000, 10_000);
    let mut tenant = Tenant::with_seats(SIZE, None, used + free, used);
    tenant.policies = policies(|at| {
        format!("match: {{group: Group {at}}}\n    priority: {at}\n    licenses: [SKU_0]")
    });
    assert!(tenant.plan().plan.waiting.len() > 20_000);
    bencher.bench_local(|| tenant.plan());
}

fn policies(body: impl Fn(usize) -> String) -> policy::PolicySet {
    let policy = |at: usize| format!("  - name: policy-{at}\n    {}\n", body(at));
    let text = format!("policies:\n{}", (0..50).map(policy).collect::<String>());
    let file = SourceFile::from_bytes("policies.yaml".into(), text.into_bytes()).expect("text");
    policy::load(&[file], &Lists::default()).expect("valid policies").policies
}

/// A page as Graph sends it: 999 users with two licenses each, into compact records.
#[divan::bench(sample_count = 50)]
fn page_of_users(bencher: divan::Bencher) {
    let page = page();
    let count = divan::counter::BytesCount::of_slice(&page);
    bencher.counter(count).bench_local(|| graph::users_of_page(&page).expect("a page"));
}

fn page() -> Vec<u8> {
    let id = |kind: u8, at: usize| format!("{kind:08x}-0000-4000-8000-{at:012x}");
    let user = |at: usize| {
        let held = |sku: u8| serde_json::json!({"skuId": id(sku, 1), "disabledPlans": [id(7, 1), id(7, 2)]});
        let state = |sku: u8| {
            serde_json::json!({"skuId": id(sku, 1), "assignedByGroup": null, "state": "Active",
                "error": "None", "disabledPlans": [id(7, 1), id(7, 2)],
                "lastUpdatedDateTime": "2026-11-23T09:00:00Z"})
        };
        serde_json::json!({
            "id": id(1, at), "userPrincipalName": format!("user{at}@contoso.com"),
            "displayName": format!("User Number {at}"), "userType": "Member",
            "accountEnabled": true, "usageLocation": "DE", "onPremisesSyncEnabled": true,
            "onPremisesDistinguishedName": format!("CN=User {at},OU=Staff,DC=contoso,DC=com"),
            "onPremisesDomainName": "contoso.com", "department": "Sales", "jobTitle": "Engineer",
            "companyName": "Contoso", "country": "Germany", "officeLocation": "Berlin",
            "employeeType": "Employee", "onPremisesExtensionAttributes": {},
            "assignedLicenses": [held(2), held(3)],
            "licenseAssignmentStates": [state(2), state(3)],
        })
    };
    let users: Vec<_> = (0..999).map(user).collect();
    serde_json::to_vec(&serde_json::json!({"value": users})).expect("JSON")
}

/// Twenty intents and their outcomes, each group of twenty on disk before the call returns.
#[divan::bench(sample_count = 100, sample_size = 1)]
fn journal_of_twenty(bencher: divan::Bencher) {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let home = tempfile::tempdir().expect("a directory");
    let store = Store::open(home.path()).expect("a store");
    let tenant: TenantName = "contoso".parse().expect("a name");
    let planned = Tenant::new(Size { users: 100_000, policies: 50, groups: 100 }, Some(20)).plan();
    let (plan, at) = (planned.plan, "2026-11-23T09:00:00Z".parse().expect("a time"));
    let (id, keys) = (plan.id, plan.operations.iter().map(|one| one.key));
    let keys: Vec<Digest> = keys.collect();
    let decision = Decision {
        state: PlanState::Approved,
        by: "bench".into(),
        at,
        accepted: Vec::new(),
        reason: None,
    };
    runtime.block_on(async {
        store.propose(plan, PlanState::Proposed).await.expect("stored");
        store.decide(id, decision).await.expect("approved");
        store.advance(id, PlanState::Approved, PlanState::Applying).await.expect("applying");
    });
    let next = AtomicU64::new(0);
    bencher.bench_local(|| {
        let from = usize::try_from(next.fetch_add(20, Ordering::Relaxed)).expect("small");
        let some = keys[from..from + 20].to_vec();
        let settlement = |operation: &Digest| Settlement {
            outcome: Outcome {
                plan: id,
                operation: *operation,
                kind: OutcomeKind::Done,
                at,
                detail: String::new(),
                code: None,
                request_id: None,
                recovered: false,
            },
            ledger: Vec::new(),
        };
        let settlements = some.iter().map(settlement).collect();
        runtime.block_on(async {
            store.intend(id, some, at).await.expect("on disk");
            store.settle(&tenant, settlements).await.expect("on disk");
        });
    });
}
