//! Who is reached, who signs in, and what time it is there.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};

use crate::cli::clock::SystemClock;
use crate::cli::environment;
use crate::cli::failure::tenant_hint;
use crate::cli::secret::path;
use crate::cli::session::CLOCK_TOLERANCE;
use crate::cli::sign_in::token_place;
use crate::config::{Auth, CertificateRef, Credential, Identity, SecretRef, Tenant};
use crate::graph::{Examination, FederatedSeen, Reach};
use crate::ports::{Clock as _, TenantError};
use crate::report::diagnosis::{Check, Finding, Verdict};

/// How long before its end a certificate is worth a warning.
const ENDS_SOON: SignedDuration = SignedDuration::from_hours(30 * 24);
/// A difference of clocks that is worth a warning.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// Says who is reached.
pub(super) fn reach(found: &Examination) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (address, reach) in [&found.login, &found.graph] {
        // One address may be both, as that of a sandbox is.
        if findings.iter().any(|finding: &Finding| finding.subject == *address) {
            continue;
        }
        findings.push(match reach {
            Reach::Answered { status: _, after } => {
                let detail = format!("answers within {} ms", after.as_millis().max(1));
                Finding::new(Check::Reach, Verdict::Good, address, detail)
            }
            Reach::Failed { step, reason } => {
                let proxy = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
                let proxy = proxy.into_iter().find(|name| environment::variable(name).is_some());
                let through =
                    proxy.map_or(String::new(), |name| format!(", through the proxy of {name}"));
                let detail = format!("failed at {}{through}: {reason}", step.as_str());
                Finding::new(Check::Reach, Verdict::Failed, address, detail).hint(step.hint())
            }
        });
    }
    findings
}

/// Says whether a token is issued, and how long what proves it lasts.
pub(super) fn sign_in(tenant: &Tenant, found: &Examination) -> Vec<Finding> {
    let about = |verdict, detail: String| Finding::new(Check::SignIn, verdict, who(tenant), detail);
    let mut findings = vec![match &found.token {
        None => {
            about(Verdict::Note, "not tried: nobody answers where tokens are issued".to_owned())
        }
        Some(Ok(token)) => {
            about(Verdict::Good, format!("signs in; the token ends at {}", minute(token.ends_at)))
        }
        Some(Err(error)) => {
            let (message, hint) = told(error);
            let finding = about(Verdict::Failed, message);
            match hint {
                Some(hint) => finding.hint(hint),
                None => finding,
            }
        }
    }];
    findings.extend(found.certificate_ends.map(certificate));
    findings.extend(found.federated.as_ref().map(|seen| federated(tenant, seen)));
    findings.extend(places(&tenant.auth).iter().filter_map(open_to_others));
    findings
}

/// Returns what an error says, and what to do.
pub(super) fn told(error: &TenantError) -> (String, Option<String>) {
    (error.to_string(), tenant_hint(error))
}

fn who(tenant: &Tenant) -> String {
    match &tenant.auth {
        Auth::App { client_id, credential } => {
            let by = match credential {
                Credential::Secret(_) => "client secret",
                Credential::Certificate(_) => "certificate",
                Credential::FederatedToken(_) => "federated token",
            };
            format!("app {client_id} by {by}")
        }
        Auth::ManagedIdentity(Identity::System) => "managed identity of this machine".to_owned(),
        Auth::ManagedIdentity(
            Identity::ClientId(id) | Identity::ObjectId(id) | Identity::ResourceId(id),
        ) => format!("managed identity {id}"),
    }
}

fn certificate(ends: Timestamp) -> Finding {
    let now = SystemClock.now();
    let left = ends.duration_since(now);
    let day = ends.strftime("%Y-%m-%d");
    let about = |verdict, detail| Finding::new(Check::SignIn, verdict, "certificate", detail);
    let renew = "make its successor, register it beside this one, and put it in place of the files: no \
                 restart is needed";
    if left.is_negative() {
        about(Verdict::Failed, format!("ended on {day}")).hint(renew)
    } else if left < ENDS_SOON {
        about(Verdict::Warning, format!("ends on {day}, in {} days", left.as_hours() / 24))
            .hint(renew)
    } else {
        about(Verdict::Good, format!("ends on {day}"))
    }
}

