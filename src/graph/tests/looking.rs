use super::*;
use crate::domain::known::Known;
use crate::graph::tests::server::{Play, Seen, batch};
use crate::ports::{TenantError, TenantReader as _};

/// Returns the number of the user whom a request of a batch is about.
pub(super) fn number(item: &Value) -> u32 {
    let url = item["url"].as_str().unwrap();
    let id = url.trim_start_matches("/users/").split(['?', '/']).next().unwrap();
    id[24..].parse().unwrap()
}

#[tokio::test]
async fn users_are_looked_at_by_twenty_and_come_back_in_order() {
    let server = Server::start(|seen| {
        seen.is_batch().then(|| {
            batch(seen, |item| {
                assert_eq!(item["method"], "GET");
                Some(match number(item) {
                    7 => (404, error_body("Request_ResourceNotFound", "Resource 'x' does not")),
                    number => (200, user_row(number, &[e5()])),
                })
            })
        })
    })
    .await;
    let (client, _) = client(&server);
    let users: Vec<_> = (1..=45).rev().map(user_id).collect();
    let seen = client.holdings(&users).await.unwrap();
    assert_eq!(seen.len(), 45);
    for (user, holding) in users.iter().zip(&seen) {
        assert_eq!(holding.is_none(), *user == user_id(7));
    }
    let holding = seen[0].as_ref().unwrap();
    assert_eq!(holding.enabled, Known::Known(true));
    assert_eq!(server.count(Seen::is_batch), 3);
}

#[tokio::test]
async fn only_what_was_throttled_or_left_out_is_asked_again() {
    let mut round = 0;
    let server = Server::start(move |seen| {
        if !seen.is_batch() {
            return None;
        }
        round += 1;
        if round > 1 {
            return Some(batch(seen, |item| Some((200, user_row(number(item), &[])))));
        }
        let response = |item: &Value, status: u16, after: &str, body: Value| {
            json!({"id": item["id"], "status": status, "headers": {"retry-after": after},
                   "body": body})
        };
        let items = seen.items();
        // Number 3 has no answer at all; the batch as a whole says what some batches said in 2021.
        Some(Play::json(
            424,
            &json!({"responses": [
                response(&items[3], 429, "12", error_body("TooManyRequests", "")),
                response(&items[0], 200, "", user_row(1, &[])),
                response(&items[1], 429, "4", error_body("TooManyRequests", "")),
            ]}),
        ))
    })
    .await;
    let (client, clock) = client(&server);
    let seen = client.holdings(&[1, 2, 3, 4].map(user_id)).await.unwrap();
    assert!(seen.iter().all(Option::is_some));
    let batches: Vec<_> = server.seen().into_iter().filter(Seen::is_batch).collect();
    let again: Vec<u32> = batches[1].items().iter().map(number).collect();
    assert_eq!(again, [2, 3, 4]);
    assert!(clock.slept() >= Duration::from_secs(12));
}

#[tokio::test]
async fn an_answer_about_somebody_else_is_refused() {
    let server = Server::start(|seen| {
        seen.is_batch().then(|| batch(seen, |_| Some((200, user_row(2, &[])))))
    })
    .await;
    let (client, _) = client(&server);
    let error = client.holdings(&[user_id(1)]).await.unwrap_err();
    assert!(matches!(&error, TenantError::Malformed { .. }), "{error:?}");
}

#[tokio::test]
async fn a_look_without_permission_is_no_look_at_nobody() {
    let server = Server::start(|seen| {
        seen.is_batch()
            .then(|| batch(seen, |_| Some((403, error_body("Authorization_RequestDenied", "No.")))))
    })
    .await;
    let (client, _) = client(&server);
    assert!(matches!(client.holdings(&[user_id(1)]).await, Err(TenantError::Forbidden { .. })));
}

#[tokio::test]
async fn memberships_are_asked_another_way_than_by_listing() {
    let server = Server::start(|seen| {
        seen.path.ends_with("/checkMemberGroups").then(|| {
            assert_eq!(seen.method, "POST");
            assert_eq!(seen.path, format!("/v1.0/users/{}/checkMemberGroups", user_id(1)));
            assert_eq!(
                seen.json(),
                json!({"groupIds": [group_id(1).to_string(), group_id(2).to_string()]})
            );
            Play::json(200, &json!({"value": [group_id(2).to_string().to_uppercase()]}))
        })
    })
    .await;
    let (client, _) = client(&server);
    let member_of = client.memberships(user_id(1), &[1, 2].map(group_id)).await.unwrap();
    assert_eq!(member_of, [group_id(2)]);
    assert!(client.memberships(user_id(1), &[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_user_who_is_gone_is_not_reported_as_in_no_group() {
    let server = Server::start(|seen| {
        seen.path.ends_with("/checkMemberGroups").then(|| {
            Play::json(404, &error_body("Request_ResourceNotFound", "Resource 'x' does not exist"))
        })
    })
    .await;
    let (client, _) = client(&server);
    assert!(client.memberships(user_id(1), &[group_id(1)]).await.is_err());
}
