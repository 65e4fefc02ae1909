use std::collections::BTreeMap;

use super::*;
use crate::domain::group::{Members, Membership};
use crate::graph::tests::server::{Play, Seen};
use crate::ports::{GroupRequest, ReadRequest, TenantError, TenantReader as _};

fn group_row(number: u32, name: &str, visibility: &Value) -> Value {
    json!({"id": group_id(number).to_string(), "displayName": name, "visibility": visibility})
}

fn member(kind: &str, id: &str) -> Value {
    json!({"@odata.type": format!("#microsoft.graph.{kind}"), "id": id})
}

fn user(number: u32) -> Value {
    member("user", &user_id(number).to_string())
}

fn nested(number: u32) -> Value {
    member("group", &group_id(number).to_string())
}

type Lists = BTreeMap<(u32, &'static str), Vec<Value>>;

/// A tenant of four groups: 1 Engineering, 2 Hidden, 3 Sales, 4 and 5 both Twins.
async fn tenant(lists: Lists) -> Server {
    Server::start(move |seen: &Seen| {
        if seen.path == "/v1.0/groups" {
            return Some(Play::rows(&[
                group_row(1, "Engineering", &Value::Null),
                group_row(2, "Hidden", &json!("HiddenMembership")),
                group_row(3, "Sales", &json!("Private")),
                group_row(4, "Twins", &Value::Null),
                group_row(5, "twins", &Value::Null),
            ]));
        }
        let rest = seen.path.strip_prefix("/v1.0/groups/")?;
        assert_eq!(seen.query, "$select=id&$top=999");
        let list = lists
            .iter()
            .find(|((number, which), _)| rest == format!("{}/{which}", group_id(*number)));
        Some(match list {
            Some((_, rows)) => Play::rows(rows),
            None => Play::json(404, &error_body("Request_ResourceNotFound", "Gone.")),
        })
    })
    .await
}

async fn read(server: &Server, asked: &[(&str, bool)]) -> Result<Vec<Membership>, TenantError> {
    let groups = asked
        .iter()
        .map(|(group, direct)| GroupRequest { group: (*group).into(), direct: *direct })
        .collect();
    let (client, _) = client(server);
    let snapshot = client.read(&ReadRequest { groups, more_groups_max: 0 }, &Quiet).await?;
    Ok(snapshot.groups().iter().map(|group| group.membership.clone()).collect())
}

fn whole(users: &[u32]) -> Members {
    Members::complete(users.iter().copied().map(user_id))
}

fn some(users: &[u32]) -> Members {
    Members::partial(users.iter().copied().map(user_id))
}

#[tokio::test]
async fn only_users_are_members_and_direct_ones_are_told_apart() {
    let device = member("device", &user_id(9).to_string());
    let server = tenant(Lists::from([
        ((1, "transitiveMembers"), vec![user(1), nested(3), device.clone(), user(2)]),
        ((1, "members"), vec![user(1), nested(3), device]),
    ]))
    .await;
    let read = read(&server, &[("ENGINEERING", true), ("Twins", false)]).await.unwrap();
    assert_eq!(read[0], Membership::Read { nested: whole(&[1, 2]), direct: Some(whole(&[1])) });
    assert_eq!(read[1..], [const { Membership::NotRead }; 4]);
}

#[tokio::test]
async fn hidden_members_are_not_taken_for_none() {
    let server = tenant(Lists::from([
        ((2, "transitiveMembers"), vec![]),
        ((2, "members"), vec![]),
        ((3, "transitiveMembers"), vec![]),
    ]))
    .await;
    let read = read(&server, &[("Hidden", true), ("Sales", false)]).await.unwrap();
    assert_eq!(read[1], Membership::Read { nested: some(&[]), direct: Some(some(&[])) });
    assert_eq!(read[2], Membership::Read { nested: whole(&[]), direct: None });
}

#[tokio::test]
async fn a_hidden_group_that_shows_its_members_is_readable() {
    let server = tenant(Lists::from([((2, "transitiveMembers"), vec![user(1)])])).await;
    let read = read(&server, &[("Hidden", false)]).await.unwrap();
    assert_eq!(read[1], Membership::Read { nested: whole(&[1]), direct: None });
}

#[tokio::test]
async fn a_nested_hidden_group_leaves_the_outer_one_in_part_unknown() {
    let server = tenant(Lists::from([
        ((1, "transitiveMembers"), vec![user(1), nested(2)]),
        ((1, "members"), vec![user(1), nested(2)]),
        ((2, "members"), vec![]),
    ]))
    .await;
    let read = read(&server, &[("Engineering", true)]).await.unwrap();
    assert_eq!(read[0], Membership::Read { nested: some(&[1]), direct: Some(whole(&[1])) });
}

#[tokio::test]
async fn a_nested_hidden_group_that_can_be_read_hides_nobody() {
    let server = tenant(Lists::from([
        ((1, "transitiveMembers"), vec![user(1), nested(2), user(2)]),
        ((2, "members"), vec![user(2)]),
    ]))
    .await;
    let read = read(&server, &[("Engineering", false)]).await.unwrap();
    assert_eq!(read[0], Membership::Read { nested: whole(&[1, 2]), direct: None });
}

#[tokio::test]
async fn a_group_that_vanishes_meanwhile_fails_the_read() {
    let server = tenant(Lists::new()).await;
    let error = read(&server, &[(&group_id(3).to_string(), false)]).await.unwrap_err();
    assert!(error.to_string().contains("vanished"), "{error}");
}
