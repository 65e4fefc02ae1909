use proptest::prelude::*;

use super::*;

fn user(n: u128) -> UserId {
    UserId::from_uuid(uuid::Uuid::from_u128(n))
}

fn sku(n: u128) -> SkuId {
    SkuId::from_uuid(uuid::Uuid::from_u128(n))
}

fn need(priority: i32) -> Need {
    Need { priority, since: Timestamp::UNIX_EPOCH }
}

fn wants(skus: &[(u128, i32)]) -> Request {
    let needs = skus.iter().map(|(n, priority)| (sku(*n), need(*priority))).collect();
    Request { needs, ..Request::default() }
}

fn swap(from: u128, to: u128) -> Request {
    Request {
        needs: BTreeMap::from([(sku(to), need(0))]),
        frees: BTreeMap::from([(sku(from), BTreeSet::from([sku(to)]))]),
        ..Request::default()
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
fn what_is_given_back_goes_to_nobody_while_too_much_is_in_use() {
    let requests =
        BTreeMap::from([(user(1), wants(&[(9, 0)])), (user(2), gives(9)), (user(3), gives(9))]);
    let shares = share(BTreeMap::from([(sku(9), -2)]), requests.clone());
    assert!(shares.waits(user(1), sku(9)));
    let shares = share(BTreeMap::from([(sku(9), -1)]), requests);
    assert!(!shares.waits(user(1), sku(9)));
}

#[test]
fn who_can_give_back_waits_for_all_they_need_unless_somebody_needs_it() {
    let moves = Request { frees: gives(1).frees, ..wants(&[(2, 0)]) };
    let cannot_move = swap(3, 4);
    let gives_way = Request { frees: gives(2).frees, ..wants(&[(4, 0)]) };
    let requests = BTreeMap::from([(user(1), moves), (user(2), cannot_move), (user(3), gives_way)]);
    let shares = share(BTreeMap::new(), requests);
    assert_eq!(shares.waves, BTreeMap::from([(user(1), 1), (user(3), 0)]));
    assert!(!shares.waits(user(1), sku(2)));
}

#[test]
fn a_kept_seat_goes_to_nobody_else() {
    let kept = Request { kept: true, frees: gives(8).frees, ..wants(&[(9, 5)]) };
    let requests = BTreeMap::from([(user(1), wants(&[(9, 0), (8, 0)])), (user(2), kept)]);
    let shares = share(BTreeMap::from([(sku(9), 1)]), requests);
    assert!(shares.waves.is_empty());
    assert_eq!(shares.waiting, BTreeMap::from([(sku(8), vec![user(1)]), (sku(9), vec![user(1)])]));
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
    assert!(shares.waits(user(1), sku(2)) && shares.waits(user(2), sku(1)));
}

#[test]
fn a_full_swap_says_the_smallest_number_of_seats_that_frees_it() {
    let back = (0..10).map(|n| (user(n), swap(1, 2)));
    let forth = (10..20).map(|n| (user(n), swap(2, 1)));
    let shares = share(BTreeMap::new(), back.chain(forth).collect());
    let [found] = shares.full_swaps.as_slice() else { panic!("{:?}", shares.full_swaps) };
    assert_eq!((found.seats, found.moves, found.users()), (1, 20, 20));
    assert_eq!(found.of, [sku(1), sku(2)]);
    assert!(shares.waiting.is_empty());
}

#[test]
fn a_full_swap_of_uneven_sides_needs_as_many_seats_as_one_side_has_more() {
    let back = (0..5).map(|n| (user(n), swap(1, 2)));
    let forth = (10..12).map(|n| (user(n), swap(2, 1)));
    let shares = share(BTreeMap::new(), back.chain(forth).collect());
    let found = &shares.full_swaps[0];
    assert_eq!((found.seats, found.moves, found.of.as_slice()), (3, 7, [sku(2)].as_slice()));
}

#[test]
fn a_full_swap_may_go_round_over_three_skus() {
    let round = BTreeMap::from([
        (user(1), swap(1, 2)),
        (user(2), swap(2, 3)),
        (user(3), swap(3, 1)),
        (user(4), wants(&[(1, 9)])),
    ]);
    let shares = share(BTreeMap::new(), round);
    assert_eq!(shares.full_swaps[0].moves, 3);
    assert_eq!(shares.full_swaps[0].of.len(), 3);
    assert_eq!(shares.waiting, BTreeMap::from([(sku(1), vec![user(4)])]));
}

#[test]
fn who_has_waited_longest_goes_first_among_equals() {
    let mut waits = wants(&[(9, 0)]);
    waits.needs.get_mut(&sku(9)).unwrap().since = Timestamp::MIN;
    let requests = BTreeMap::from([(user(1), wants(&[(9, 0)])), (user(2), waits)]);
    let shares = share(BTreeMap::from([(sku(9), 1)]), requests);
    assert_eq!(shares.waiting, BTreeMap::from([(sku(9), vec![user(1)])]));
}

fn falls_back(to: &[u128], wanted: u128, held: &[u128]) -> Request {
    let lower = |n: &u128| Lower {
        sku: sku(*n),
        frees: held.iter().copied().filter(|held| held > n).map(sku).collect(),
    };
    Request {
        lower: BTreeMap::from([(sku(wanted), to.iter().map(lower).collect())]),
        frees: held.iter().map(|n| (sku(*n), BTreeSet::from([sku(wanted)]))).collect(),
        ..wants(&[(wanted, 0)])
    }
}

#[test]
fn who_finds_no_seat_takes_the_next_lower_rung_that_is_free_and_waits_on() {
    let requests = BTreeMap::from([(user(1), falls_back(&[2, 3], 1, &[4]))]);
    let shares = share(BTreeMap::from([(sku(3), 1)]), requests);
    assert_eq!(shares.waves, BTreeMap::from([(user(1), 0)]));
    assert_eq!(shares.waiting, BTreeMap::from([(sku(1), vec![user(1)])]));
    assert_eq!(shares.meanwhile(user(1), sku(1)).unwrap().sku, sku(3));
    assert!(shares.lets_go(user(1), sku(4), &BTreeSet::from([sku(1)])));
    assert!(!shares.lets_go(user(1), sku(7), &BTreeSet::from([sku(1)])));
}

#[test]
fn who_wants_a_rung_has_it_before_those_who_only_take_it_meanwhile() {
    let mut eager = falls_back(&[2], 1, &[]);
    eager.needs.get_mut(&sku(1)).unwrap().priority = 100;
    let requests = BTreeMap::from([(user(1), eager), (user(2), wants(&[(2, 0)]))]);
    let shares = share(BTreeMap::from([(sku(2), 1)]), requests);
    assert_eq!(shares.waves, BTreeMap::from([(user(2), 0)]));
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
        let needs: BTreeMap<SkuId, Need> =
            needs.into_iter().map(|(n, priority)| (sku(n), need(priority))).collect();
        let exchanged: BTreeSet<SkuId> =
            if in_exchange { needs.keys().copied().collect() } else { BTreeSet::new() };
        let frees = frees
            .into_iter()
            .map(sku)
            .filter(|sku| !needs.contains_key(sku))
            .map(|sku| (sku, exchanged.clone()))
            .collect();
        Request { needs, frees, otherwise_busy: busy, ..Request::default() }
    })
}

