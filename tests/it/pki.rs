//! Certificates that are made while a test runs, and kept nowhere else.

use base64::Engine as _;
use p12_keystore::{KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
use pkcs8::PrivateKeyInfoRef;
use pkcs8::pkcs5::pbes2::Parameters;
use rcgen::{CertificateParams, KeyPair, RsaKeySize, SignatureAlgorithm};

/// A certificate that signed itself, and its key.
pub(crate) struct Made {
    /// The certificate in PEM.
    pub(crate) certificate: String,
    /// The key in PEM.
    pub(crate) key: String,
    der: Vec<u8>,
    key_der: Vec<u8>,
}

/// Makes a certificate with an RSA key that ends with this year.
pub(crate) fn rsa(year: i32) -> Made {
    rsa_until(year, 12, 31)
}

/// Makes a certificate with an RSA key that ends on this day.
pub(crate) fn rsa_until(year: i32, month: u8, day: u8) -> Made {
    let algorithm = &rcgen::PKCS_RSA_SHA256;
    let key = KeyPair::generate_rsa_for(algorithm, RsaKeySize::_2048).unwrap();
    made(&key, (year, month, day))
}

/// Makes a certificate with a key of another kind.
pub(crate) fn other(algorithm: &'static SignatureAlgorithm) -> Made {
    made(&KeyPair::generate_for(algorithm).unwrap(), (2036, 12, 31))
}

fn made(key: &KeyPair, (year, month, day): (i32, u8, u8)) -> Made {
    let names = ["seatkeeper.test", "127.0.0.1"].map(str::to_owned);
    let mut about = CertificateParams::new(names).unwrap();
    about.not_after = rcgen::date_time_ymd(year, month, day);
    let certificate = about.self_signed(key).unwrap();
    Made {
        certificate: certificate.pem(),
        key: key.serialize_pem(),
        der: certificate.der().to_vec(),
        key_der: key.serialize_der(),
    }
}

impl Made {
    /// Returns certificate and key as a PKCS#12 file.
    pub(crate) fn pkcs12(&self, password: &str) -> Vec<u8> {
        let key = PrivateKey::from_der(&self.key_der).unwrap();
        let certificate = p12_keystore::Certificate::from_der(&self.der).unwrap();
        let mut store = KeyStore::new();
        let chain = PrivateKeyChain::new("1", key, [certificate]);
        store.add_entry("app", KeyStoreEntry::PrivateKeyChain(chain));
        let writer = store.writer(password).encryption_iterations(10).mac_iterations(10);
        writer.write().unwrap()
    }

    /// Returns the key in PEM, encrypted.
    pub(crate) fn encrypted_key(&self, password: &str) -> String {
        let how = Parameters::generate_pbkdf2_sha256_aes256cbc(10, b"saltsalt", [7; 16]).unwrap();
        let key = PrivateKeyInfoRef::try_from(self.key_der.as_slice()).unwrap();
        let sealed = key.encrypt_with_params(how, password).unwrap();
        pem("ENCRYPTED PRIVATE KEY", sealed.as_bytes())
    }
}

/// Returns bytes in PEM.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}
