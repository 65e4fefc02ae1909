//! Looks at a tenant as a doctor does: who is reached, who signs in, what is allowed. Reads a little of
//! everything, and writes nothing.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use reqwest::Url;
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use crate::graph::Client;
use crate::graph::call::{Call, Unread};
use crate::graph::certificate::Certificate;
use crate::graph::credential::{Credential, SignIn};
use crate::graph::error::Ask;
use crate::graph::reach::Reach;
use crate::graph::session::Session;
use crate::graph::settings::below;
use crate::graph::wire::claims::{self, FederatedSeen};
use crate::graph::wire::page::Page;
use crate::ports::{Clock, TenantError};

/// A read that shows whether reads of its kind are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Probe {
    /// One user.
    Users,
    /// One group.
    Groups,
    /// The SKUs.
    Skus,
    /// One subscription.
    Subscriptions,
    /// When one user last signed in.
    SignIns,
}

/// What an examination came to.
#[derive(Debug)]
pub struct Examination {
    /// Whether the login host, or the host of the managed identity, is reached, and its address.
    pub login: (String, Reach),
    /// Whether Graph is reached, and its address.
    pub graph: (String, Reach),
    /// When the certificate ends, where one is used and can be read.
    pub certificate_ends: Option<Timestamp>,
    /// What the federated token says of itself, where one is used and can be read.
    pub federated: Option<FederatedSeen>,
    /// The token; none where nobody was there to ask.
    pub token: Option<Result<TokenSeen, TenantError>>,
    /// What each read came to.
    pub answers: Vec<(Probe, Result<(), TenantError>)>,
    /// How far this machine's clock is ahead of theirs; none where nobody told the time.
    pub ahead: Option<SignedDuration>,
}

/// A token, as far as it concerns people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSeen {
    /// The app roles in it; none where it cannot be read.
    pub roles: Option<BTreeSet<String>>,
    /// When it ends.
    pub ends_at: Timestamp,
}

impl<C: Clock> Client<C> {
    /// Examines the tenant.
    pub async fn examine(&self, probes: &[Probe]) -> Examination {
        let session = &self.session;
        let (login, through) = session.whom_to_ask();
        let login_reach = session.reach(through, login.clone()).await;
        let graph = session.url(&[], "");
        let graph_reach = session.reach(&session.http, graph.clone()).await;
        let token = match &login_reach {
            Reach::Answered { .. } => Some(session.look_at_token().await),
            Reach::Failed { .. } => None,
        };
        let mut answers = Vec::new();
        if matches!((&token, &graph_reach), (Some(Ok(_)), Reach::Answered { .. })) {
            for probe in probes {
                answers.push((*probe, session.probe(*probe).await));
            }
        }
        Examination {
            login: (origin(&login), login_reach),
            graph: (origin(&graph), graph_reach),
            certificate_ends: session.certificate_ends(),
            federated: session.federated(),
            token,
            answers,
            ahead: session.skew().map(|skew| -skew),
        }
    }
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

impl<C: Clock> Session<C> {
    /// Returns who issues tokens, and through which client it is asked.
    fn whom_to_ask(&self) -> (Url, &reqwest::Client) {
        match &self.settings.sign_in {
            SignIn::App { .. } => {
                let mut base = self.token_url.clone();
                base.set_path("");
                let document =
                    [&self.settings.tenant_id, "v2.0", ".well-known", "openid-configuration"];
                (below(&base, &document), &self.http)
            }
            SignIn::ManagedIdentity { host, identity: _ } => {
                let url = host.url().expect("the address was read when the session began");
                (url, &self.direct)
            }
        }
    }

    async fn look_at_token(&self) -> Result<TokenSeen, TenantError> {
        let token = self.token().await?;
        Ok(TokenSeen { roles: claims::roles(token.value.expose_secret()), ends_at: token.ends_at })
    }

    fn certificate_ends(&self) -> Option<Timestamp> {
        match &self.settings.sign_in {
            SignIn::App { client_id: _, credential: Credential::Certificate(source) } => {
                let certificate = Certificate::read(&source.open().ok()?).ok()?;
                Some(certificate.not_after)
            }
            SignIn::App { .. } | SignIn::ManagedIdentity { .. } => None,
        }
    }

    fn federated(&self) -> Option<FederatedSeen> {
        match &self.settings.sign_in {
            SignIn::App { client_id: _, credential: Credential::FederatedToken(source) } => {
                claims::federated(source.open().ok()?.expose_secret())
            }
            SignIn::App { .. } | SignIn::ManagedIdentity { .. } => None,
        }
    }

    async fn probe(&self, probe: Probe) -> Result<(), TenantError> {
        let (ask, path, query): (_, &[&str], _) = match probe {
            // What policies rest on, so that a permission that shows less is told.
            Probe::Users => (Ask::Users, &["users"], "$select=id,assignedLicenses&$top=1"),
            Probe::Groups => (Ask::Groups, &["groups"], "$select=id,displayName&$top=1"),
            Probe::Skus => (Ask::Skus, &["subscribedSkus"], ""),
            Probe::Subscriptions => (Ask::Subscriptions, &["directory", "subscriptions"], ""),
            Probe::SignIns => (Ask::SignIns, &["users"], "$select=id,signInActivity&$top=1"),
        };
        let call = Call::get(ask, self.url(path, query));
        let fetched = self.fetch(&call, &mut self.tries(), is_list).await;
        fetched.map(|_| ()).map_err(Unread::into_error)
    }
}

/// A row of which nothing is taken.
#[derive(Deserialize)]
struct Row {}

fn is_list(body: &[u8]) -> Result<(), String> {
    Page::parse(body, |Row {}| Ok(())).map(|_| ())
}
