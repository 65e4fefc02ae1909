//! From what the configuration says of signing in to what the client of Graph needs for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::SecretString;

use crate::cli::environment;
use crate::cli::exit::{Exit, Failure};
use crate::cli::secret::{open_bytes, open_secret};
use crate::config::{Auth, CertificateRef, Credential, Identity, SecretRef};
use crate::graph::{self, IdentityHost, KeyMaterial, KeySource, SecretSource, SignIn};

/// Where the metadata service of virtual machines is.
///
/// Source: Azure Instance Metadata Service.
const IMDS: &str = "http://169.254.169.254";
/// Where the agent of Azure Arc is, and what shows that it is there.
///
/// Source: Azure Connected Machine agent.
const ARC: &str = "http://127.0.0.1:40342/metadata/identity/oauth2/token";
const ARC_AGENT: &str = "/opt/azcmagent/bin/himds";
const ARC_TOKENS: &str = "/var/opt/azcmagent/tokens";

/// Prepares to sign in; nothing is opened yet.
///
/// # Errors
///
/// Where this machine has no identity of a kind that is known.
pub(super) fn sign_in(auth: &Auth) -> Result<SignIn, Failure> {
    match auth {
        Auth::App { client_id, credential } => Ok(SignIn::App {
            client_id: client_id.to_string(),
            credential: match credential {
                Credential::Secret(place) => graph::Credential::Secret(secret(place.clone())),
                Credential::Certificate(place) => {
                    graph::Credential::Certificate(certificate(place.clone()))
                }
                Credential::FederatedToken(Some(place)) => {
                    graph::Credential::FederatedToken(secret(place.clone()))
                }
                Credential::FederatedToken(None) => {
                    graph::Credential::FederatedToken(Arc::new(open_token))
                }
            },
        }),
        Auth::ManagedIdentity(identity) => {
            let host = host()?;
            if matches!(host, IdentityHost::Arc { .. }) && *identity != Identity::System {
                let message = "Azure Arc gives a machine one identity, its own";
                return Err(
                    Failure::text(Exit::Invalid, message).hint("write `managed_identity: {}`")
                );
            }
            let identity = match identity {
                Identity::System => graph::Identity::System,
                Identity::ClientId(id) => graph::Identity::ClientId(id.to_string()),
                Identity::ObjectId(id) => graph::Identity::ObjectId(id.to_string()),
                Identity::ResourceId(id) => graph::Identity::ResourceId(id.to_string()),
            };
            Ok(SignIn::ManagedIdentity { host, identity })
        }
    }
}

fn secret(place: SecretRef) -> Arc<dyn SecretSource> {
    Arc::new(move || open_secret(&place))
}

/// Opens the token where workload identities of Azure find it.
///
/// Source: Azure Workload Identity, `AZURE_FEDERATED_TOKEN_FILE`.
fn open_token() -> Result<SecretString, String> {
    open_secret(&token_place()?)
}

/// Returns where the environment says that a federated token is.
///
/// # Errors
///
/// Where it does not.
pub(super) fn token_place() -> Result<SecretRef, String> {
    let named = environment::variable("AZURE_FEDERATED_TOKEN_FILE");
    let file = named.ok_or(
        "the environment variable `AZURE_FEDERATED_TOKEN_FILE` is not set: name the file, as in \
         `federated_token: {file: PATH}`",
    )?;
    Ok(SecretRef::File(PathBuf::from(file)))
}

fn certificate(place: CertificateRef) -> Arc<dyn KeySource> {
    Arc::new(move || open_certificate(&place))
}

fn open_certificate(place: &CertificateRef) -> Result<KeyMaterial, String> {
    let password = |place: &Option<SecretRef>| place.as_ref().map(open_secret).transpose();
    match place {
        CertificateRef::Pem { certificate, key, password: of_key } => Ok(KeyMaterial::Pem {
            certificate: open_bytes(certificate)?,
            key: key.as_ref().map(open_bytes).transpose()?,
            password: password(of_key)?,
        }),
        CertificateRef::Pkcs12 { file, password: of_file } => {
            Ok(KeyMaterial::Pkcs12 { file: open_bytes(file)?, password: password(of_file)? })
        }
    }
}

/// Finds who issues tokens to the programs of this machine.
///
/// Source: Microsoft Authentication Library for Go, `apps/managedidentity`: the order, and the names.
fn host() -> Result<IdentityHost, Failure> {
    let variable = environment::variable;
    let unknown = |what: &str| {
        Failure::text(Exit::Invalid, format!("the managed identity of {what} is not supported"))
            .hint("sign in with a certificate or a federated token")
    };
    match (variable("IDENTITY_ENDPOINT"), variable("IDENTITY_HEADER")) {
        (Some(_), Some(_)) if variable("IDENTITY_SERVER_THUMBPRINT").is_some() => {
            Err(unknown("Service Fabric"))
        }
        (Some(endpoint), Some(header)) => {
            Ok(IdentityHost::AppService { endpoint, header: header.into() })
        }
        (_, _) if variable("MSI_ENDPOINT").is_some() => {
            Err(unknown("Azure Machine Learning and Cloud Shell"))
        }
        (Some(endpoint), None) if variable("IMDS_ENDPOINT").is_some() => {
            Ok(IdentityHost::Arc { endpoint, tokens: ARC_TOKENS.into() })
        }
        (_, _) if Path::new(ARC_AGENT).exists() => {
            Ok(IdentityHost::Arc { endpoint: ARC.to_owned(), tokens: ARC_TOKENS.into() })
        }
        (_, _) => {
            // Source: Azure SDKs: AZURE_POD_IDENTITY_AUTHORITY_HOST replaces the address.
            let endpoint = variable("AZURE_POD_IDENTITY_AUTHORITY_HOST");
            Ok(IdentityHost::Imds { endpoint: endpoint.unwrap_or_else(|| IMDS.to_owned()) })
        }
    }
}
