//! The emulator over loopback, as a client meets it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::sandbox::TenantDocument;

mod batches;
mod control;
mod credentials;
mod delta;
mod faults;
mod groups;
mod objects;
mod reading;
mod sign_ins;
mod signing_in;
mod tls;
mod writing;

/// A small tenant in which every situation has a name.
pub(super) fn small() -> Tenant {
    let document: TenantDocument = serde_json::from_value(json!({
        "skus": [
            {"sku": "SPE_E5", "enabled": 3},
            {"sku": "SPE_E3", "enabled": 10},
            {"sku": "SPE_F1", "enabled": 10},
            {"sku": "POWER_BI_PRO", "enabled": 1},
            {"sku": "VISIOCLIENT", "enabled": 10},
            {"sku": "PROJECTPROFESSIONAL", "enabled": 10},
            {"sku": "ENTERPRISEPACK", "enabled": 0, "suspended": 5, "status": "Suspended"},
            {"sku": "SHAREPOINTSTORAGE", "enabled": 10}
        ],
        "groups": [
            {"name": "Engineering", "groups": ["Platform"]},
            {"name": "Platform", "groups": ["Engineering"]},
            {"name": "LIC-Visio", "licenses": ["VISIOCLIENT"]},
            {"name": "Council", "hidden": true}
        ],
        "users": [
            {"user_principal_name": "ana@contoso.com", "usage_location": "DE",
             "groups": ["Engineering", "Council"], "licenses": ["SPE_E3"],
             "on_premises_dn": "CN=Berg\\, Ana,OU=Engineering,DC=corp,DC=contoso,DC=com",
             "ad_domain": "corp.contoso.com"},
            {"user_principal_name": "ben@contoso.com", "usage_location": "DE",
             "groups": ["Platform", "LIC-Visio"], "licenses": ["VISIOCLIENT", "SPE_E3"]},
            {"user_principal_name": "chi@contoso.com", "groups": ["LIC-Visio"]},
            {"user_principal_name": "dev@contoso.com", "usage_location": "FR", "enabled": false,
             "licenses": ["POWER_BI_PRO"]},
            {"user_principal_name": "o'neil@contoso.com", "usage_location": "FR", "guest": true}
        ]
    }))
    .unwrap();
    Tenant::from_document(&document).unwrap()
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) text: String,
}

impl Answer {
    pub(super) async fn of(response: reqwest::Response) -> Self {
        let text = |value: &reqwest::header::HeaderValue| value.to_str().unwrap().to_owned();
        let headers = response.headers().iter();
        Self {
            status: response.status().as_u16(),
            headers: headers.map(|(name, value)| (name.to_string(), text(value))).collect(),
            text: response.text().await.unwrap(),
        }
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(super) fn message(&self) -> String {
        self.json()["error"]["message"].as_str().unwrap().to_owned()
    }

    pub(super) fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap().to_owned()
    }

    /// The given property of every object on the page.
    pub(super) fn values(&self, property: &str) -> Vec<String> {
        let body = self.json();
        let values = body["value"].as_array().unwrap().iter();
        values.map(|value| value[property].as_str().unwrap().to_owned()).collect()
    }
}

/// A server with a client that has signed in.
pub(super) struct Bench {
    pub(super) server: Running,
    pub(super) http: reqwest::Client,
    pub(super) token: String,
}

impl Bench {
    pub(super) async fn new(tenant: Tenant, options: Options) -> Self {
        let server = Server::start(tenant, options).await.unwrap();
        let http = reqwest::Client::new();
        let mut bench = Self { server, http, token: String::new() };
        bench.sign_in().await;
        bench
    }

    pub(super) async fn small() -> Self {
        Self::new(small(), Options::default()).await
    }

    pub(super) async fn sign_in(&mut self) {
        let answer = self.ask_token(&[]).await;
        self.token = answer.json()["access_token"].as_str().unwrap().to_owned();
    }

    /// Asks for a token with some parameters changed; an empty value leaves one out.
    pub(super) async fn ask_token(&self, changes: &[(&str, &str)]) -> Answer {
        let mut form = BTreeMap::from([
            ("grant_type", "client_credentials"),
            ("client_id", CLIENT_ID),
            ("client_secret", CLIENT_SECRET),
            ("scope", "https://graph.microsoft.com/.default"),
        ]);
        form.extend(changes.iter().copied());
        let tenant = form.remove("tenant").unwrap_or(&self.server.tenant_id).to_owned();
        form.retain(|_, value| !value.is_empty());
        let url = format!("{}/{tenant}/oauth2/v2.0/token", self.server.url());
        Answer::of(self.http.post(url).form(&form).send().await.unwrap()).await
    }

    pub(super) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}/v1.0{path}", self.server.url())
        };
        self.http.request(method.parse().unwrap(), url).bearer_auth(&self.token)
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request("GET", path).send().await.unwrap()).await
    }

    pub(super) async fn eventually(&self, path: &str) -> Answer {
        let request = self.request("GET", path).header("ConsistencyLevel", "eventual");
        Answer::of(request.send().await.unwrap()).await
    }

    pub(super) async fn send(&self, method: &str, path: &str, body: Value) -> Answer {
        Answer::of(self.request(method, path).json(&body).send().await.unwrap()).await
    }

    /// Changes licenses by part number.
    pub(super) async fn assign(&self, user: &str, add: &[&str], remove: &[&str]) -> Answer {
        let body = change(&self.server.tenant(), add, remove);
        self.send("POST", &format!("/users/{user}/assignLicense"), body).await
    }

    pub(super) fn consumed(&self, sku: &str) -> u32 {
        self.server.tenant().sku_named(sku).unwrap().consumed
    }
}

/// The body of `assignLicense`, with part numbers in place of ids.
pub(super) fn change(tenant: &Tenant, add: &[&str], remove: &[&str]) -> Value {
    let id = |sku: &&str| tenant.sku_named(sku).unwrap().id.to_string();
    let add: Vec<Value> =
        add.iter().map(|sku| json!({"skuId": id(sku), "disabledPlans": []})).collect();
    let remove: Vec<String> = remove.iter().map(id).collect();
    json!({"addLicenses": add, "removeLicenses": remove})
}
