//! Reads when users last signed in: slow, a page at a time, at the pace that Graph allows.

use reqwest::Url;

use crate::graph::call::{Call, Unread};
use crate::graph::error::{Ask, Refused};
use crate::graph::session::Session;
use crate::graph::wire::page::Page;
use crate::graph::wire::sign_in::latest_sign_in;
use crate::ports::{Clock, SignInAnswer, SignInPage, TenantError};

/// Users on a page at most, unless the server says otherwise.
///
/// Source: Graph list users, with signInActivity selected: 500, formerly 120.
pub(super) const PAGE_MAX: u32 = 500;

impl<C: Clock> Session<C> {
    /// Reads one page of sign-ins, the first or the one that a continuation leads to.
    ///
    /// # Errors
    ///
    /// Fails where Graph does not answer, or refuses for another reason than a missing permission or
    /// a missing premium license.
    pub(super) async fn sign_ins(&self, from: Option<&str>) -> Result<SignInAnswer, TenantError> {
        loop {
            let url = match from {
                None => self.first_page(),
                Some(link) => match Url::parse(link) {
                    Ok(url) if self.is_ours(&url) => url,
                    // It was kept from before the endpoint was changed.
                    Ok(_) | Err(_) => return Ok(SignInAnswer::Lost),
                },
            };
            let call = Call::get(Ask::SignIns, url);
            let fetched = self
                .fetch(&call, &mut self.tries(), |body| Page::parse(body, latest_sign_in))
                .await;
            let refused = match fetched {
                Ok(fetched) => return self.page(&call.url, fetched.value),
                Err(Unread::Refused(refused)) => refused,
                Err(Unread::Failed(error)) => return Err(error),
            };
            if refused.status == 403 {
                return Ok(SignInAnswer::Unavailable { reason: why_unavailable(&refused).into() });
            }
            let is_smaller = self.take_page_max(&refused);
            match from {
                // What a continuation was good for is up to the server; a first page always can be had.
                Some(_) if is_smaller || matches!(refused.status, 400 | 404 | 410) => {
                    return Ok(SignInAnswer::Lost);
                }
                None if is_smaller => {}
                Some(_) | None => return Err(refused.into_error()),
            }
        }
    }

    fn page(
        &self,
        here: &Url,
        page: Page<(crate::domain::ids::UserId, Option<jiff::Timestamp>)>,
    ) -> Result<SignInAnswer, TenantError> {
        let next = page.next.map(|next| self.follow(Ask::SignIns, here, &next)).transpose();
        let next = next.map_err(Unread::into_error)?.map(|url| url.as_str().into());
        Ok(SignInAnswer::Page(SignInPage { users: page.rows, next }))
    }

    fn first_page(&self) -> Url {
        let top = self.sign_in_pace.page_max();
        self.url(&["users"], &format!("$select=id,signInActivity&$top={top}"))
    }

    /// Takes the page size that the server says it allows; whether it is smaller than before.
    ///
    /// Source: Graph "Cannot query data for more than 120 users at a time."
    fn take_page_max(&self, refused: &Refused) -> bool {
        let told = page_max(&refused.fault.message);
        refused.status == 400 && told.is_some_and(|most| self.sign_in_pace.lower_page_max(most))
    }
}

/// Returns the size of a page that a refusal names.
fn page_max(message: &str) -> Option<u32> {
    let message = message.to_lowercase();
    let (_, rest) = message.split_once("more than ")?;
    let (number, rest) = rest.split_once(' ')?;
    rest.starts_with("users").then(|| number.parse().ok()).flatten().filter(|most| *most > 0)
}

/// Says why sign-ins cannot be read: the same words every time, without ids of requests.
fn why_unavailable(refused: &Refused) -> &'static str {
    // Source: Graph Authentication_RequestFromNonPremiumTenantOrB2CTenant.
    if refused.fault.names("nonpremiumtenant") || refused.fault.names("premium license") {
        "the tenant has no Entra ID P1 or P2 license, which sign-in activity needs"
    } else {
        "grant the application permission `AuditLog.Read.All`, with admin consent"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_size_is_read_from_the_words() {
        let told = |text: &str| page_max(text);
        assert_eq!(told("Cannot query data for more than 120 users at a time."), Some(120));
        assert_eq!(told("cannot query data for more than 0 users at a time."), None);
        assert_eq!(told("more than enough users"), None);
        assert_eq!(told("Invalid page size"), None);
    }
}
