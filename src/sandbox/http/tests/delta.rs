use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::domain::ids::UserId;
use crate::sandbox::faults::Faults;
use crate::sandbox::model::{Member, User};

const SELECT: &str = "$select=id,displayName,accountEnabled,department,assignedLicenses";

async fn bench(options: Options) -> Bench {
    Bench::new(small(), options).await
}

/// Follows a link to the end of its round. Returns all rows and the next link.
async fn round(bench: &Bench, first: &str) -> (Vec<Value>, String) {
    let (mut rows, mut link) = (Vec::new(), first.to_owned());
    loop {
        let answer = bench.get(&link).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let body = answer.json();
        rows.extend(body["value"].as_array().unwrap().clone());
        match body["@odata.nextLink"].as_str() {
            Some(next) => link = next.to_owned(),
            None => return (rows, body["@odata.deltaLink"].as_str().unwrap().to_owned()),
        }
    }
}

fn id(bench: &Bench, user: &str) -> UserId {
    bench.server.tenant().user(user).unwrap().id
}

fn now() -> Timestamp {
    "2026-11-23T09:00:00Z".parse().unwrap()
}

/// What the rows say, short: the id's user, and what else is in the row.
fn shown(rows: &[Value], key: &str) -> Vec<Value> {
    rows.iter().map(|row| row[key].clone()).collect()
}

#[tokio::test]
async fn the_first_round_tells_everybody_and_the_next_who_changed() {
    let delta = Delta { page_size: 2, ..Delta::default() };
    let bench = bench(Options { delta, ..Options::default() }).await;
    let (all, link) = round(&bench, &format!("/users/delta()?{SELECT}")).await;
    assert_eq!(all.len(), 5);
    // What was never set is left out.
    assert!(all.iter().all(|row| row.get("department").is_none()), "{all:?}");
    let (none, link) = round(&bench, &link).await;
    assert_eq!(none, Vec::<Value>::new());
    let (ana, ben, chi) = (
        id(&bench, "ana@contoso.com"),
        id(&bench, "ben@contoso.com"),
        id(&bench, "chi@contoso.com"),
    );
    bench.server.change(|tenant| {
        tenant.edit_user(ana, |user| user.profile.department = Some("Sales".into()));
        // Not selected, and so not told.
        tenant.edit_user(ben, |user| user.profile.country = Some("Norway".into()));
        tenant.delete_user(chi, now());
    });
    let (rows, link) = round(&bench, &link).await;
    assert_eq!(rows.len(), 2);
    let of = |rows: &[Value], id: UserId| {
        rows.iter().find(|row| row["id"] == id.to_string()).unwrap().clone()
    };
    assert_eq!(of(&rows, ana)["department"], "Sales");
    assert_eq!(of(&rows, chi)["@removed"]["reason"], "changed");
    bench.server.change(|tenant| {
        assert!(tenant.restore_user(chi));
        tenant.delete_user(ana, now());
        tenant.purge_user(ana);
    });
    let (rows, _) = round(&bench, &link).await;
    assert_eq!(of(&rows, ana)["@removed"]["reason"], "deleted");
    assert_eq!(of(&rows, chi)["accountEnabled"], true);
}

#[tokio::test]
async fn licenses_show_where_they_are_tracked_and_their_sources_never() {
    for tracks_licenses in [true, false] {
        let delta = Delta { tracks_licenses, ..Delta::default() };
        let bench = bench(Options { delta, ..Options::default() }).await;
        let (_, link) = round(&bench, &format!("/users/delta?$deltatoken=latest&{SELECT}")).await;
        bench.assign("ben@contoso.com", &["POWER_BI_PRO"], &[]).await;
        // Seats are used up: nothing changed.
        bench.assign("ana@contoso.com", &["SPE_E5"], &[]).await;
        // A source goes, the license stays: nobody is told.
        bench.assign("ben@contoso.com", &[], &["VISIOCLIENT"]).await;
        let (rows, link) = round(&bench, &link).await;
        assert_eq!(rows.len(), usize::from(tracks_licenses), "{rows:?}");
        assert_eq!(round(&bench, &link).await.0, Vec::<Value>::new());
    }
}

