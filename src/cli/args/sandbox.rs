//! The arguments of `seatkeeper sandbox`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use jiff::{SignedDuration, Span};

use crate::cli::args::SandboxSignIn;
use crate::sandbox::company::TENANT_ID;

/// Arguments of `sandbox`
#[derive(Args, Clone, Debug)]
pub struct Sandbox {
    /// Where to listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8365")]
    pub listen: std::net::SocketAddr,

    /// Serve HTTPS, with the certificates in this PEM file, the server's own first; for clients that
    /// sign in over nothing else, as Microsoft's do
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_certificate: Option<PathBuf>,

    /// The private key of the certificate, as PEM
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub tls_key: Option<PathBuf>,

    /// The newest version of HTTP that is offered over HTTPS
    #[arg(long, value_enum, default_value_t, value_name = "VERSION")]
    pub http: SandboxHttp,

    /// The id of the tenant, where several are served side by side
    #[arg(long, value_name = "GUID", default_value_t = TENANT_ID)]
    pub tenant_id: uuid::Uuid,

    /// People in the tenant, 50 to 1,000,000
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(50..=1_000_000))]
    pub users: u32,

    /// The seed that the tenant and the faults follow from
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// Load the tenant from a YAML file instead
    #[arg(long, value_name = "FILE", conflicts_with = "users")]
    pub tenant: Option<PathBuf>,

    /// What the app may do: app roles such as User.Read.All, with commas; or `all` [default: all but
    /// Directory.*, Group.*, Member.Read.Hidden and AdministrativeUnit.Read.All]
    #[arg(long, value_name = "ROLES", value_delimiter = ',')]
    pub roles: Vec<String>,

    /// How long access tokens live
    #[arg(long, value_name = "TIME", default_value = "3599s", value_parser = time)]
    pub token_lifetime: Duration,

    /// Whether Graph's documented quotas hold
    #[arg(long, value_enum, default_value_t)]
    pub throttle: SandboxQuotas,

    /// How many times faster time passes there, 1 to 100
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub speed: u32,

    /// How long reads show the old state after a write, such as 5s; or KIND=TIME with reads, index
    /// (advanced queries, casts, counted seats), delta or groups (licenses that groups give)
    #[arg(long, value_name = "LAG", value_parser = lag)]
    pub lag: Vec<SandboxLag>,

    /// Let delta queries pass over changed licenses, as Graph does not say that it tells them
    #[arg(long)]
    pub delta_without_licenses: bool,

    /// How long the token of a further page is good [default: for ever]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub page_token_lifetime: Option<Duration>,

    /// Refuse the token that came with a page asked for twice, as Graph does at times
    #[arg(long)]
    pub forget_retried_pages: bool,

    /// How deep plain filters may nest; Graph was seen to refuse more than 3 [default: any]
    #[arg(long, value_name = "LEVELS")]
    pub filter_height: Option<usize>,

    /// Refuse requests of low priority from four fifths of a quota on
    #[arg(long)]
    pub priorities: bool,

    /// Answer some requests with a fault: KIND=RATE or KIND=RATE@PATH, such as throttle=0.05 or, for
    /// delta queries, delta-gone=1@/users/delta; a wrong one is answered with all kinds
    #[arg(long = "fault", value_name = "FAULT")]
    pub faults: Vec<String>,

    /// Read faults from a YAML file; they come after those of --fault
    ///
    /// What goes wrong can also be changed while the sandbox runs: GET, PUT and DELETE
    /// /sandbox/faults, with the same YAML, or JSON, as body.
    #[arg(long = "faults", value_name = "FILE")]
    pub faults_file: Option<PathBuf>,

    /// What may sign in
    #[command(flatten)]
    pub sign_in: SandboxSignIn,
}

/// Which version of HTTP a sandbox offers over HTTPS at most
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SandboxHttp {
    /// HTTP/1.1 alone, as some proxies offer it
    #[value(name = "1.1")]
    One,
    /// HTTP/2, and HTTP/1.1 beside it
    #[default]
    #[value(name = "2")]
    Two,
}

/// Which quotas hold in a sandbox
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SandboxQuotas {
    /// Those that Graph documents
    #[default]
    Documented,
    /// None
    Off,
}

/// What lags, and how long
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SandboxLag {
    /// What; all reads where it is none
    pub kind: Option<LagKind>,
    /// How long
    pub time: Duration,
}

/// What can lag
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LagKind {
    /// Plain reads
    Reads,
    /// Advanced queries, casts and counted seats
    Index,
    /// Delta queries
    Delta,
    /// Licenses that groups give
    Groups,
}

/// Reads a time as people write it: `90s`, `5m`, `1h30m`.
fn time(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no time, such as 90s, 5m or 1h");
    let span: Span = text.parse().map_err(|_| wrong())?;
    let time: SignedDuration = span.try_into().map_err(|_| wrong())?;
    Duration::try_from(time).map_err(|_| wrong())
}

fn lag(text: &str) -> Result<SandboxLag, String> {
    let Some((kind, of)) = text.split_once('=') else {
        return Ok(SandboxLag { kind: None, time: time(text)? });
    };
    let kind = match kind {
        "reads" => LagKind::Reads,
        "index" => LagKind::Index,
        "delta" => LagKind::Delta,
        "groups" => LagKind::Groups,
        _ => return Err(format!("`{kind}` does not lag; reads, index, delta and groups do")),
    };
    Ok(SandboxLag { kind: Some(kind), time: time(of)? })
}
