//! Asks the machine that this runs on for a token of its managed identity.
//!
//! Three hosts are known: the metadata service of virtual machines, App Service and its kin, and the
//! agent of Azure Arc. None of them is asked through a proxy.
//!
//! Source: Microsoft Authentication Library for Go, `apps/managedidentity`.

use std::path::{Component, Path};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use crate::graph::advice::cut;
use crate::graph::auth::NoToken;
use crate::graph::call::Reply;
use crate::graph::challenge;
use crate::graph::credential::{Identity, IdentityHost};
use crate::graph::error::Unanswered;
use crate::graph::retry::Trouble;
use crate::graph::session::Session;
use crate::graph::settings::{InvalidSettings, below, host_endpoint};
use crate::graph::wire::token::{HostFault, TokenGrant};
use crate::ports::{Clock, TenantError};

/// The largest file that the agent of Arc leaves.
const KEY_MAX: usize = 4_096;
/// How long to wait for an answer of this machine itself.
const TIMEOUT_MAX: Duration = Duration::from_secs(15);
/// How long to wait where the metadata service says that it is being replaced.
const GONE_PAUSE: Duration = Duration::from_secs(10);

impl IdentityHost {
    /// Returns where to ask.
    pub(super) fn url(&self) -> Result<Url, InvalidSettings> {
        match self {
            Self::Imds { endpoint } => {
                Ok(below(&host_endpoint(endpoint)?, &["metadata", "identity", "oauth2", "token"]))
            }
            Self::AppService { endpoint, header: _ } | Self::Arc { endpoint, tokens: _ } => {
                host_endpoint(endpoint)
            }
        }
    }

    fn api_version(&self) -> &'static str {
        match self {
            Self::Imds { .. } => "2018-02-01",
            Self::AppService { .. } => "2019-08-01",
            Self::Arc { .. } => "2020-06-01",
        }
    }

    /// Returns what this host calls a choice of identity, and the choice.
    fn choice<'i>(&self, identity: &'i Identity) -> Option<(&'static str, &'i str)> {
        match (identity, self) {
            (Identity::System, _) => None,
            (Identity::ClientId(id), _) => Some(("client_id", id)),
            (Identity::ObjectId(id), _) => Some(("object_id", id)),
            (Identity::ResourceId(id), Self::AppService { .. }) => Some(("mi_res_id", id)),
            (Identity::ResourceId(id), Self::Imds { .. } | Self::Arc { .. }) => {
                Some(("msi_res_id", id))
            }
        }
    }

    /// Whether an answer of this status may be another in a while.
    fn passes(&self, status: u16) -> bool {
        match self {
            Self::Imds { .. } => matches!(status, 404 | 408 | 410 | 429 | 500..=599),
            Self::AppService { .. } | Self::Arc { .. } => {
                matches!(status, 408 | 429 | 500 | 502..=504)
            }
        }
    }
}

impl<C: Clock> Session<C> {
    /// Asks for a token of a managed identity.
    pub(super) async fn ask_host(
        &self,
        host: &IdentityHost,
        identity: &Identity,
        asked_at: Timestamp,
    ) -> Result<TokenGrant, NoToken> {
        let mut reply = self.ask_host_once(host, identity, asked_at, None).await?;
        if let IdentityHost::Arc { endpoint: _, tokens } = host
            && reply.status == 401
        {
            let key = self.arc_key(&reply, tokens)?;
            reply = self.ask_host_once(host, identity, asked_at, Some(&key)).await?;
        }
        match TokenGrant::parse(&reply.body) {
            Some(grant) if reply.status == 200 => Ok(grant),
            _ => Err(self.refusal_of_host(host, &reply)),
        }
    }

