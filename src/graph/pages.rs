//! Follows a listing to its end: all of it, or none.

use reqwest::Url;
use serde::Deserialize;

use crate::graph::call::{Call, Unread};
use crate::graph::error::{Ask, Unanswered};
use crate::graph::session::Session;
use crate::graph::wire::page::Page;
use crate::ports::{Clock, Progress};

/// Pages of one listing at most: ten million users. Beyond, the chain is taken for endless.
const PAGES_MAX: u32 = 10_000;
/// How often a listing begins again after its page token was lost.
const RESTARTS_MAX: u32 = 2;

/// What to list.
pub(super) struct Listing<'a> {
    /// What it is.
    pub(super) ask: Ask,
    /// Its first page.
    pub(super) first: Url,
    /// Where to tell how far it has come, and under which name.
    pub(super) progress: Option<(&'a dyn Progress, &'a str)>,
}

impl<C: Clock> Session<C> {
    /// Lists everything, row by row through `row`.
    ///
    /// # Errors
    ///
    /// Fails where one page could not be had, or one row could not be read.
    pub(super) async fn list<R, T>(
        &self,
        listing: &Listing<'_>,
        row: impl Fn(R) -> Result<T, String> + Send + Sync,
    ) -> Result<Vec<T>, Unread>
    where
        R: for<'de> Deserialize<'de>,
        T: Send,
    {
        let mut restarts = 0;
        loop {
            match self.chain(listing, &row).await {
                // Source: Graph DirectoryPageTokenNotFoundException, Directory_ExpiredPageToken:
                // the chain cannot be taken up again, only begun anew.
                Err(Unread::Refused(refused))
                    if refused.is_page_token() && restarts < RESTARTS_MAX =>
                {
                    restarts += 1;
                    tracing::info!(
                        ask = listing.ask.as_str(),
                        restarts,
                        "Graph lost its place; listing anew"
                    );
                }
                done => return done,
            }
        }
    }

    async fn chain<R, T>(
        &self,
        listing: &Listing<'_>,
        row: &(impl Fn(R) -> Result<T, String> + Send + Sync),
    ) -> Result<Vec<T>, Unread>
    where
        R: for<'de> Deserialize<'de>,
        T: Send,
    {
        let mut rows = Vec::new();
        let mut url = listing.first.clone();
        for _ in 0..PAGES_MAX {
            let call = Call::get(listing.ask, url);
            let page =
                self.fetch(&call, &mut self.tries(), |body| Page::parse(body, row)).await?.value;
            rows.extend(page.rows);
            if let Some((progress, what)) = listing.progress {
                progress.at(what, rows.len() as u64, None);
            }
            let Some(next) = page.next else { return Ok(rows) };
            url = self.follow(listing.ask, &call.url, &next)?;
        }
        Err(odd(listing.ask, &format!("the listing has no end after {PAGES_MAX} pages")))
    }

    /// Takes the link to the next page as it is, provided that it leads to Graph.
    pub(super) fn follow(&self, ask: Ask, here: &Url, next: &str) -> Result<Url, Unread> {
        let next =
            Url::parse(next).map_err(|_| odd(ask, "the link to the next page is no address"))?;
        if !self.is_ours(&next) {
            let whereto = next.origin().ascii_serialization();
            return Err(odd(ask, &format!("the link to the next page leads to `{whereto}`")));
        }
        if next == *here {
            return Err(odd(ask, "the link to the next page leads back to the same page"));
        }
        Ok(next)
    }
}

fn odd(ask: Ask, reason: &str) -> Unread {
    Unread::Failed(Unanswered::malformed(reason, &[], None).into_error(ask))
}
