//! What design calls the three rules, the ledger, grace, service plans, inheritance and locations.

mod clash;
mod grace;
mod inherited;
mod ladder;
mod ledger;
mod lifecycle;
mod location;
mod others;
mod service_plans;
mod untouched;
mod wanted;
