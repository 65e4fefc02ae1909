//! Lists of people, for what no rule explains.

use std::collections::{BTreeMap, BTreeSet};

use super::Unexplained;
use crate::domain::ids::SkuId;

/// People and what they are to be granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Roster {
    /// In the order of ids.
    pub(super) skus: Vec<SkuId>,
    /// By position, in order.
    pub(super) people: Vec<usize>,
}

/// Makes lists: one for each set of SKUs that enough people have in common, and one for each SKU for
/// the others; with fewer sets where these would be more lists than there may be. The largest first.
pub(super) fn of(left: &Unexplained, people_min: usize, lists_max: usize) -> Vec<Roster> {
    let mut by_person: BTreeMap<usize, Vec<SkuId>> = BTreeMap::new();
    for (sku, people) in left {
        for user in people {
            by_person.entry(*user).or_default().push(*sku);
        }
    }
    let mut by_set: BTreeMap<Vec<SkuId>, Vec<usize>> = BTreeMap::new();
    for (user, skus) in by_person {
        by_set.entry(skus).or_default().push(user);
    }
    let is_common = |(skus, people): &(&Vec<SkuId>, &Vec<usize>)| {
        skus.len() > 1 && people.len() >= people_min.max(2)
    };
    let mut common: Vec<&Vec<SkuId>> =
        by_set.iter().filter(is_common).map(|(skus, _)| skus).collect();
    common.sort_by_key(|skus| std::cmp::Reverse(by_set[*skus].len()));
    loop {
        let lists = with(&by_set, &common);
        if lists.len() <= lists_max || common.pop().is_none() {
            return lists;
        }
    }
}

fn with(by_set: &BTreeMap<Vec<SkuId>, Vec<usize>>, common: &[&Vec<SkuId>]) -> Vec<Roster> {
    let mut lists: BTreeMap<Vec<SkuId>, BTreeSet<usize>> = BTreeMap::new();
    for (skus, people) in by_set {
        if common.contains(&skus) {
            lists.entry(skus.clone()).or_default().extend(people);
        } else {
            for sku in skus {
                lists.entry(vec![*sku]).or_default().extend(people);
            }
        }
    }
    let list = |(skus, people): (Vec<SkuId>, BTreeSet<usize>)| Roster {
        skus,
        people: people.into_iter().collect(),
    };
    let mut lists: Vec<Roster> = lists.into_iter().map(list).collect();
    lists.sort_by_key(|list| std::cmp::Reverse(list.people.len()));
    lists
}
