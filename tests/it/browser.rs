//! The page in a real browser, against the real program: Chromium by its `WebDriver`.
//!
//! Skipped, with the reason printed, where there is neither `chromedriver` nor a browser; with
//! `SEATKEEPER_BROWSER=required` that fails. What every view looks like is left in
//! `target/screenshots`.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::daemon::Daemon;
use crate::site::{Site, calm, tenant};

const TOP: &str = "mode: approve\nschedule: '* * * * * *'\n\
    apply: {confirm_within: 20s, settle_after: 1s}\n\
    requests: {timeout: 5s, give_up_after: 20s}\n\
    api: {listen: '127.0.0.1:0', tokens: [\
      {name: ben, token: {file: ben.token}, may: [read, approve]}]}\n\
    prices: {SPE_E3: 36 EUR, POWER_BI_PRO: 9.40 EUR}";
const POLICIES: &str = "policies:\n  - {name: staff, match: {group: Staff}, licenses: [SPE_E3], grace: 0d}\n  \
    - {name: analysts, match: {group: Analysts}, licenses: [POWER_BI_PRO], grace: 0d}\n";
/// Longer than anything takes, even where somebody else keeps the machine busy.
const SOON: Duration = Duration::from_mins(1);
/// What `WebDriver` calls an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser, and the driver that steers it.
struct Browser {
    driver: Child,
    http: reqwest::Client,
    session: String,
    _profile: TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser ends with its driver.
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Finds a program.
fn program(names: &[&str]) -> Option<PathBuf> {
    let path = environment("PATH");
    let places = || path.split(':').chain(["/usr/bin", "/usr/local/bin", "/snap/bin"]);
    let found = |name: &&str| places().map(|at| Path::new(at).join(name)).find(|at| at.exists());
    names.iter().find_map(found)
}

#[expect(clippy::print_stdout, reason = "whoever runs the tests should know what was not tested")]
fn skip(why: &str) {
    println!("{why}");
}

#[expect(clippy::disallowed_methods, reason = "whoever runs the tests says what has to be there")]
fn environment(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

impl Browser {
    /// Starts one; none where there is none.
    async fn start() -> Option<Self> {
        let driver = program(&["chromedriver"]);
        let browser = program(&["chromium", "chromium-browser", "google-chrome"]);
        let (Some(driver), Some(browser)) = (driver, browser) else {
            let is_required = environment("SEATKEEPER_BROWSER") == "required";
            assert!(!is_required, "there is no chromium with a chromedriver");
            skip("skipped: there is no chromium with a chromedriver");
            return None;
        };
        let profile = tempfile::tempdir().unwrap();
        let log = profile.path().join("driver.log");
        let file = std::fs::File::create(&log).unwrap();
        let mut command = Command::new(driver);
        command.arg("--port=0").stdout(Stdio::from(file)).stderr(Stdio::null());
        let mut driver = command.env("HOME", profile.path()).spawn().unwrap();
        let Some(port) = port(&log).await else {
            let _ = driver.kill();
            panic!("the driver did not start: {}", std::fs::read_to_string(&log).unwrap());
        };
        let http = reqwest::Client::builder().no_proxy().timeout(SOON).build().unwrap();
        let arguments = json!([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--window-size=1100,900",
            format!("--user-data-dir={}", profile.path().join("profile").display()),
        ]);
        let options = json!({"args": arguments, "binary": browser});
        let wanted = json!({
            "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"},
            "unhandledPromptBehavior": "ignore",
        });
        let session = format!("http://127.0.0.1:{port}/session");
        let begin = json!({"capabilities": {"alwaysMatch": wanted}});
        let answer = http.post(&session).json(&begin).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        let id = answer["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("{answer}"));
        let session = format!("{session}/{id}");
        Some(Self { driver, http, session, _profile: profile })
    }

    async fn tell(&self, path: &str, body: Value) -> Value {
        let url = format!("{}/{path}", self.session);
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        let mut answer: Value = answer.json().await.unwrap();
        assert!(answer["value"]["error"].is_null(), "{path}: {answer}");
        answer["value"].take()
    }

    async fn ask(&self, path: &str) -> Value {
        let answer = self.http.get(format!("{}/{path}", self.session)).send().await.unwrap();
        let mut answer: Value = answer.json().await.unwrap();
        assert!(answer["value"]["error"].is_null(), "{path}: {answer}");
        answer["value"].take()
    }

    async fn open(&self, url: &str) {
        self.tell("url", json!({"url": url})).await;
    }

    async fn address(&self) -> String {
        self.ask("url").await.as_str().unwrap().to_owned()
    }

    async fn run(&self, script: &str) -> Value {
        self.tell("execute/sync", json!({"script": script, "args": []})).await
    }

    async fn text(&self) -> String {
        self.run("return document.body.innerText").await.as_str().unwrap().to_owned()
    }

    async fn element(&self, selector: &str) -> String {
        let by = json!({"using": "css selector", "value": selector});
        let found = self.tell("element", by).await;
        found[ELEMENT].as_str().unwrap_or_else(|| panic!("{selector}: {found}")).to_owned()
    }

    async fn click(&self, selector: &str) {
        let element = self.element(selector).await;
        self.tell(&format!("element/{element}/click"), json!({})).await;
    }

    async fn write(&self, selector: &str, text: &str) {
        let element = self.element(selector).await;
        self.tell(&format!("element/{element}/value"), json!({"text": text})).await;
    }

    /// Presses a key, wherever the focus is.
    async fn press(&self, key: &str) {
        let keys = json!([{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]);
        let actions = json!({"actions": [{"type": "key", "id": "keys", "actions": keys}]});
        self.tell("actions", actions).await;
    }

    /// Says what has the focus: its id, or what stands in it.
    async fn focus(&self) -> String {
        let script = "const e = document.activeElement; return e.id || e.textContent.trim()";
        self.run(script).await.as_str().unwrap().to_owned()
    }

    async fn command(&self, name: &str, parameters: Value) {
        let body = json!({"cmd": name, "params": parameters});
        self.tell("goog/cdp/execute", body).await;
    }

    async fn dress(&self, width: u32, scheme: &str) {
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.command("Emulation.setDeviceMetricsOverride", size).await;
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.command("Emulation.setEmulatedMedia", features).await;
    }

    /// Leaves a picture of the whole page.
    async fn picture(&self, name: &str) {
        let height = self.run("return document.documentElement.scrollHeight").await;
        let width = self.run("return window.innerWidth").await;
        let clip = json!({"x": 0, "y": 0, "width": width, "height": height, "scale": 1});
        let parameters = json!({"format": "png", "clip": clip, "captureBeyondViewport": true});
        let body = json!({"cmd": "Page.captureScreenshot", "params": parameters});
        let picture = self.tell("goog/cdp/execute", body).await;
        let picture = decoded(picture["data"].as_str().unwrap());
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join(format!("{name}.png")), picture).unwrap();
    }

    /// Looks at a view in light and dark, wide and narrow: nothing may stick out.
    async fn look(&self, url: &str, name: &str) {
        for (width, scheme) in [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")] {
            self.dress(width, scheme).await;
            self.open(url).await;
            let sticks_out = "return document.documentElement.scrollWidth - window.innerWidth";
            let out = self.run(sticks_out).await.as_i64().unwrap();
            self.picture(&format!("{name}-{width}-{scheme}")).await;
            assert!(out <= 0, "{name} at {width}: {out} pixels stick out");
            let cut = self.run(CUT).await;
            assert_eq!(cut, json!([]), "{name} at {width}: tables are cut");
            self.assert_readable(name, scheme).await;
        }
        self.dress(1280, "light").await;
    }

    /// Measures the contrast of every text with what is behind it.
    async fn assert_readable(&self, name: &str, scheme: &str) {
        let faint = self.run(&format!("{CONTRAST_OF}{CONTRAST}")).await;
        assert_eq!(faint, json!([]), "{name} in {scheme}: too little contrast");
        let faint = self.run(&format!("{CONTRAST_OF}{EDGES}")).await;
        assert_eq!(faint, json!([]), "{name} in {scheme}: free seats are not told from the page");
    }

    /// Asserts that nothing went wrong in the browser since it was asked before.
    async fn assert_quiet(&self) {
        let log = self.tell("se/log", json!({"type": "browser"})).await;
        let bad = |entry: &&Value| {
            let message = entry["message"].as_str().unwrap_or_default();
            // What a page is refused with is told as a failure to load it.
            entry["level"] == "SEVERE"
                && !message.contains("the server responded with a status of 4")
        };
        let bad: Vec<&Value> = log.as_array().unwrap().iter().filter(bad).collect();
        assert!(bad.is_empty(), "{bad:#?}");
    }

    async fn until(&self, what: &str, script: &str) {
        let began = Instant::now();
        while self.run(script).await != json!(true) {
            assert!(began.elapsed() < SOON, "{what}: {}", self.text().await);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Lists tables of which a part can be seen by scrolling alone.
const CUT: &str = r"
const all = [...document.querySelectorAll('.wide:has(table.stack)')];
return all.filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.innerText.slice(0, 80));
";

/// Measures the contrast of a colour with what is behind an element.
const CONTRAST_OF: &str = r"
const luminance = (rgb) => {
  const [r, g, b] = rgb.map((c) => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const parse = (text) => text.match(/[\d.]+/g).map(Number);
const behind = (e) => {
  for (; e; e = e.parentElement) {
    const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0.99) return c.slice(0, 3);
  }
  return [255, 255, 255];
};
const ratio = (colour, e) => {
  const front = parse(colour).slice(0, 3);
  const [a, b] = [luminance(front), luminance(behind(e))].sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
};
";

/// Lists the edges of what is free whose contrast is below 3 to 1.
///
/// Source: WCAG 2.2, 1.4.11.
const EDGES: &str = r"
const drawn = [...document.querySelectorAll('rect.free')].map((e) => ratio(getComputedStyle(e).stroke, e));
const keys = [...document.querySelectorAll('.legend .free')]
  .map((e) => ratio(getComputedStyle(e, '::before').borderTopColor, e));
return [...drawn, ...keys].filter((found) => !(found >= 3));
";

/// Lists texts whose contrast is below 4.5 to 1.
const CONTRAST: &str = r"
const faint = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const e = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || !e.getClientRects().length) continue;
  const found = ratio(getComputedStyle(e).color, e);
  if (found < 4.5) faint.push(`${e.tagName}.${e.className}: ${walker.currentNode.data.trim()} ${found.toFixed(2)}`);
}
return faint;
";

/// Reads the port out of the log of a driver.
async fn port(log: &Path) -> Option<u16> {
    let began = Instant::now();
    while began.elapsed() < SOON {
        let text = std::fs::read_to_string(log).unwrap_or_default();
        let port = text.split("started successfully on port ").nth(1);
        let port = port.and_then(|text| text.split(['.', '\n']).next()?.trim().parse().ok());
        if port.is_some() {
            return port;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    None
}

fn decoded(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

/// Returns a company in which some get a license, some lose one, and one has an awkward name.
fn company() -> seatkeeper::sandbox::Tenant {
    let users: Vec<Value> = (0..30)
        .map(|k| {
            let groups: &[&str] = match k {
                0..12 => &["Staff"],
                12..24 => &["Staff", "Analysts"],
                _ => &[],
            };
            let name = match k {
                3 => "<script>alert(1)</script> \u{202e}gpj".to_owned(),
                5 => "Wolfeschlegelsteinhausenbergerdorff".repeat(3),
                _ => format!("Person Number {k}"),
            };
            json!({"user_principal_name": format!("u{k}@contoso.com"), "display_name": name,
                   "usage_location": "DE", "groups": groups})
        })
        .collect();
    tenant(json!({
        "skus": [{"sku": "SPE_E3", "enabled": 40}, {"sku": "POWER_BI_PRO", "enabled": 8}],
        "groups": [{"name": "Staff"}, {"name": "Analysts"}], "users": users,
    }))
}

/// A daemon with a page, and a browser in front of it.
struct Sight {
    site: Site,
    daemon: Daemon,
    browser: Browser,
    url: String,
}

impl Sight {
    async fn new() -> Option<Self> {
        let browser = Browser::start().await?;
        let site = Site::with(company(), calm(), TOP, &[("policies.yaml", POLICIES)]).await;
        site.write("ben.token", "token of ben");
        let daemon = Daemon::start(&site);
        daemon.until_logged("the API answers at http://").await;
        let log = daemon.log();
        let url = log.split("the API answers at ").nth(1).unwrap();
        let url = url.split_whitespace().next().unwrap().to_owned();
        daemon.until("a plan", || site.store_exists() && !site.plans().is_empty()).await;
        Some(Self { site, daemon, browser, url })
    }

    async fn sign_in(&self) {
        self.browser.open(&self.url).await;
        self.browser.write("#token", "token of ben").await;
        self.browser.click("button.main").await;
        self.browser.until("the plans", "return document.title.startsWith('Plans')").await;
    }

    fn held(&self) -> Option<String> {
        let plans = self.site.plans();
        let held = plans.iter().find(|plan| plan["state"] == "held" || plan["state"] == "proposed");
        held.map(|plan| plan["id"].as_str().unwrap().to_owned())
    }

    /// Takes people out of the groups.
    fn leave(&self, people: std::ops::Range<usize>) {
        self.site.sandbox.change(|tenant| {
            let group = tenant.groups_named("Staff").next().unwrap().id;
            for k in people {
                let user = tenant.user(&format!("u{k}@contoso.com")).unwrap().id;
                tenant.set_membership(group, user, false);
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_signs_in_approves_a_plan_by_clicking_and_sees_it_applied() {
    let Some(sight) = Sight::new().await else { return };
    let Sight { site, daemon, browser, url } = &sight;
    browser.look(url, "sign-in").await;
    sight.sign_in().await;
    browser.look(url, "plans").await;
    browser.click("article [data-item]").await;
    let plan = browser.address().await;
    browser.look(&plan, "plan-held").await;
    let whole = browser.run("return document.body.textContent").await;
    assert!(whole.as_str().unwrap().contains("<script>alert(1)</script> \u{fffd}gpj"), "{whole}");
    // What is missing, the browser asks for before anything is sent.
    browser.open(&plan).await;
    browser.click("#approve").await;
    assert_eq!(browser.address().await, plan);
    browser.click("input[value=first_plan]").await;
    browser.write("#approve-reason", "looked at with Ana").await;
    browser.click("#approve").await;
    let asked = browser.ask("alert/text").await;
    assert!(asked.as_str().unwrap().starts_with("Approve this plan?"), "{asked}");
    browser.tell("alert/accept", json!({})).await;
    browser
        .until(
            "it to be applied",
            "return document.querySelector('.state.applied, .state.partial') !== null",
        )
        .await;
    daemon.until("it on record", || !site.history().is_empty()).await;
    let first = site.history()[0].clone();
    assert_eq!(first["approved_by"], "ben", "{first}");
    browser.look(&plan, "plan-applied").await;
    assert!(browser.text().await.contains("approved by ben"));
    for view in ["seats", "users", "history", "status"] {
        browser.look(&format!("{url}/{view}"), view).await;
    }
    browser.open(&format!("{url}/users?q=u12")).await;
    browser.click("tbody [data-item]").await;
    let user = browser.address().await;
    browser.look(&user, "user").await;
    browser.look(&format!("{user}&all=1"), "user-all").await;
    browser.look(&format!("{url}/history?plan=01"), "history-no-plan").await;
    browser.look(&format!("{url}/nothing"), "refused").await;
    browser.assert_quiet().await;
    site.assert_one_outcome_each();
    // Some leave: what they may lose comes first, on the page and in the file that is mailed.
    sight.leave(0..4);
    daemon.until("a plan that removes", || sight.held().is_some()).await;
    let removes = sight.held().unwrap();
    browser.look(&format!("{url}/plans/{removes}"), "plan-removes").await;
    assert!(browser.text().await.contains("data of 4 people is at risk"));
    let file = site.expect(0, &["show", &removes, "--format", "html"]).out;
    site.write("plan.html", &file);
    let file = format!("file://{}", site.path("plan.html").display());
    browser.look(&file, "report").await;
    let text = browser.text().await;
    assert!(text.contains("Held by max_removals") && text.contains("Data at risk"), "{text}");
    browser.assert_quiet().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_longer_planned_just_so_cannot_be_approved() {
    let Some(sight) = Sight::new().await else { return };
    let Sight { site, daemon, browser, url } = &sight;
    sight.sign_in().await;
    let before = sight.held().unwrap();
    browser.open(&format!("{url}/plans/{before}")).await;
    // While somebody reads, somebody leaves the group: another plan takes its place.
    sight.leave(0..2);
    daemon.until("a newer plan", || sight.held().is_some_and(|plan| plan != before)).await;
    browser.click("input[value=first_plan]").await;
    browser.write("#approve-reason", "looked at").await;
    browser.click("#approve").await;
    browser.tell("alert/accept", json!({})).await;
    browser.until("a refusal", "return document.querySelector('[role=alert]') !== null").await;
    let text = browser.text().await;
    assert!(text.contains("is superseded") && text.contains("Nothing was changed"), "{text}");
    browser.picture("refused-superseded").await;
    // Nor one whose digest is another than the one that was shown.
    let now = sight.held().unwrap();
    browser.open(&format!("{url}/plans/{now}")).await;
    let forge = "document.querySelector('form [name=digest]').value = 'sha256:' + '0'.repeat(64)";
    browser.run(forge).await;
    browser.click("input[value=first_plan]").await;
    browser.write("#approve-reason", "looked at").await;
    browser.click("#approve").await;
    browser.tell("alert/accept", json!({})).await;
    browser.until("a refusal", "return document.querySelector('[role=alert]') !== null").await;
    assert!(browser.text().await.contains("What you looked at is not this plan"));
    browser.picture("refused-digest").await;
    assert_eq!(site.writes(), 0);
    browser.assert_quiet().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_is_used_by_keyboard_alone() {
    const TAB: &str = "\u{e004}";
    let Some(sight) = Sight::new().await else { return };
    let Sight { site: _, daemon: _, browser, url } = &sight;
    sight.sign_in().await;
    let plan = sight.held().unwrap();
    browser.open(&format!("{url}/plans/{plan}")).await;
    browser.press(TAB).await;
    assert_eq!(browser.focus().await, "Skip to content");
    browser.picture("skip-link").await;
    browser.press("\u{e007}").await;
    assert_eq!(browser.focus().await, "main");
    let mut passed = Vec::new();
    while passed.last().is_none_or(|at: &String| at != "approve") {
        browser.press(TAB).await;
        passed.push(browser.focus().await);
        assert!(passed.len() < 60, "{passed:#?}");
    }
    // What has the focus can be seen to have it.
    let outline = "return getComputedStyle(document.activeElement).outlineStyle";
    assert_eq!(browser.run(outline).await, json!("solid"));
    browser.run("document.activeElement.blur()").await;
    browser.press("j").await;
    let on = "return document.activeElement.hasAttribute('data-item')";
    assert_eq!(browser.run(on).await, json!(true));
    browser.press("/").await;
    assert_eq!(browser.focus().await, "q");
    // Whoever is searched for is found wherever in the plan they are, not only among those shown.
    let shown = "return document.querySelector('main').innerText.includes('u9@contoso.com')";
    assert_eq!(browser.run(shown).await, json!(false));
    browser.write("#q", "Number 9").await;
    browser.until("who fits", shown).await;
    let text = browser.text().await;
    assert!(text.contains("1 entry of this plan fit."), "{text}");
    // The field keeps the focus, and what is typed goes on at its end.
    assert_eq!(browser.focus().await, "q");
    let caret = "const q = document.activeElement; return [q.value, q.selectionStart]";
    assert_eq!(browser.run(caret).await, json!(["Number 9", 8]));
    browser.press("x").await;
    browser.until("nobody", "return document.body.innerText.includes('Nothing fits.')").await;
    assert_eq!(browser.run(caret).await, json!(["Number 9x", 9]));
    // Back leads to the whole plan, not through what was typed.
    browser.tell("back", json!({})).await;
    browser.until("the whole plan", "return location.search === ''").await;
    browser.open(&format!("{url}/users")).await;
    browser.write("#q", "u12").await;
    let told = "return document.getElementById('found').textContent.startsWith('1 user fits')";
    browser.until("who fits", told).await;
    assert_eq!(browser.run("return document.querySelectorAll('tbody tr').length").await, json!(1));
    browser.run("document.activeElement.blur()").await;
    browser.press("?").await;
    assert_eq!(browser.run("return document.getElementById('keys').open").await, json!(true));
    browser.picture("keys").await;
    browser.assert_quiet().await;
}
