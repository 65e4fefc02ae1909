use super::{After, after, changed};
use crate::plan::testing::World;
use crate::plan::testing::cases::{SCARCE, any_world};
use proptest::prelude::*;

/// Foresees the plan of a world, once what it observes is written down.
fn foreseen(world: &World) -> After {
    let planned = world.planned();
    let ledger = world.ledger.after(&planned.observed);
    after(&world.snapshot(), &ledger, &planned.plan)
}

proptest! {
    /// What is foreseen of a plan is what carrying it out leads to, in the tenant and in the ledger.
    #[test]
    fn the_tenant_afterwards_is_as_carrying_the_plan_out_leaves_it(world in any_world(SCARCE)) {
        let planned = world.planned();
        let carried_out = world.carry_out(&planned);
        let foreseen = foreseen(&world);
        let snapshot = carried_out.snapshot();
        prop_assert_eq!(foreseen.snapshot.users(), snapshot.users());
        prop_assert_eq!(foreseen.snapshot.catalogue(), snapshot.catalogue());
        prop_assert_eq!(foreseen.ledger, carried_out.ledger);
    }

    /// Foreseeing an operation twice foresees nothing more.
    #[test]
    fn a_change_that_is_there_changes_nothing(world in any_world(SCARCE)) {
        let planned = world.planned();
        let foreseen = foreseen(&world).snapshot;
        for operation in &planned.plan.operations {
            let user = foreseen.user(operation.user.id).unwrap();
            prop_assert_eq!(&changed(user.clone(), operation), user);
        }
    }
}
