//! The whole program: the command line, the engine and the store against the sandbox tenant, as a
//! user, a crash or a bad network meets them. Nothing beyond loopback.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]
#![expect(clippy::large_futures, reason = "a test runs one process at a time")]

mod approvals;
mod bench;
mod browser;
mod cli;
mod crash;
mod daemon;
mod doctor;
mod examples;
mod explained;
mod faults;
mod guards;
mod http2;
mod import;
mod input;
mod kill;
mod lab;
mod listings;
mod notices;
mod offline;
mod once;
mod outside;
mod packages;
mod pipelines;
mod pki;
mod power;
mod rehearsals;
mod reviewed;
mod sandboxes;
mod selectors;
mod sign_ins;
mod site;
mod soak;
mod systemd;
mod tenants;
mod terminal;
mod tracked;
mod untouched;
