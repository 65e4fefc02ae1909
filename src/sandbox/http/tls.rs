//! HTTPS with a certificate that somebody brings, for clients that sign in over nothing else, and
//! HTTP/2 for those that take it.
//!
//! Checks no certificate of a client, and makes none of its own.

use std::fmt;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{Error as TlsError, ServerConfig};

/// What a server shows to those who connect.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
}

/// A certificate and a key with which nothing can be served.
#[derive(Debug, thiserror::Error)]
pub enum InvalidTls {
    /// The certificates are not PEM.
    #[error("the certificates are not PEM")]
    Certificates(#[source] PemError),
    /// There are no certificates.
    #[error("there is no certificate in it")]
    NoCertificate,
    /// The key is not PEM.
    #[error("the private key is not PEM")]
    Key(#[source] PemError),
    /// The two do not belong together, or are of a kind that is not served.
    #[error("certificate and key cannot be served")]
    Mismatch(#[source] TlsError),
}

impl fmt::Debug for Tls {
    /// A key is nothing for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls(***)")
    }
}

impl Tls {
    /// Reads certificates, the server's own first, and its private key, both as PEM.
    ///
    /// # Errors
    ///
    /// Fails where they are not that, or do not belong together.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, InvalidTls> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates).collect();
        let chain = chain.map_err(InvalidTls::Certificates)?;
        if chain.is_empty() {
            return Err(InvalidTls::NoCertificate);
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(InvalidTls::Key)?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(InvalidTls::Mismatch)?;
        config.alpn_protocols = [&b"h2"[..], b"http/1.1"].map(<[u8]>::to_vec).into();
        Ok(Self { config: Arc::new(config) })
    }

    /// Offers HTTP/1.1 alone, as proxies that open TLS may.
    #[must_use]
    pub fn without_http2(self) -> Self {
        let mut config = Arc::unwrap_or_clone(self.config);
        config.alpn_protocols.retain(|protocol| protocol != b"h2");
        Self { config: Arc::new(config) }
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.clone())
    }
}
