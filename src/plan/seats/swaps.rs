//! Finds users who would swap SKUs that are all full: nobody can go first. Says how many seats would
//! let how many of them move.

use std::collections::{BTreeMap, BTreeSet};

use super::{Open, Request, Sharing};
use crate::domain::ids::{SkuId, UserId};

/// Users who wait for each other's seats, round in a circle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FullSwap {
    /// Who, and for what. In order.
    pub(crate) wants: BTreeSet<(UserId, SkuId)>,
    /// How many free seats of one SKU would help.
    pub(crate) seats: u64,
    /// Of which SKUs; of any one of them.
    pub(crate) of: Vec<SkuId>,
    /// How many users could move then.
    pub(crate) moves: u64,
}

impl FullSwap {
    /// Returns how many users it is about.
    pub(crate) fn users(&self) -> u64 {
        self.wants.iter().map(|(user, _)| *user).collect::<BTreeSet<_>>().len() as u64
    }
}

/// What a seat of the first SKU would free, over all users who are stuck.
type Edges = BTreeMap<SkuId, BTreeSet<SkuId>>;

/// Finds the circles among those who are stuck.
pub(super) fn find(sharing: &Sharing) -> Vec<FullSwap> {
    let stuck: BTreeMap<UserId, &Open> = sharing
        .open
        .iter()
        .filter(|(_, open)| !open.request.kept && !open.missing.is_empty())
        .map(|(user, open)| (*user, open))
        .collect();
    let mut edges: Edges = BTreeMap::new();
    for open in stuck.values() {
        for (missing, freed) in swaps(open) {
            edges.entry(missing).or_default().insert(freed);
        }
    }
    circles(&edges).into_iter().filter_map(|circle| full_swap(sharing, &stuck, &circle)).collect()
}

/// Returns what a stuck user would give back for what they miss.
fn swaps(open: &Open) -> impl Iterator<Item = (SkuId, SkuId)> + '_ {
    open.request.frees.iter().flat_map(move |(freed, needs)| {
        let missing =
            needs.iter().filter(move |need| open.missing.contains(need) && *need != freed);
        missing.map(move |missing| (*missing, *freed))
    })
}

/// Returns the sets of SKUs each of which leads to every other.
fn circles(edges: &Edges) -> Vec<BTreeSet<SkuId>> {
    let reach = |from: SkuId| {
        let mut reached = BTreeSet::new();
        let mut next: Vec<SkuId> = edges.get(&from).into_iter().flatten().copied().collect();
        while let Some(sku) = next.pop() {
            if reached.insert(sku) {
                next.extend(edges.get(&sku).into_iter().flatten());
            }
        }
        reached
    };
    let reached: BTreeMap<SkuId, BTreeSet<SkuId>> =
        edges.keys().map(|sku| (*sku, reach(*sku))).collect();
    let leads = |from: &SkuId, to: &SkuId| reached.get(from).is_some_and(|all| all.contains(to));
    let mut circles: BTreeSet<BTreeSet<SkuId>> = BTreeSet::new();
    for sku in reached.keys().filter(|sku| leads(sku, sku)) {
        circles.insert(
            reached
                .keys()
                .filter(|other| leads(sku, other) && leads(other, sku))
                .copied()
                .collect(),
        );
    }
    circles.into_iter().filter(|circle| circle.len() > 1).collect()
}

fn full_swap(
    sharing: &Sharing,
    stuck: &BTreeMap<UserId, &Open>,
    circle: &BTreeSet<SkuId>,
) -> Option<FullSwap> {
    let within =
        |(missing, freed): &(SkuId, SkuId)| circle.contains(missing) && circle.contains(freed);
    let users: BTreeMap<UserId, &Open> = stuck
        .iter()
        .filter(|(_, open)| swaps(open).any(|swap| within(&swap)))
        .map(|(user, open)| (*user, *open))
        .collect();
    // What would be enough for all is more than enough; fewer may do as well.
    let most = users.len() as u64;
    let options: Vec<(u64, u64, SkuId)> = circle
        .iter()
        .map(|sku| {
            let moves = moved(&users, circle, *sku, most);
            let seats = fewest(most, |seats| moved(&users, circle, *sku, seats) >= moves);
            let lacking = sharing.free.get(sku).map_or(0, |free| free.min(&0).unsigned_abs());
            (moves, seats + lacking, *sku)
        })
        .collect();
    let moves = options.iter().map(|(moves, _, _)| *moves).max().filter(|moves| *moves > 0)?;
    let best = || options.iter().filter(|(of, _, _)| *of == moves);
    let seats = best().map(|(_, seats, _)| *seats).min()?;
    let of = best().filter(|(_, of, _)| *of == seats).map(|(_, _, sku)| *sku).collect();
    let wants = users
        .iter()
        .flat_map(|(user, open)| {
            swaps(open).filter(within).map(move |(missing, _)| (*user, missing))
        })
        .collect();
    Some(FullSwap { wants, seats, of, moves })
}

/// Returns the smallest number up to a bound for which something holds that goes on holding.
fn fewest(most: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (1, most.max(1));
    while low < high {
        let middle = low.midpoint(high);
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// Returns how many of these users could move round a circle with so many free seats of one SKU. For
/// what they miss beside they wait on, unless they take all or nothing.
fn moved(users: &BTreeMap<UserId, &Open>, circle: &BTreeSet<SkuId>, sku: SkuId, seats: u64) -> u64 {
    let request = |open: &Open| Request {
        needs: open
            .request
            .needs
            .iter()
            .filter(|(sku, _)| open.missing.contains(sku))
            .filter(|(sku, _)| open.request.whole || circle.contains(sku))
            .map(|(sku, need)| (*sku, *need))
            .collect(),
        frees: open.request.frees.clone(),
        whole: true,
        ..Request::default()
    };
    let requests = users.iter().map(|(user, open)| (*user, request(open))).collect();
    let free = BTreeMap::from([(sku, i64::try_from(seats).unwrap_or(i64::MAX))]);
    let mut sharing = Sharing::new(free, requests);
    sharing.run();
    sharing.waves.len() as u64
}
