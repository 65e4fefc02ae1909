//! Why a user has, lacks or will lose each SKU, as a tree. Of each SKU the first line answers; the
//! tree below it proves the answer.

use std::fmt::Write as _;

use crate::domain::known::Truth;
use crate::plan::Because;
use crate::plan::explain::{
    Effect, Explanation, Finding, Has, Joins, LadderVoice, Owner, PolicyVoice, SkuExplanation,
    Standing, Step,
};
use crate::ports::HistoryEntry;
use crate::report::past::{Past, past};
use crate::report::text::branch::{Branch, draw};
use crate::report::text::style::{Style, clean};
use crate::report::text::time;
use crate::report::word::Word;

/// Renders an explanation with what was recorded of the user, newest first. What does not decide is
/// left out unless `all` is asked for.
pub fn explanation(
    explanation: &Explanation,
    history: &[HistoryEntry],
    all: bool,
    style: Style,
) -> String {
    let mut out = String::new();
    let Explanation { user, protected, snapshot_taken_at, skus, location, blocked } = explanation;
    let display = user.display_name.as_deref().map(clean).unwrap_or_default();
    let _ = writeln!(
        out,
        "{}  {display}  {}",
        style.strong(&clean(&user.principal_name)),
        style.dim(&user.id.to_string())
    );
    let read = format!("as read {}", time(*snapshot_taken_at));
    let _ = writeln!(out, "{}", style.dim(&read));
    if *protected {
        let _ = writeln!(out, "{}", style.warn("protected: nothing touches this user"));
    }
    for blocked in blocked {
        let _ = writeln!(out, "{}", style.warn(&format!("blocked: {}", blocked.detail)));
        let twigs: Vec<Branch> = blocked.because.iter().map(|of| because(of, style)).collect();
        draw(&mut out, &twigs);
    }
    if let Some(location) = location {
        let _ = writeln!(out, "usage location: {location}");
    }
    for sku in skus {
        let past = past(history, sku.sku.id);
        let told = Told { sku, past, all, says_members: all, style };
        let _ = writeln!(out, "\n{}", style.strong(&sku.verdict));
        if all || skus.len() == 1 || told.is_of_interest() {
            draw(&mut out, &told.branches());
        }
    }
    if !all {
        let hint = "what does not decide is left out; `--all` tells everything";
        let _ = writeln!(out, "\n{}", style.dim(hint));
    }
    out
}

/// Returns each SKU's answer and the tree below it that proves it. Unless `all` is asked for, what does
/// not decide is left out, and a SKU of which the answer says everything has no tree. That policies
/// mean members is not said where it holds.
pub(crate) fn trees(
    explanation: &Explanation,
    history: &[HistoryEntry],
    all: bool,
) -> Vec<(String, Vec<Branch>)> {
    let is_alone = explanation.skus.len() == 1;
    let tree = |sku: &SkuExplanation| {
        let past = past(history, sku.sku.id);
        let told = Told { sku, past, all, says_members: false, style: Style::Plain };
        let is_told = all || is_alone || told.is_of_interest();
        (sku.verdict.clone(), if is_told { told.branches() } else { Vec::new() })
    };
    explanation.skus.iter().map(tree).collect()
}

struct Told<'a> {
    sku: &'a SkuExplanation,
    past: Vec<Past<'a>>,
    all: bool,
    /// Whether each policy says what goes without saying: that it means members.
    says_members: bool,
    style: Style,
}

