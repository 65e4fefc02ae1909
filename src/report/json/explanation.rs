//! Explanations as JSON: the same tree as on a terminal, with nothing left out.

use serde_json::{Value, json};

use crate::domain::known::Truth;
use crate::domain::names::PolicyName;
use crate::plan::explain::{
    Effect, Explanation, Finding, Has, Joins, LadderVoice, Meanwhile, Owner, PolicyVoice,
    RungVoice, SkuExplanation, Standing, Step,
};
use crate::plan::{Because, Blocked, GuardName, SkuRef};
use crate::ports::HistoryEntry;
use crate::report::json::pretty;
use crate::report::past::{Past, past};
use crate::report::word::Word;

/// Returns an explanation as JSON, with what was recorded of the user, newest first.
pub fn explanation_to_json(explanation: &Explanation, history: &[HistoryEntry]) -> String {
    let Explanation { user, protected, snapshot_taken_at, skus, location, blocked } = explanation;
    let details: Vec<&str> = blocked.iter().map(|blocked| blocked.detail.as_str()).collect();
    let sku = |of: &SkuExplanation| sku_form(of, &past(history, of.sku.id));
    let mut text = pretty(&json!({
        "format_version": 1,
        "user": {
            "id": user.id.to_string(),
            "user_principal_name": &*user.principal_name,
            "display_name": user.display_name.as_deref(),
        },
        "protected": protected,
        "snapshot_taken_at": snapshot_taken_at.to_string(),
        "usage_location": location,
        "blocked": details,
        "blocks": blocked.iter().map(block_form).collect::<Vec<_>>(),
        "skus": skus.iter().map(sku).collect::<Vec<_>>(),
    }));
    text.push('\n');
    text
}

fn block_form(blocked: &Blocked) -> Value {
    let Blocked { user: _, sku: _, reason, detail, because } = blocked;
    json!({"reason": reason.word(), "detail": detail, "because": because_forms(because)})
}

