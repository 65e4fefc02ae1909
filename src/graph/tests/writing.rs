use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::domain::user::ServicePlanSet;
use crate::graph::tests::looking::number;
use crate::graph::tests::server::{Play, Seen, batch};
use crate::ports::{Answer, LicenseWrite, LocationWrite, Refusal, RefusalKind, TenantWriter as _};

fn swap(number: u32) -> LicenseWrite {
    LicenseWrite {
        user: user_id(number),
        add: vec![(e5(), ServicePlanSet::default())],
        remove: vec![e3()],
        located: false,
    }
}

fn removal(number: u32) -> LicenseWrite {
    LicenseWrite { user: user_id(number), add: Vec::new(), remove: vec![e3()], located: false }
}

fn is_accepted(answer: &Answer) -> bool {
    matches!(answer, Answer::Accepted { .. })
}

fn refused(answer: &Answer) -> &Refusal {
    match answer {
        Answer::Refused(refusal) => refusal,
        Answer::Accepted { .. } | Answer::Failed(_) | Answer::NotSent => panic!("{answer:?}"),
    }
}

fn failed(answer: &Answer) -> &Refusal {
    match answer {
        Answer::Failed(refusal) => refusal,
        Answer::Accepted { .. } | Answer::Refused(_) | Answer::NotSent => panic!("{answer:?}"),
    }
}

fn no_content(seen: &Seen) -> Play {
    batch(seen, |_| Some((204, Value::Null)))
}

fn taken(seen: &Seen) -> Play {
    batch(seen, |item| Some((200, json!({"id": user_id(number(item)).to_string()}))))
}

fn refuses(seen: &Seen, status: u16, code: &str, message: &str) -> Play {
    batch(seen, |_| Some((status, error_body(code, message))))
}

const REFUSED: &str = "Request_BadRequest";

/// Plays these answers to writing batches in order, the last one for ever; reads show `holding`.
async fn writes_then(
    plays: Vec<fn(&Seen) -> Play>,
    holding: impl Fn(u32) -> Value + Send + 'static,
) -> Server {
    let mut round = 0;
    Server::start(move |seen| {
        if seen.writes() {
            round += 1;
            return Some(plays[(round - 1).min(plays.len() - 1)](seen));
        }
        seen.is_batch().then(|| batch(seen, |item| Some((200, holding(number(item))))))
    })
    .await
}

fn unread(_: u32) -> Value {
    panic!("nothing is to be read")
}

#[tokio::test]
async fn a_call_has_both_lists_and_answers_keep_their_order() {
    let server = writes_then(
        vec![|seen| {
            batch(seen, |item| {
                Some(match number(item) {
                    2 => (
                        400,
                        error_body(
                            REFUSED,
                            "Subscription with SKU x does not have any available licenses.",
                        ),
                    ),
                    3 => (404, error_body("Request_ResourceNotFound", "Resource 'x' does not")),
                    _ => (200, json!({})),
                })
            })
        }],
        unread,
    )
    .await;
    let (client, _) = client(&server);
    let plan = "7547a3fe-08ee-4ccb-b430-5077c5041653".parse().unwrap();
    let first = LicenseWrite {
        user: user_id(1),
        add: vec![(e5(), [plan].into_iter().collect())],
        remove: Vec::new(),
        located: false,
    };
    let answers = client.assign(&[first, swap(2), removal(3)]).await;
    assert!(is_accepted(&answers[0]));
    assert_eq!(refused(&answers[1]).kind, RefusalKind::NoSeats);
    assert_eq!(refused(&answers[1]).request_id.as_deref(), Some("inner-request-id"));
    assert_eq!(refused(&answers[2]).kind, RefusalKind::NoSuchUser);
    let seen = server.seen();
    let items = seen.iter().find(|seen| seen.writes()).unwrap().items();
    assert_eq!(
        items[0],
        json!({"id": "0", "method": "POST", "headers": {"Content-Type": "application/json"},
               "url": format!("/users/{}/assignLicense", user_id(1)),
               "body": {"addLicenses": [{"skuId": e5().to_string(),
                                         "disabledPlans": [plan.to_string()]}],
                        "removeLicenses": []}})
    );
    assert_eq!(items[2]["body"], json!({"addLicenses": [], "removeLicenses": [e3().to_string()]}));
}

