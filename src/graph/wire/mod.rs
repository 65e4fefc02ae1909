//! The JSON of Graph, and what of it becomes a noun of ours.
//!
//! Tolerant of what may differ (numbers as text, new properties, new enum values, case of ids) and
//! strict where a guess could cost somebody a license: what was not sent is unknown.

mod attributes;
pub(super) mod batch;
pub(super) mod claims;
pub(super) mod delta;
pub(super) mod fault;
pub(super) mod group;
pub(super) mod licenses;
pub(super) mod page;
pub(super) mod scalar;
pub(super) mod sign_in;
pub(super) mod sku;
pub(super) mod subscription;
pub(super) mod token;
pub(super) mod user;
