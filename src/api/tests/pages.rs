//! The page, as a browser asks for it.

use super::looking::carried_out;
use super::*;
use crate::domain::known::Known;
use crate::plan::PlanId;
use crate::report::html::tests::crowd;

/// Somebody in front of a page.
struct Browser<'a> {
    site: &'a Site,
    cookie: String,
}

impl Site {
    fn browser(&self) -> Browser<'_> {
        Browser { site: self, cookie: String::new() }
    }

    /// Returns a browser in which somebody is signed in.
    async fn signed_in(&self, token: &str) -> Browser<'_> {
        let mut browser = self.browser();
        let answer = browser.sign_in(token).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        browser
    }

    /// Stores a plan of so many people, as it would be held.
    async fn crowd(&self, people: usize) -> Plan {
        let plan = crowd(people);
        self.store.propose(plan.clone(), PlanState::Held).await.unwrap();
        plan
    }
}

impl Browser<'_> {
    async fn get(&self, path: &str) -> Answer {
        let mut headers = vec![format!("Host: {}", self.site.address)];
        headers.push("Accept: text/html,application/xhtml+xml".to_owned());
        if !self.cookie.is_empty() {
            headers.push(format!("Cookie: other=1; {}", self.cookie));
        }
        self.site.send("GET", path, &headers, "").await
    }

    async fn post_from(&self, path: &str, origin: Option<&str>, form: &str) -> Answer {
        let mut headers = vec![format!("Host: {}", self.site.address)];
        headers.push("Content-Type: application/x-www-form-urlencoded".to_owned());
        headers.extend(origin.map(|origin| format!("Origin: {origin}")));
        if !self.cookie.is_empty() {
            headers.push(format!("Cookie: {}", self.cookie));
        }
        self.site.send("POST", path, &headers, form).await
    }

    async fn post(&self, path: &str, form: &str) -> Answer {
        let origin = format!("http://{}", self.site.address);
        self.post_from(path, Some(&origin), form).await
    }

    async fn sign_in(&mut self, token: &str) -> Answer {
        let answer = self.post("/sign-in", &format!("token={token}&next=%2Fseats")).await;
        if let Some(cookie) = answer.headers.get("set-cookie") {
            cookie.split(';').next().unwrap().clone_into(&mut self.cookie);
        }
        answer
    }

    /// Returns what every form of the session holds, as a page has it.
    async fn form(&self) -> String {
        hidden(&self.get("/").await, "form")
    }
}

/// Returns what a hidden field of a page holds.
fn hidden(answer: &Answer, name: &str) -> String {
    let at = answer.body.split(&format!("name=\"{name}\" value=\"")).nth(1);
    at.unwrap_or_else(|| panic!("no {name} in {answer:?}")).split('"').next().unwrap().to_owned()
}

const PAGES: [&str; 5] = ["/", "/seats", "/users", "/history", "/status"];

async fn state(site: &Site, plan: PlanId) -> PlanState {
    site.store.plan(None, Some(plan)).await.unwrap().unwrap().state
}

#[tokio::test]
async fn every_page_forbids_what_it_does_not_need() {
    let site = Site::with(&[]).await;
    let plan = site.plan().await;
    let browser = site.browser();
    let user = format!("/users/{}", site.world.users[0].id);
    let paths = PAGES.map(str::to_owned);
    let more = [format!("/plans/{}", plan.id), user, "/sign-in".to_owned()];
    for path in paths.iter().chain(&more) {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        let headers = &answer.headers;
        assert_eq!(headers["content-type"], "text/html; charset=utf-8");
        assert_eq!(
            headers["content-security-policy"],
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
             form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        );
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["referrer-policy"], "same-origin");
        assert_eq!(headers["cache-control"], "no-store");
        for inline in ["<style", "style=\"", " onclick", " onload", "javascript:"] {
            assert!(!answer.body.contains(inline), "{path}: {inline}");
        }
        assert_eq!(answer.body.matches("<script").count(), 1, "{path}");
        for landmark in ["<main id=\"main\"", "class=\"skip\"", "lang=\"en\"", "<h1"] {
            assert_eq!(answer.body.matches(landmark).count(), 1, "{path}: {landmark}");
        }
    }
    for path in ["/page/style.css", "/page/script.js"] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, 200);
        assert!(answer.headers["cache-control"].contains("immutable"));
    }
}