impl Told<'_> {
    /// Whether there is more to say than that the user does not have it and gets it from nobody.
    fn is_of_interest(&self) -> bool {
        let decides =
            |voice: &PolicyVoice| voice.effect == Effect::Grants && voice.matches != Truth::False;
        self.sku.has != Has::Not
            || self.sku.wanted
            || !self.sku.steps.is_empty()
            || !self.past.is_empty()
            || self.sku.policies.iter().any(decides)
    }

    fn branches(&self) -> Vec<Branch> {
        let SkuExplanation {
            sku: _,
            verdict: _,
            has: held,
            wanted,
            outranked_by,
            ladders,
            policies,
            owners,
            steps,
            stays,
        } = self.sku;
        let instead = outranked_by.as_ref();
        let instead = instead.map_or(String::new(), |rung| {
            format!(", {} on its ladder is wanted instead", rung.name)
        });
        let mut branches = vec![
            Branch::leaf(format!("has          {}", has(held))),
            Branch::leaf(format!("should have  {}{instead}", if *wanted { "yes" } else { "no" })),
        ];
        let voices = policies.iter().filter(|voice| self.all || voice.decides);
        branches.extend(voices.map(|voice| self.policy(voice)));
        branches.extend(ladders.iter().map(|of| ladder(of, self.sku, self.style)));
        branches
            .extend(owners.iter().map(|of| Branch::leaf(format!("owner        {}", owner(of)))));
        if steps.is_empty() {
            let stays = stays.as_deref().unwrap_or("stays as it is");
            branches.push(Branch::leaf(format!("next         {stays}")));
        }
        branches.extend(steps.iter().map(|step| next(step, self.style)));
        branches.extend(self.past.iter().map(|past| happened(past, self.style)));
        branches
    }

    fn policy(&self, voice: &PolicyVoice) -> Branch {
        let effect = match voice.effect {
            Effect::Grants => "gives it",
            Effect::Removes => "takes it away",
            Effect::Replaces => "gives another in exchange",
            Effect::SwitchesOff => "switches service plans off",
        };
        let (policy, at) = (&voice.policy, self.style.dim(&format!("({})", voice.at)));
        let stands = match &voice.standing {
            Standing::Taken => match voice.matches {
                Truth::True => "matches".to_owned(),
                Truth::False => "does not match".to_owned(),
                Truth::Unknown => "cannot be told whether it matches".to_owned(),
            },
            Standing::Broken { problem } => format!("takes no part: {problem}"),
            Standing::Retired => "is retired, and matches nobody".to_owned(),
            Standing::NotYet { begins } => format!("begins on {}", time(*begins)),
            Standing::Over { ended } => format!("is over since {}", time(*ended)),
            Standing::Elsewhere => "is for other tenants".to_owned(),
        };
        let twigs = match &voice.selector {
            Some(whole) if whole.joins == Joins::All => self.findings(&whole.parts),
            Some(whole) => self.findings(std::slice::from_ref(whole)),
            None => Vec::new(),
        };
        Branch::new(format!("policy       {policy} {at}  {effect}; {stands}"), twigs)
    }

    fn findings(&self, findings: &[Finding]) -> Vec<Branch> {
        let goes_without_saying = |of: &Finding| of.implied && of.truth == Truth::True;
        let told = findings.iter().filter(|of| self.all || of.decides);
        let told = told.filter(|of| self.says_members || !goes_without_saying(of));
        told.map(|finding| self.finding(finding)).collect()
    }

    fn finding(&self, finding: &Finding) -> Branch {
        let Finding { joins, place, label, truth, found, doubt, decides: _, implied, parts } =
            finding;
        let (mark, style): (&str, fn(Style, &str) -> String) = match truth {
            Truth::True => ("✓ yes", Style::plus),
            Truth::False => ("✗ no ", Style::minus),
            Truth::Unknown => ("? unknown", Style::warn),
        };
        let exceptions = *joins == Joins::None && *truth == Truth::True && !self.all;
        let what = match joins {
            Joins::All => "all of".to_owned(),
            Joins::Any => "any of".to_owned(),
            Joins::None if exceptions => match parts.len() {
                1 => "the exception does not apply".to_owned(),
                several => format!("none of {several} exceptions applies"),
            },
            Joins::None => "none of".to_owned(),
            Joins::Test if *implied => {
                format!("{label} (goes without saying, unless a policy names `user_type`)")
            }
            Joins::Test => clean(label),
        };
        let found = found.as_ref().map(|found| format!(", is `{}`", clean(found)));
        let doubt = doubt.as_ref().map(|doubt| format!(": {doubt}"));
        let at = if *joins == Joins::Test && !implied {
            format!("  {}", self.style.dim(&format!("({place})")))
        } else {
            String::new()
        };
        let text = format!(
            "{}  {what}{}{}{at}",
            style(self.style, mark),
            found.unwrap_or_default(),
            doubt.unwrap_or_default()
        );
        let parts = if exceptions { &[][..] } else { parts };
        Branch::new(text, self.findings(parts))
    }
}

