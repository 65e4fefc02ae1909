//! Laws under random faults: a snapshot lacks nobody, and "accepted" means that it was done.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::domain::user::ServicePlanSet;
use crate::graph::tests::looking::number;
use crate::graph::tests::server::{Play, Seen};
use crate::graph::wire::batch::replies;
use crate::graph::wire::fault::GraphFault;
use crate::graph::wire::group::{RawMember, member};
use crate::graph::wire::page::Page;
use crate::graph::wire::sku::{RawSku, sku};
use crate::graph::wire::token::{TokenFault, TokenGrant};
use crate::graph::wire::user::{RawUser, Shared, user};
use crate::ports::{Answer, LicenseWrite, ReadRequest, TenantReader as _, TenantWriter as _};

fn users_of(body: &[u8]) -> Result<usize, String> {
    let shared = Shared::default();
    Page::parse(body, |raw: RawUser| user(raw, &shared)).map(|page| page.rows.len())
}

/// Any JSON, with the names that matter among its keys.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-zA-Z0-9 -]{0,12}".prop_map(Value::from),
        Just(json!(e5().to_string())),
        Just(json!("Active")),
    ];
    let key = prop_oneof![
        Just("value"),
        Just("id"),
        Just("userPrincipalName"),
        Just("assignedLicenses"),
        Just("licenseAssignmentStates"),
        Just("skuId"),
        Just("disabledPlans"),
        Just("prepaidUnits"),
        Just("responses"),
        Just("status"),
        Just("headers"),
        Just("error"),
        Just("innerError"),
        Just("error_codes"),
        Just("@odata.nextLink"),
    ];
    leaf.prop_recursive(4, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(key.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|map| map.into_iter().collect::<Value>()),
        ]
    })
}

proptest! {
    /// Whatever comes is read or refused, and what is read has as many rows as were sent.
    #[test]
    fn arbitrary_json_never_panics_and_never_loses_rows(body in any_json()) {
        let bytes = body.to_string().into_bytes();
        if let Ok(rows) = users_of(&bytes) {
            prop_assert_eq!(rows, body["value"].as_array().unwrap().len());
        }
        if let Ok(page) = Page::parse(&bytes, |raw: RawMember| member(raw)) {
            prop_assert_eq!(page.rows.len(), body["value"].as_array().unwrap().len());
        }
        let _ = Page::parse(&bytes, |raw: RawSku| sku(raw));
        let _ = replies(&bytes, Timestamp::UNIX_EPOCH);
        let _ = GraphFault::parse(&bytes);
        let _ = TokenGrant::parse(&bytes);
        let _ = TokenFault::parse(&bytes);
    }

    /// A page that was cut off anywhere is no page.
    #[test]
    fn a_cut_page_is_never_a_shorter_one(users in 0_u32..5, cut in 0.0..1.0_f64) {
        let rows: Vec<Value> = (1..=users).map(|number| user_row(number, &[e5()])).collect();
        let bytes = json!({"@odata.context": "x", "value": rows}).to_string().into_bytes();
        prop_assert_eq!(users_of(&bytes), Ok(rows.len()));
        #[expect(
            clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss,
            reason = "a place within a short text"
        )]
        let end = (bytes.len() as f64 * cut) as usize;
        prop_assert!(users_of(&bytes[..end]).is_err());
    }
}

/// Runs a future to its end.
fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

const USERS: u32 = 7;

/// Serves seven users on pages of two, and a fault where `faults` has one.
async fn faulty_listing(faults: Vec<u8>) -> Server {
    let mut faults = faults.into_iter();
    Server::start(move |seen: &Seen| {
        if seen.path != "/v1.0/users" {
            return None;
        }
        let from: u32 =
            seen.query.rsplit_once("$skiptoken=").map_or(1, |(_, token)| token.parse().unwrap());
        let rows: Vec<Value> =
            (from..(from + 2).min(USERS + 1)).map(|number| user_row(number, &[e5()])).collect();
        let mut page = json!({"value": rows});
        if from + 2 <= USERS {
            let host = &seen.headers["host"];
            page["@odata.nextLink"] =
                json!(format!("http://{host}/v1.0/users?$skiptoken={}", from + 2));
        }
        let bytes = page.to_string().into_bytes();
        Some(match faults.next() {
            Some(0) => Play::HangUp,
            Some(1) => Play::Cut(bytes),
            Some(2) => Play::Answer {
                status: 200,
                headers: Vec::new(),
                body: bytes[..bytes.len() * 2 / 3].to_vec(),
            },
            Some(3) => Play::text(429, "").with("Retry-After", "1"),
            Some(4) => Play::text(503, "<html>"),
            Some(5) => Play::json(400, &error_body("Directory_ExpiredPageToken", "")),
            Some(6) => Play::json(200, &json!({"value": null})),
            Some(7) => {
                page["value"][0]["id"] = Value::Null;
                Play::json(200, &page)
            }
            Some(8) => {
                page["value"][0]["assignedLicenses"] = Value::Null;
                Play::json(200, &page)
            }
            Some(_) | None => Play::json(200, &page),
        })
    })
    .await
}

