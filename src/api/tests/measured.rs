use super::*;

/// Reads a page as OpenMetrics 1.0 asks for it, and returns its samples by name and labels.
fn checked(page: &str) -> BTreeMap<String, f64> {
    let lines = page.strip_suffix("# EOF\n").expect("a page ends in `# EOF`").lines();
    let (mut families, mut samples) = (BTreeSet::new(), BTreeMap::new());
    let (mut family, mut kind, mut unit) = (String::new(), String::new(), None);
    let mut stage = 3;
    for line in lines {
        if let Some(rest) = line.strip_prefix("# ") {
            let mut words = rest.splitn(3, ' ');
            let (what, name, value) =
                (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
            match what {
                "TYPE" => {
                    assert!(families.insert(name.to_owned()), "{name} comes twice");
                    (family, kind, unit, stage) = (name.to_owned(), value.to_owned(), None, 0);
                }
                "UNIT" => {
                    assert!(stage == 0 && name == family && name.ends_with(value), "{line}");
                    (unit, stage) = (Some(value.to_owned()), 1);
                }
                "HELP" => {
                    assert!(stage <= 1 && name == family && !value.is_empty(), "{line}");
                    stage = 2;
                }
                _ => panic!("{line}"),
            }
            continue;
        }
        assert!(stage >= 2, "a sample before its family is described: {line}");
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let ending = name.strip_prefix(&family).unwrap_or_else(|| panic!("{line} in {family}"));
        let endings: &[&str] = match kind.as_str() {
            "counter" => &["_total"],
            "info" => &["_info"],
            "gauge" | "stateset" => &[""],
            "histogram" => &["_bucket", "_count", "_sum"],
            other => panic!("{other}"),
        };
        assert!(endings.contains(&ending), "{line}");
        assert!(unit.is_none() || kind != "info", "{line}");
        let labels = pairs(labels);
        let names: BTreeSet<&String> = labels.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), labels.len(), "a label comes twice: {line}");
        let written = value;
        let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
        if kind == "stateset" {
            assert!(names.contains(&family) && ["0", "1"].contains(&written), "{line}");
        }
        assert!(kind != "counter" || value >= 0.0, "{line}");
        assert!(samples.insert(series.to_owned(), value).is_none(), "{series} comes twice");
    }
    histograms(&samples);
    samples
}

/// Takes `a="b",c="d"}` apart.
fn pairs(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while rest != "}" {
        let (name, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("{text}"));
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        assert!(!name.is_empty() && name.chars().all(is_name), "{text}");
        let (mut value, mut chars) = (String::new(), after.char_indices());
        let end = loop {
            let (at, c) = chars.next().unwrap_or_else(|| panic!("{text}"));
            match c {
                '"' => break at,
                '\\' => value.push(match chars.next().unwrap().1 {
                    'n' => '\n',
                    c @ ('\\' | '"') => c,
                    c => panic!("\\{c} in {text}"),
                }),
                c => value.push(c),
            }
        };
        found.push((name.to_owned(), value));
        rest = &after[end + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    found
}

/// Buckets grow, and the last holds all.
fn histograms(samples: &BTreeMap<String, f64>) {
    let mut counted: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for (series, value) in samples {
        let Some((name, labels)) = series.split_once("_bucket{") else { continue };
        let (labels, bound) = labels.rsplit_once("le=\"").unwrap();
        let bound = bound.trim_end_matches("\"}").replace("+Inf", "inf").parse().unwrap();
        let labels = labels.trim_end_matches(',');
        counted.entry(format!("{name}_count{{{labels}}}")).or_default().push((bound, *value));
    }
    for (count, mut buckets) in counted {
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert!(buckets.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{count}");
        assert_eq!(buckets.last(), Some(&(f64::INFINITY, samples[&count])), "{count}");
    }
}

#[tokio::test]
async fn a_page_of_metrics_is_one_that_every_parser_takes() {
    let site = Site::new().await;
    site.plan().await;
    let answer = site.get("/metrics").await;
    assert_eq!(
        answer.headers["content-type"],
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    let samples = checked(&answer.body);
    for (series, value) in [
        ("seatkeeper_build_info{version=\"1.2.3\"}", 1.0),
        ("seatkeeper_tenant_ready{tenant=\"contoso\"}", 1.0),
        (
            "seatkeeper_reconcile_last_success_timestamp_seconds{tenant=\"contoso\"}",
            1_795_424_400.0,
        ),
        (
            "seatkeeper_reconcile_runs_total{tenant=\"contoso\",trigger=\"schedule\",outcome=\"failed\"}",
            0.0,
        ),
        ("seatkeeper_plan_state{tenant=\"contoso\",seatkeeper_plan_state=\"held\"}", 1.0),
        ("seatkeeper_plans_pending{tenant=\"contoso\"}", 1.0),
        ("seatkeeper_sku_seats{tenant=\"contoso\",sku=\"SPE_E3\",kind=\"enabled\"}", 25.0),
        ("seatkeeper_suspended{tenant=\"contoso\"}", 0.0),
        ("seatkeeper_journal_unresolved_intents{tenant=\"contoso\"}", 0.0),
        ("seatkeeper_graph_requests_total{tenant=\"contoso\",class=\"users\",code=\"200\"}", 1.0),
        ("seatkeeper_event_delivery_failures_total{sink=\"odd \\\"name\\\"\\\\\"}", 1.0),
    ] {
        assert_eq!(samples.get(series), Some(&value), "{series}");
    }
    assert!(!answer.body.contains('@'), "no label names a person");
}

#[tokio::test]
async fn what_has_not_happened_has_no_time() {
    let site = Site::new().await;
    let place = site.board.place(&contoso()).unwrap();
    place.pretend(|facts| *facts = crate::engine::daemon::board::Facts::default());
    let samples = checked(&site.get("/metrics").await.body);
    let told = |part: &str| samples.keys().any(|series| series.contains(part));
    assert!(!told("last_success_timestamp"));
    assert!(!told("converged_timestamp"));
    assert_eq!(samples.get("seatkeeper_tenant_ready{tenant=\"contoso\"}"), Some(&0.0));
}