#[tokio::test]
async fn whoever_is_not_signed_in_is_led_to_where_they_do() {
    let site = Site::new().await;
    let browser = site.browser();
    for path in PAGES {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, 303, "{path}");
        assert!(answer.headers["location"].starts_with("/sign-in?next=%2F"), "{answer:?}");
        assert_eq!(answer.body, "");
    }
    let answer = browser.get("/sign-in?next=%2Fseats").await;
    assert_eq!(hidden(&answer, "next"), "/seats");
    let answer = browser.get("/sign-in?next=https%3A%2F%2Fevil.example").await;
    assert_eq!(hidden(&answer, "next"), "/");
}

#[tokio::test]
async fn a_token_is_shown_once_and_a_cookie_stands_for_it() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let answer = browser.sign_in("reads").await;
    assert_eq!((answer.status, answer.headers["location"].as_str()), (303, "/seats"));
    let cookie = &answer.headers["set-cookie"];
    for flag in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
        assert!(cookie.split("; ").any(|part| part == flag), "{flag}: {cookie}");
    }
    assert!(!cookie.contains("reads") && !cookie.contains("Secure"), "{cookie}");
    let answer = browser.get("/").await;
    assert!(answer.body.contains("Signed in as <strong><bdi>rita</bdi>"), "{answer:?}");
    // Whoever is signed in may sign in as somebody else.
    assert_eq!(browser.sign_in("approves").await.status, 303);
    assert!(browser.get("/").await.body.contains("<bdi>ana</bdi>"));
    // The cookie opens the page alone, and never what programs ask.
    let headers = [format!("Host: {}", site.address), format!("Cookie: {}", browser.cookie)];
    assert_eq!(site.send("GET", "/api/v1/status", &headers, "").await.status, 401);
    // Out again: the form has to be of the session.
    assert_eq!(browser.post("/sign-out", "").await.status, 403);
    let form = browser.form().await;
    let answer = browser.post("/sign-out", &format!("form={form}")).await;
    assert_eq!(answer.headers["location"], "/sign-in");
    assert!(answer.headers["set-cookie"].contains("Max-Age=0"));
    assert_eq!(browser.get("/").await.status, 303);
}

#[tokio::test]
async fn the_cookie_is_for_tls_alone_where_the_browser_speaks_it() {
    let site = Site::new().await;
    let headers = [
        "Host: seats.contoso.com".to_owned(),
        "Origin: https://seats.contoso.com".to_owned(),
        "Content-Type: application/x-www-form-urlencoded".to_owned(),
    ];
    let answer = site.send("POST", "/sign-in", &headers, "token=reads").await;
    assert!(answer.headers["set-cookie"].ends_with("; Secure"), "{answer:?}");
}

#[tokio::test]
async fn a_session_ends_with_its_token() {
    let site = Site::new().await;
    let browser = site.signed_in("reads").await;
    assert_eq!(browser.get("/").await.status, 200);
    site.secrets.lock().unwrap()[0].1 = "fresh";
    assert_eq!(browser.get("/").await.status, 303);
    // Not even where the old one comes back.
    site.secrets.lock().unwrap()[0].1 = "reads";
    assert_eq!(browser.get("/").await.status, 303);
    let browser = site.signed_in("reads").await;
    site.secrets.lock().unwrap().remove(0);
    assert_eq!(browser.get("/").await.status, 303);
}

