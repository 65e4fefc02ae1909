//! How long a plan that came to nothing stands: while nothing but time passes, and nothing that time
//! alone brings about falls due, making it again would come to the same.

use jiff::Timestamp;

use crate::plan::make::{Inputs, Planned, again};
use crate::plan::source::{APART, DAY};

/// The longest time for which such a plan is taken for granted.
const AT_MOST: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

/// A plan that came to nothing, and when it does.
#[derive(Clone, Debug)]
pub struct Settled {
    planned: Planned,
    from: Timestamp,
    until: Timestamp,
}

impl Settled {
    /// Returns the plan with how long it stands; none where there is something to do or to note, or
    /// where it follows from how long people have not signed in, which changes by the hour.
    pub fn of(inputs: &Inputs<'_>, planned: &Planned) -> Option<Self> {
        let Planned { plan, state: _, observed, on_acceptance, problems: _ } = planned;
        let is_settled = planned.is_settled()
            && observed.is_empty()
            && on_acceptance.is_empty()
            && plan.released.is_empty()
            && !inputs.asked.is_once()
            && !inputs.policies.asks_for_sign_ins(inputs.tenant);
        let from = inputs.now;
        let until = is_settled.then(|| next_edge(inputs, planned))?;
        Some(Self { planned: planned.clone(), from, until })
    }

    /// Returns the plan as these inputs make it, where all but their time, their trigger and when the
    /// snapshot was taken is as it was; none where it has to be made.
    pub fn again(&self, inputs: &Inputs<'_>) -> Option<Planned> {
        (self.from <= inputs.now && inputs.now < self.until).then(|| again(inputs, &self.planned))
    }
}

/// Returns the first instant after now at which the same inputs may make another plan.
fn next_edge(inputs: &Inputs<'_>, planned: &Planned) -> Timestamp {
    let zone = &inputs.settings.time_zone;
    let memory = &inputs.ledger.memory;
    let windows = inputs.policies.policies.iter();
    let windows = windows.flat_map(|policy| [policy.from.as_ref(), policy.until.as_ref()]);
    let windows = windows.flatten().map(|moment| moment.value.at(zone));
    let due = planned.plan.scheduled.iter().map(|scheduled| scheduled.due);
    let losses = memory.losses.values().map(|at| *at + DAY);
    let set = memory.assertions.values().flat_map(|asserted| &asserted.times);
    let set = set.map(|at| *at + DAY);
    let marks = memory.sources.values().flat_map(|source| &source.marks);
    let marks = marks.flat_map(|mark| [mark.since + APART, mark.since + DAY]);
    let edges = windows.chain(due).chain(losses).chain(set).chain(marks);
    let first = edges.filter(|at| *at > inputs.now).min();
    let latest = inputs.now + AT_MOST;
    first.map_or(latest, |first| first.min(latest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::plan::make::make;
    use crate::plan::testing::cases::{SCARCE, any_world};
    use crate::plan::testing::{World, world};

    fn settled(world: &World) -> Option<Settled> {
        world.with(|inputs| Settled::of(inputs, &make(inputs).unwrap()))
    }

    #[test]
    fn what_is_in_order_stands_for_an_hour() {
        let mut world = world("ana: in Staff, SPE_E3 by:staff", "staff: Staff -> SPE_E3");
        assert!(settled(&world).is_none(), "what it saw is not noted yet");
        world.observe();
        let settled = settled(&world).unwrap();
        for (minutes, stands) in [(0, true), (59, true), (60, false), (-1, false)] {
            let now = world.now + jiff::SignedDuration::from_mins(minutes);
            let again = world.with(|inputs| settled.again(&Inputs { now, ..*inputs }));
            assert_eq!(again.is_some(), stands, "{minutes}");
        }
    }

    #[test]
    fn what_has_something_to_do_or_looks_at_sign_ins_is_made_each_time() {
        for policy in ["staff: Staff -> SPE_E3", "idle: inactive:90d -> SPE_E3"] {
            let mut world = world("ana: in Staff", policy);
            world.observe();
            assert!(settled(&world).is_none(), "{policy}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

        /// As long as it stands, making it comes to the very same: digest, identity and all that is
        /// noted.
        #[test]
        fn while_it_stands_making_it_again_comes_to_the_same(
            world in any_world(SCARCE), rounds in 0u8..4, minutes in 0i64..60,
        ) {
            let mut world = world;
            for _ in 0..rounds {
                world = world.carry_out(&world.planned());
                world.now += jiff::SignedDuration::from_hours(5);
            }
            world.observe();
            let settled = settled(&world);
            prop_assume!(settled.is_some());
            let settled = settled.unwrap();
            let now = world.now + jiff::SignedDuration::from_mins(minutes);
            let (made, again) = world.with(|inputs| {
                let inputs = Inputs { now, ..*inputs };
                (make(&inputs).unwrap(), settled.again(&inputs))
            });
            if let Some(again) = again {
                prop_assert_eq!(again, made);
            } else {
                prop_assert!(settled.until <= now);
            }
        }
    }
}
