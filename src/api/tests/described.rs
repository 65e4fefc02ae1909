use super::*;

async fn document(site: &Site) -> Value {
    site.get("/api/v1/openapi.json").await.json()
}

/// Fills in the parameters of a path.
fn filled(path: &str, plan: &Plan) -> String {
    path.replace("{id}", &plan.id.to_string())
        .replace("{tenant}", "contoso")
        .replace("{user}", "ana@contoso.com")
}

fn body(id: &str, plan: &Plan) -> Option<Value> {
    match id {
        "approve" => Some(json!({
            "digest": plan.digest.to_string(), "accept": ["first_plan"], "reason": "looked at",
        })),
        "reject" => Some(json!({"digest": plan.digest.to_string()})),
        "pause" => Some(json!({"for": "4h", "reason": "audit"})),
        _ => None,
    }
}

/// Checks a value against a schema of the document.
fn check(document: &Value, schema: &Value, value: &Value, what: &str) {
    let mut whole = schema.clone();
    whole["components"] = document["components"].clone();
    let validator = jsonschema::draft202012::new(&whole).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{what}: {errors:#?}");
}

#[tokio::test]
async fn every_route_is_described_and_answers_as_described() {
    let site = Site::new().await;
    let plan = site.plan().await;
    let document = document(&site).await;
    assert_eq!(document["openapi"], "3.1.0");
    let mut described = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            described.insert((method.to_uppercase(), path.clone()));
            let id = operation["operationId"].as_str().unwrap();
            // Approving comes before rejecting, in the order of paths.
            let body = body(id, &plan);
            if let Some(body) = &body {
                let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
                check(&document, schema, body, id);
            }
            let path = filled(path, &plan);
            let answer = site.ask(&method.to_uppercase(), &path, "approves", body).await;
            let response = &operation["responses"][answer.status.to_string()];
            assert!((200..300).contains(&answer.status), "{id}: {answer:?}");
            let media_type = &answer.headers["content-type"];
            let schema = &response["content"][media_type]["schema"];
            assert!(schema.is_object(), "{id} answers in {media_type}");
            if media_type == "application/json" {
                check(&document, schema, &answer.json(), id);
            }
        }
    }
    let served: BTreeSet<(String, String)> = super::super::routes::endpoints::<Store, Still>()
        .into_iter()
        .map(|endpoint| (endpoint.doc.method.name().to_string(), endpoint.doc.path.to_owned()))
        .collect();
    assert_eq!(described, served);
}

#[tokio::test]
async fn no_reference_leads_nowhere() {
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    match (key.as_str(), value) {
                        ("$ref", Value::String(at)) => drop(found.insert(at.clone())),
                        _ => references(value, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let site = Site::new().await;
    let document = document(&site).await;
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.contains("#/components/schemas/Plan"));
    for at in found {
        assert!(document.pointer(at.trim_start_matches('#')).is_some(), "{at}");
    }
}

#[tokio::test]
async fn problems_are_as_described() {
    let site = Site::new().await;
    let document = document(&site).await;
    let problem = json!({"$ref": "#/components/schemas/Problem"});
    for (method, path, status, word) in [
        ("GET", "/api/v1/nothing", 404, "no-such-path"),
        ("PUT", "/api/v1/status", 405, "wrong-method"),
        ("GET", "/api/v1/plans/nonsense", 400, "bad-request"),
        ("GET", "/api/v1/tenants/nobody/seats", 404, "not-found"),
        ("GET", "/api/v1/tenants/%ff/seats", 400, "bad-request"),
    ] {
        let answer = site.get_or(method, path).await;
        assert_eq!((answer.status, answer.problem().as_str()), (status, word), "{path}");
        check(&document, &problem, &answer.json(), path);
        assert_eq!(answer.json()["instance"], path);
    }
    assert_eq!(site.get_or("PUT", "/api/v1/status").await.headers["allow"], "GET,HEAD");
}

impl Site {
    async fn get_or(&self, method: &str, path: &str) -> Answer {
        self.ask(method, path, "reads", None).await
    }
}
