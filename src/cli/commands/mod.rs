//! One file a command: what it takes, what it calls, what it prints, how it ends.

pub mod apply;
pub mod completions;
pub mod decide;
pub mod demo;
pub mod explain;
pub mod history;
pub mod init;
pub mod plan;
pub mod plans;
pub mod sandbox;
pub mod show;
pub mod status;
pub mod users;
pub mod validate;