/// A tenant that carries out writes, and a fault where `faults` has one.
struct Model {
    direct: BTreeMap<u32, BTreeSet<String>>,
    faults: std::vec::IntoIter<u8>,
}

impl Model {
    /// Carries out one write, whole or not at all.
    fn assign(&mut self, item: &Value) -> (u16, Value) {
        let skus = |list: &Value, name: Option<&str>| -> Vec<String> {
            let text =
                |entry: &Value| name.map_or(entry, |name| &entry[name]).as_str().map(Into::into);
            list.as_array().unwrap().iter().map(|entry| text(entry).unwrap()).collect()
        };
        let body = &item["body"];
        let add = skus(&body["addLicenses"], Some("skuId"));
        let remove = skus(&body["removeLicenses"], None);
        let held = self.direct.get_mut(&number(item)).unwrap();
        if remove.iter().any(|sku| !held.contains(sku)) {
            let text = "User does not have a corresponding license.";
            return (400, error_body("Request_BadRequest", text));
        }
        held.retain(|sku| !remove.contains(sku));
        held.extend(add);
        (200, json!({}))
    }

    fn read(&self, item: &Value) -> (u16, Value) {
        let number = number(item);
        let skus: Vec<SkuId> =
            self.direct[&number].iter().map(|sku| sku.parse().unwrap()).collect();
        (200, user_row(number, &skus))
    }

    fn answer(&mut self, seen: &Seen) -> Play {
        let fault = self.faults.next().unwrap_or(u8::MAX);
        match fault {
            0 => return Play::HangUp,
            1 => return Play::text(429, "").with("Retry-After", "1"),
            2 => return Play::text(503, "<html>"),
            _ => {}
        }
        let items = seen.items();
        assert!(items.len() <= 20);
        let mut responses = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let skipped = match fault {
                3 if index % 2 == 0 => Some((429, error_body("TooManyRequests", ""))),
                4 if index % 2 == 0 => {
                    Some((409, error_body("Directory_ConcurrencyViolation", "")))
                }
                5 if index % 2 == 0 => Some((503, error_body("serviceNotAvailable", ""))),
                _ => None,
            };
            let (status, body) = skipped.unwrap_or_else(|| match item["method"].as_str() {
                Some("GET") => self.read(item),
                _ => self.assign(item),
            });
            // The rest of the faults come after the effect.
            let (status, body) = match fault {
                6 if index % 2 == 0 => (504, error_body("UnknownError", "")),
                7 if index % 2 == 0 => continue,
                _ => (status, body),
            };
            responses.push(json!({"id": item["id"], "status": status, "body": body}));
        }
        let body = json!({"responses": responses});
        match fault {
            8 => Play::HangUp,
            9 => Play::text(504, ""),
            10 => Play::Cut(body.to_string().into_bytes()),
            11 => Play::text(200, "<html>"),
            _ => Play::json(200, &body),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// A read gives every user or fails.
    #[test]
    fn a_snapshot_lacks_nobody(faults in prop::collection::vec(0_u8..16, 0..12)) {
        run(async move {
            let server = faulty_listing(faults).await;
            let (client, _) = client(&server);
            if let Ok(snapshot) = client.read(&ReadRequest::default(), &Quiet).await {
                assert_eq!(snapshot.users().len(), USERS as usize);
                for user in snapshot.users() {
                    if let crate::domain::known::Known::Known(licenses) = &user.licenses {
                        assert!(licenses.get(e5()).is_some());
                    }
                }
            }
        });
    }

    /// What was accepted was done, and nothing that Graph would take is refused.
    #[test]
    fn accepted_means_done(faults in prop::collection::vec(0_u8..18, 0..14), users in 1_u32..6) {
        run(async move {
            let direct = (1..=users).map(|user| (user, BTreeSet::from([e3().to_string()])));
            let model = Arc::new(Mutex::new(Model {
                direct: direct.collect(),
                faults: faults.into_iter(),
            }));
            let played = Arc::clone(&model);
            let server = Server::start(move |seen: &Seen| {
                seen.is_batch().then(|| played.lock().unwrap().answer(seen))
            })
            .await;
            let (client, _) = client(&server);
            let writes: Vec<LicenseWrite> = (1..=users)
                .map(|user| LicenseWrite {
                    user: user_id(user),
                    add: if user % 2 == 0 { Vec::new() } else { vec![(e5(), ServicePlanSet::default())] },
                    remove: vec![e3()],
                    located: false,
                })
                .collect();
            let answers = client.assign(&writes).await;
            let model = model.lock().unwrap();
            for (user, answer) in (1..=users).zip(&answers) {
                let held = &model.direct[&user];
                let done = !held.contains(&e3().to_string())
                    && (user % 2 == 0 || held.contains(&e5().to_string()));
                match answer {
                    Answer::Accepted { .. } => assert!(done, "{answer:?}"),
                    Answer::Failed(_) => {}
                    Answer::Refused(_) | Answer::NotSent => panic!("{answer:?}"),
                }
            }
        });
    }
}
