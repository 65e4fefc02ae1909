//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;

use crate::domain::span::Span;

mod doctor;
mod sandbox;
mod sign_in;

pub use self::doctor::Doctor;
pub use self::sandbox::{LagKind, Sandbox, SandboxHttp, SandboxLag, SandboxQuotas};
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
    /// in the plan that follows from the last read. Reclaimable is what disabled accounts hold
    /// directly and through no group.
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

/// Which configuration
#[derive(Args, Clone, Debug, Default)]
pub struct Config {
    /// The configuration [default: ./seatkeeper.yaml, then /etc/seatkeeper/seatkeeper.yaml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Which configuration and tenant
#[derive(Args, Clone, Debug, Default)]
pub struct Common {
    /// Which configuration
    #[command(flatten)]
    pub config: Config,

    /// The tenant [default: all, or the only one]
    #[arg(long, value_name = "NAME")]
    pub tenant: Option<String>,
}

/// How to print
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// How to print a plan
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
    /// For a pull request: a comment, no longer than one may be
    Markdown,
    /// A file for browsers that needs nothing beside it
    Html,
}

impl From<Format> for PlanFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Text => Self::Text,
            Format::Json => Self::Json,
        }
    }
}

/// How to print a list of users
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
    /// For spreadsheets, and for `--csv`
    Csv,
}

/// Arguments of `demo`
#[derive(Args, Clone, Debug)]
pub struct Demo {
    /// People in the tenant, 50 to 200,000
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(50..=200_000))]
    pub users: u32,

    /// The seed that the tenant follows from
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// List everybody
    #[arg(long)]
    pub all: bool,
}

/// Arguments of `bench`
#[derive(Args, Clone, Debug)]
pub struct Bench {
    /// People in the tenant, 50 to 1,000,000
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(50..=1_000_000))]
    pub users: u32,

    /// The seed that the tenant follows from
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// How many times faster time passes while the documented quotas hold, 1 to 100
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub speed: u32,

    /// Measure a restart in this directory alone, and print it as JSON
    #[arg(long, hide = true, value_name = "DIR")]
    pub restart_in: Option<PathBuf>,

    /// When the clock of the sandbox to restart against began
    #[arg(long, hide = true, value_name = "TIME", requires = "restart_in")]
    pub began: Option<Timestamp>,

    /// Measure against a sandbox that runs elsewhere, with a tenant that nothing was applied to, and
    /// without the stage for quotas
    #[arg(long, value_name = "URL")]
    pub at: Option<String>,

    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Arguments of `init`
#[derive(Args, Clone, Debug)]
pub struct Init {
    /// The directory to write to
    #[arg(default_value = ".")]
    pub directory: PathBuf,
}

/// Arguments of `validate`
#[derive(Args, Clone, Debug)]
pub struct Validate {
    /// Which configuration
    #[command(flatten)]
    pub config: Config,

    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: ValidateFormat,
}

/// How to print what is wrong with files
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ValidateFormat {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
    /// Workflow commands, which GitHub Actions shows beside the lines
    Github,
    /// A report of code quality, which GitLab shows beside the lines
    Gitlab,
}

/// How to print the results of tests
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum TestFormat {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
    /// For test reports of pipelines
    Junit,
}

/// Arguments of `test`
#[derive(Args, Clone, Debug)]
pub struct Test {
    /// Which configuration
    #[command(flatten)]
    pub config: Config,

    /// Test a policy directory without a configuration, with the settings that hold by default
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    pub policies: Option<PathBuf>,

    /// Run only the tests whose name contains this, ignoring case
    #[arg(value_name = "TEXT")]
    pub filter: Option<String>,

    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: TestFormat,

    /// Write the results to this file instead of stdout
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// Fail where a policy is reached by no test
    #[arg(long, conflicts_with = "filter")]
    pub require_coverage: bool,
}