proptest! {
    /// No SKU ever has fewer than no free seats, whatever the order within a wave.
    #[test]
    fn seats_never_go_below_zero(
        free in prop::collection::btree_map(0u128..4, -2i64..3, 0..4),
        requests in prop::collection::vec(any_request(), 0..12),
    ) {
        let free: BTreeMap<SkuId, i64> = free.into_iter().map(|(n, f)| (sku(n), f)).collect();
        let requests: BTreeMap<UserId, Request> =
            requests.into_iter().enumerate().map(|(n, r)| (user(n as u128), r)).collect();
        let shares = share(free.clone(), requests.clone());
        let mut left = free.clone();
        let last = shares.waves.values().max().copied().unwrap_or_default();
        for wave in 0..=last {
            let mut freed: BTreeMap<SkuId, i64> = BTreeMap::new();
            for (user, _) in shares.waves.iter().filter(|(_, of)| **of == wave) {
                let request = &requests[user];
                for sku in request.needs.keys().filter(|sku| !shares.waits(*user, **sku)) {
                    let left = left.entry(*sku).or_default();
                    *left -= 1;
                    prop_assert!(*left >= 0, "wave {wave}: {sku}");
                }
                let missing: BTreeSet<SkuId> = request
                    .needs.keys().copied().filter(|sku| shares.waits(*user, *sku)).collect();
                for (sku, needs) in &request.frees {
                    if needs.is_disjoint(&missing) {
                        *freed.entry(*sku).or_default() += 1;
                    }
                }
            }
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
        free in -2i64..5,
        priorities in prop::collection::vec(-2i32..3, 0..8),
    ) {
        let requests: BTreeMap<UserId, Request> = priorities
            .iter().enumerate().map(|(n, p)| (user(n as u128), wants(&[(1, *p)]))).collect();
        let shares = share(BTreeMap::from([(sku(1), free)]), requests);
        let served = i64::try_from(shares.waves.len()).unwrap();
        prop_assert_eq!(served, free.max(0).min(i64::try_from(priorities.len()).unwrap()));
    }
}

#[test]
fn what_the_users_of_a_full_swap_wait_for_beside_does_not_hold_their_swap() {
    let also_9 = |from, to| {
        let mut request = swap(from, to);
        request.needs.insert(sku(9), need(0));
        request
    };
    let back = (0..3).map(|n| (user(n), also_9(1, 2)));
    let forth = (10..13).map(|n| (user(n), also_9(2, 1)));
    let shares = share(BTreeMap::new(), back.chain(forth).collect());
    assert_eq!((shares.full_swaps[0].seats, shares.full_swaps[0].moves), (1, 6));
    let with_one = share(BTreeMap::from([(sku(1), 1)]), {
        let back = (0..3).map(|n| (user(n), also_9(1, 2)));
        back.chain((10..13).map(|n| (user(n), also_9(2, 1)))).collect()
    });
    assert_eq!(with_one.waves.len(), 6);
}
