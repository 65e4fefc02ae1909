//! How an app proves who it is. Holds no secret: only where to get it, anew for each token request,
//! so that a rotated one is picked up.

use std::path::PathBuf;
use std::sync::Arc;

use secrecy::{SecretSlice, SecretString};

/// Opens a secret that is text.
pub trait SecretSource: Send + Sync {
    /// Returns the secret.
    ///
    /// # Errors
    ///
    /// Says why it could not be had, without quoting any of it.
    fn open(&self) -> Result<SecretString, String>;
}

impl<F> SecretSource for F
where
    F: Fn() -> Result<SecretString, String> + Send + Sync,
{
    fn open(&self) -> Result<SecretString, String> {
        self()
    }
}

/// Opens a certificate with its key.
pub trait KeySource: Send + Sync {
    /// Returns what is in the files.
    ///
    /// # Errors
    ///
    /// Says why it could not be had, without quoting any of it.
    fn open(&self) -> Result<KeyMaterial, String>;
}

impl<F> KeySource for F
where
    F: Fn() -> Result<KeyMaterial, String> + Send + Sync,
{
    fn open(&self) -> Result<KeyMaterial, String> {
        self()
    }
}

/// A certificate with its key, as files hold them.
pub enum KeyMaterial {
    /// PEM, in one file or two.
    Pem {
        /// The certificate, and the key where there is no other file.
        certificate: SecretSlice<u8>,
        /// The key.
        key: Option<SecretSlice<u8>>,
        /// What opens an encrypted key.
        password: Option<SecretString>,
    },
    /// PKCS#12, as `.pfx` files are, or the same in base64.
    Pkcs12 {
        /// The file.
        file: SecretSlice<u8>,
        /// What opens it; none and an empty one are the same.
        password: Option<SecretString>,
    },
}

/// Who signs in, and how.
#[derive(Clone)]
pub enum SignIn {
    /// An app registration.
    App {
        /// Its application (client) id.
        client_id: String,
        /// How it proves who it is.
        credential: Credential,
    },
    /// The machine that this runs on.
    ManagedIdentity {
        /// Who issues its tokens.
        host: IdentityHost,
        /// Which of its identities.
        identity: Identity,
    },
}

/// How an app registration proves who it is.
#[derive(Clone)]
pub enum Credential {
    /// By a secret.
    Secret(Arc<dyn SecretSource>),
    /// By a certificate, whose key signs an assertion.
    Certificate(Arc<dyn KeySource>),
    /// By a token of somebody whom the app registration trusts.
    FederatedToken(Arc<dyn SecretSource>),
}

impl Credential {
    /// Returns the word for it.
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::Secret(_) => "client secret",
            Self::Certificate(_) => "certificate",
            Self::FederatedToken(_) => "federated token",
        }
    }
}

/// Who issues tokens to the programs of a machine.
#[derive(Clone)]
pub enum IdentityHost {
    /// The metadata service of a virtual machine.
    Imds {
        /// Where it is, such as `http://169.254.169.254`.
        endpoint: String,
    },
    /// App Service, Functions or Container Apps.
    AppService {
        /// Where it is, with its path.
        endpoint: String,
        /// What it wants to see.
        header: SecretString,
    },
    /// The agent of Azure Arc.
    Arc {
        /// Where it is, with its path.
        endpoint: String,
        /// The directory in which it leaves what proves that this program may read it.
        tokens: PathBuf,
    },
}

/// One of the identities of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// Its own.
    System,
    /// One by its client id.
    ClientId(String),
    /// One by the object id of its service principal.
    ObjectId(String),
    /// One by its resource id in Azure.
    ResourceId(String),
}