#[tokio::test]
async fn whoever_guesses_tokens_in_the_form_is_soon_not_listened_to() {
    let site = Site::new().await;
    let guess = async || site.browser().post("/sign-in", "token=guess").await;
    let guesses = (0..10).map(|_| guess());
    for answer in futures_util::future::join_all(guesses).await {
        assert_eq!(answer.status, 401);
        assert!(answer.body.contains("nobody has this token"), "{answer:?}");
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    let answer = site.browser().sign_in("approves").await;
    assert_eq!(answer.status, 429, "{answer:?}");
    assert!(answer.body.contains("try again in a minute"));
}

#[tokio::test]
async fn a_plan_is_approved_as_it_was_looked_at() {
    let site = Site::new().await;
    let plan = site.plan().await;
    let browser = site.signed_in("approves").await;
    let seen = browser.get(&format!("/plans/{}", plan.id)).await;
    assert!(seen.body.contains("name=\"accept\" value=\"first_plan\" required"), "{seen:?}");
    let (form, digest) = (hidden(&seen, "form"), hidden(&seen, "digest"));
    assert_eq!(digest, plan.digest.to_string());
    let path = format!("/plans/{}/approve", plan.id);
    let sent = async |more: &str| {
        browser.post(&path, &format!("form={form}&digest={}{more}", encoded(&digest))).await
    };
    // A guard that nobody ticked, and one without a reason.
    for more in ["", "&accept=first_plan", "&accept=max_removals&reason=x"] {
        let answer = sent(more).await;
        assert_eq!(answer.status, 422, "{more}: {answer:?}");
        assert!(answer.body.contains("Nothing was decided"), "{answer:?}");
    }
    assert_eq!(state(&site, plan.id).await, PlanState::Held);
    let answer = sent("&accept=first_plan&reason=seen+with+%3Cben%3E").await;
    assert_eq!(answer.headers["location"], format!("/plans/{}", plan.id));
    let stored = site.store.plan(None, Some(plan.id)).await.unwrap().unwrap();
    assert_eq!(stored.state, PlanState::Approved);
    let decision = &stored.decisions[0];
    assert_eq!((&*decision.by, decision.reason.as_deref()), ("ana", Some("seen with <ben>")));
    let shown = browser.get(&format!("/plans/{}", plan.id)).await.body;
    assert!(shown.contains("approved by ana") && shown.contains("seen with &#60;ben&#62;"));
    assert!(!shown.contains("id=\"approve\""));
}

/// Writes a digest as a form has it.
fn encoded(digest: &str) -> String {
    digest.replace(':', "%3A")
}

#[tokio::test]
async fn what_is_not_the_plan_that_was_looked_at_is_not_decided() {
    let site = Site::new().await;
    let plan = site.plan().await;
    let browser = site.signed_in("approves").await;
    let form = browser.form().await;
    let other = encoded(&Digest([7; 32]).to_string());
    for verb in ["approve", "reject"] {
        let path = format!("/plans/{}/{verb}", plan.id);
        let answer = browser.post(&path, &format!("form={form}&digest={other}")).await;
        assert_eq!(answer.status, 412, "{answer:?}");
        assert!(answer.body.contains("What you looked at is not this plan. Nothing was decided."));
        assert!(answer.body.contains(&format!("href=\"/plans/{}\"", plan.id)));
        let answer = browser.post(&path, &format!("form={form}")).await;
        assert_eq!(answer.status, 422);
    }
    // A newer plan takes its place while somebody looks at it.
    let newer =
        Plan { id: PlanId(ulid::Ulid(plan.id.0.0 + 1)), digest: Digest([9; 32]), ..plan.clone() };
    site.store.propose(newer, PlanState::Held).await.unwrap();
    let sent = format!(
        "form={form}&digest={}&accept=first_plan&reason=x",
        encoded(&plan.digest.to_string())
    );
    let answer = browser.post(&format!("/plans/{}/approve", plan.id), &sent).await;
    assert_eq!(answer.status, 409, "{answer:?}");
    assert!(answer.body.contains("is superseded"), "{answer:?}");
    let shown = browser.get(&format!("/plans/{}", plan.id)).await.body;
    assert!(shown.contains("It can no longer be decided") && !shown.contains("id=\"approve\""));
}

#[tokio::test]
async fn nothing_is_decided_from_elsewhere_or_without_the_forms_token() {
    let site = Site::new().await;
    let plan = site.plan().await;
    let browser = site.signed_in("approves").await;
    let form = browser.form().await;
    let path = format!("/plans/{}/reject", plan.id);
    let digest = encoded(&plan.digest.to_string());
    let whole = format!("form={form}&digest={digest}");
    for origin in [Some("https://evil.example"), Some("null"), None] {
        let answer = browser.post_from(&path, origin, &whole).await;
        assert_eq!(answer.status, 403, "{origin:?}");
    }
    let others = site.signed_in("approves").await.form().await;
    for sent in [format!("digest={digest}"), format!("form={others}&digest={digest}")] {
        assert_eq!(browser.post(&path, &sent).await.status, 403, "{sent}");
    }
    // Nor by whoever may not, or is not signed in.
    let reader = site.signed_in("reads").await;
    let sent = format!("form={}&digest={digest}", reader.form().await);
    assert_eq!(reader.post(&path, &sent).await.status, 403);
    assert_eq!(site.browser().post(&path, &whole).await.status, 401);
    assert_eq!(state(&site, plan.id).await, PlanState::Held);
    assert_eq!(browser.post(&path, &whole).await.status, 303);
    assert_eq!(state(&site, plan.id).await, PlanState::Rejected);
}

#[tokio::test]
async fn without_tokens_everybody_reads_and_nobody_decides() {
    let site = Site::with(&[]).await;
    let plan = site.plan().await;
    let browser = site.browser();
    let shown = browser.get(&format!("/plans/{}", plan.id)).await;
    assert!(shown.body.contains("No tokens are configured"), "{shown:?}");
    assert!(!shown.body.contains("id=\"approve\""));
    let sent = format!("digest={}", encoded(&plan.digest.to_string()));
    let answer = browser.post(&format!("/plans/{}/reject", plan.id), &sent).await;
    assert_eq!(answer.status, 401);
    assert_eq!(state(&site, plan.id).await, PlanState::Held);
}

#[tokio::test]
async fn what_anybody_wrote_is_text() {
    let site = Site::with(&[]).await;
    let mut plan = site.world.plan();
    let hostile = "<script>alert(1)</script>\u{202e}gpj";
    for operation in &mut plan.operations {
        operation.user.display_name = Some(hostile.into());
        operation.user.principal_name = format!("{hostile}@contoso.com").into();
    }
    site.store.propose(plan.clone(), PlanState::Held).await.unwrap();
    let query = "?q=%22%3E%3Cscript%3E&user=%22%3E%3Cscript%3E";
    let paths = [
        format!("/plans/{}", plan.id),
        format!("/plans/{}{query}", plan.id),
        format!("/users{query}"),
        format!("/history{query}"),
        "/users/%3Cscript%3E".to_owned(),
        "/%3Cscript%3E".to_owned(),
    ];
    for path in paths {
        let body = site.browser().get(&path).await.body;
        assert_eq!(body.matches("<script").count(), 1, "{path}: {body}");
        assert!(!body.contains('\u{202e}'), "{path}");
    }
    let shown = site.browser().get(&format!("/plans/{}", plan.id)).await.body;
    assert!(shown.contains("&#60;script&#62;alert(1)&#60;/script&#62;\u{fffd}gpj"), "{shown}");
}

#[tokio::test]
async fn ten_thousand_people_are_a_short_page() {
    let site = Site::with(&[]).await;
    let plan = site.crowd(10_000).await;
    assert_eq!(plan.operations.len(), 10_000);
    let path = format!("/plans/{}", plan.id);
    let removes = |operation: &&crate::plan::Operation| operation.kind == crate::plan::Kind::Remove;
    let removals = plan.operations.iter().filter(removes).count();
    assert!(removals > 1_000);
    let began = tokio::time::Instant::now();
    site.store.plan(None, Some(plan.id)).await.unwrap();
    println!("10,000 people: read from the store in {:?}", began.elapsed());
    let began = tokio::time::Instant::now();
    let shown = site.browser().get(&path).await.body;
    println!("10,000 people: {} bytes in {:?}", shown.len(), began.elapsed());
    assert!(shown.len() < 64 * 1024, "{} bytes", shown.len());
    assert!(shown.matches("<li><a href=\"/users/").count() <= 36);
    assert!(shown.find("Data at risk").unwrap() < shown.find("Other changes").unwrap());
    // All of a group, page by page.
    let more = shown.split("class=\"more\"><a href=\"").nth(1).unwrap().split('"').next().unwrap();
    let mut next = Some(more.replace("&#38;", "&"));
    let (mut pages, mut people) = (0, 0);
    while let Some(query) = next {
        let page = site.browser().get(&format!("{path}{query}")).await.body;
        assert!(page.len() < 128 * 1024, "{} bytes", page.len());
        (pages, people) = (pages + 1, people + page.matches("<li><a href=\"/users/").count());
        let at = page.find("rel=\"next\"").map(|end| &page[..end]);
        let address = at.and_then(|before| before.rsplit("href=\"").next());
        next = address.map(|at| at.split('"').next().unwrap().replace("&#38;", "&"));
    }
    assert_eq!((pages, people), (removals.div_ceil(200), removals));
    // A search goes through everybody.
    let found = site.browser().get(&format!("{path}?q=user09999")).await.body;
    assert!(found.contains("1 entry of this plan fit") && found.contains("user09999"), "{found}");
    let found = site.browser().get(&format!("{path}?kind=remove&policy=staff")).await.body;
    assert!(found.contains(&format!("{removals} entries of this plan fit")), "{found}");
    assert_eq!(site.browser().get(&format!("{path}?kind=nonsense")).await.status, 400);
}

#[tokio::test]
async fn seats_users_and_status_are_shown_as_the_api_tells_them() {
    let site = Site::with(&[]).await;
    let seats = site.browser().get("/seats").await.body;
    assert!(seats.contains("of 1000 seats used, 0 reserved"), "{seats}");
    let users = site.browser().get("/users?q=CEM").await.body;
    assert!(users.contains("1 user fits") && users.contains("cem@contoso.com"), "{users}");
    assert_eq!(site.browser().get("/users?tenant=nobody").await.status, 404);
    let user = site.browser().get("/users/ana@contoso.com").await.body;
    assert!(user.contains("SPE_E3") && user.contains("class=\"label\""), "{user}");
    let nobody = site.browser().get("/users/nobody@contoso.com").await;
    assert_eq!(nobody.status, 404);
    assert!(nobody.body.contains("<h1>There is no such thing</h1>"), "{nobody:?}");
    let status = site.browser().get("/status").await.body;
    assert!(status.contains("Seatkeeper 1.2.3"), "{status}");
    // Programs are told of problems as before.
    assert_eq!(site.get("/nothing").await.status, 404);
    assert_eq!(site.get("/api/v1/nothing").await.problem(), "no-such-path");
}

#[tokio::test]
async fn who_is_searched_for_is_shown_wherever_in_the_plan_they_are() {
    let site = Site::with(&[]).await;
    let plan = site.crowd(500).await;
    let path = format!("/plans/{}", plan.id);
    let whole = site.browser().get(&path).await.body;
    assert!(!whole.contains("user00499@") && !whole.contains("autofocus"), "{whole}");
    let found = site.browser().get(&format!("{path}?q=USER00499")).await.body;
    assert!(found.contains("user00499@") && found.contains("autofocus"), "{found}");
    // What was typed stays as it was, so that whoever types on is not disturbed.
    assert!(found.contains("value=\"USER00499\""), "{found}");
    let line = "aria-describedby=\"found\" data-search autofocus></p>\n\
                <p id=\"found\" class=\"found\" role=\"status\">1 entry of this plan fit.</p>";
    assert!(found.contains(line), "{found}");
    assert!(!found.contains("<details class=\"group\">"), "nobody is folded away: {found}");
    for path in ["/users?q=cem", "/history?user=cem"] {
        let found = site.browser().get(path).await.body;
        assert!(found.contains("data-search autofocus></p>\n<p id=\"found\""), "{path}: {found}");
    }
}

/// Returns the words between tags.
fn text(html: &str) -> String {
    let parts = html.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text));
    parts.collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_user_is_told_in_short_and_in_full_when_asked() {
    let policies = "sales: Sales -> SPE_E3\ndesk: department:Desk -> SPE_F1\n\
                    it: department:IT but not Sales -> SPE_E3";
    let site = Site::changed(&[], |world| {
        let tenant =
            "group Staff\nana: in Sales, department=Office\nben: SPE_E3 via:Staff\ncem: in Sales";
        *world = crate::plan::testing::world(tenant, policies);
        let ou = "CN=ana,OU=Back,OU=Norway,DC=contoso,DC=com";
        world.users[0].distinguished_name = Known::Known(Some(ou.parse().unwrap()));
        world.users[0].enabled = Known::Known(false);
    })
    .await;
    let ana = site.browser().get("/users/ana@contoso.com").await.body;
    let short = text(&ana);
    for told in [
        "Holds nothing",
        "Account disabled",
        "Department Office",
        "OU OU=Back,OU=Norway,DC=contoso,DC=com",
        "What does not decide is left out. Show everything",
        "1 SKU that the user neither has nor gets",
    ] {
        assert!(short.contains(told), "{told}: {short}");
    }
    // Another policy that gives the same does not match, and decides nothing.
    assert!(short.contains("policy sales") && !short.contains("policy it"), "{short}");
    let ana = site.browser().get("/users/ana@contoso.com?all=1").await.body;
    let whole = text(&ana);
    assert!(whole.contains("policy it") && whole.contains("policy desk"), "{whole}");
    for told in [&short, &whole] {
        assert!(!told.contains("goes without saying"), "{told}");
    }
    assert_eq!(whole.matches("policies mean members").count(), 1, "{whole}");
    let ben = text(&site.browser().get("/users/ben@contoso.com").await.body);
    assert!(ben.contains("Holds SPE_E3 through group Staff"), "{ben}");
}

