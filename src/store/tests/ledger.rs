use proptest::collection::vec;
use proptest::prelude::*;

use super::{at, block_on, contoso, fabrikam, open, scratch};
use crate::plan::ledger::{Ledger, LedgerChange};
use crate::ports::Records;
use crate::report::any::{a_sku, a_user};
use crate::store::any::any_change;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The store carries changes out just as the ledger in memory does.
    #[test]
    fn the_ledger_is_the_same_in_memory_and_in_the_store(
        batches in vec(vec(any_change(), 0..8), 0..6),
    ) {
        let (dir, mut ledger) = (scratch(), Ledger::default());
        let store = open(&dir);
        for batch in batches {
            for change in &batch {
                ledger.apply(change);
            }
            block_on(store.observe(&contoso(), batch)).unwrap();
            prop_assert_eq!(&*block_on(store.ledger(&contoso())).unwrap(), &ledger);
        }
    }

    #[test]
    fn carrying_changes_out_twice_does_no_harm(changes in vec(any_change(), 1..8)) {
        let dir = scratch();
        let store = open(&dir);
        let last = changes.last().unwrap().clone();
        block_on(store.observe(&contoso(), changes)).unwrap();
        let once = block_on(store.ledger(&contoso())).unwrap();
        block_on(store.observe(&contoso(), vec![last])).unwrap();
        prop_assert_eq!(block_on(store.ledger(&contoso())).unwrap(), once);
    }
}

fn own(user: u128, policy: &str) -> LedgerChange {
    let (user, sku) = (a_user(user, "x").id, a_sku(1, "SPE_E5").id);
    LedgerChange::Own(user, sku, policy.parse().unwrap(), at(10))
}

#[tokio::test]
async fn tenants_do_not_share_a_ledger() {
    let dir = scratch();
    let store = open(&dir);
    store.observe(&contoso(), vec![own(1, "sales")]).await.unwrap();
    assert!(store.ledger(&fabrikam()).await.unwrap().is_empty());
    let (user, sku) = (a_user(1, "x").id, a_sku(1, "SPE_E5").id);
    store.observe(&fabrikam(), vec![LedgerChange::Forget(user, sku)]).await.unwrap();
    assert_eq!(store.ledger(&contoso()).await.unwrap().owners.len(), 1);
}

#[tokio::test]
async fn owners_are_counted_by_policy() {
    let dir = scratch();
    let store = open(&dir);
    let changes = vec![own(1, "sales"), own(2, "sales"), own(2, "engineering")];
    store.observe(&contoso(), changes).await.unwrap();
    let owners = store.owners(&contoso()).await.unwrap();
    // What two own is one assignment.
    assert_eq!(owners.assignments, 2);
    let owners = owners.by_policy.iter();
    let owners: Vec<_> = owners.map(|(policy, count)| (policy.as_str(), *count)).collect();
    assert_eq!(owners, [("engineering", 1), ("sales", 2)]);
    assert_eq!(store.owners(&fabrikam()).await.unwrap(), crate::ports::Owned::default());
}

#[tokio::test]
async fn times_keep_their_nanoseconds() {
    let dir = scratch();
    let store = open(&dir);
    let since = jiff::Timestamp::new(1_795_424_400, 123_456_789).unwrap();
    let (user, sku) = (a_user(1, "x").id, a_sku(1, "SPE_E5").id);
    let policy: crate::domain::names::PolicyName = "sales".parse().unwrap();
    let change = LedgerChange::StartClock(user, sku, policy.clone(), since);
    store.observe(&contoso(), vec![change]).await.unwrap();
    let ledger = store.ledger(&contoso()).await.unwrap();
    assert_eq!(ledger.clocks[&(user, sku, policy)], since);
}

#[tokio::test]
async fn a_time_that_cannot_be_kept_leaves_nothing_of_its_batch() {
    let dir = scratch();
    let store = open(&dir);
    let (user, sku) = (a_user(1, "x").id, a_sku(1, "SPE_E5").id);
    let far = LedgerChange::Own(user, sku, "later".parse().unwrap(), jiff::Timestamp::MAX);
    store.observe(&contoso(), vec![own(1, "sales"), far]).await.unwrap_err();
    assert!(store.ledger(&contoso()).await.unwrap().is_empty());
}
