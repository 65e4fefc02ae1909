//! The one sentence that answers why a user has, lacks or will lose a SKU.

use super::policies::{PolicyVoice, Standing};
use super::steps::{Step, reason};
use super::{Effect, Has, SkuExplanation};
use crate::domain::known::Truth;
use crate::domain::names::PolicyName;
use crate::plan::Blocked;

/// How many policies a sentence names.
const NAMED: usize = 3;

/// Says in one sentence how a user stands with a SKU, and why.
pub(super) fn verdict(of: &SkuExplanation, protected: bool, blocked: &[Blocked]) -> String {
    let name = &of.sku.name;
    let groups = |groups: &[std::sync::Arc<str>]| match groups {
        [one] => format!("group {one}"),
        several => format!("groups {}", several.join(", ")),
    };
    let has = match &of.has {
        Has::NotRead => {
            return format!(
                "cannot tell about {name}: Graph did not return the user's licenses, so nothing is \
                 done"
            );
        }
        Has::Not => {
            let why = why_not_held(of, protected, blocked);
            return format!("lacks {name}: {why}");
        }
        Has::UnknownSource => format!("has {name}, and Graph does not say how"),
        Has::Told { direct: Some(_), groups: from } if from.is_empty() => {
            format!("has {name} directly")
        }
        Has::Told { direct: Some(_), groups: from } => {
            format!("has {name} directly and from {}", groups(from))
        }
        Has::Told { direct: None, groups: from } => {
            format!("has {name} from {}, not directly", groups(from))
        }
    };
    let owners: Vec<&str> = of.owners.iter().map(|owner| owner.policy.as_str()).collect();
    let owned = match owners.as_slice() {
        [] => String::new(),
        owners => format!(", owned by {}", owners.join(", ")),
    };
    format!("{has}{owned}; {}", what_becomes(of, protected))
}

/// Says what becomes of a SKU that the user has.
fn what_becomes(of: &SkuExplanation, protected: bool) -> String {
    if let Some(step) = of.steps.first() {
        return coming(step);
    }
    let meanwhile = of.ladders.iter().find_map(|ladder| ladder.meanwhile.as_ref());
    if let Some(meanwhile) = meanwhile.filter(|meanwhile| meanwhile.sku.id == of.sku.id) {
        return format!("meanwhile, while waiting for {}", meanwhile.waits_for.name);
    }
    if protected {
        return "protected: nothing touches the user".to_owned();
    }
    let voices = |effect: Effect, matches: Truth| {
        let voices = of.policies.iter();
        voices.filter(move |voice| voice.effect == effect && voice.matches == matches)
    };
    if of.wanted {
        return format!(
            "stays: {}",
            list(voices(Effect::Grants, Truth::True), "wants it", "want it")
        );
    }
    if voices(Effect::Grants, Truth::Unknown).next().is_some() {
        let doubtful = list(voices(Effect::Grants, Truth::Unknown), "wants it", "want it");
        return format!("stays: it cannot be told whether {doubtful}");
    }
    match &of.has {
        Has::UnknownSource => "stays".to_owned(),
        Has::Told { direct: None, groups: _ } => "stays while the group gives it".to_owned(),
        Has::Told { direct: Some(_), groups: _ } if of.owners.is_empty() => {
            "nobody's: no policy wants or owns it".to_owned()
        }
        Has::Told { direct: Some(_), groups: _ } | Has::Not | Has::NotRead => {
            let exchange = "gives another in exchange, and that is not there yet";
            let exchanged = list(voices(Effect::Replaces, Truth::True), exchange, exchange);
            if exchanged.is_empty() { "stays".to_owned() } else { format!("stays: {exchanged}") }
        }
    }
}

/// Says what comes next in a few words.
fn coming(step: &Step) -> String {
    let because = step.because().first().map(reason);
    let because = because.map(|because| format!(": {because}")).unwrap_or_default();
    let held = |guards: &[crate::plan::GuardName]| {
        if guards.is_empty() { "" } else { ", once a person lets it" }
    };
    match step {
        Step::Assigned { held_by, because: _ } => {
            format!("comes with the next plan{}{because}", held(held_by))
        }
        Step::Changed { held_by, because: _ } => {
            format!("stays, with other service plans{}{because}", held(held_by))
        }
        Step::Removed { held_by, because: _ } => {
            format!("goes with the next plan{}{because}", held(held_by))
        }
        Step::Goes { due, since: _, service_plans, because: _ } if service_plans.is_empty() => {
            format!("goes on {}{because}", due.strftime("%Y-%m-%d"))
        }
        Step::Blocked { reason: _, detail, because } => {
            let mut policies: Vec<String> =
                because.iter().map(|because| because.policy.to_string()).collect();
            policies.dedup();
            match policies.as_slice() {
                [] => format!("blocked: {detail}"),
                policies => format!("blocked: {detail} ({})", policies.join(", ")),
            }
        }
        Step::Goes { due: _, since: _, service_plans: _, because: _ }
        | Step::Waits { position: _, since: _, meanwhile: _, because: _ } => {
            format!("{}{because}", step.words())
        }
        Step::Adopted { owners, held_by: _ } => {
            let owners: Vec<&str> = owners.iter().map(PolicyName::as_str).collect();
            format!("stays: {} comes to own it", owners.join(", "))
        }
        Step::LetGo { policy: _, still_wanted: _ } => step.words(),
    }
}