#[tokio::test]
async fn what_seats_cost_a_month_is_told_of_each_sku_and_together() {
    let site = Site::with(&[]).await;
    let seats = site.browser().get("/seats").await.body;
    assert!(!seats.contains("a month"), "{seats}");
    let site = Site::changed(&[], |world| {
        let prices = [("SPE_E3", "36 EUR"), ("SPE_F1", "2 EUR"), ("VISIO", "15 USD")];
        let prices = prices.map(|(sku, price)| (Arc::from(sku), price.parse().unwrap()));
        world.settings.prices = BTreeMap::from(prices);
        world.users[1].enabled = Known::Known(false);
    })
    .await;
    let seats = text(&site.browser().get("/seats").await.body);
    assert!(seats.contains("A month: used 36.00 EUR, free 35,964.00 EUR; reclaimable 36.00 EUR"));
    for row in [
        "SPE_E3 36.00 EUR 36,000.00 EUR 36.00 EUR 35,964.00 EUR 1 36.00 EUR",
        "Together 38,000.00 EUR 36.00 EUR 37,964.00 EUR 1 36.00 EUR",
        "Together 15,000.00 USD 0.00 USD 15,000.00 USD 0 0.00 USD",
        "SKUs have no price and are left out",
    ] {
        assert!(seats.contains(row), "{row}: {seats}");
    }
}

