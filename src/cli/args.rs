//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

mod ahead;
mod decide;
mod doctor;
mod files;
mod lists;
mod once;
mod plans;
mod program;
mod sandbox;
mod shared;
mod sign_in;

pub use self::decide::{Apply, Approve, Deciding, Pause, Reject, Resume, Retry};
pub use self::doctor::Doctor;
pub use self::files::{
    Import, Init, OnLeave, SnapshotArgs, Test, TestFormat, Validate, ValidateFormat,
};
pub use self::lists::{Explain, History, HistoryFormat, Listing, SeatsArgs, Status, Users};
pub use self::once::{Bulk, BulkAction, Doing, Revert, Whom};
pub use self::plans::{PlanArgs, Plans, Show};
pub use self::program::{Bench, Completions, Demo, Described, ManArgs, Run, Schema};
pub use self::sandbox::{LagKind, Sandbox, SandboxHttp, SandboxLag, SandboxQuotas};
pub use self::shared::{Common, Config, Format, ListFormat, PlanFormat};
pub use self::sign_in::SandboxSignIn;

/// The version, and the commit and day that it was built from where they are known.
pub const VERSION: &str = env!("SEATKEEPER_VERSION");

/// Keeps the licenses of Microsoft 365 users as YAML policies say
#[derive(Debug, Parser)]
#[command(name = "seatkeeper", version, long_version = VERSION, propagate_version = true)]
#[command(arg_required_else_help = true)]
pub struct Cli {
    /// Say only results and failures
    #[arg(long, short, global = true)]
    pub quiet: bool,

    /// Print long results at once, and not through a pager
    #[arg(long, global = true)]
    pub no_pager: bool,

    /// Log more; twice for every request
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// The configuration of the command; may stand after the command, too
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// The tenant of the command; may stand after the command, too
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,

    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What to do
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Do the main job against an embedded sandbox tenant, with no set-up
    Demo(Demo),
    /// Serve a sandbox tenant as a Graph endpoint
    Sandbox(Sandbox),
    /// Write a commented configuration and a first policy
    Init(Init),
    /// Check configuration and policies, without network
    Validate(Validate),
    /// Run the policy tests, without network
    Test(Test),
    /// Check sign-in, permissions, clock and store; changes nothing
    ///
    /// Signs in, reads a little of everything that the policies need, and says what is missing or more
    /// than needed, and what to do. Exits with 6 where something is missing.
    Doctor(Doctor),
    /// Read the tenant and show what would change; changes nothing
    Plan(PlanArgs),
    /// Show a stored plan
    Show(Show),
    /// List the stored plans
    Plans(Plans),
    /// Approve a plan
    Approve(Approve),
    /// Reject a plan
    Reject(Reject),
    /// Let what Graph refused, or somebody keeps changing back, be tried again
    Retry(Retry),
    /// Apply a stored plan, or plan, show, ask and apply
    Apply(Apply),
    /// Change the licenses of some users once, whatever the policies say
    Bulk(Bulk),
    /// Put users back as they were before a plan
    Revert(Revert),
    /// Keep the tenants as the policies say, until stopped: the daemon
    ///
    /// Every tenant is read and planned when its schedule says so, when a policy file changes, and at
    /// SIGHUP. The mode of a tenant says who approves its plans. SIGTERM and Ctrl-C finish what is in
    /// flight and stop.
    Run(Run),
    /// Stop changes for a while; observing goes on
    Pause(Pause),
    /// End a pause
    Resume(Resume),
    /// Explain why a user has, lacks or will lose each SKU
    Explain(Explain),
    /// List users, as the last read saw them
    Users(Users),
    /// List on-premises OUs, as the last read saw them
    Ous(Listing),
    /// List the domains of principal names and of Active Directory
    Domains(Listing),
    /// List groups, the policies that name them and the SKUs they carry
    Groups(Listing),
    /// Write the tenant to a file, for plans without network
    ///
    /// The file holds what a plan follows from beside policies and configuration: the tenant as a
    /// read saw it, and which licenses policies own. It names people, and only this account may read
    /// it; a version of seatkeeper reads what a version of the same format wrote.
    Snapshot(SnapshotArgs),
    /// Show the seats of every SKU
    ///
    /// Free is what can be used, less what is in use and what is reserved. Waiting is who has no seat
    /// in the plan that follows from the last read. Reclaimable is what people hold directly and
    /// probably do not need: --reclaimable says who, and why.
    Seats(SeatsArgs),
    /// Write policies that describe the tenant as it is
    ///
    /// Reads the tenant and writes rules by group, OU, department and domain where they fit exactly, and
    /// lists of people for the rest. A plan of them only adopts what is there. Nothing is overwritten,
    /// and other policies are not looked at.
    Import(Import),
    /// List what became of operations
    History(History),
    /// Show tenants, last cycles and what waits for a person
    Status(Status),
    /// Measure the main job against a sandbox tenant: requests, memory, time
    ///
    /// A sandbox of its own is started as another process, so that what is measured is this program
    /// alone. Nothing of yours is read or written.
    Bench(Bench),
    /// Print a JSON Schema, for editors and programs
    Schema(Schema),
    /// Print shell completions
    Completions(Completions),
    /// Print a manual page, or write all of them
    Man(ManArgs),
}
