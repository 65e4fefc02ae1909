use super::*;
use crate::domain::group::{Members, Membership};
use crate::domain::known::Known;
use crate::domain::snapshot::ReadKind;
use crate::domain::tracking::Tracking;
use crate::graph::tests::server::{Play, Seen, batch};
use crate::ports::{GroupRequest, ReadRequest, TenantError, TenantRead, TenantReader as _};

fn is_round(seen: &Seen, what: &str) -> bool {
    seen.path == format!("/v1.0/{what}/delta") && !seen.query.contains("=latest")
}

/// A page of changes, with the link to the next round.
fn told(seen: &Seen, rows: &[Value]) -> Play {
    let token = seen.query.rsplit_once('=').map_or("0", |(_, token)| token);
    let next = format!("http://{}{}?$deltatoken={token}1", seen.headers["host"], seen.path);
    Play::json(200, &json!({"value": rows, "@odata.deltaLink": next}))
}

fn sku_row(consumed: u32) -> Value {
    json!({"skuId": e5().to_string(), "skuPartNumber": "SPE_E5", "appliesTo": "User",
           "capabilityStatus": "Enabled", "consumedUnits": consumed,
           "prepaidUnits": {"enabled": 100, "suspended": 0, "warning": 0, "lockedOut": 0},
           "servicePlans": []})
}

/// A tenant of a hundred users, of whom one holds E5; `script` says what is different.
async fn tenant(mut script: impl FnMut(&Seen) -> Option<Play> + Send + 'static) -> Server {
    Server::start(move |seen: &Seen| {
        script(seen).or_else(|| match &*seen.path {
            "/v1.0/users" => {
                let mut rows: Vec<Value> = (1..=100).map(|n| user_row(n, &[])).collect();
                rows[0] = user_row(1, &[e5()]);
                Some(Play::rows(&rows))
            }
            "/v1.0/subscribedSkus" => Some(Play::rows(&[sku_row(1)])),
            "/v1.0/users/delta" | "/v1.0/groups/delta" => Some(told(seen, &[])),
            "/v1.0/$batch" => Some(batch(seen, |item| {
                let url = item["url"].as_str()?;
                let number = (1..=200).find(|n| url.contains(&user_id(*n).to_string()))?;
                Some((200, user_row(number, &[])))
            })),
            _ => None,
        })
    })
    .await
}

async fn read(
    client: &Client<TestClock>,
    earlier: Option<TenantRead>,
) -> Result<TenantRead, TenantError> {
    let earlier = earlier.map(|read| (Arc::new(read.snapshot), read.tracking.unwrap()));
    client.read_tracked(&ReadRequest::default(), earlier, &Quiet).await
}

fn kind(read: &TenantRead) -> ReadKind {
    read.snapshot.read()
}

#[tokio::test]
async fn marks_are_taken_before_anything_is_listed() {
    let server = tenant(|_| None).await;
    let (client, clock) = client(&server);
    let first = read(&client, None).await.unwrap();
    assert_eq!((kind(&first), first.doubt.as_deref()), (ReadKind::Full, None));
    let tracking = first.tracking.clone().unwrap();
    assert_eq!((tracking.asked_at, tracking.full_read_at), (clock.now(), clock.now()));
    let seen: Vec<Seen> = server.seen().into_iter().filter(|seen| !seen.is_token()).collect();
    let mut marks: Vec<_> = seen[..2].iter().map(|seen| seen.path.as_str()).collect();
    marks.sort_unstable();
    assert_eq!(marks, ["/v1.0/groups/delta", "/v1.0/users/delta"]);
    let users = seen.iter().find(|seen| seen.path == "/v1.0/users/delta").unwrap();
    assert!(users.query.starts_with("$deltatoken=latest&$select=createdDateTime,id,"));
    for property in ["displayName", "accountEnabled", "assignedLicenses"] {
        assert!(users.query.contains(property), "{property}");
    }
    // Then four requests are enough, whoever is in the tenant.
    let before = server.seen().len();
    let second = read(&client, Some(first.clone())).await.unwrap();
    assert_eq!((kind(&second), second.changed), (ReadKind::Delta, 0));
    assert!(second.snapshot.shows_the_same_as(&first.snapshot));
    assert_eq!(server.seen().len() - before, 4);
    assert_ne!(second.tracking.unwrap().users, tracking.users, "the next link is kept");
}