#[tokio::test]
async fn a_table_that_is_stacked_names_every_cell() {
    let site = Site::changed(&[], |world| {
        let price = ("SPE_E3".into(), "36 EUR".parse().unwrap());
        world.settings.prices = BTreeMap::from([price]);
    })
    .await;
    let plan = site.plan().await;
    let pages = PAGES.iter().map(|&path| path.to_owned());
    let (mut cells, mut tables) = (0, 0);
    for path in pages.chain([format!("/plans/{}", plan.id)]) {
        let page = site.browser().get(&path).await.body;
        for table in page.split("<table class=\"stack").skip(1) {
            tables += 1;
            for cell in table.split("</table>").next().unwrap().split("<td").skip(1) {
                let tag = cell.split('>').next().unwrap();
                cells += 1;
                assert!(tag.contains("data-label=") || tag.contains(" none"), "{path}: {tag}");
            }
        }
    }
    assert!(tables >= 5 && cells > 20, "{tables} tables, {cells} cells");
}

#[tokio::test]
async fn a_superseded_plan_leads_to_the_newest_of_its_kind() {
    let site = Site::with(&[]).await;
    let plan = site.plan().await;
    let path = format!("/plans/{}", plan.id);
    let mut ids = Vec::new();
    for number in 1..=3_u8 {
        let id = PlanId(ulid::Ulid(plan.id.0.0 + u128::from(number)));
        let mut newer = Plan { id, digest: Digest([number; 32]), ..plan.clone() };
        if number == 3 {
            newer.origin = crate::plan::Origin::Revert(plan.id);
        }
        site.store.propose(newer, PlanState::Held).await.unwrap();
        ids.push(id);
    }
    let shown = site.browser().get(&path).await.body;
    let link = format!("<a href=\"/plans/{}\">To the plan that took its place</a>", ids[1]);
    assert!(shown.contains(&link), "{shown}");
    let shown = site.browser().get(&format!("/plans/{}", ids[1])).await.body;
    assert!(!shown.contains("took its place"), "{shown}");
}

