//! What may sign in to a sandbox.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

/// What may sign in to a sandbox beside the secret
#[derive(Args, Clone, Debug, Default)]
pub struct SandboxSignIn {
    /// Register a certificate (PEM) with the app; may be repeated
    #[arg(long = "certificate", value_name = "FILE")]
    pub certificates: Vec<PathBuf>,

    /// Trust tokens such as the one in this file: its issuer, subject and audience; may be repeated
    #[arg(long = "federated-token", value_name = "FILE")]
    pub federated_tokens: Vec<PathBuf>,

    /// Answer where machines ask for tokens of their managed identity
    #[arg(long)]
    pub managed_identity: bool,

    /// When the secret of the app ends, such as 2026-12-31T00:00:00Z
    #[arg(long, value_name = "TIME")]
    pub secret_ends: Option<Timestamp>,
}
