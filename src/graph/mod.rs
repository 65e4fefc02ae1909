//! Microsoft Graph: signs in, reads a tenant, writes usage locations and licenses.
//!
//! Paging, batches, throttling, retries and waits live here and nowhere else. A read is whole or
//! it fails; a write whose answer was lost is read before it is repeated. Nothing here decides
//! what a user should have, and nothing here takes Graph's "accepted" for the effect.

mod advice;
mod assertion;
mod auth;
mod budget;
mod call;
mod certificate;
mod challenge;
mod credential;
mod error;
mod examine;
mod gate;
mod http;
mod identity;
mod look;
mod members;
mod pages;
mod reach;
mod read;
mod refusal;
mod remember;
mod retry;
mod session;
mod settings;
mod sign_ins;
mod track;
mod wire;
mod write;

#[cfg(test)]
mod tests;

use std::sync::{Arc, PoisonError};

use jiff::Timestamp;

pub use credential::{
    Credential, Identity, IdentityHost, KeyMaterial, KeySource, SecretSource, SignIn,
};
pub use examine::{Examination, Probe, TokenSeen};
pub use reach::{Reach, Step};
pub use settings::{InvalidSettings, Settings};
pub use wire::claims::FederatedSeen;

use crate::domain::ids::{GroupId, UserId};
use crate::domain::snapshot::Snapshot;
use crate::domain::tracking::Tracking;
use crate::domain::user::User;
use crate::graph::session::Session;
use crate::graph::wire::page::Page;
use crate::graph::wire::user::{Shared, user};
use crate::graph::write::Change;
use crate::ports::counts::Traffic;
use crate::ports::{
    Answer, Clock, LicenseWrite, LocationWrite, Progress, ReadRequest, SignInAnswer, TenantError,
    TenantRead, TenantReader, TenantWriter,
};

/// Reads a page of users as Graph's listing sends it: all of its rows, or none.
///
/// # Errors
///
/// Says what is wrong with it, without quoting it.
pub fn users_of_page(body: &[u8]) -> Result<Vec<User>, String> {
    let shared = Shared::default();
    Page::parse(body, |raw| user(raw, &shared)).map(|page| page.rows)
}

/// A client of Microsoft Graph for one tenant. All calls through one client share its token, its
/// pauses and its write budget; a second client for the same tenant would overrun the quota.
pub struct Client<C> {
    session: Session<C>,
}

impl<C: Clock> Client<C> {
    /// Prepares a client; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// Fails where an endpoint is no usable address.
    pub fn new(settings: Settings, clock: C) -> Result<Self, InvalidSettings> {
        Ok(Self { session: Session::new(settings, clock, rand::random::<f64>)? })
    }

    /// Returns what was counted of the requests since the client was made.
    pub fn tally(&self) -> Traffic {
        self.session.traffic.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<C: Clock> TenantReader for Client<C> {
    async fn read(
        &self,
        request: &ReadRequest,
        progress: &dyn Progress,
    ) -> Result<Snapshot, TenantError> {
        let read = self.session.read(request, progress).await?;
        self.session.check_clock()?;
        Ok(read)
    }

    async fn read_tracked(
        &self,
        request: &ReadRequest,
        earlier: Option<(Arc<Snapshot>, Tracking)>,
        progress: &dyn Progress,
    ) -> Result<TenantRead, TenantError> {
        let read = self.session.read_tracked(request, earlier, progress).await?;
        self.session.check_clock()?;
        Ok(read)
    }

    async fn holdings(&self, users: &[UserId]) -> Result<Vec<Option<User>>, TenantError> {
        self.session.holdings(users).await
    }

    async fn memberships(
        &self,
        user: UserId,
        groups: &[GroupId],
    ) -> Result<Vec<GroupId>, TenantError> {
        self.session.memberships(user, groups).await
    }

    async fn sign_ins(&self, from: Option<&str>) -> Result<SignInAnswer, TenantError> {
        self.session.sign_ins(from).await
    }
}

impl<C: Clock> TenantWriter for Client<C> {
    fn spent(&self, writes: &[(Timestamp, u32)]) {
        self.session.writes.begin(writes.iter().copied(), self.session.clock.now());
    }

    async fn locate(&self, writes: &[LocationWrite]) -> Vec<Answer> {
        self.session.write(writes.iter().map(Change::Locate).collect()).await
    }

    async fn assign(&self, writes: &[LicenseWrite]) -> Vec<Answer> {
        self.session.write(writes.iter().map(Change::Assign).collect()).await
    }
}
