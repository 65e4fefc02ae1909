//! Seatkeeper keeps the licenses of Microsoft 365 users as YAML policies say.

pub mod config;
pub mod domain;
pub mod plan;
pub mod policy;
pub mod ports;
pub mod source;
pub mod yaml;