fn sku_form(explanation: &SkuExplanation, past: &[Past<'_>]) -> Value {
    let SkuExplanation {
        sku,
        verdict,
        has,
        wanted,
        outranked_by,
        ladders,
        policies,
        owners,
        steps,
        stays,
    } = explanation;
    json!({
        "sku_id": sku.id.to_string(),
        "sku": &*sku.name,
        "verdict": verdict,
        "has": has_form(has),
        "wanted": wanted,
        "outranked_by": outranked_by.as_ref().map(|rung| &*rung.name),
        "ladders": ladders.iter().map(ladder_form).collect::<Vec<_>>(),
        "policies": policies.iter().map(voice_form).collect::<Vec<_>>(),
        "owners": owners.iter().map(owner_form).collect::<Vec<_>>(),
        "next": steps.iter().map(Step::words).collect::<Vec<_>>(),
        "steps": steps.iter().map(step_form).collect::<Vec<_>>(),
        "stays": stays,
        "history": past.iter().map(past_form).collect::<Vec<_>>(),
    })
}

fn has_form(has: &Has) -> Value {
    match has {
        Has::Not => json!({"held": false}),
        Has::NotRead => json!({"held": null}),
        Has::UnknownSource => json!({"held": true, "source": "unknown"}),
        Has::Told { direct, groups } => json!({
            "held": true,
            "source": "told",
            "direct": direct.is_some(),
            "disabled_plans": direct.iter().flatten().map(|name| &**name).collect::<Vec<&str>>(),
            "groups": groups.iter().map(|name| &**name).collect::<Vec<&str>>(),
        }),
    }
}

fn sku_ref(sku: &SkuRef) -> Value {
    json!({"sku_id": sku.id.to_string(), "sku": &*sku.name})
}

fn ladder_form(ladder: &LadderVoice) -> Value {
    let LadderVoice { name, at, rungs, fall_back, meanwhile } = ladder;
    let rung = |rung: &RungVoice| {
        let RungVoice { sku, held, given } = rung;
        json!({
            "sku_id": sku.id.to_string(), "sku": &*sku.name, "held": held, "given": given,
        })
    };
    let meanwhile = meanwhile.as_ref().map(|Meanwhile { sku, waits_for }| {
        json!({"takes": sku_ref(sku), "waits_for": sku_ref(waits_for)})
    });
    json!({
        "ladder": name.as_str(), "at": &**at, "fall_back": fall_back, "meanwhile": meanwhile,
        "rungs": rungs.iter().map(rung).collect::<Vec<_>>(),
    })
}

fn voice_form(voice: &PolicyVoice) -> Value {
    let PolicyVoice { policy, at, effect, matches, standing, detail, selector, decides } = voice;
    let effect = match effect {
        Effect::Grants => "grants",
        Effect::Removes => "removes",
        Effect::Replaces => "replaces",
        Effect::SwitchesOff => "switches_off",
    };
    let (word, problem, moment) = match standing {
        Standing::Taken => ("takes_part", None, None),
        Standing::Broken { problem } => ("does_not_fit", Some(problem), None),
        Standing::Retired => ("retired", None, None),
        Standing::NotYet { begins } => ("not_yet", None, Some(begins.to_string())),
        Standing::Over { ended } => ("over", None, Some(ended.to_string())),
        Standing::Elsewhere => ("other_tenants", None, None),
    };
    let takes_part = match standing {
        Standing::Broken { problem: _ } | Standing::Elsewhere => false,
        Standing::Taken
        | Standing::Retired
        | Standing::NotYet { begins: _ }
        | Standing::Over { ended: _ } => true,
    };
    json!({
        "policy": policy.as_str(), "at": &**at, "effect": effect, "matches": truth(*matches),
        "takes_part": takes_part, "detail": &**detail, "standing": word, "problem": problem,
        "boundary": moment, "decides": decides, "match": selector.as_ref().map(finding_form),
    })
}

fn truth(truth: Truth) -> Value {
    match truth {
        Truth::True => Value::Bool(true),
        Truth::False => Value::Bool(false),
        Truth::Unknown => Value::Null,
    }
}

fn finding_form(finding: &Finding) -> Value {
    let Finding { joins, place, label, truth: holds, found, doubt, decides, implied, parts } =
        finding;
    let kind = match joins {
        Joins::All => "all",
        Joins::Any => "any",
        Joins::None => "none",
        Joins::Test => "test",
    };
    let mut form = json!({
        "kind": kind, "at": place.to_string(), "holds": truth(*holds), "decides": decides,
    });
    let fields = form.as_object_mut().expect("it was written as an object");
    if *joins == Joins::Test {
        fields.insert("test".to_owned(), json!(&**label));
        fields.insert("found".to_owned(), json!(found));
        fields.insert("unknown_because".to_owned(), json!(doubt));
        fields.insert("implied".to_owned(), json!(implied));
    } else {
        let parts: Vec<Value> = parts.iter().map(finding_form).collect();
        fields.insert("parts".to_owned(), Value::Array(parts));
    }
    form
}

fn owner_form(owner: &Owner) -> Value {
    let Owner { policy, since, let_go, in_files } = owner;
    json!({
        "policy": policy.as_str(), "since": since.to_string(),
        "let_go": let_go.map(|at| at.to_string()), "in_files": in_files,
    })
}

fn step_form(step: &Step) -> Value {
    let held = |guards: &[GuardName]| -> Vec<&'static str> {
        guards.iter().map(|guard| guard.as_str()).collect()
    };
    let because = because_forms(step.because());
    match step {
        Step::Assigned { held_by, because: _ } => {
            json!({"step": "assigned", "held_by": held(held_by), "because": because})
        }
        Step::Changed { held_by, because: _ } => {
            json!({"step": "changed", "held_by": held(held_by), "because": because})
        }
        Step::Removed { held_by, because: _ } => {
            json!({"step": "removed", "held_by": held(held_by), "because": because})
        }
        Step::Adopted { owners, held_by } => {
            let owners: Vec<&str> = owners.iter().map(PolicyName::as_str).collect();
            json!({"step": "adopted", "owners": owners, "held_by": held(held_by)})
        }
        Step::Blocked { reason, detail, because: _ } => json!({
            "step": "blocked", "reason": reason.word(), "detail": detail, "because": because,
        }),
        Step::Waits { position, since, meanwhile, because: _ } => json!({
            "step": "waits", "position": position, "since": since.to_string(),
            "meanwhile": meanwhile.as_ref().map(sku_ref), "because": because,
        }),
        Step::Goes { due, since, service_plans, because: _ } => json!({
            "step": "goes", "due": due.to_string(),
            "running_since": since.map(|since| since.to_string()),
            "service_plans": service_plans.iter().map(|plan| &*plan.name).collect::<Vec<&str>>(),
            "because": because,
        }),
        Step::LetGo { policy, still_wanted } => json!({
            "step": "let_go", "policy": policy.as_str(), "still_wanted": still_wanted,
        }),
    }
}

fn because_forms(because: &[Because]) -> Vec<Value> {
    let form = |because: &Because| {
        let Because { policy, at, sku, reason, detail } = because;
        json!({
            "policy": policy.as_str(), "at": &**at, "sku": sku.as_ref().map(|sku| &*sku.name),
            "reason": reason.word(), "detail": &**detail,
        })
    };
    because.iter().map(form).collect()
}

fn past_form(past: &Past<'_>) -> Value {
    let Past { entry, change, because } = past;
    let mut policies: Vec<&str> = because.iter().map(|because| because.policy.as_str()).collect();
    policies.dedup();
    json!({
        "at": entry.outcome.at.to_string(), "change": change.word(),
        "outcome": entry.outcome.kind.as_str(), "plan": entry.outcome.plan.to_string(),
        "policies": policies, "approved_by": entry.approved_by.as_deref(),
    })
}