#[tokio::test]
async fn only_what_changed_comes_where_that_is_preferred() {
    let bench = Bench::small().await;
    let (_, link) = round(&bench, &format!("/users/delta?$deltatoken=latest&{SELECT}")).await;
    let ana = id(&bench, "ana@contoso.com");
    bench.server.change(|tenant| tenant.set_enabled(ana, false));
    let minimal = bench.request("GET", &link).header("Prefer", "return=minimal").send().await;
    let rows = Answer::of(minimal.unwrap()).await.json()["value"].clone();
    assert_eq!(rows, json!([{"id": ana.to_string(), "accountEnabled": false}]));
    let whole = &round(&bench, &link).await.0[0];
    assert_eq!(whole["department"], Value::Null);
    assert!(whole.get("department").is_some());
}

#[tokio::test]
async fn a_filter_names_ids_and_not_too_many() {
    let bench = Bench::small().await;
    let ids: Vec<UserId> = bench.server.tenant().users().iter().map(|user| user.id).collect();
    let filter = |count: usize| {
        let of = |at: usize| format!("id eq '{}'", ids[at % ids.len()]);
        (0..count).map(of).collect::<Vec<_>>().join(" or ")
    };
    let url = |count| format!("/users/delta?$select=id,displayName&$filter={}", filter(count));
    let (rows, link) = round(&bench, &url(2)).await;
    assert_eq!(shown(&rows, "id").len(), 2);
    bench.server.change(|tenant| {
        for id in &ids {
            tenant.edit_user(*id, |user| user.display_name = "New".into());
        }
    });
    assert_eq!(round(&bench, &link).await.0.len(), 2);
    assert_eq!(bench.get(&url(50)).await.status, 200);
    assert_eq!(bench.get(&url(51)).await.code(), "Request_UnsupportedQuery");
    let other = "/users/delta?$filter=accountEnabled eq true";
    assert_eq!(bench.get(other).await.code(), "Request_UnsupportedQuery");
    for refused in ["$top=5", "$orderby=displayName", "$expand=manager", "$search=x"] {
        assert_eq!(bench.get(&format!("/users/delta?{refused}")).await.status, 400, "{refused}");
    }
    assert_eq!(bench.get("/users/delta?$select=signInActivity").await.status, 400);
    assert_eq!(bench.get("/users/delta?$deltatoken=x").await.message(), "Badly formed token.");
}

#[tokio::test]
async fn members_come_and_go_page_by_page() {
    let delta = Delta { page_size: 1, ..Delta::default() };
    let bench = bench(Options { delta, ..Options::default() }).await;
    let (all, link) = round(&bench, "/groups/delta").await;
    let groups = bench.server.tenant().groups().to_vec();
    assert!(all.len() > groups.len(), "a group with two members takes two rows");
    let hidden = all.iter().filter(|row| row["visibility"] == "HiddenMembership");
    assert!(hidden.into_iter().all(|row| row.get("members@delta").is_none()));
    let id_of = |name: &str| groups.iter().find(|group| &*group.name == name).unwrap().id;
    let (engineering, visio) = (id_of("Engineering"), id_of("LIC-Visio"));
    let (ana, chi) = (id(&bench, "ana@contoso.com"), id(&bench, "chi@contoso.com"));
    bench.server.change(|tenant| {
        tenant.set_membership(engineering, ana, false);
        tenant.set_membership(engineering, chi, true);
        tenant.edit_group(visio, |group| group.name = "Visio".into());
    });
    let (rows, link) = round(&bench, &link).await;
    let row = |id: &str| rows.iter().find(|row| row["id"] == id).unwrap();
    let of_engineering = rows.iter().filter(|row| row["id"] == engineering.to_string());
    let mut members: Vec<Value> =
        of_engineering.flat_map(|row| row["members@delta"].as_array().unwrap().clone()).collect();
    members.sort_by_key(|member| member.get("@removed").is_some());
    let user = "#microsoft.graph.user";
    assert_eq!(
        members,
        [
            json!({"@odata.type": user, "id": chi.to_string()}),
            json!({"@odata.type": user, "id": ana.to_string(), "@removed": {"reason": "deleted"}}),
        ]
    );
    assert_eq!(row(&visio.to_string())["displayName"], "Visio");
    // A deleted user stays a member until gone for good.
    bench.server.change(|tenant| tenant.delete_user(chi, now()));
    let (rows, link) = round(&bench, &link).await;
    assert_eq!(rows, Vec::<Value>::new());
    let listed = bench.get(&format!("/groups/{engineering}/members?$select=id")).await;
    assert!(!listed.values("id").contains(&chi.to_string()));
    bench.server.change(|tenant| {
        tenant.purge_user(chi);
        tenant.delete_group(visio);
    });
    let (rows, _) = round(&bench, &link).await;
    assert_eq!(shown(&rows, "@removed").iter().filter(|row| !row.is_null()).count(), 1);
    assert_eq!(rows.len(), 2);
}