    async fn ask_host_once(
        &self,
        host: &IdentityHost,
        identity: &Identity,
        asked_at: Timestamp,
        key: Option<&SecretString>,
    ) -> Result<Reply, NoToken> {
        let mut url = host.url().expect("the address was read when the session began");
        url.query_pairs_mut()
            .append_pair("api-version", host.api_version())
            .append_pair("resource", self.scope.trim_end_matches("/.default"))
            .extend_pairs(host.choice(identity));
        let request = self.direct.get(url).timeout(self.settings.timeout.min(TIMEOUT_MAX));
        let request = match host {
            IdentityHost::AppService { endpoint: _, header } => {
                request.header("X-IDENTITY-HEADER", header.expose_secret())
            }
            IdentityHost::Imds { .. } | IdentityHost::Arc { .. } => {
                request.header("Metadata", "true")
            }
        };
        let request = match key {
            Some(key) => request.header("Authorization", format!("Basic {}", key.expose_secret())),
            None => request,
        };
        self.exchange(request, asked_at, 0)
            .await
            .map_err(|unanswered| NoToken::Yet(Unanswered { hint: Some(NO_HOST), ..unanswered }))
    }

    /// Reads the file that the agent of Arc names: only members of its group can.
    fn arc_key(&self, reply: &Reply, tokens: &Path) -> Result<SecretString, NoToken> {
        let named =
            reply.challenges.iter().find_map(|text| challenge::parameter(text, "Basic", "realm"));
        let file = named.ok_or("its agent names no file to read".to_owned());
        file.and_then(|file| read_key(Path::new(&file), tokens)).map_err(|reason| {
            let (tenant, what) = (self.settings.tenant.clone(), "managed identity");
            NoToken::Ever(TenantError::Secret { tenant, what, reason })
        })
    }

    fn refusal_of_host(&self, host: &IdentityHost, reply: &Reply) -> NoToken {
        let fault = HostFault::parse(&reply.body);
        let told =
            fault.as_ref().map_or(String::new(), |fault| format!(": {}", cut(&fault.0, 300)));
        let reason = format!("HTTP {}{told}", reply.status);
        if host.passes(reply.status) || (reply.status == 200 && fault.is_none()) {
            let mut unanswered = Unanswered::not_entra(reason);
            unanswered.hint = Some(NO_HOST);
            unanswered.retry_after = reply.retry_after;
            if reply.status != 200 {
                unanswered.trouble = Trouble::Fault;
            }
            if reply.status == 410 {
                unanswered.retry_after = Some(GONE_PAUSE);
            }
            return NoToken::Yet(unanswered);
        }
        NoToken::Ever(self.no_token(reason, Some(NO_IDENTITY.to_owned())))
    }
}

const NO_HOST: &str = "does this machine have a managed identity? off Azure and without the agent of \
                       Arc, sign in with a certificate or a federated token";
const NO_IDENTITY: &str = "check that the identity is assigned to this machine, and `managed_identity` \
                           in the configuration where it names one";

/// Reads a file of the agent of Arc, from its own directory alone: whoever answers in its place could
/// name any other.
fn read_key(file: &Path, tokens: &Path) -> Result<SecretString, String> {
    let refuse = |why: &str| Err(format!("the agent of Arc names `{}`, {why}", file.display()));
    let is_plain = file.components().all(|part| !matches!(part, Component::ParentDir));
    if !is_plain || file.parent() != Some(tokens) {
        return refuse(&format!("which is not in `{}`", tokens.display()));
    }
    if file.extension().is_none_or(|ending| ending != "key") {
        return refuse("which does not end in `.key`");
    }
    let cannot = |error: std::io::Error| {
        let advice = "is this account a member of the group `himds`?";
        format!(
            "the agent of Arc names `{}`, which cannot be read: {error}; {advice}",
            file.display()
        )
    };
    let about = std::fs::symlink_metadata(file).map_err(cannot)?;
    if !about.is_file() || about.len() > KEY_MAX as u64 {
        return refuse("which is no file of 4,096 bytes at most");
    }
    let text = std::fs::read_to_string(file).map_err(cannot)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned().into())
}