/// Says why a user has not what somebody asks about.
fn why_not_held(of: &SkuExplanation, protected: bool, blocked: &[Blocked]) -> String {
    if protected {
        return "protected: nothing touches the user".to_owned();
    }
    if let Some(step) = of.steps.first() {
        return coming(step);
    }
    let voices = |effect: Effect, matches: Truth| {
        let voices = of.policies.iter();
        voices.filter(move |voice| voice.effect == effect && voice.matches == matches)
    };
    let given = voices(Effect::Grants, Truth::True).next().is_some();
    let taken = list(voices(Effect::Removes, Truth::True), "takes it away", "take it away");
    if given && !taken.is_empty() {
        return taken;
    }
    if let Some(rung) = of.outranked_by.as_ref().filter(|_| given) {
        return format!("{}, a higher rung of its ladder, is wanted instead", rung.name);
    }
    if given {
        return match blocked.first() {
            Some(blocked) => format!("blocked: {}", blocked.detail),
            None => "a policy gives it, and nothing is planned".to_owned(),
        };
    }
    if !taken.is_empty() {
        return format!("no policy gives it, and {taken}");
    }
    let doubtful: Vec<&PolicyVoice> = voices(Effect::Grants, Truth::Unknown).collect();
    if let Some(voice) = doubtful.first() {
        let (policy, at) = (&voice.policy, &voice.at);
        return match &voice.standing {
            Standing::Broken { problem } => {
                format!("{policy} ({at}) would give it, but takes no part: {problem}")
            }
            Standing::Taken
            | Standing::Retired
            | Standing::NotYet { begins: _ }
            | Standing::Over { ended: _ }
            | Standing::Elsewhere => {
                format!("it cannot be told whether {policy} ({at}) matches: {}", voice.detail)
            }
        };
    }
    not_given(&voices(Effect::Grants, Truth::False).collect::<Vec<_>>())
}

/// Says what policies would give it, and what is missing for that.
fn not_given(could: &[&PolicyVoice]) -> String {
    let (here, elsewhere): (Vec<&PolicyVoice>, Vec<&PolicyVoice>) =
        could.iter().copied().partition(|voice| voice.standing != Standing::Elsewhere);
    if here.is_empty() && elsewhere.is_empty() {
        return "no policy gives it".to_owned();
    }
    if here.is_empty() {
        return "only policies for other tenants give it".to_owned();
    }
    let would = |voice: &&PolicyVoice| {
        let (policy, at) = (&voice.policy, &voice.at);
        match (&voice.standing, &voice.selector) {
            (Standing::NotYet { begins }, _) => {
                format!("{policy} ({at}) begins on {}", begins.strftime("%Y-%m-%d"))
            }
            (Standing::Over { ended }, _) => {
                format!("{policy} ({at}) is over since {}", ended.strftime("%Y-%m-%d"))
            }
            (Standing::Retired, _) => format!("{policy} ({at}) is retired"),
            (_, Some(selector)) => format!("{policy} ({at}) would, with: {}", selector.missing()),
            (_, None) => format!("{policy} ({at}) takes no part"),
        }
    };
    let mut told: Vec<String> = here.iter().take(NAMED).map(would).collect();
    if here.len() > NAMED {
        told.push(format!("so would {} others", here.len() - NAMED));
    }
    format!("no policy that matches gives it; {}", told.join("; "))
}

/// Names policies with a verb.
fn list<'a>(voices: impl Iterator<Item = &'a PolicyVoice>, one: &str, several: &str) -> String {
    let names: Vec<&str> = voices.map(|voice| voice.policy.as_str()).collect();
    match names.as_slice() {
        [] => String::new(),
        [name] => format!("{name} {one}"),
        names => format!("{} {several}", names.join(" and ")),
    }
}
