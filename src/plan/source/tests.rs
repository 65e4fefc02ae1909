use proptest::prelude::*;

use super::*;

fn hour(hours: i64) -> Timestamp {
    let start: Timestamp = "2026-11-23T09:00:00Z".parse().unwrap();
    start + SignedDuration::from_hours(hours)
}

/// What is remembered of users after these sizes, each an hour after the one before.
fn seen(sizes: &[u64]) -> Remembered {
    let mut remembered = Remembered::anew(sizes[0], hour(0), None);
    for (at, size) in (1..).zip(&sizes[1..]) {
        remembered = remembered.seen(&Source::Users, *size, hour(at), None);
    }
    remembered
}

#[test]
fn what_there_was_counts_for_a_day_after_it_was_last_seen() {
    let mut remembered = seen(&[100, 98]);
    assert_eq!(remembered.before(hour(24)), 100);
    assert_eq!(remembered.before(hour(25)), 98);
    remembered = remembered.seen(&Source::Users, 97, hour(30), None);
    assert_eq!(remembered.before(hour(30)), 98);
    assert_eq!(remembered.marks.len(), 2);
}

#[test]
fn what_a_guard_minds_is_not_forgotten_with_time() {
    let latched = seen(&[100, 99, 98]).latched(hour(3));
    assert_eq!(latched.before(hour(24 * 365)), 100);
}

#[test]
fn of_what_is_missing_the_least_counts() {
    let blank = Source::Blank { property: Property::Ou, guests: false };
    let mut remembered = Remembered::anew(5, hour(0), None);
    for (at, size) in [(2, 7), (4, 6), (6, 9)] {
        remembered = remembered.seen(&blank, size, hour(at), None);
    }
    assert_eq!(remembered.before(hour(6)), 5);
    assert_eq!(remembered.before(hour(28)), 6);
}

#[test]
fn sources_are_found_again_by_what_they_are_called() {
    let group = "11111111-2222-3333-4444-555555555555".parse().unwrap();
    let ou: DistinguishedName = "OU = Vertrieb\\, Süd,DC=Corp".parse().unwrap();
    let mut all = vec![
        Source::Users,
        Source::Group { group, nested: true },
        Source::Group { group, nested: false },
        Source::Ou { ou: ou.clone(), scope: OuScope::Subtree },
        Source::Ou { ou, scope: OuScope::One },
        Source::Csv("people/leavers.csv".into()),
        Source::Policy("sales".parse().unwrap()),
    ];
    let attributes = Attribute::all().map(Property::Attribute);
    let plain = [Property::Ou, Property::AdDomain, Property::Enabled, Property::Synced];
    let more = [Property::UserType, Property::Licenses];
    for property in attributes.chain(plain).chain(more) {
        all.extend([false, true].map(|guests| Source::Blank { property, guests }));
    }
    for source in all {
        assert_eq!(Source::named(source.kind(), &source.name()), Some(source.clone()));
        if let Source::Ou { ou, scope: _ } = &source {
            let shouted: DistinguishedName = ou.to_string().to_uppercase().parse().unwrap();
            assert_eq!(shouted.folded(), source.name());
        }
    }
}

proptest! {
    /// However sizes change, what there was is no less than the best that was seen within a day, as
    /// far as marks that are an hour apart tell, and it is nothing that was not seen.
    #[test]
    fn the_best_of_a_day_is_remembered(
        steps in prop::collection::vec((1i64..7, 0u64..12), 1..60),
    ) {
        let mut looks = vec![(hour(0), 12)];
        let mut remembered = Remembered::anew(12, hour(0), None);
        let mut at = 0;
        for (hours, size) in steps {
            at += hours;
            let now = hour(at);
            // A look at its own sees nothing of itself.
            let before = remembered.before(now);
            let day = looks.iter().filter(|(then, _)| *then > now - DAY);
            let best = day.map(|(_, size)| *size).max();
            prop_assert!(best.is_none_or(|best| before >= best), "{before} {best:?}");
            prop_assert!(looks.iter().any(|(_, size)| *size == before));
            remembered = remembered.seen(&Source::Users, size, now, None);
            looks.push((now, size));
            prop_assert_eq!(&remembered.seen(&Source::Users, size, now, None), &remembered);
            prop_assert!(remembered.marks.len() <= 26);
            let falls = |pair: &[Mark]| pair[0].size > pair[1].size && pair[0].since < pair[1].since;
            prop_assert!(remembered.marks.windows(2).all(falls));
        }
    }
}
