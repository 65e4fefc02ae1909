//! Looks at single users, many in one request.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::Deserialize;

use crate::domain::ids::{GroupId, UserId};
use crate::domain::user::User;
use crate::graph::call::{Call, Fetched, Unread};
use crate::graph::error::{Ask, Refused, Unanswered};
use crate::graph::retry::Tries;
use crate::graph::session::Session;
use crate::graph::wire::batch::{self, BATCH_MAX, Item, ItemReply};
use crate::graph::wire::fault::GraphFault;
use crate::graph::wire::page::not_json;
use crate::graph::wire::scalar::{List, Object, Scalar, ids};
use crate::graph::wire::user::{HOLDING_QUERY, RawUser, holding};
use crate::ports::{Clock, TenantError};

/// Batches that are read at once at most.
const AT_ONCE: usize = 4;
/// Groups that one membership check takes.
///
/// Source: Graph checkMemberGroups.
const GROUPS_MAX: usize = 20;

/// What one look at a user came to.
enum Look {
    Seen(Option<User>),
    Again(Unanswered),
    /// The token was refused.
    Unsigned(Refused),
    Refused(Refused),
}

/// The users of one batch, and what was seen of them.
struct Looks<'a> {
    users: &'a [UserId],
    /// By the place of the user; who is not in it was not seen yet.
    seen: BTreeMap<usize, Option<User>>,
}

/// What a batch left open, and why.
struct Rest {
    trouble: Unanswered,
    throttled: bool,
    pause: Option<Duration>,
    unsigned: Option<Refused>,
}

impl Looks<'_> {
    fn is_open(&self) -> bool {
        self.seen.len() < self.users.len()
    }

    /// Returns the requests for the users who were not seen yet.
    fn open(&self) -> Vec<Item> {
        (0..self.users.len())
            .filter(|index| !self.seen.contains_key(index))
            .map(|index| Item::get(index, format!("/users/{}?{HOLDING_QUERY}", self.users[index])))
            .collect()
    }

    /// Takes the answers of a batch.
    ///
    /// # Errors
    ///
    /// Fails where Graph refuses one of them for good.
    fn take(&mut self, replies: &[ItemReply]) -> Result<Rest, TenantError> {
        let mut rest = Rest {
            trouble: Unanswered::broken("a batch came back without some of its items"),
            throttled: false,
            pause: None,
            unsigned: None,
        };
        for reply in replies {
            let Some(user) = self.users.get(reply.id) else { continue };
            match look_at(reply, *user) {
                Look::Seen(holding) => {
                    self.seen.insert(reply.id, holding);
                }
                Look::Again(unanswered) => rest.trouble = unanswered,
                Look::Unsigned(refused) => rest.unsigned = Some(refused),
                Look::Refused(refused) => return Err(refused.into_error()),
            }
            if reply.status == 429 {
                rest.throttled = true;
                rest.pause = rest.pause.max(reply.retry_after);
            }
        }
        Ok(rest)
    }
}

impl<C: Clock> Session<C> {
    /// Reads single users, in the order of `users`.
    ///
    /// # Errors
    ///
    /// Fails whole where one of them could not be read.
    pub(super) async fn holdings(
        &self,
        users: &[UserId],
    ) -> Result<Vec<Option<User>>, TenantError> {
        let looks: Vec<_> =
            users.chunks(BATCH_MAX).map(|chunk| self.look(chunk, self.tries())).collect();
        let seen: Vec<Vec<_>> = stream::iter(looks).buffered(AT_ONCE).try_collect().await?;
        Ok(seen.into_iter().flatten().collect())
    }

