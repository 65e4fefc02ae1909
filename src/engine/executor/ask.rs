//! Asks for the cause of removals another way, right before they are sent.

use futures_util::stream::{self, StreamExt};

use super::{BATCH_MAX, Halt, Running};
use crate::domain::ids::UserId;
use crate::domain::user::User;
use crate::engine::CycleError;
use crate::plan::Operation;
use crate::plan::second_look::SecondLook;
use crate::ports::{
    Clock, OutcomeKind, Records, Settlement, TenantError, TenantReader, TenantWriter,
};

/// Questions on their way at once.
const QUESTIONS_IN_FLIGHT: usize = 8;

/// Why a removal does not run after a second look.
enum Doubt {
    /// Its cause is not there any more.
    Stale(String),
    /// Somebody asked to stop before it was asked.
    Stopped,
    /// It could not be asked.
    Unasked {
        detail: String,
        /// Whether nothing else may run either.
        is_forbidden: bool,
    },
}

impl Doubt {
    fn unasked(error: &TenantError) -> Self {
        let is_forbidden = match error {
            TenantError::Forbidden { .. }
            | TenantError::SignIn { .. }
            | TenantError::Secret { .. } => true,
            TenantError::Unavailable { .. }
            | TenantError::Malformed { .. }
            | TenantError::Clock { .. }
            | TenantError::Incomplete(_) => false,
        };
        let detail = format!("its cause could not be asked again: {error}");
        Self::Unasked { detail, is_forbidden }
    }
}

impl<T: TenantReader, R: Records, C: Clock, W: TenantWriter> Running<'_, '_, T, R, C, W> {
    /// Asks again about operations that take something away. Returns what may run.
    pub(super) async fn ask_again<'o>(
        &mut self,
        operations: Vec<&'o Operation>,
    ) -> Result<Vec<&'o Operation>, CycleError> {
        let (removing, mut sure): (Vec<&Operation>, Vec<&Operation>) =
            operations.into_iter().partition(|operation| SecondLook::is_needed(operation));
        for chunk in removing.chunks(BATCH_MAX) {
            if let Some(halt) = self.halt() {
                self.defer(chunk, &halt).await?;
                continue;
            }
            let users: Vec<UserId> = chunk.iter().map(|operation| operation.user.id).collect();
            let Ok(seen) = self.engine.unless_stopped(self.engine.reader.holdings(&users)).await
            else {
                self.defer(chunk, &Halt::on_request()).await?;
                continue;
            };
            if let Err(error) = &seen {
                // Nobody can be asked about: to go on would only be to wait.
                self.breaker.trip(format!("removals cannot be asked about: {error}"));
            }
            let doubts = match seen {
                Ok(seen) => self.look(chunk, seen).await,
                Err(error) => chunk.iter().map(|_| Err(Doubt::unasked(&error))).collect(),
            };
            let mut settlements = Vec::new();
            for (operation, doubt) in chunk.iter().zip(doubts) {
                match doubt {
                    Ok(()) => sure.push(operation),
                    Err(doubt) => settlements.push(self.doubted(operation, doubt)),
                }
            }
            self.settle(settlements).await?;
        }
        Ok(sure)
    }

    fn doubted(&mut self, operation: &Operation, doubt: Doubt) -> Settlement {
        match doubt {
            Doubt::Stale(detail) => self.told(operation, OutcomeKind::Stale, &detail),
            Doubt::Stopped => {
                let halt = Halt::on_request();
                self.put_off(operation, &halt, halt.why())
            }
            Doubt::Unasked { detail, is_forbidden } => {
                if is_forbidden {
                    self.breaker.trip(detail.clone());
                } else {
                    self.breaker.fail(&detail);
                }
                self.told(operation, OutcomeKind::Deferred, &detail)
            }
        }
    }

    async fn look(&self, chunk: &[&Operation], seen: Vec<Option<User>>) -> Vec<Result<(), Doubt>> {
        stream::iter(chunk.iter().zip(seen))
            .map(|(operation, user)| self.second_look(operation, user))
            .buffered(QUESTIONS_IN_FLIGHT)
            .collect()
            .await
    }

    async fn second_look(&self, operation: &Operation, user: Option<User>) -> Result<(), Doubt> {
        let user = user.ok_or_else(|| Doubt::Stale("the user is gone".to_owned()))?;
        let groups: Vec<_> = self.look.groups_to_ask(operation).into_iter().collect();
        let member_of = if groups.is_empty() {
            Vec::new()
        } else {
            let asking = self.engine.reader.memberships(user.id, &groups);
            match self.engine.unless_stopped(asking).await {
                Ok(asked) => asked.map_err(|error| Doubt::unasked(&error))?,
                Err(_) => return Err(Doubt::Stopped),
            }
        };
        let member_of = member_of.into_iter().collect();
        self.look.confirm(operation, &user, &member_of).map_err(Doubt::Stale)
    }
}
