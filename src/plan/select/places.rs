//! Where users stand in the order of their ids, found with one step into a table by the first bits
//! of the id: members are looked up by the million, and each probe of a search is a cache miss.

use fixedbitset::FixedBitSet;

use crate::domain::ids::UserId;
use crate::domain::user::User;

/// How many bits of an id lead into the table.
const BITS: u32 = 16;

/// All users of a tenant, to be found.
pub(super) struct Places {
    ids: Vec<UserId>,
    /// For every value of the first bits, where the first id stands that has it or a greater one; and
    /// the end.
    starts: Vec<u32>,
}

impl Places {
    /// Takes users in the order of their ids.
    pub(super) fn of(users: &[User]) -> Self {
        let ids: Vec<UserId> = users.iter().map(|user| user.id).collect();
        let end = u32::try_from(ids.len()).expect("no tenant has that many users");
        let mut starts = vec![end; (1 << BITS) + 1];
        // From behind, so that the first of each stays.
        for (at, id) in (0..end).rev().zip(ids.iter().rev()) {
            starts[first_bits(*id)] = at;
        }
        for bits in (0..1usize << BITS).rev() {
            starts[bits] = starts[bits].min(starts[bits + 1]);
        }
        Self { ids, starts }
    }

    /// Returns where users stand, of those that are there.
    pub(super) fn of_all(&self, users: &[UserId]) -> FixedBitSet {
        let mut places = FixedBitSet::with_capacity(self.ids.len());
        for user in users {
            if let Some(at) = self.find(*user) {
                places.insert(at);
            }
        }
        places
    }

    fn find(&self, user: UserId) -> Option<usize> {
        let bits = first_bits(user);
        let (from, to) = (self.starts[bits] as usize, self.starts[bits + 1] as usize);
        let found = self.ids[from..to].binary_search(&user);
        found.ok().map(|at| from + at)
    }
}

fn first_bits(id: UserId) -> usize {
    (id.as_uuid().as_u128() >> (u128::BITS - BITS)) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    /// Ids that share their first bits as well as ids that do not.
    fn any_id() -> impl Strategy<Value = UserId> {
        let bits = prop_oneof![Just(0), Just(1), Just(u128::MAX >> 112), 0..=(u128::MAX >> 112)];
        (bits, 0u128..6).prop_map(|(bits, rest)| {
            UserId::from_uuid(Uuid::from_u128(bits << (u128::BITS - BITS) | rest))
        })
    }

    proptest! {
        /// Whoever is there is found, and nobody else.
        #[test]
        fn users_are_found_where_they_stand(
            there in prop::collection::btree_set(any_id(), 0..40), asked in any_id(),
        ) {
            let ids: Vec<UserId> = there.iter().copied().collect();
            let users: Vec<User> = ids.iter().map(|id| User { id: *id, ..crate::plan::testing::new_user("ana") }).collect();
            let places = Places::of(&users);
            for (at, id) in ids.iter().enumerate() {
                prop_assert_eq!(places.find(*id), Some(at));
            }
            prop_assert_eq!(places.find(asked).is_some(), there.contains(&asked));
        }
    }
}
