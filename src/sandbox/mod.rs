//! The sandbox tenant: the part of Microsoft Graph that Seatkeeper uses, emulated.
//!
//! For people who want to try a policy, for the demo, and the only double of Graph in tests.
//!
//! | module | is |
//! | --- | --- |
//! | [`model`] | the tenant: users, groups, products, seats, and every check of `assignLicense`; pure |
//! | [`company`] | the default tenant: an invented company, the same for the same seed; pure |
//! | [`document`] | a tenant that somebody described; pure |
//! | [`http`] | the wire: tokens, queries, batches, throttling, read lag |
//! | [`faults`] | what goes wrong on request, by argument or by file; pure |
//!
//! Uses nothing of `graph`: what is misread there shall show here.

mod chance;
pub mod company;
pub mod document;
mod fault_file;
pub mod faults;
pub mod http;
pub mod model;
pub mod roles;
pub mod throttle;

pub use self::document::TenantDocument;
pub use self::faults::{Fault, FaultKind, Faults};
pub use self::http::{Options, Running, Server};
pub use self::model::Tenant;
