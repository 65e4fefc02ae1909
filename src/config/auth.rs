//! How to sign in. What may be a secret is never quoted in a message and never shown with its line.

use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;

use crate::config::SecretRef;
use crate::yaml::{Diagnostic, Fields, Kind, Node, Reader, Spot};

pub(super) const KEYS: [&str; 5] =
    ["client_id", "client_secret", "certificate", "federated_token", "managed_identity"];

/// Ways to sign in that this version does not have yet.
pub(super) const LATER: [&str; 3] = ["certificate", "federated_token", "managed_identity"];

const FORMS: &str = "write `{env: NAME}`, `{file: PATH}` or `{credential: NAME}`";

/// Reads `auth`: the id of the app registration, and where its secret is.
pub(super) fn lower(
    reader: &mut Reader,
    node: &Node,
    directory: &Path,
) -> Option<(Arc<str>, SecretRef)> {
    let fields = reader.fields(node, "`auth`", &KEYS)?;
    let mut other = false;
    for key in LATER {
        if let Some(entry) = fields.get(key) {
            other = true;
            let hint = "sign in with `client_secret`";
            reader.error_with(entry.key_spot, format!("`{key}` is not supported yet"), hint);
        }
    }
    let client_id = client_id(reader, &fields);
    let client_secret = fields.get("client_secret");
    if client_secret.is_none() && !other {
        reader.error_with(fields.spot, "`auth` needs `client_secret`", FORMS);
    }
    let client_secret = client_secret.and_then(|entry| secret(reader, &entry.value, directory));
    Some((client_id?.to_string().into(), client_secret?))
}

fn client_id(reader: &mut Reader, fields: &Fields<'_>) -> Option<Uuid> {
    let node = reader.required(fields, "`auth`", "client_id")?;
    let text = reader.text(node)?;
    let id = (text.len() == 36).then(|| Uuid::try_parse(text).ok()).flatten();
    if id.is_none() {
        // Where ids and secrets are mixed up, the secret stands here.
        let hint = "it is the application (client) id of the app registration";
        note_concealed(reader, node.spot, "`client_id` is not a GUID", hint);
    }
    id
}

/// Reads a reference to a secret.
pub(super) fn secret(reader: &mut Reader, node: &Node, directory: &Path) -> Option<SecretRef> {
    let entries = match &node.kind {
        Kind::Mapping(entries) => entries,
        Kind::Scalar { text: _, plain: _ } if node.is_nothing() => {
            let message = "expected a reference to a secret, found nothing";
            reader.error_with(node.spot, message, FORMS);
            return None;
        }
        Kind::Scalar { text: _, plain: _ } | Kind::Sequence(_) => {
            let message = "a secret must not stand in the configuration file";
            let hint = format!(
                "{FORMS}, and renew the secret: backups and the history of the file may hold it"
            );
            note_concealed(reader, node.spot, message, &hint);
            return None;
        }
    };
    let [entry] = entries.as_slice() else {
        note_concealed(reader, node.spot, "a secret has exactly one place", FORMS);
        return None;
    };
    match &*entry.key {
        "env" => {
            name(reader, &entry.value, "an environment variable", is_variable).map(SecretRef::Env)
        }
        "credential" => {
            name(reader, &entry.value, "a credential", is_credential).map(SecretRef::Credential)
        }
        "file" => reader.text(&entry.value).map(|path| SecretRef::File(directory.join(path))),
        _ => {
            note_concealed(reader, entry.key_spot, "this is no place for a secret", FORMS);
            None
        }
    }
}

fn name(
    reader: &mut Reader,
    node: &Node,
    what: &str,
    fits: impl Fn(&str) -> bool,
) -> Option<Arc<str>> {
    let text = reader.text(node)?;
    if !fits(text) {
        let message = format!("this is not the name of {what}");
        note_concealed(reader, node.spot, &message, "write the name, not the secret itself");
        return None;
    }
    Some(text.into())
}

/// Source: POSIX, Base Definitions, 8.1: letters, digits and `_`, not beginning with a digit.
fn is_variable(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.bytes().all(fits) && !text.starts_with(|first: char| first.is_ascii_digit())
}

/// A credential is a file name in the directory of credentials, and must not lead out of it.
fn is_credential(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    text.bytes().all(fits) && !text.starts_with('.')
}

fn note_concealed(reader: &mut Reader, spot: Spot, message: &str, hint: &str) {
    let diagnostic = Diagnostic::error(reader.place(spot), spot.length, message).with_hint(hint);
    reader.note(Diagnostic { conceal_from: Some(spot.column), ..diagnostic });
}