/// Says how somebody has a SKU.
pub(crate) fn has(has: &Has) -> String {
    match has {
        Has::Not => "not".to_owned(),
        Has::NotRead => "unknown: Graph did not return the user's licenses".to_owned(),
        Has::UnknownSource => "yes, but Graph does not say from where".to_owned(),
        Has::Told { direct, groups } => {
            let mut parts = Vec::new();
            if let Some(off) = direct {
                parts.push(match off.len() {
                    0 => "directly, all service plans on".to_owned(),
                    1..=6 => format!("directly, off: {}", off.join(", ")),
                    many => format!("directly, {many} service plans off"),
                });
            }
            if !groups.is_empty() {
                parts.push(format!("through group {}", clean(&groups.join(", "))));
            }
            parts.join(", and ")
        }
    }
}

fn ladder(ladder: &LadderVoice, about: &SkuExplanation, style: Style) -> Branch {
    let LadderVoice { name, at, rungs, fall_back, meanwhile } = ladder;
    let wanted = rungs.iter().position(|rung| rung.given);
    let twigs = rungs.iter().enumerate().map(|(place, rung)| {
        let mut words = Vec::new();
        if rung.held {
            words.push("held".to_owned());
        }
        if rung.given {
            words.push(match wanted {
                Some(top) if top == place => "wanted".to_owned(),
                _ => "given too, and outranked".to_owned(),
            });
        }
        match meanwhile {
            Some(of) if of.sku == rung.sku => {
                words.push(format!("taken meanwhile, while {} is waited for", of.waits_for.name));
            }
            Some(_) | None => {}
        }
        if rung.sku == about.sku {
            words.push("this one".to_owned());
        }
        let words = if words.is_empty() { "-".to_owned() } else { words.join(", ") };
        Branch::leaf(format!("{}. {}: {words}", place + 1, rung.sku.name))
    });
    let at = style.dim(&format!("({at})"));
    let fall_back =
        if *fall_back { "; a lower rung is taken while a seat is waited for" } else { "" };
    Branch::new(format!("ladder       {name} {at}{fall_back}"), twigs.collect())
}

fn owner(owner: &Owner) -> String {
    let gone = if owner.in_files { "" } else { ", gone from the files" };
    let let_go = owner
        .let_go
        .map(|since| format!(", wants it no longer since {}", time(since)))
        .unwrap_or_default();
    format!("{} since {}{let_go}{gone}", owner.policy, time(owner.since))
}

fn next(step: &Step, style: Style) -> Branch {
    let mut twigs: Vec<Branch> = step.because().iter().map(|of| because(of, style)).collect();
    if let Step::Goes { due: _, since: Some(since), service_plans: _, because: _ } = step {
        twigs.push(Branch::leaf(format!("the grace runs since {}", time(*since))));
    }
    Branch::new(format!("next         {}", style.strong(&step.words())), twigs)
}

fn because(because: &Because, style: Style) -> Branch {
    let Because { policy, at, sku: _, reason, detail } = because;
    let at = if at.is_empty() { String::new() } else { style.dim(&format!(" ({at})")) };
    Branch::leaf(format!("because of {policy}{at}, {}: {}", reason.word(), clean(detail)))
}

fn happened(past: &Past<'_>, style: Style) -> Branch {
    let Past { entry, change, because } = past;
    let mut policies: Vec<&str> = because.iter().map(|because| because.policy.as_str()).collect();
    policies.dedup();
    let by = if policies.is_empty() {
        String::new()
    } else {
        format!(", by policy {}", policies.join(", "))
    };
    let approved = entry.approved_by.as_deref();
    let approved = approved.map(|who| format!(", approved by {}", clean(who))).unwrap_or_default();
    let plan = style.dim(&format!("(plan {})", entry.outcome.plan));
    let at = time(entry.outcome.at);
    let (change, outcome) = (change.word(), entry.outcome.kind.as_str());
    Branch::leaf(format!("history      {at}  {change}: {outcome}{by}{approved} {plan}"))
}
