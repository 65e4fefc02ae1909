//! Opens secrets where the configuration says they are: here and nowhere else.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretSlice, SecretString};

use crate::cli::environment;
use crate::config::SecretRef;
use crate::source::read_file;

/// Far more than a secret is long, or a certificate with its key.
const BYTES_MAX: usize = 64 * 1024;

/// Opens a secret where it is.
///
/// # Errors
///
/// Says why it cannot be had, without quoting any of it.
pub(super) fn open_secret(secret: &SecretRef) -> Result<SecretString, String> {
    let bytes = open_bytes(secret)?;
    let text = std::str::from_utf8(bytes.expose_secret())
        .map_err(|error| told(secret, &error))?
        .trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    Ok(SecretString::from(text.to_owned()))
}

/// Opens a secret that need not be text.
///
/// # Errors
///
/// Says why it cannot be had, without quoting any of it.
pub(super) fn open_bytes(secret: &SecretRef) -> Result<SecretSlice<u8>, String> {
    let bytes = match secret {
        SecretRef::Env(name) => environment::variable(name)
            .ok_or_else(|| {
                format!("the environment variable `{name}` is not set: `export {name}=…` sets it")
            })?
            .into_bytes(),
        SecretRef::File(_) | SecretRef::Credential(_) => {
            let path = path(secret).ok_or_else(|| {
                "there is no $CREDENTIALS_DIRECTORY: is this run by systemd, with LoadCredential?"
                    .to_owned()
            })?;
            read_file(&path, BYTES_MAX).map_err(|error| told(secret, &error))?
        }
    };
    if bytes.is_empty() {
        return Err("it is empty".to_owned());
    }
    Ok(bytes.into())
}

/// Returns the file that holds a secret, if one does.
pub(super) fn path(secret: &SecretRef) -> Option<PathBuf> {
    match secret {
        SecretRef::Env(_) => None,
        SecretRef::File(path) => Some(path.clone()),
        SecretRef::Credential(name) => {
            environment::credentials().map(|directory| directory.join(&**name))
        }
    }
}

fn told(secret: &SecretRef, why: &dyn Display) -> String {
    match path(secret) {
        Some(path) => in_file(&path, why),
        None => why.to_string(),
    }
}

fn in_file(path: &Path, why: &dyn Display) -> String {
    format!("`{}`: {why}", path.display())
}