/// Arguments of `plan`
#[derive(Args, Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct PlanArgs {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: PlanFormat,

    /// Write the plan as JSON to a file, too
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// Exit with 0 for nothing to do, 2 for changes, 3 for a held plan
    #[arg(long)]
    pub detailed_exitcode: bool,

    /// Plan from a file that `snapshot` wrote (- for stdin), without network or store
    #[arg(long, value_name = "FILE")]
    pub snapshot: Option<PathBuf>,

    /// Show only what the policies change against those of another version; stores nothing
    #[arg(long, value_name = "DIR")]
    pub baseline: Option<PathBuf>,

    /// Show the plan as it would be on a date or at an instant (RFC 3339); stores nothing
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,

    /// List everybody
    #[arg(long)]
    pub all: bool,

    /// Show nobody's name: `user-` and the beginning of the object id instead
    #[arg(long)]
    pub redact: bool,

    /// Leave out policies that do not fit the tenant instead of refusing; nothing they own is removed
    #[arg(long)]
    pub leave_out_misfits: bool,
}

/// Arguments of `show`
#[derive(Args, Clone, Debug)]
pub struct Show {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// The plan [default: the latest]
    pub plan: Option<String>,

    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: PlanFormat,

    /// Show for each user what they have before and after, as a difference
    #[arg(long, conflicts_with = "format")]
    pub diff: bool,

    /// List everybody
    #[arg(long)]
    pub all: bool,

    /// Show nobody's name: `user-` and the beginning of the object id instead
    #[arg(long)]
    pub redact: bool,
}

/// Arguments of `plans`
#[derive(Args, Clone, Debug)]
pub struct Plans {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Who decides, and why
#[derive(Args, Clone, Debug, Default)]
pub struct Deciding {
    /// Accept a guard that tripped, by its name; may be repeated
    #[arg(long = "accept", value_name = "GUARD")]
    pub accept: Vec<String>,

    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,

    /// Who decides [default: the user at work]
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}

/// Arguments of `approve`
#[derive(Args, Clone, Debug)]
pub struct Approve {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// The plan
    pub plan: String,

    /// Who decides, and why
    #[command(flatten)]
    pub deciding: Deciding,
}

/// Arguments of `reject`
#[derive(Args, Clone, Debug)]
pub struct Reject {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// The plan
    pub plan: String,

    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,

    /// Who decides [default: the user at work]
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}

/// Arguments of `retry`
#[derive(Args, Clone, Debug)]
pub struct Retry {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// For whom, by principal name or object id
    #[arg(value_name = "USER", required_unless_present = "all")]
    pub users: Vec<String>,

    /// For everybody
    #[arg(long, conflicts_with = "users")]
    pub all: bool,
}

/// Arguments of `apply`
#[derive(Args, Clone, Debug)]
pub struct Apply {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// The plan [default: plan anew]
    pub plan: Option<String>,

    /// Answer the question with yes; guards still hold
    #[arg(long)]
    pub yes: bool,

    /// Who decides, and why
    #[command(flatten)]
    pub deciding: Deciding,

    /// List everybody
    #[arg(long)]
    pub all: bool,

    /// Leave out policies that do not fit the tenant instead of refusing; nothing they own is removed
    #[arg(long)]
    pub leave_out_misfits: bool,
}

/// What becomes of a plan that is asked for once
#[derive(Args, Clone, Debug)]
pub struct Doing {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// Make and show the plan, and leave it to `approve` and `apply`
    #[arg(long, conflicts_with_all = ["yes", "accept"])]
    pub plan_only: bool,

    /// How to print the plan
    #[arg(long, value_enum, default_value_t, requires_if("json", "plan_only"))]
    pub format: Format,

    /// Answer the question with yes; guards still hold
    #[arg(long)]
    pub yes: bool,

    /// Who decides, and why
    #[command(flatten)]
    pub deciding: Deciding,

