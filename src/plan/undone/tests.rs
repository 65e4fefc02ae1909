use super::{after, changed};
use crate::plan::testing::cases::{SCARCE, any_world};
use proptest::prelude::*;

proptest! {
    /// What is foreseen of a plan is what carrying it out leads to.
    #[test]
    fn the_tenant_afterwards_is_as_carrying_the_plan_out_leaves_it(world in any_world(SCARCE)) {
        let planned = world.planned();
        let carried_out = world.carry_out(&planned).snapshot();
        let foreseen = after(&world.snapshot(), &planned.plan);
        prop_assert_eq!(foreseen.users(), carried_out.users());
        prop_assert_eq!(foreseen.catalogue(), carried_out.catalogue());
    }

    /// Foreseeing an operation twice foresees nothing more.
    #[test]
    fn a_change_that_is_there_changes_nothing(world in any_world(SCARCE)) {
        let planned = world.planned();
        let foreseen = after(&world.snapshot(), &planned.plan);
        for operation in &planned.plan.operations {
            let user = foreseen.user(operation.user.id).unwrap();
            prop_assert_eq!(&changed(user.clone(), operation), user);
        }
    }
}