#[tokio::test]
async fn every_word_for_beginning_anew_makes_it_a_full_read() {
    let body = |code: &str| error_body(code, "Resync required.");
    let signals = [
        Play::json(410, &body("syncStateNotFound"))
            .with("Location", "https://graph.microsoft.com/v1.0/users/delta?$deltatoken="),
        Play::json(410, &body("syncStateNotFound")),
        Play::text(410, ""),
        Play::json(400, &body("resyncRequired")),
        Play::json(409, &body("RESYNCREQUIRED")),
        Play::json(404, &body("SyncStateNotFound")),
        Play::json(412, &body("syncStateNotFound")),
        Play::json(400, &error_body("Request_BadRequest", "Badly formed token.")),
        Play::text(404, "<html>"),
    ];
    for what in ["users", "groups"] {
        for signal in &signals {
            let answer = signal.clone();
            let server = tenant(move |seen| is_round(seen, what).then(|| answer.clone())).await;
            let (client, clock) = client(&server);
            let first = read(&client, None).await.unwrap();
            let again = read(&client, Some(first)).await.unwrap();
            assert_eq!(kind(&again), ReadKind::Full, "{signal:?}");
            assert!(again.doubt.is_some() && again.tracking.is_some(), "{signal:?}");
            assert_eq!(again.snapshot.users().len(), 100);
            assert_eq!(clock.slept(), Duration::ZERO, "there is nothing to wait for");
        }
    }
}

#[tokio::test]
async fn what_passes_is_tried_again_and_what_does_not_fails_the_read() {
    let mut tries = 0;
    let server = tenant(move |seen| {
        if !is_round(seen, "users") {
            return None;
        }
        tries += 1;
        match tries {
            1 => Some(Play::json(503, &error_body("serviceNotAvailable", "Later."))),
            2 => Some(Play::json(429, &error_body("TooManyRequests", "Slow down."))),
            3 => Some(Play::text(200, "{\"value\": [], \"@odata.del")),
            4 => Some(Play::rows(&[])),
            _ => None,
        }
    })
    .await;
    let (client, _) = client(&server);
    let first = read(&client, None).await.unwrap();
    assert_eq!(kind(&read(&client, Some(first)).await.unwrap()), ReadKind::Delta);

    let server = tenant(|seen| {
        is_round(seen, "groups").then(|| Play::json(403, &error_body("Denied", "No.")))
    })
    .await;
    let (client, _) = super::client(&server);
    let first = read(&client, None).await.unwrap();
    let error = read(&client, Some(first)).await.unwrap_err();
    assert!(matches!(error, TenantError::Forbidden { .. }), "{error:?}");
}

