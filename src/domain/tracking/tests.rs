use super::*;
use crate::domain::known::Known;

fn group(number: u128) -> GroupId {
    GroupId::from_uuid(Uuid::from_u128(number))
}

fn user_id(number: u128) -> UserId {
    UserId::from_uuid(Uuid::from_u128(number))
}

fn user(number: u128) -> User {
    User {
        id: user_id(number),
        principal_name: "ana@contoso.com".into(),
        display_name: None,
        user_type: Known::Unknown,
        enabled: Known::Unknown,
        usage_location: Known::Unknown,
        synced: Known::Unknown,
        distinguished_name: Known::Unknown,
        ad_domain: Known::Unknown,
        attributes: crate::domain::attribute::Attributes::unknown(),
        last_sign_in: Known::Unknown,
        licenses: Known::Unknown,
    }
}

/// Groups with the numbers of their users and of the groups in them.
fn tracking(groups: &[(u128, &[u128], &[u128])]) -> Tracking {
    let members = |(id, users, inside): &(u128, &[u128], &[u128])| {
        let members = DirectMembers {
            users: users.iter().map(|number| user_id(*number)).collect(),
            groups: inside.iter().map(|number| group(*number)).collect(),
            others: BTreeSet::new(),
        };
        (group(*id), members)
    };
    Tracking {
        users: "u".into(),
        groups: "g".into(),
        asked_at: Timestamp::UNIX_EPOCH,
        full_read_at: Timestamp::UNIX_EPOCH,
        members: groups.iter().map(members).collect(),
        hiding: BTreeSet::new(),
        gone: BTreeSet::new(),
        doubted: BTreeMap::new(),
        unexplained: BTreeMap::new(),
        odd: BTreeMap::new(),
    }
}

fn read(nested: Members, direct: Option<Members>) -> Membership {
    Membership::Read { nested, direct }
}

#[test]
fn who_is_in_through_nested_groups_is_in_even_where_they_form_a_cycle() {
    let tracking = tracking(&[(1, &[1], &[2]), (2, &[2], &[3]), (3, &[3], &[1])]);
    let users = [user(1), user(2), user(3)];
    let all = Members::complete([user_id(1), user_id(2), user_id(3)]);
    let own = Members::complete([user_id(2)]);
    assert_eq!(tracking.membership(group(2), true, &users), read(all, Some(own)));
}

#[test]
fn deleted_users_and_groups_that_are_not_there_bring_nobody() {
    let tracking = tracking(&[(1, &[1, 9], &[7])]);
    let only = Members::complete([user_id(1)]);
    assert_eq!(tracking.membership(group(1), false, &[user(1)]), read(only, None));
}

#[test]
fn a_nested_group_that_hides_its_members_leaves_the_rest_open() {
    let mut tracking = tracking(&[(1, &[1], &[2]), (2, &[], &[])]);
    tracking.hiding.insert(group(2));
    let nested = Members::partial([user_id(1)]);
    let direct = Some(Members::complete([user_id(1)]));
    assert_eq!(tracking.membership(group(1), true, &[user(1)]), read(nested, direct));
    // A group that may hide members and shows some hides none.
    tracking.members.entry(group(2)).or_default().users.insert(user_id(1));
    let all = Members::complete([user_id(1)]);
    assert_eq!(tracking.membership(group(1), false, &[user(1)]), read(all, None));
}
