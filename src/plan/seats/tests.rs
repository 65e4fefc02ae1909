use proptest::prelude::*;

use super::*;

fn user(n: u128) -> UserId {
    UserId::from_uuid(uuid::Uuid::from_u128(n))
}

fn sku(n: u128) -> SkuId {
    SkuId::from_uuid(uuid::Uuid::from_u128(n))
}

fn wants(skus: &[(u128, i32)]) -> Request {
    let needs = skus.iter().map(|(n, priority)| (sku(*n), *priority)).collect();
    Request { needs, ..Request::default() }
}

fn swap(from: u128, to: u128) -> Request {
    Request {
        needs: BTreeMap::from([(sku(to), 0)]),
        frees: BTreeMap::from([(sku(from), BTreeSet::from([sku(to)]))]),
        otherwise_busy: false,
    }
}

fn gives(n: u128) -> Request {
    Request { frees: BTreeMap::from([(sku(n), BTreeSet::new())]), ..Request::default() }
}

#[test]
fn higher_priority_goes_first_then_the_user_id() {
    let requests = BTreeMap::from([
        (user(1), wants(&[(9, 0)])),
        (user(2), wants(&[(9, 0)])),
        (user(3), wants(&[(9, 5)])),
    ]);
    let shares = share(BTreeMap::from([(sku(9), 2)]), requests);
    assert_eq!(shares.waves, BTreeMap::from([(user(1), 0), (user(3), 0)]));
    assert_eq!(shares.waiting, BTreeMap::from([(sku(9), vec![user(2)])]));
}

#[test]
fn a_removal_feeds_an_addition_in_the_next_wave() {
    let requests = BTreeMap::from([(user(1), wants(&[(9, 0)])), (user(2), gives(9))]);
    let shares = share(BTreeMap::new(), requests);
    assert_eq!(shares.waves, BTreeMap::from([(user(1), 1), (user(2), 0)]));
    assert!(shares.waiting.is_empty());
}

#[test]
fn chained_swaps_run_one_after_the_other() {
    let requests = BTreeMap::from([(user(1), swap(1, 2)), (user(2), swap(2, 3))]);
    let shares = share(BTreeMap::from([(sku(3), 1)]), requests);
    assert_eq!(shares.waves, BTreeMap::from([(user(1), 1), (user(2), 0)]));
}

#[test]
fn nobody_is_stripped_first_when_both_skus_are_full() {
    let requests = BTreeMap::from([(user(1), swap(1, 2)), (user(2), swap(2, 1))]);
    let shares = share(BTreeMap::new(), requests);
    assert!(shares.waves.is_empty());
    assert_eq!(shares.waiting.len(), 2);
}

#[test]
fn who_waits_for_one_sku_still_gets_the_other() {
    let requests = BTreeMap::from([(user(1), wants(&[(8, 0), (9, 0)]))]);
    let shares = share(BTreeMap::from([(sku(8), 1)]), requests);
    assert_eq!(shares.waves, BTreeMap::from([(user(1), 0)]));
    assert!(shares.waits(user(1), sku(9)));
}

fn any_request() -> impl Strategy<Value = Request> {
    let needs = prop::collection::btree_map(0u128..4, -2i32..3, 0..3);
    let frees = prop::collection::btree_set(0u128..4, 0..3);
    (needs, frees, any::<bool>(), any::<bool>()).prop_map(|(needs, frees, in_exchange, busy)| {
        let needs: BTreeMap<SkuId, i32> =
            needs.into_iter().map(|(n, priority)| (sku(n), priority)).collect();
        let exchanged: BTreeSet<SkuId> =
            if in_exchange { needs.keys().copied().collect() } else { BTreeSet::new() };
        let frees = frees
            .into_iter()
            .map(sku)
            .filter(|sku| !needs.contains_key(sku))
            .map(|sku| (sku, exchanged.clone()))
            .collect();
        Request { needs, frees, otherwise_busy: busy }
    })
}

proptest! {
    /// No SKU ever has fewer than no free seats, whatever the order within a wave.
    #[test]
    fn seats_never_go_below_zero(
        free in prop::collection::btree_map(0u128..4, 0u64..3, 0..4),
        requests in prop::collection::vec(any_request(), 0..12),
    ) {
        let free: BTreeMap<SkuId, u64> = free.into_iter().map(|(n, f)| (sku(n), f)).collect();
        let requests: BTreeMap<UserId, Request> =
            requests.into_iter().enumerate().map(|(n, r)| (user(n as u128), r)).collect();
        let shares = share(free.clone(), requests.clone());
        let mut left: BTreeMap<SkuId, i64> =
            free.iter().map(|(sku, free)| (*sku, i64::try_from(*free).unwrap())).collect();
        let last = shares.waves.values().max().copied().unwrap_or_default();
        for wave in 0..=last {
            let mut freed: BTreeMap<SkuId, i64> = BTreeMap::new();
            for (user, _) in shares.waves.iter().filter(|(_, of)| **of == wave) {
                let request = &requests[user];
                for sku in request.needs.keys().filter(|sku| !shares.waits(*user, **sku)) {
                    *left.entry(*sku).or_default() -= 1;
                }
                let missing: BTreeSet<SkuId> = request
                    .needs.keys().copied().filter(|sku| shares.waits(*user, *sku)).collect();
                for (sku, needs) in &request.frees {
                    if needs.is_disjoint(&missing) {
                        *freed.entry(*sku).or_default() += 1;
                    }
                }
            }
            prop_assert!(left.values().all(|left| *left >= 0), "wave {wave}: {left:?}");
            for (sku, freed) in freed {
                *left.entry(sku).or_default() += freed;
            }
        }
        // Whoever asked is served or waits.
        for (user, request) in &requests {
            for sku in request.needs.keys() {
                prop_assert!(shares.waits(*user, *sku) || shares.waves.contains_key(user));
            }
        }
    }

    /// Nobody waits for a seat that is free and kept for nobody.
    #[test]
    fn a_free_seat_serves_whoever_wants_only_that(
        free in 0u64..5,
        priorities in prop::collection::vec(-2i32..3, 0..8),
    ) {
        let requests: BTreeMap<UserId, Request> = priorities
            .iter().enumerate().map(|(n, p)| (user(n as u128), wants(&[(1, *p)]))).collect();
        let shares = share(BTreeMap::from([(sku(1), free)]), requests);
        let served = u64::try_from(shares.waves.len()).unwrap();
        prop_assert_eq!(served, free.min(u64::try_from(priorities.len()).unwrap()));
    }
}
