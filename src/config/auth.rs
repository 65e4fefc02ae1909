//! How to sign in. What may be a secret is never quoted in a message and never shown with its line.

use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;

use crate::config::{Auth, CertificateRef, Credential, Identity, SecretRef};
use crate::yaml::{Diagnostic, Entry, Fields, Kind, Node, Reader, Spot};

pub(super) const KEYS: [&str; 5] =
    ["client_id", "client_secret", "certificate", "federated_token", "managed_identity"];
/// Keys of `certificate`.
pub(super) const CERTIFICATE: [&str; 4] = ["certificate", "key", "pkcs12", "password"];
/// Keys of `managed_identity`.
pub(super) const IDENTITY: [&str; 3] = ["client_id", "object_id", "resource_id"];

/// The ways to sign in.
const WAYS: [&str; 4] = ["client_secret", "certificate", "federated_token", "managed_identity"];
const FORMS: &str = "write `{env: NAME}`, `{file: PATH}` or `{credential: NAME}`";

/// Reads `auth`: who signs in, and where what proves it is.
pub(super) fn lower(reader: &mut Reader, node: &Node, directory: &Path) -> Option<Auth> {
    let fields = reader.fields(node, "`auth`", &KEYS)?;
    let ways: Vec<&Entry> = WAYS.iter().filter_map(|way| fields.get(way)).collect();
    let [way] = ways.as_slice() else {
        match ways.as_slice() {
            [first, second, ..] => {
                let message =
                    format!("`auth` has one way to sign in, and `{}` is another", second.key);
                reader.error_related(
                    second.key_spot,
                    message,
                    ("the first is here", first.key_spot),
                );
            }
            _ => {
                let hint = "write one of `client_secret`, `certificate`, `federated_token` and \
                            `managed_identity`";
                reader.error_with(fields.spot, "`auth` has no way to sign in", hint);
            }
        }
        if fields.get("managed_identity").is_none() {
            client_id(reader, &fields);
        }
        return None;
    };
    if &*way.key == "managed_identity" {
        if let Some(entry) = fields.get("client_id") {
            let hint = "leave it out; one of several identities is named as in `managed_identity: \
                        {client_id: …}`";
            let message = "a managed identity is no app registration, and has no `client_id` here";
            reader.error_with(entry.key_spot, message, hint);
        }
        return identity(reader, &way.value).map(Auth::ManagedIdentity);
    }
    let client_id = client_id(reader, &fields);
    let credential = match &*way.key {
        "client_secret" => secret(reader, &way.value, directory).map(Credential::Secret),
        "certificate" => certificate(reader, &way.value, directory).map(Credential::Certificate),
        _ => federated_token(reader, &way.value, directory),
    };
    Some(Auth::App { client_id: client_id?.to_string().into(), credential: credential? })
}

fn certificate(reader: &mut Reader, node: &Node, directory: &Path) -> Option<CertificateRef> {
    let fields = reader.fields(node, "`certificate`", &CERTIFICATE)?;
    let mut place = |key: &str| {
        let entry = fields.get(key)?;
        Some(secret(reader, &entry.value, directory))
    };
    let (pem, key, pkcs12) = (place("certificate"), place("key"), place("pkcs12"));
    // Where one of them is wrong that was told.
    let password = place("password").map_or(Some(None), |place| place.map(Some));
    match (pem, key, pkcs12) {
        (Some(certificate), key, None) => {
            let key = key.map_or(Some(None), |key| key.map(Some));
            let (certificate, key, password) = (certificate?, key?, password?);
            Some(CertificateRef::Pem { certificate, key, password })
        }
        (None, None, Some(file)) => {
            Some(CertificateRef::Pkcs12 { file: file?, password: password? })
        }
        (None, _, None) | (Some(_), _, Some(_)) | (None, Some(_), Some(_)) => {
            let message = "a certificate stands in PEM or in a PKCS#12 file";
            let hint = "write `{certificate: {file: PATH}, key: {file: PATH}}`, or \
                        `{pkcs12: {file: PATH}, password: {file: PATH}}`";
            reader.error_with(fields.spot, message, hint);
            None
        }
    }
}

/// Reads where a federated token is; an empty mapping leaves that to the environment.
fn federated_token(reader: &mut Reader, node: &Node, directory: &Path) -> Option<Credential> {
    let place = match &node.kind {
        Kind::Mapping(entries) if entries.is_empty() => None,
        _ => Some(secret(reader, node, directory)?),
    };
    Some(Credential::FederatedToken(place))
}

fn identity(reader: &mut Reader, node: &Node) -> Option<Identity> {
    let fields = reader.fields(node, "`managed_identity`", &IDENTITY)?;
    let [entry] = fields.entries() else {
        if let [_, second, ..] = fields.entries() {
            let hint = "write one of `client_id`, `object_id` and `resource_id`, or `{}` for the \
                        machine's own";
            reader.error_with(second.key_spot, "an identity is named in one way", hint);
            return None;
        }
        return Some(Identity::System);
    };
    let text = reader.text(&entry.value)?;
    if &*entry.key == "resource_id" {
        if !text.to_ascii_lowercase().starts_with("/subscriptions/") {
            let hint = "it begins with `/subscriptions/`";
            let message = "`resource_id` is no id of a resource in Azure";
            note_concealed(reader, entry.value.spot, message, hint);
            return None;
        }
        return Some(Identity::ResourceId(text.into()));
    }
    let Some(id) = guid(text) else {
        let message = format!("`{}` is not a GUID", entry.key);
        let hint = "Azure shows it with the identity";
        note_concealed(reader, entry.value.spot, &message, hint);
        return None;
    };
    let id: Arc<str> = id.to_string().into();
    Some(if &*entry.key == "client_id" { Identity::ClientId(id) } else { Identity::ObjectId(id) })
}

fn guid(text: &str) -> Option<Uuid> {
    (text.len() == 36).then(|| Uuid::try_parse(text).ok()).flatten()
}

fn client_id(reader: &mut Reader, fields: &Fields<'_>) -> Option<Uuid> {
    let node = reader.required(fields, "`auth`", "client_id")?;
    let text = reader.text(node)?;
    let id = guid(text);
    if id.is_some_and(|id| id.is_nil()) {
        let hint = "write the application (client) id of the app registration";
        reader.warning(node.spot, "`client_id` is not filled in yet", hint);
    }
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
