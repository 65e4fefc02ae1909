//! Opens secrets where the configuration says they are: here and nowhere else.

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

use secrecy::SecretString;

use crate::cli::environment;
use crate::config::SecretRef;
use crate::graph;
use crate::source::read_file;

/// Far more than a secret is long, or a certificate with its key.
const BYTES_MAX: usize = 64 * 1024;

/// Opens a secret where it is, each time it is needed, so that a rotated one is picked up.
pub(super) fn secret_source(secret: SecretRef) -> Arc<dyn graph::SecretSource> {
    Arc::new(move || open_secret(&secret))
}

/// Opens a secret where it is.
///
/// # Errors
///
/// Says why it cannot be had, without quoting any of it.
pub(super) fn open_secret(secret: &SecretRef) -> Result<SecretString, String> {
    let file = |path: &Path| {
        let told = |why: &dyn Display| format!("`{}`: {why}", path.display());
        let bytes = read_file(path, BYTES_MAX).map_err(|error| told(&error))?;
        String::from_utf8(bytes).map_err(|error| told(&error.utf8_error()))
    };
    let text = match secret {
        SecretRef::Env(name) => environment::variable(name)
            .ok_or_else(|| format!("the environment variable `{name}` is not set"))?,
        SecretRef::File(path) => file(path)?,
        SecretRef::Credential(name) => {
            let directory = environment::credentials().ok_or_else(|| {
                "there is no $CREDENTIALS_DIRECTORY: is this run by systemd, with LoadCredential?"
                    .to_owned()
            })?;
            file(&directory.join(&**name))?
        }
    };
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    Ok(SecretString::from(text.to_owned()))
}
