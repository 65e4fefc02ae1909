//! What may sign in to a sandbox, from the command line to the server, and what to configure for it.

use std::path::Path;

use crate::cli::args::SandboxSignIn;
use crate::cli::exit::{Exit, Failure};
use crate::sandbox::Running;
use crate::sandbox::http::{Credentials, Federated, InvalidCredential, Machine, Registered};
use crate::source::{file_hint, read_file};

/// Far more than a certificate or a token is long.
const BYTES_MAX: usize = 64 * 1024;
/// The identity that is assigned to the machine, and what App Service wants to see.
const IDENTITY: &str = "6d1c0c58-2d5e-4f0b-8f5c-0c1f6c3c7a10";
const HEADER: &str = "sandbox-header";

/// Reads what may sign in.
///
/// # Errors
///
/// Where a file cannot be read, or is something else.
pub(super) fn credentials(args: &SandboxSignIn) -> Result<Credentials, Failure> {
    let SandboxSignIn { certificates, federated_tokens, managed_identity, secret_ends } = args;
    let certificates = certificates.iter().map(|path| {
        Registered::from_pem(&read(path, "certificate")?).map_err(|error| broken(path, error))
    });
    let federated = federated_tokens.iter().map(|path| {
        let token = read(path, "token")?;
        Federated::like(&String::from_utf8_lossy(&token)).map_err(|error| broken(path, error))
    });
    Ok(Credentials {
        secret_ends_at: *secret_ends,
        certificates: certificates.collect::<Result<_, _>>()?,
        federated: federated.collect::<Result<_, _>>()?,
        machine: managed_identity.then(|| Machine::new(IDENTITY, HEADER)),
    })
}

fn read(path: &Path, what: &str) -> Result<Vec<u8>, Failure> {
    read_file(path, BYTES_MAX).map_err(|error| {
        let context = format!("cannot read the {what} `{}`", path.display());
        let hint = file_hint(&error);
        Failure::new(Exit::Invalid, anyhow::Error::new(error).context(context)).hint(hint)
    })
}

fn broken(path: &Path, error: InvalidCredential) -> Failure {
    let context = format!("`{}` cannot be registered", path.display());
    Failure::new(Exit::Invalid, anyhow::Error::new(error).context(context))
}

/// Says what to write in place of the secret.
pub(super) fn greeting(args: &SandboxSignIn, running: &Running) -> String {
    let mut ways = Vec::new();
    if !args.certificates.is_empty() {
        ways.push("certificate: {certificate: {file: CERTIFICATE}, key: {file: KEY}}".to_owned());
    }
    if let [token, ..] = args.federated_tokens.as_slice() {
        ways.push(format!("federated_token: {{file: {}}}", token.display()));
    }
    let mut lines: Vec<String> = ways.iter().map(|way| format!("      # or: {way}\n")).collect();
    if args.managed_identity {
        lines.push("    # or: auth: {managed_identity: {}}\n".to_owned());
        let url = running.url();
        lines.push(format!("    # with: export AZURE_POD_IDENTITY_AUTHORITY_HOST={url}\n"));
    }
    lines.concat()
}
