//! The nouns: ids, SKUs, users, groups, assignments, snapshots, distinguished names, time.
//!
//! Pure. Nothing here knows a file format, a protocol or a clock, and nothing here decides.

pub mod attribute;
pub mod country;
pub mod dn;
pub mod event;
pub mod group;
pub mod ids;
pub mod known;
pub mod mail_domains;
pub mod money;
pub mod names;
pub mod products;
pub mod schedule;
pub mod sign_in;
pub mod sku;
pub mod snapshot;
pub mod span;
pub mod tracking;
pub mod user;
pub mod window;