#[tokio::test]
async fn a_chain_without_end_is_left_and_one_that_leads_away_is_not_followed() {
    let mut page = 0;
    let server = tenant(move |seen| {
        page += 1;
        let next = format!("http://{}{}?$skiptoken={page}", seen.headers["host"], seen.path);
        is_round(seen, "users")
            .then(|| Play::json(200, &json!({"value": [], "@odata.nextLink": next})))
    })
    .await;
    let (client, _) = client(&server);
    let first = read(&client, None).await.unwrap();
    let again = read(&client, Some(first)).await.unwrap();
    assert_eq!(kind(&again), ReadKind::Full);
    assert!(again.doubt.unwrap().contains("no end"));
    assert!(server.count(|seen| is_round(seen, "users")) < 200);

    let elsewhere = Server::start(|_| None).await;
    for link in ["@odata.nextLink", "@odata.deltaLink"] {
        let away = format!("{}/v1.0/users/delta?$deltatoken=x", elsewhere.url);
        let server = tenant(move |seen| {
            is_round(seen, "users").then(|| Play::json(200, &json!({"value": [], link: away})))
        })
        .await;
        let (client, _) = super::client(&server);
        let mut first = read(&client, None).await.unwrap();
        let again = read(&client, Some(first.clone())).await.unwrap();
        assert_eq!(kind(&again), ReadKind::Full, "{link}");
        // Nor is one that was kept, should the endpoint be another one by now.
        first.tracking.as_mut().unwrap().users = elsewhere.url.clone().into();
        assert_eq!(kind(&read(&client, Some(first)).await.unwrap()), ReadKind::Full);
    }
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn a_link_is_used_for_seven_days() {
    let server = tenant(|_| None).await;
    let (client, clock) = client(&server);
    let first = read(&client, None).await.unwrap();
    clock.advance(Duration::from_hours(7 * 24 - 1));
    let second = read(&client, Some(first)).await.unwrap();
    assert_eq!(kind(&second), ReadKind::Delta);
    clock.advance(Duration::from_hours(7 * 24));
    let third = read(&client, Some(second)).await.unwrap();
    assert_eq!(kind(&third), ReadKind::Full);
    assert!(third.doubt.is_some());
}

/// A row of a user that changed, made at this time.
fn changed(number: u32, created_at: &str) -> Value {
    let mut row = user_row(number, &[]);
    row["createdDateTime"] = json!(created_at);
    row.as_object_mut().unwrap().remove("licenseAssignmentStates");
    row
}

fn gone(number: u32) -> Value {
    json!({"id": user_id(number).to_string(), "@removed": {"reason": "changed"}})
}

const LONG_AGO: &str = "2020-01-01T00:00:00Z";
const LATELY: &str = "2026-11-23T08:59:00Z";

/// Reads a tenant whose first round of changes has these rows; looks at users answer 404 for some.
async fn after(rows: Vec<Value>, missing: &'static [u32]) -> (Server, TenantRead) {
    let mut rounds = 0;
    let server = tenant(move |seen| {
        if seen.is_batch() {
            return Some(batch(seen, |item| {
                let url = item["url"].as_str()?;
                let number = (1..=200).find(|n| url.contains(&user_id(*n).to_string()))?;
                if missing.contains(&number) {
                    return Some((404, error_body("Request_ResourceNotFound", "No such user.")));
                }
                Some((200, user_row(number, if number == 1 { &E5[..] } else { &[] })))
            }));
        }
        if !is_round(seen, "users") {
            return None;
        }
        rounds += 1;
        (rounds == 1).then(|| told(seen, &rows))
    })
    .await;
    let (client, _) = client(&server);
    let first = read(&client, None).await.unwrap();
    let second = read(&client, Some(first)).await.unwrap();
    (server, second)
}

static E5: std::sync::LazyLock<[SkuId; 1]> = std::sync::LazyLock::new(|| [e5()]);

fn doubted(read: &TenantRead) -> Vec<UserId> {
    read.tracking.as_ref().unwrap().doubted.keys().copied().collect()
}

#[tokio::test]
async fn users_that_changes_name_are_looked_at_in_batches() {
    let rows =
        vec![changed(2, LONG_AGO), changed(101, LATELY), gone(3), gone(3), changed(2, LONG_AGO)];
    let (server, read) = after(rows, &[3]).await;
    assert_eq!((kind(&read), read.changed), (ReadKind::Delta, 3));
    assert_eq!(read.snapshot.users().len(), 100, "one came, one went");
    assert!(read.snapshot.user(user_id(3)).is_none());
    let new = read.snapshot.user(user_id(101)).unwrap();
    assert!(matches!(new.licenses, Known::Known(_)));
    assert_eq!(server.count(Seen::is_batch), 1);
    assert_eq!(server.count(|seen| seen.path == "/v1.0/users"), 1, "all were listed once only");
    assert!(doubted(&read).is_empty());
}

#[tokio::test]
async fn where_a_look_contradicts_the_changes_the_user_is_looked_at_again_for_a_while() {
    let mut other = changed(4, LONG_AGO);
    other["department"] = json!("Sales");
    // 2 is told gone and still there, 101 is told new and not there yet, 4 is told otherwise.
    let (server, read) = after(vec![gone(2), changed(101, LATELY), other], &[101]).await;
    assert_eq!(read.snapshot.users().len(), 100);
    assert_eq!(doubted(&read), [user_id(2), user_id(4), user_id(101)]);
    let (client, clock) = client(&server);
    let again = super::changes::read(&client, Some(read)).await.unwrap();
    assert_eq!((kind(&again), doubted(&again).len()), (ReadKind::Delta, 3));
    assert_eq!(server.count(Seen::is_batch), 2);
    clock.advance(Duration::from_mins(11));
    let settled = super::changes::read(&client, Some(again)).await.unwrap();
    assert!(doubted(&settled).is_empty(), "a last look, and it is believed");
    let quiet = super::changes::read(&client, Some(settled)).await.unwrap();
    assert_eq!((kind(&quiet), server.count(Seen::is_batch)), (ReadKind::Delta, 3));
}

#[tokio::test]
async fn somebody_who_may_have_been_restored_makes_it_a_full_read() {
    for created_at in [json!(LONG_AGO), Value::Null] {
        let mut row = changed(101, LATELY);
        row["createdDateTime"] = created_at;
        let (_, read) = after(vec![row], &[]).await;
        assert_eq!(kind(&read), ReadKind::Full);
        assert!(read.doubt.unwrap().contains("restored"));
    }
}

#[tokio::test]
async fn where_many_changed_all_are_listed() {
    let rows = (10..40).map(|number| changed(number, LONG_AGO)).collect();
    let (server, read) = after(rows, &[]).await;
    assert_eq!((kind(&read), read.changed), (ReadKind::Delta, 30));
    assert_eq!(server.count(Seen::is_batch), 0);
    assert_eq!(server.count(|seen| seen.path == "/v1.0/users"), 2);
}

#[tokio::test]
async fn seats_that_nobody_explains_for_long_make_it_a_full_read_once() {
    let mut looks = 0;
    let server = tenant(move |seen| {
        let counts = (seen.path == "/v1.0/subscribedSkus").then(|| looks += 1);
        counts.map(|()| Play::rows(&[sku_row(if looks == 1 { 1 } else { 5 })]))
    })
    .await;
    let (client, clock) = client(&server);
    let first = read(&client, None).await.unwrap();
    let late = read(&client, Some(first)).await.unwrap();
    assert_eq!(kind(&late), ReadKind::Delta, "counts are late");
    clock.advance(Duration::from_mins(3));
    let doubtful = read(&client, Some(late)).await.unwrap();
    assert_eq!(kind(&doubtful), ReadKind::Full);
    assert!(doubtful.doubt.as_ref().unwrap().contains("SPE_E5"));
    clock.advance(Duration::from_mins(30));
    assert_eq!(kind(&read(&client, Some(doubtful)).await.unwrap()), ReadKind::Delta);
}

#[tokio::test]
async fn a_group_that_becomes_nested_is_listed_once_and_hidden_ones_each_time() {
    let row = |number: u32, visibility: &Value| {
        json!({"id": group_id(number).to_string(), "displayName": format!("g{number}"),
               "visibility": visibility})
    };
    let user = |number: u32| json!({"@odata.type": "#microsoft.graph.user", "id": user_id(number).to_string()});
    let nested = json!({"@odata.type": "#microsoft.graph.group", "id": group_id(2).to_string()});
    let mut rounds = 0;
    let server = tenant(move |seen| match &*seen.path {
        "/v1.0/groups" => Some(Play::rows(&[
            row(1, &Value::Null),
            row(2, &Value::Null),
            row(3, &json!("HiddenMembership")),
        ])),
        "/v1.0/groups/delta" if !seen.query.contains("=latest") => {
            rounds += 1;
            let rows = [json!({"id": group_id(1).to_string(), "displayName": "g1",
                               "members@delta": [user(7), nested]})];
            Some(told(seen, if rounds == 1 { &rows } else { &[] }))
        }
        path if path.contains(&group_id(2).to_string()) => Some(Play::rows(&[user(8), user(9)])),
        path if path.contains(&group_id(1).to_string()) => Some(Play::rows(&[user(6)])),
        _ => None,
    })
    .await;
    let (client, _) = client(&server);
    let groups = ["g1", "g3"].map(|name| GroupRequest { group: name.into(), direct: true });
    let request = ReadRequest { groups: groups.into(), ..ReadRequest::default() };
    let mut earlier: Option<(Arc<_>, Tracking)> = None;
    let mut last = None;
    for _ in 0..3 {
        let read = client.read_tracked(&request, earlier.take(), &Quiet).await.unwrap();
        last = Some(read.snapshot.clone());
        earlier = Some((Arc::new(read.snapshot), read.tracking.unwrap()));
    }
    let listed = |number: u32| {
        server.count(|seen| seen.path.contains(&format!("{}/members", group_id(number))))
    };
    assert_eq!((listed(1), listed(2), listed(3)), (1, 1, 3));
    let membership =
        |number: u32| last.as_ref().unwrap().group(group_id(number)).unwrap().membership.clone();
    let read = Membership::Read {
        nested: Members::complete([6, 7, 8, 9].map(user_id)),
        direct: Some(Members::complete([6, 7].map(user_id))),
    };
    assert_eq!(membership(1), read);
    assert_eq!(membership(2), Membership::NotRead);
    let unknown =
        Membership::Read { nested: Members::partial([]), direct: Some(Members::partial([])) };
    assert_eq!(membership(3), unknown);
}