#[tokio::test]
async fn locations_are_patched_and_nothing_else_of_the_user() {
    let server = writes_then(vec![no_content], unread).await;
    let (client, _) = client(&server);
    let write = LocationWrite { user: user_id(1), location: "DE".parse().unwrap() };
    assert!(is_accepted(&client.locate(&[write]).await[0]));
    let items = server.seen().iter().find(|seen| seen.writes()).unwrap().items();
    assert_eq!(items[0]["method"], "PATCH");
    assert_eq!(items[0]["url"], format!("/users/{}", user_id(1)));
    assert_eq!(items[0]["body"], json!({"usageLocation": "DE"}));
}

#[tokio::test]
async fn nothing_is_sent_where_nothing_is_to_change() {
    let server = writes_then(vec![taken], unread).await;
    let (client, _) = client(&server);
    let nothing = LicenseWrite { remove: Vec::new(), ..removal(1) };
    assert!(is_accepted(&client.assign(&[nothing]).await[0]));
    assert!(client.assign(&[]).await.is_empty());
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn one_user_is_never_twice_in_a_batch() {
    let server = writes_then(vec![taken], unread).await;
    let (client, _) = client(&server);
    assert!(client.assign(&[removal(1), swap(1)]).await.iter().all(is_accepted));
    assert_eq!(server.count(Seen::writes), 2);
}

#[tokio::test]
async fn only_throttled_items_are_sent_again_after_the_longest_wait() {
    let server = writes_then(
        vec![
            |seen| {
                let items = seen.items();
                let item = |index: usize, status: u16, after: Value| {
                    json!({"id": items[index]["id"], "status": status,
                           "headers": {"RETRY-AFTER": after}, "body": {}})
                };
                Play::json(
                    200,
                    &json!({"responses": [item(2, 429, json!("4")), item(1, 429, json!("40")),
                                          item(0, 200, Value::Null)]}),
                )
            },
            taken,
        ],
        unread,
    )
    .await;
    let (client, clock) = client(&server);
    assert!(client.assign(&[swap(1), swap(2), swap(3)]).await.iter().all(is_accepted));
    let batches: Vec<_> = server.seen().into_iter().filter(Seen::writes).collect();
    assert_eq!(batches.len(), 2);
    assert_eq!(batches[1].items().iter().map(number).collect::<Vec<_>>(), [2, 3]);
    assert!(clock.slept() >= Duration::from_secs(40), "{:?}", clock.slept());
}

#[tokio::test]
async fn a_throttled_batch_waits_for_the_whole_tenant() {
    let server =
        writes_then(vec![|_| Play::text(429, "").with("Retry-After", "25"), taken], unread).await;
    let (client, clock) = client(&server);
    assert!(is_accepted(&client.assign(&[swap(1)]).await[0]));
    assert!(clock.slept() >= Duration::from_secs(25));
}

#[tokio::test]
async fn a_lost_write_that_a_read_shows_is_not_sent_again() {
    let lost: [fn(&Seen) -> Play; 6] = [
        |_| Play::HangUp,
        |_| Play::Cut(br#"{"responses": [{"id": "0", "status": 200}]}"#.to_vec()),
        |_| Play::text(503, ""),
        |_| Play::text(200, "<html>Sorry</html>"),
        |_| Play::json(200, &json!({"responses": []})),
        |seen| refuses(seen, 504, "UnknownError", ""),
    ];
    for play in lost {
        let server = writes_then(vec![play], |number| user_row(number, &[e5()])).await;
        let (client, _) = client(&server);
        assert!(is_accepted(&client.assign(&[swap(1)]).await[0]));
        assert_eq!(server.count(Seen::writes), 1);
    }
}

#[tokio::test]
async fn a_lost_write_that_no_read_shows_is_sent_again() {
    let server =
        writes_then(vec![|_| Play::HangUp, taken], |number| user_row(number, &[e3()])).await;
    let (client, _) = client(&server);
    assert!(is_accepted(&client.assign(&[swap(1)]).await[0]));
    let order: Vec<bool> =
        server.seen().iter().filter(|seen| seen.is_batch()).map(Seen::writes).collect();
    assert_eq!(order, [true, false, true], "written, read, written again");
}

#[tokio::test]
async fn a_lost_write_is_not_sent_again_while_reads_may_lag_behind_it() {
    let looks = Arc::new(AtomicU32::new(0));
    let looked = Arc::clone(&looks);
    let shown = move |number| {
        let shows = looked.fetch_add(1, Ordering::Relaxed) >= 4;
        user_row(number, &[if shows { e5() } else { e3() }])
    };
    let server = writes_then(vec![|_| Play::HangUp], shown).await;
    let lag = Duration::from_mins(2);
    let (client, clock) = client_of(Settings { settle_after: lag, ..settings(&server.url) });
    let began = clock.now();
    assert!(is_accepted(&client.assign(&[swap(1)]).await[0]));
    assert_eq!(server.seen().iter().filter(|seen| seen.writes()).count(), 1);
    assert_eq!(looks.load(Ordering::Relaxed), 5);
    // Where no read ever shows it, it is sent again, and no sooner.
    let server =
        writes_then(vec![|_| Play::HangUp, taken], |number| user_row(number, &[e3()])).await;
    let (client, clock) = client_of(Settings { settle_after: lag, ..settings(&server.url) });
    assert!(is_accepted(&client.assign(&[swap(1)]).await[0]));
    assert_eq!(server.seen().iter().filter(|seen| seen.writes()).count(), 2);
    assert!(clock.now().duration_since(began).unsigned_abs() >= lag);
}

#[tokio::test]
async fn a_late_answer_is_a_lost_one() {
    let server = writes_then(vec![|_| Play::Silence], |number| user_row(number, &[e5()])).await;
    let (client, _) =
        client_of(Settings { timeout: Duration::from_millis(200), ..settings(&server.url) });
    assert!(is_accepted(&client.assign(&[swap(1)]).await[0]));
}

#[tokio::test]
async fn a_write_that_never_gets_through_fails_within_the_budget() {
    let server =
        writes_then(vec![|_| Play::text(503, "")], |number| user_row(number, &[e3()])).await;
    let (client, clock) = client(&server);
    let answers = client.assign(&[swap(1)]).await;
    assert_eq!(failed(&answers[0]).kind, RefusalKind::Unavailable);
    assert_eq!(failed(&answers[0]).status, 503);
    assert!(clock.slept() <= Duration::from_mins(10));
}

#[tokio::test]
async fn a_doubtful_write_is_not_repeated_while_nothing_can_be_read() {
    let server = Server::start(|seen| {
        (!seen.is_token()).then(|| if seen.writes() { Play::HangUp } else { Play::text(500, "") })
    })
    .await;
    let (client, _) = client(&server);
    let answers = client.assign(&[removal(1)]).await;
    assert_eq!(failed(&answers[0]).kind, RefusalKind::Unavailable);
    assert_eq!(server.count(Seen::writes), 1);
}

#[tokio::test]
async fn contention_is_waited_out_with_fewer_writes_at_once() {
    let server = writes_then(
        vec![
            |seen| refuses(seen, 409, "Directory_ConcurrencyViolation", "Please wait briefly."),
            |seen| refuses(seen, 400, "Directory_ConcurrencyViolation", "Please wait briefly."),
            |_| Play::json(409, &error_body("Directory_ConcurrencyViolation", "Please wait.")),
            taken,
        ],
        unread,
    )
    .await;
    let (client, clock) = client(&server);
    assert!(is_accepted(&client.assign(&[swap(1)]).await[0]));
    assert_eq!(client.session.flight.limit(), 80 / 8 + 4);
    assert!(clock.slept() >= Duration::from_secs(3), "{:?}", clock.slept());
}

#[tokio::test]
async fn under_much_contention_writes_go_one_by_one() {
    let server = writes_then(vec![taken], unread).await;
    let (client, _) = client(&server);
    for _ in 0..10 {
        client.session.flight.felt(crate::graph::gate::Pressure::Over);
    }
    let writes: Vec<_> = (1..=6).map(swap).collect();
    assert!(client.assign(&writes).await.iter().all(is_accepted));
    let sizes: Vec<_> =
        server.seen().iter().filter(|seen| seen.writes()).map(|seen| seen.items().len()).collect();
    assert_eq!(sizes, [1, 5]);
}

#[tokio::test]
async fn removing_what_is_gone_is_done() {
    let gone =
        |seen: &Seen| refuses(seen, 400, REFUSED, "User does not have a corresponding license.");
    let server = writes_then(vec![gone], |number| user_row(number, &[e5()])).await;
    let (client, _) = client(&server);
    assert!(is_accepted(&client.assign(&[removal(1)]).await[0]));
    assert_eq!(server.count(Seen::writes), 1);
}

#[tokio::test]
async fn a_swap_of_what_is_not_held_is_refused_and_not_half_done() {
    let gone =
        |seen: &Seen| refuses(seen, 400, REFUSED, "User does not have a corresponding license.");
    let server = writes_then(vec![gone], |number| user_row(number, &[])).await;
    let (client, _) = client(&server);
    assert_eq!(refused(&client.assign(&[swap(1)]).await[0]).kind, RefusalKind::NotHeld);
    assert_eq!(server.count(Seen::writes), 1);
}

#[tokio::test]
async fn a_location_just_written_may_take_a_while_to_count() {
    let nowhere = |seen: &Seen| {
        let text = "License assignment cannot be done for user with invalid usage location.";
        refuses(seen, 400, REFUSED, text)
    };
    let server = writes_then(vec![nowhere, nowhere, taken], unread).await;
    let (client, clock) = client(&server);
    let located = LicenseWrite { located: true, ..swap(1) };
    assert!(is_accepted(&client.assign(std::slice::from_ref(&located)).await[0]));
    assert!(clock.slept() >= Duration::from_secs(2));

    let server = writes_then(vec![nowhere], unread).await;
    let (client, clock) = super::client(&server);
    assert_eq!(refused(&client.assign(&[located]).await[0]).kind, RefusalKind::NoUsageLocation);
    assert!(clock.slept() <= Duration::from_mins(6));
    let before = server.count(Seen::writes);
    assert!(before > 3, "{before}");
    assert_eq!(refused(&client.assign(&[swap(1)]).await[0]).kind, RefusalKind::NoUsageLocation);
    assert_eq!(server.count(Seen::writes), before + 1, "without a fresh location it is final");
}

#[tokio::test]
async fn an_item_that_is_not_signed_gets_one_new_token() {
    let unsigned =
        |seen: &Seen| refuses(seen, 401, "InvalidAuthenticationToken", "Access token has expired.");
    let server = writes_then(vec![unsigned, taken], unread).await;
    let (first, _) = client(&server);
    assert!(is_accepted(&first.assign(&[swap(1), swap(2)]).await[1]));
    assert_eq!(server.count(Seen::is_token), 2);

    let server = writes_then(vec![unsigned], unread).await;
    let (client, _) = client(&server);
    assert_eq!(refused(&client.assign(&[swap(1)]).await[0]).kind, RefusalKind::Forbidden);
    assert_eq!(server.count(Seen::writes), 2);
}

#[tokio::test]
async fn without_permission_nothing_more_is_sent() {
    let server = writes_then(
        vec![|_| Play::json(403, &error_body("Authorization_RequestDenied", "No."))],
        unread,
    )
    .await;
    let (client, _) = client(&server);
    for _ in 0..10 {
        client.session.flight.felt(crate::graph::gate::Pressure::Over);
    }
    let answers = client.assign(&[swap(1), swap(2)]).await;
    assert_eq!(refused(&answers[0]).kind, RefusalKind::Forbidden);
    assert_eq!(answers[1], Answer::NotSent);
    assert_eq!(server.count(Seen::writes), 1);
}

#[tokio::test]
async fn without_a_token_nothing_is_sent_and_the_reason_is_told() {
    let server = Server::start(|seen| {
        let body = json!({"error": "invalid_client", "error_codes": [7_000_222],
                          "error_description": "AADSTS7000222: expired."});
        seen.is_token().then(|| Play::json(401, &body))
    })
    .await;
    let (client, _) = client(&server);
    let answers = client.assign(&[swap(1)]).await;
    assert_eq!(refused(&answers[0]).kind, RefusalKind::Forbidden);
    assert!(refused(&answers[0]).message.contains("AADSTS7000222"));
    assert_eq!(server.count(|seen| !seen.is_token()), 0);
}

#[tokio::test]
async fn a_batch_refused_as_a_whole_says_nothing_of_its_users() {
    let server = writes_then(
        vec![|_| Play::json(404, &error_body("BadRequest", "Resource not found for the segment."))],
        unread,
    )
    .await;
    let (client, _) = client(&server);
    assert_eq!(refused(&client.assign(&[swap(1)]).await[0]).kind, RefusalKind::Other);
}

#[tokio::test]
async fn writes_are_not_sent_into_a_pause_that_outlasts_them() {
    let server =
        writes_then(vec![|_| Play::text(429, "").with("Retry-After", "3000"), taken], unread).await;
    let (client, clock) = client(&server);
    assert_eq!(failed(&client.assign(&[swap(1)]).await[0]).status, 429);
    assert_eq!(client.assign(&[swap(2)]).await, [Answer::NotSent]);
    assert_eq!(server.count(Seen::writes), 1);
    assert_eq!(clock.slept(), Duration::ZERO);
}
