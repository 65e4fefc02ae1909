//! One file a command: what it takes, what it calls, what it prints, how it ends.

pub(crate) mod apply;
pub(crate) mod bulk;
pub(crate) mod completions;
pub(crate) mod decide;
pub(crate) mod demo;
pub(crate) mod domains;
pub(crate) mod explain;
pub(crate) mod groups;
pub(crate) mod history;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod ous;
pub(crate) mod pause;
pub(crate) mod plan;
pub(crate) mod plans;
pub(crate) mod revert;
pub(crate) mod run;
pub(crate) mod sandbox;
pub(crate) mod schema;
pub(crate) mod seats;
pub(crate) mod show;
pub(crate) mod snapshot;
pub(crate) mod status;
pub(crate) mod test;
pub(crate) mod users;
pub(crate) mod validate;
