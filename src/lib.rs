//! Seatkeeper keeps the licenses of Microsoft 365 users as YAML policies say.

pub mod cli;
pub mod config;
pub mod domain;
pub mod engine;
pub mod graph;
pub mod plan;
pub mod policy;
pub mod ports;
pub mod report;
pub mod sandbox;
pub mod source;
pub mod store;
pub mod yaml;
