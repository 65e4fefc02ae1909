//! `seatkeeper sandbox` as a command: its options, what it says of wrong ones, and that it serves.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use crate::site::{Site, calm, tenant};

/// A sandbox that runs as a process, and ends with this.
struct Served {
    process: Child,
    url: String,
    http: reqwest::Client,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Served {
    fn start(site: &Site, arguments: &[&str]) -> Self {
        let mut command = site.command(&["sandbox", "--listen", "127.0.0.1:0", "--users", "50"]);
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let mut greeting = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut greeting).unwrap();
        let url = greeting.trim().rsplit(' ').next().unwrap().to_owned();
        assert!(url.starts_with("http://127.0.0.1:"), "{greeting}");
        Self { process, url, http: reqwest::Client::new() }
    }

    async fn token(&self, site: &Site) -> Value {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &site.sandbox.client_id),
            ("client_secret", &site.sandbox.secret),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        let url = format!("{}/contoso.com/oauth2/v2.0/token", self.url);
        self.http.post(url).form(&form).send().await.unwrap().json().await.unwrap()
    }

    async fn status(&self, token: &Value, path: &str) -> u16 {
        let token = token["access_token"].as_str().unwrap();
        let request = self.http.get(format!("{}/v1.0{path}", self.url)).bearer_auth(token);
        request.send().await.unwrap().status().as_u16()
    }
}

async fn site() -> Site {
    // Of the site only the environment of its program is used.
    Site::with(tenant(json!({})), calm(), "", &[]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sandbox_serves_as_its_options_say() {
    let site = site().await;
    site.write("faults.yaml", "faults:\n  - {kind: error, rate: 1, path: /organization}\n");
    let options = ["--roles", "Domain.Read.All,Organization.Read.All", "--token-lifetime", "5m"];
    let more = ["--faults", "faults.yaml", "--fault", "unavailable=1@/subscribedSkus"];
    let served = Served::start(&site, &[options, more].concat());
    let token = served.token(&site).await;
    assert_eq!(token["expires_in"], 300);
    let mut statuses = Vec::new();
    for path in ["/domains", "/users", "/organization", "/subscribedSkus"] {
        statuses.push(served.status(&token, path).await);
    }
    assert_eq!(statuses, [200, 403, 500, 503]);
    let control = served.http.delete(format!("{}/sandbox/faults", served.url));
    assert_eq!(control.send().await.unwrap().status(), 200);
    assert_eq!(served.status(&token, "/organization").await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_option_is_told_with_what_can_be_written() {
    let site = site().await;
    site.write("faults.yaml", "faults:\n  - {kind: trottle, rate: 1}\n");
    site.write("none.pem", "");
    for (code, options, told) in [
        (64, &["--roles", "User.Read"][..], "it knows User.Read.All, "),
        (64, &["--lag", "soon"], "`soon` is no time, such as 90s"),
        (64, &["--lag", "writes=3s"], "`writes` does not lag"),
        (64, &["--tls-certificate", "none.pem"], "--tls-key"),
        (64, &["--http", "3"], "1.1, 2"),
        (5, &["--faults", "faults.yaml"], "faults.yaml:2:12"),
        (5, &["--faults", "nowhere.yaml"], "cannot read the faults `nowhere.yaml`"),
        (5, &["--tls-certificate", "none.pem", "--tls-key", "none.pem"], "no certificate in it"),
    ] {
        let ran = site.expect(code, &[&["sandbox"], options].concat());
        assert!(ran.err.contains(told), "{options:?}\n{}", ran.err);
        assert_eq!(ran.out, "");
    }
}
