//! Opens secrets where the configuration says they are: here and nowhere else.

use std::path::Path;
use std::sync::Arc;

use secrecy::SecretString;

use crate::cli::environment;
use crate::config::SecretRef;
use crate::graph;

/// Opens a secret where it is, each time it is needed, so that a rotated one is picked up.
pub(super) fn secret_source(secret: SecretRef) -> Arc<dyn graph::SecretSource> {
    Arc::new(move || open_secret(&secret))
}

fn open_secret(secret: &SecretRef) -> Result<SecretString, String> {
    let file = |path: &Path| {
        std::fs::read_to_string(path).map_err(|error| format!("`{}`: {error}", path.display()))
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