    /// List everybody
    #[arg(long)]
    pub all: bool,
}

/// What `bulk` does
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BulkAction {
    /// Give SKUs
    Add,
    /// Give SKUs in exchange for others
    Replace,
    /// Take SKUs away
    Remove,
}

/// For whom
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub struct Whom {
    /// The users of a CSV file with a column `ObjectId` or `UserPrincipalName`
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,

    /// A user, by principal name or id; may be repeated
    #[arg(long, value_name = "USER")]
    pub user: Vec<String>,

    /// Members of a group, nested groups included
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,

    /// Users in an on-premises OU, the subtree
    #[arg(long, value_name = "DN")]
    pub ou: Option<String>,

    /// Users whose principal name ends in this domain
    #[arg(long, value_name = "DOMAIN")]
    pub domain: Option<String>,

    /// Whose principal or display name contains this, ignoring case
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
}

/// Arguments of `bulk`
#[derive(Args, Clone, Debug)]
pub struct Bulk {
    /// What to do
    #[arg(value_enum)]
    pub action: BulkAction,

    /// SKUs, by part number or id; `all` to remove every direct one
    #[arg(value_name = "SKU", required = true)]
    pub skus: Vec<String>,

    /// What `replace` takes in exchange: SKUs with commas between, or `all` other direct ones
    #[arg(long, value_name = "SKU,…|all", value_delimiter = ',')]
    #[arg(required_if_eq("action", "replace"))]
    pub replaces: Vec<String>,

    /// Set the users' usage location, too
    #[arg(long, value_name = "CC")]
    pub usage_location: Option<String>,

    /// For whom
    #[command(flatten)]
    pub whom: Whom,

    /// What becomes of the plan
    #[command(flatten)]
    pub doing: Doing,
}

/// Arguments of `revert`
#[derive(Args, Clone, Debug)]
pub struct Revert {
    /// The plan to take back
    pub plan: String,

    /// What becomes of the new plan
    #[command(flatten)]
    pub doing: Doing,
}

/// Arguments of `explain`
#[derive(Args, Clone, Debug)]
pub struct Explain {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// The user, by principal name or id
    pub user: String,

    /// The SKU, by part number or id [default: all there is something to say about]
    pub sku: Option<String>,

    /// Tell everything, also what does not decide
    #[arg(long)]
    pub all: bool,

    /// Read the tenant first, instead of answering from the last read
    #[arg(long)]
    pub refresh: bool,

    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Arguments of `users`
#[derive(Args, Clone, Debug)]
pub struct Users {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// Whose principal or display name contains this, ignoring case
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,

    /// Members of a group that policies name, nested groups included
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,

    /// Users in an on-premises OU, the subtree
    #[arg(long, value_name = "DN")]
    pub ou: Option<String>,

    /// Users whose principal name ends in this domain
    #[arg(long, value_name = "DOMAIN")]
    pub domain: Option<String>,

    /// Users of an on-premises AD domain
    #[arg(long, value_name = "DOMAIN")]
    pub ad_domain: Option<String>,

    /// Users who hold a SKU, by part number or id
    #[arg(long, value_name = "SKU")]
    pub sku: Option<String>,

    /// Users who hold no SKU
    #[arg(long, conflicts_with = "sku")]
    pub unlicensed: bool,

    /// Users listed in a CSV file, by a column `ObjectId` or `UserPrincipalName`
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,

    /// Read the tenant first, instead of answering from the last read
    #[arg(long)]
    pub refresh: bool,

    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: ListFormat,
}

/// Arguments of `seats`
#[derive(Args, Clone, Debug)]
pub struct SeatsArgs {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// Read the tenant first, instead of answering from the last read
    #[arg(long)]
    pub refresh: bool,

    /// List the seats that could be used for somebody else, and who holds them
    #[arg(long)]
    pub reclaimable: bool,

    /// With --reclaimable: how long somebody must not have signed in
    #[arg(long, value_name = "SPAN", default_value = "90d", requires = "reclaimable")]
    pub inactive_for: Span,

    /// With --reclaimable: list everybody
    #[arg(long, requires = "reclaimable")]
    pub all: bool,