#[tokio::test]
async fn a_token_is_good_for_seven_days() {
    let at = std::sync::Arc::new(std::sync::Mutex::new(now()));
    let asked = at.clone();
    let clock = Clock::Ask(std::sync::Arc::new(move || *asked.lock().unwrap()));
    let mut bench = bench(Options { clock, ..Options::default() }).await;
    let (_, link) = round(&bench, "/users/delta?$deltatoken=latest").await;
    *at.lock().unwrap() += SignedDuration::from_hours(7 * 24);
    bench.sign_in().await;
    let (_, newer) = round(&bench, &link).await;
    *at.lock().unwrap() += SignedDuration::from_secs(1);
    let gone = bench.get(&link).await;
    assert_eq!((gone.status, gone.code().as_str()), (410, "syncStateNotFound"));
    let location = gone.headers["location"].clone();
    assert!(location.ends_with("/users/delta?$deltatoken="), "{location}");
    assert_eq!(round(&bench, &location).await.0.len(), 5);
    assert_eq!(bench.get(&newer).await.status, 200);
}

#[tokio::test]
async fn changes_show_as_late_as_reads_do() {
    let lag = Lag::Requests(2);
    let bench = bench(Options { lag, ..Options::default() }).await;
    let (_, link) = round(&bench, &format!("/users/delta?$deltatoken=latest&{SELECT}")).await;
    let ana = id(&bench, "ana@contoso.com");
    bench.server.change(|tenant| tenant.set_enabled(ana, false));
    let mut counts = Vec::new();
    for _ in 0..4 {
        counts.push(bench.get(&link).await.json()["value"].as_array().unwrap().len());
    }
    assert_eq!(counts, [0, 0, 1, 1]);
}

#[tokio::test]
async fn delta_queries_are_struck_by_faults_of_their_own() {
    let struck = async |fault: &str| {
        let bench = Bench::small().await;
        let (_, link) = round(&bench, "/users/delta?$deltatoken=latest").await;
        let ana = id(&bench, "ana@contoso.com");
        bench.server.change(|tenant| {
            tenant.edit_user(ana, |user: &mut User| user.display_name = "Ana".into());
        });
        let (_, link) = round(&bench, &link).await;
        bench.server.set_faults(Faults::parse(1, [format!("{fault}=1")]).unwrap());
        // Others are served as ever.
        assert_eq!(bench.get("/users").await.status, 200);
        bench.get(&link).await
    };
    assert_eq!(struck("delta-gone").await.status, 410);
    let resync = struck("resync-required").await;
    assert_eq!((resync.status, resync.code().as_str()), (400, "resyncRequired"));
    let endless = struck("endless-chain").await.json();
    assert_eq!(endless["value"], json!([]));
    assert!(endless["@odata.nextLink"].is_string() && endless["@odata.deltaLink"].is_null());
    let replay = struck("replay").await.json();
    assert_eq!(replay["value"].as_array().unwrap().len(), 2, "the same change, twice");
}

#[tokio::test]
async fn deleted_users_are_gone_for_good_after_thirty_days() {
    let at = std::sync::Arc::new(std::sync::Mutex::new(now()));
    let asked = at.clone();
    let clock = Clock::Ask(std::sync::Arc::new(move || *asked.lock().unwrap()));
    let mut bench = bench(Options { clock, ..Options::default() }).await;
    let ana = id(&bench, "ana@contoso.com");
    let held = bench.consumed("SPE_E3");
    bench.server.change(|tenant| tenant.delete_user(ana, now()));
    assert_eq!(bench.consumed("SPE_E3"), held - 1, "the seat is free");
    *at.lock().unwrap() += SignedDuration::from_hours(31 * 24);
    bench.sign_in().await;
    assert_eq!(bench.get("/users").await.values("id").len(), 4);
    let tenant = bench.server.tenant();
    assert!(!tenant.is_restorable(ana));
    assert!(tenant.groups().iter().all(|group| !group.members.contains(&Member::User(ana))));
}