#[tokio::test]
async fn each_sum_of_a_guard_is_an_entry_of_its_own() {
    let site = Site::new().await;
    let mut plan = site.world.plan();
    let tripped = plan.guards.iter().find(|verdict| verdict.tripped).unwrap();
    plan.guards.push(crate::plan::Verdict { scope: "another".into(), ..tripped.clone() });
    site.store.propose(plan.clone(), PlanState::Held).await.unwrap();
    let browser = site.signed_in("approves").await;
    let shown = browser.get(&format!("/plans/{}", plan.id)).await.body;
    let sums = shown.split("<ul id=\"sums-first_plan\"").nth(1).unwrap();
    let sums = sums.split("</ul>").next().unwrap();
    assert_eq!(sums.matches("<li>").count(), 2, "{sums}");
    assert!(shown.contains("aria-describedby=\"sums-first_plan\""), "{shown}");
}

#[tokio::test]
async fn the_history_says_which_request_it_was_and_what_is_no_plan() {
    let site = Site::new().await;
    let plan = carried_out(&site).await;
    let browser = site.signed_in("reads").await;
    let shown = browser.get("/history").await.body;
    assert_eq!(shown.matches("<code>the id of a request</code>").count(), 2, "{shown}");
    let of_plan = browser.get(&format!("/history?plan=+{}+", plan.id)).await;
    assert!(of_plan.body.contains("2 outcomes."), "{of_plan:?}");
    let part = &plan.id.to_string()[..8];
    let wrong = browser.get(&format!("/history?user=ana&plan={part}")).await;
    assert_eq!(wrong.status, 400);
    let told = format!("<bdi>{part}</bdi> is no id of a plan");
    assert!(wrong.body.contains(&told) && wrong.body.contains("value=\"ana\""), "{wrong:?}");
    assert!(wrong.body.contains(&format!("value=\"{part}\"")), "{wrong:?}");
    assert!(!wrong.body.contains("cannot be read"), "{wrong:?}");
}

#[tokio::test]
async fn a_plan_that_was_carried_out_tells_what_became_of_it_and_not_what_held_it() {
    let site = Site::new().await;
    let plan = carried_out(&site).await;
    let browser = site.signed_in("reads").await;
    let told = browser.get(&format!("/plans/{}", plan.id)).await;
    assert!(told.body.contains("<strong>What became of it:</strong> 2 done"), "{told:?}");
    assert!(!told.body.contains("held by "), "{told:?}");
}
