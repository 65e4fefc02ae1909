//! The example policies against the default company: what a person sees first.

use seatkeeper::plan::PlanState;
use seatkeeper::ports::OutcomeKind;
use seatkeeper::sandbox::Tenant;

use crate::lab::{Fuse, Lab};
use crate::site::{Site, assert_shown, example_policies};

async fn lab(people: usize) -> Lab {
    let files = example_policies();
    let files: Vec<(&str, &str)> = files.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    Lab::new(Tenant::company(people, 1), "", &files).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_example_is_valid_by_itself() {
    // The tests are about all of them.
    let policies = example_policies().into_iter().filter(|(name, _)| name != "tests.yaml");
    for (name, text) in policies {
        let site = Site::new(Tenant::company(50, 1), &[(&name, &text)]).await;
        site.expect(0, &["validate"]);
        assert_eq!(site.sandbox.counts().requests, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_examples_show_every_kind_of_thing_and_leave_the_company_in_order() {
    for people in [500, 2_000] {
        let lab = lab(people).await;
        let applied = lab.apply(&Fuse::never()).await.unwrap();
        let plan = &applied.cycle.planned.plan;
        let summary = &plan.summary;
        assert_shown!(format!("examples_{people}"), format!("{summary:#?}"));
        for (what, count) in [
            ("add", summary.add),
            ("replace", summary.replace),
            ("remove", summary.remove),
            ("modify", summary.modify),
            ("locate", summary.locate),
            ("adopt", summary.adopt),
            ("blocked", summary.blocked),
            ("waiting", summary.waiting),
            ("scheduled", summary.scheduled),
            ("unmanaged", summary.unmanaged),
        ] {
            assert!(count > 0, "{what} does not appear among {people}");
        }
        let [warning] = plan.warnings.as_slice() else { panic!("{:?}", plan.warnings) };
        assert!(warning.message.starts_with("the usage location of"), "{}", warning.message);
        let carried = applied.carried.unwrap();
        assert_eq!(carried.state, PlanState::Applied);
        assert_eq!(carried.run.outcomes.keys().collect::<Vec<_>>(), [&OutcomeKind::Done]);
        let left = lab.plan().await.unwrap();
        assert!(left.stored.is_none(), "{:#?}", left.planned.plan.operations);
    }
}