    /// Reads at most 20 users within these tries.
    ///
    /// # Errors
    ///
    /// Fails whole where one of them could not be read.
    pub(super) async fn look(
        &self,
        users: &[UserId],
        mut tries: Tries,
    ) -> Result<Vec<Option<User>>, TenantError> {
        let mut looks = Looks { users, seen: BTreeMap::new() };
        let mut renewed = false;
        loop {
            let items = looks.open();
            if items.is_empty() {
                return Ok(looks.seen.into_values().collect());
            }
            let fetched = self.batch(&items, &mut tries).await?;
            let rest = looks.take(&fetched.value)?;
            if let Some(refused) = rest.unsigned {
                if renewed {
                    return Err(refused.into_error());
                }
                renewed = true;
                self.forget_token(fetched.token).await;
            }
            if rest.throttled {
                self.refused(Ask::Batch, fetched.sent_at, rest.pause);
            } else {
                self.gate.passed(fetched.sent_at);
            }
            if looks.is_open() && !self.pause(&mut tries, rest.trouble.trouble).await {
                return Err(rest.trouble.into_error(Ask::Batch));
            }
        }
    }

    async fn batch(
        &self,
        items: &[Item],
        tries: &mut Tries,
    ) -> Result<Fetched<Vec<ItemReply>>, TenantError> {
        let url = self.url(&["$batch"], "");
        let call = Call::post(Ask::Batch, url, batch::body(items), items.len());
        self.fetch(&call, tries, |body| batch::replies(body, self.clock.now()))
            .await
            .map_err(Unread::into_error)
    }

    /// Asks which of these groups a user is in, nested ones included.
    ///
    /// # Errors
    ///
    /// Fails where Graph does not answer, or has no such user.
    pub(super) async fn memberships(
        &self,
        user: UserId,
        groups: &[GroupId],
    ) -> Result<Vec<GroupId>, TenantError> {
        let mut member_of = Vec::new();
        for chunk in groups.chunks(GROUPS_MAX) {
            let asked: Vec<String> = chunk.iter().map(ToString::to_string).collect();
            let url = self.url(&["users", &user.to_string(), "checkMemberGroups"], "");
            let body = serde_json::to_vec(&serde_json::json!({"groupIds": asked}))
                .expect("JSON values always serialise");
            let call = Call::post(Ask::Memberships, url, body, 1);
            let found = self
                .fetch(&call, &mut self.tries(), group_ids)
                .await
                .map_err(Unread::into_error)?
                .value;
            member_of.extend(chunk.iter().filter(|group| found.contains(group)));
        }
        Ok(member_of)
    }
}

fn look_at(reply: &ItemReply, user: UserId) -> Look {
    let fault = reply.fault();
    let refused = |fault: Option<GraphFault>| {
        Refused::new(Ask::Batch, reply.status, fault.unwrap_or_default(), reply.request_id())
    };
    let again = || {
        let body = serde_json::to_vec(&reply.body).unwrap_or_default();
        Look::Again(Unanswered::status(reply.status, &body, reply.request_id()))
    };
    match reply.status {
        200 => match Object::<RawUser>::deserialize(&reply.body)
            .map_err(|error| not_json(&error))
            .and_then(|Object(raw)| holding(raw, user))
        {
            Ok(holding) => Look::Seen(Some(holding)),
            Err(reason) => Look::Again(Unanswered::malformed(&reason, &[], reply.request_id())),
        },
        404 if fault.is_some() => Look::Seen(None),
        401 => Look::Unsigned(refused(fault)),
        403 => Look::Refused(refused(fault)),
        408 | 409 | 423 | 424 | 429 | 500..=599 => again(),
        _ if fault.as_ref().is_some_and(GraphFault::is_contention) => again(),
        _ => Look::Refused(refused(fault)),
    }
}

fn group_ids(body: &[u8]) -> Result<Vec<GroupId>, String> {
    #[derive(Deserialize)]
    struct Raw {
        value: List<Scalar>,
    }
    let Object(raw): Object<Raw> =
        serde_json::from_slice(body).map_err(|error| not_json(&error))?;
    ids(raw.value).ok_or_else(|| "the answer lists what is no group id".to_owned())
}
