//! HTTPS as the program meets it: HTTP/2 where it is offered, HTTP/1.1 where it is not, and lines that
//! break in both.

use std::sync::LazyLock;

use axum::http::Version;
use rcgen::PKCS_ECDSA_P256_SHA256;
use seatkeeper::sandbox::faults::{FaultKind, Faults};
use seatkeeper::sandbox::http::Tls;
use seatkeeper::sandbox::{Options, Tenant};
use serde_json::{Value, json};

use crate::pki::{self, Made};
use crate::site::{Ran, Site, calm, ran, tenant};

static MADE: LazyLock<Made> = LazyLock::new(|| pki::other(&PKCS_ECDSA_P256_SHA256));

const TOP: &str = "apply: {settle_after: 1s}\nrequests: {timeout: 20s, give_up_after: 60s}";
const POLICIES: &str = "policies: [{name: staff, match: {everyone: true}, licenses: [SPE_E3]}]";
const APPLY: [&str; 6] = ["apply", "--yes", "--accept", "first_plan", "--reason", "looked at"];

/// Forty-five people without a license: writes fly in several batches.
fn company() -> Tenant {
    let users: Vec<Value> = (0..45)
        .map(
            |k| json!({"user_principal_name": format!("u{k}@contoso.com"), "usage_location": "DE"}),
        )
        .collect();
    tenant(json!({"skus": [{"sku": "SPE_E3", "enabled": 99}], "users": users}))
}

fn tls() -> Tls {
    Tls::from_pem(MADE.certificate.as_bytes(), MADE.key.as_bytes()).unwrap()
}

async fn site(options: Options) -> Site {
    let site = Site::with(company(), options, TOP, &[("policies.yaml", POLICIES)]).await;
    site.write("trusted.pem", &MADE.certificate);
    site
}

/// Carries out all that the policies want.
fn apply(site: &Site) -> Ran {
    let mut command = site.command(&APPLY);
    command.env("SSL_CERT_FILE", site.path("trusted.pem"));
    let ran = ran(&command.output().unwrap());
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    for user in 0..45 {
        assert_eq!(site.direct(&format!("u{user}@contoso.com")), ["SPE_E3"]);
    }
    site.assert_one_outcome_each();
    ran
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_main_job_runs_over_http_2_where_tls_offers_it_and_over_1_1_where_not() {
    for (tls, version) in [
        (Some(tls()), Version::HTTP_2),
        (Some(tls().without_http2()), Version::HTTP_11),
        (None, Version::HTTP_11),
    ] {
        let site = site(Options { tls, ..calm() }).await;
        apply(&site);
        let seen = site.sandbox.requests();
        let other = seen.iter().find(|seen| seen.version != version);
        assert_eq!(other, None, "{}", site.sandbox.url());
        assert_eq!(site.writes(), 45);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_http_2_lost_answers_are_looked_up_and_broken_reads_repeated() {
    for kind in ["reset", "reset-after", "truncate"] {
        let faults = Faults::parse(7, [format!("{kind}=0.3")]).unwrap();
        let site = site(Options { tls: Some(tls()), faults, ..calm() }).await;
        apply(&site);
        let seen = site.sandbox.requests();
        assert!(seen.iter().all(|seen| seen.version == Version::HTTP_2));
        let struck = FaultKind::named(kind);
        assert!(seen.iter().any(|seen| seen.fault == struck), "{kind} struck nothing");
        // Whoever gets what they hold already was asked twice for it.
        assert_eq!(site.sandbox.counts().writes_idle, 0, "{kind}");
    }
}
