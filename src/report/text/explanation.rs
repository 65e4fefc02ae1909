//! Why a user has, lacks or will lose each SKU, as a tree.

use std::fmt::Write as _;

use crate::domain::known::Truth;
use crate::plan::explain::{Effect, Explanation, Has, Owner, PolicyVoice, SkuExplanation};
use crate::report::text::style::{Style, clean};
use crate::report::text::time;

/// Renders an explanation.
pub fn explanation(explanation: &Explanation, style: Style) -> String {
    let mut out = String::new();
    let user = &explanation.user;
    let display = user.display_name.as_deref().map(clean).unwrap_or_default();
    let _ = writeln!(
        out,
        "{}  {display}  {}",
        style.strong(&clean(&user.principal_name)),
        style.dim(&user.id.to_string())
    );
    let read = format!("as read {}", time(explanation.snapshot_taken_at));
    let _ = writeln!(out, "{}", style.dim(&read));
    if explanation.protected {
        let _ = writeln!(out, "{}", style.warn("protected: nothing touches this user"));
    }
    for blocked in &explanation.blocked {
        let _ = writeln!(out, "{}", style.warn(&format!("blocked: {}", blocked.detail)));
    }
    if let Some(location) = &explanation.location {
        let _ = writeln!(out, "usage location: {location}");
    }
    for sku in &explanation.skus {
        render_sku(&mut out, sku, style);
    }
    out
}

fn render_sku(out: &mut String, sku: &SkuExplanation, style: Style) {
    let _ = writeln!(out, "\n{}", style.strong(&sku.sku.name));
    let mut branches = vec![format!("has          {}", has(&sku.has))];
    let instead = sku
        .outranked_by
        .as_ref()
        .map_or(String::new(), |rung| format!(", {} on its ladder is wanted instead", rung.name));
    branches.push(format!("should have  {}{instead}", if sku.wanted { "yes" } else { "no" }));
    branches
        .extend(sku.policies.iter().map(|voice| format!("policy       {}", policy(voice, style))));
    branches.extend(sku.owners.iter().map(|of| format!("owner        {}", owner(of))));
    if sku.next.is_empty() {
        let stays = sku.stays.as_deref().unwrap_or("stays as it is");
        branches.push(format!("next         {stays}"));
    }
    branches.extend(sku.next.iter().map(|next| format!("next         {}", style.strong(next))));
    let last = branches.len() - 1;
    for (at, branch) in branches.iter().enumerate() {
        let twig = if at == last { "└─" } else { "├─" };
        let _ = writeln!(out, "{twig} {branch}");
    }
}

fn has(has: &Has) -> String {
    match has {
        Has::Not => "not".to_owned(),
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
                parts.push(format!("through group {}", groups.join(", ")));
            }
            parts.join(", and ")
        }
    }
}

fn policy(voice: &PolicyVoice, style: Style) -> String {
    let effect = match voice.effect {
        Effect::Grants => "grants it",
        Effect::Removes => "removes it",
        Effect::Replaces => "replaces it",
    };
    let matches = match (voice.broken, voice.matches) {
        (true, _) => "takes no part",
        (false, Truth::True) => "matches",
        (false, Truth::False) => "does not match",
        (false, Truth::Unknown) => "cannot be told",
    };
    format!(
        "{} {}  {effect}; {matches}: {}",
        voice.policy,
        style.dim(&format!("({})", voice.at)),
        voice.detail
    )
}

fn owner(owner: &Owner) -> String {
    let gone = if owner.in_files { "" } else { ", gone from the files" };
    let let_go = owner
        .let_go
        .map(|since| format!(", wants it no longer since {}", time(since)))
        .unwrap_or_default();
    format!("{} since {}{let_go}{gone}", owner.policy, time(owner.since))
}
