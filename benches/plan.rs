//! How long planning takes: resolve and diff, from policies, snapshot and ledger to a plan.
//!
//! Every user holds two SKUs that policies own. In one shape there is nothing to do; in the other,
//! one user in twenty has something missing, something to lose, or both.

use crate::tenant::{Size, Tenant};

mod tenant;

#[global_allocator]
static ALLOCATOR: divan::AllocProfiler = divan::AllocProfiler::system();

fn main() {
    divan::main();
}

const SMALL: Size = Size { users: 10_000, policies: 50, groups: 100 };
const MIDDLE: Size = Size { users: 100_000, policies: 50, groups: 100 };
const LARGE: Size = Size { users: 1_000_000, policies: 200, groups: 500 };

#[divan::bench(args = [SMALL, MIDDLE, LARGE], sample_count = 5, sample_size = 1)]
fn nothing_to_do(bencher: divan::Bencher, size: Size) {
    let tenant = Tenant::new(size, None);
    assert_eq!(tenant.plan().plan.operations, []);
    bencher.bench_local(|| tenant.plan());
}

#[divan::bench(args = [SMALL, MIDDLE, LARGE], sample_count = 5, sample_size = 1)]
fn one_in_twenty(bencher: divan::Bencher, size: Size) {
    let tenant = Tenant::new(size, Some(20));
    assert_eq!(tenant.plan().plan.operations.len(), size.users / 20);
    bencher.bench_local(|| tenant.plan());
}