fn federated(tenant: &Tenant, seen: &FederatedSeen) -> Finding {
    let FederatedSeen { issuer, subject, audiences, ends_at } = seen;
    let detail =
        format!("issuer `{issuer}`, subject `{subject}`, audience `{}`", audiences.join("`, `"));
    let about = |verdict, detail| Finding::new(Check::SignIn, verdict, "federated token", detail);
    let wanted = tenant.cloud.federated_audience();
    match ends_at {
        Some(end) if *end < SystemClock.now() => {
            about(Verdict::Failed, format!("ended at {}; {detail}", minute(*end)))
                .hint("whoever issues it has to renew the file")
        }
        _ if !audiences.iter().any(|audience| audience == wanted) => {
            about(Verdict::Warning, detail)
                .hint(format!("apps of this cloud expect the audience `{wanted}`"))
        }
        Some(end) => about(Verdict::Good, format!("{detail}, ends at {}", minute(*end))),
        None => about(Verdict::Good, detail),
    }
}

/// Returns the files that hold what nobody else may read.
fn places(auth: &Auth) -> Vec<PathBuf> {
    let named = |place: &SecretRef| path(place);
    match auth {
        Auth::App { client_id: _, credential } => match credential {
            Credential::Secret(place) | Credential::FederatedToken(Some(place)) => {
                named(place).into_iter().collect()
            }
            Credential::FederatedToken(None) => {
                token_place().ok().as_ref().and_then(named).into_iter().collect()
            }
            Credential::Certificate(CertificateRef::Pem { certificate, key, password }) => {
                // Where the key has a file of its own the certificate is for everybody.
                let key = key.as_ref().unwrap_or(certificate);
                [Some(key), password.as_ref()].into_iter().flatten().filter_map(named).collect()
            }
            Credential::Certificate(CertificateRef::Pkcs12 { file, password }) => {
                [Some(file), password.as_ref()].into_iter().flatten().filter_map(named).collect()
            }
        },
        Auth::ManagedIdentity(_) => Vec::new(),
    }
}

fn open_to_others(file: &PathBuf) -> Option<Finding> {
    let mode = std::fs::metadata(file).ok()?.permissions().mode() & 0o777;
    let name = file.display().to_string();
    (mode & 0o077 != 0).then(|| {
        let detail = format!("accounts other than its owner may read or change it (mode {mode:o})");
        Finding::new(Check::SignIn, Verdict::Warning, &name, detail)
            .hint(format!("chmod 600 {name}, for the account that runs seatkeeper"))
    })
}

/// Says how far apart clocks are.
pub(super) fn clock(found: &Examination) -> Option<Finding> {
    let ahead = found.ahead?;
    let apart = ahead.abs();
    let tolerance = SignedDuration::try_from(CLOCK_TOLERANCE).unwrap_or(SignedDuration::MAX);
    let about = |verdict, detail| Finding::new(Check::Clock, verdict, "this machine", detail);
    if apart < SignedDuration::from_secs(2) {
        return Some(about(Verdict::Good, "goes with Graph's".to_owned()));
    }
    let side = if ahead.is_negative() { "behind" } else { "ahead" };
    let detail = format!("is {} s {side}", apart.as_secs());
    Some(if apart > tolerance {
        let detail = format!("{detail}: plans are refused from {} s on", tolerance.as_secs());
        about(Verdict::Failed, detail).hint("set the clock of this machine, as with NTP")
    } else if apart > SKEW {
        about(Verdict::Warning, detail).hint("set the clock of this machine, as with NTP")
    } else {
        about(Verdict::Good, detail)
    })
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