    /// How to print; csv with --reclaimable
    #[arg(long, value_enum, default_value_t)]
    pub format: ListFormat,
}

/// Arguments of `ous`, `domains` and `groups`
#[derive(Args, Clone, Debug)]
pub struct Listing {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// Read the tenant first, instead of answering from the last read
    #[arg(long)]
    pub refresh: bool,

    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Arguments of `snapshot`
#[derive(Args, Clone, Debug)]
pub struct SnapshotArgs {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// The file to write; - for stdout
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,

    /// Write the last read, without network, instead of reading the tenant anew
    #[arg(long, conflicts_with = "all_groups")]
    pub stored: bool,

    /// Read the members of every group, for policies that are not written yet
    #[arg(long)]
    pub all_groups: bool,
}

/// What becomes of the licenses of those who leave a policy
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OnLeave {
    /// They go after the grace
    #[default]
    Remove,
    /// They stay
    Keep,
}

/// Arguments of `import`
#[derive(Args, Clone, Debug)]
pub struct Import {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// The directory to write to, without policies in it [default: the one of the configuration]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Look for rules by this group, and no other; may be repeated
    #[arg(long, value_name = "GROUP", conflicts_with = "groups_max")]
    pub group: Vec<String>,

    /// Read the members of so many groups, the first by name; each takes a request or more
    #[arg(long, value_name = "N", default_value_t = 1000)]
    #[arg(value_parser = clap::value_parser!(u32).range(..=100_000))]
    pub groups_max: u32,

    /// The least people that a rule is written for
    #[arg(long, value_name = "N", default_value_t = 5)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub people_min: u32,

    /// What the policies say of those who leave
    #[arg(long, value_enum, default_value_t)]
    pub on_leave: OnLeave,

    /// How to print what was written
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Arguments of `history`
#[derive(Args, Clone, Debug)]
pub struct History {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// Of this user only, by id or part of the principal name
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,

    /// Of this plan only
    #[arg(long, value_name = "PLAN")]
    pub plan: Option<String>,

    /// The newest so many
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,

    /// Prove that no record was changed or dropped
    #[arg(long, conflicts_with_all = ["user", "plan", "limit", "journal"])]
    pub verify: bool,

    /// Print every record of the chain as a line of JSON, the oldest first, for a copy elsewhere
    #[arg(long, conflicts_with_all = ["user", "plan", "limit", "format"])]
    pub journal: bool,

    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: HistoryFormat,
}

/// How to print the history
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum HistoryFormat {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
    /// For programs that read line by line: an outcome each
    Jsonl,
}

/// Arguments of `status`
#[derive(Args, Clone, Debug)]
pub struct Status {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Arguments of `run`
#[derive(Args, Clone, Debug)]
pub struct Run {
    /// Which configuration
    #[command(flatten)]
    pub config: Config,
}

/// Arguments of `pause`
#[derive(Args, Clone, Debug)]
pub struct Pause {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// For how long, such as 4h; at most 30d
    #[arg(long = "for", value_name = "SPAN")]
    pub length: String,

    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: String,

    /// Who pauses [default: the user at work]
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}

/// Arguments of `resume`
#[derive(Args, Clone, Debug)]
pub struct Resume {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// Who resumes [default: the user at work]
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}

/// Arguments of `schema`
#[derive(Args, Clone, Debug)]
pub struct Schema {
    /// Of what
    #[arg(value_enum)]
    pub of: Described,
}

/// What has a schema
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Described {
    /// Policy files
    Policy,
    /// The configuration
    Config,
    /// Plans, as `--format json` and `--out` write them
    Plan,
}

/// Arguments of `completions`
#[derive(Args, Clone, Debug)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// Arguments of `man`
#[derive(Args, Clone, Debug)]
pub struct ManArgs {
    /// The command that the page is about [default: the program]
    pub command: Option<String>,

    /// Write all pages to this directory instead, as seatkeeper.1, seatkeeper-plan.1 and so on
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub out: Option<PathBuf>,
}
