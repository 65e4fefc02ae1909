//! A plan to show to whoever may not know whom it is about: nobody's name stands in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::plan::{Because, Origin, Plan, Reason, UserRef};

/// Returns a plan without names of people. Each stands as `user-` and the first eight digits of their
/// object id; in texts, also what looks like a principal name of somebody else is gone, and so are the
/// owners of policies. Policies, groups, places and counts stay. What it returns is to be looked at, and
/// fits no approval.
pub fn redacted(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    let mut names: BTreeMap<String, Arc<str>> = BTreeMap::new();
    each_user(&mut plan, &mut |user| {
        let id = user.id.to_string();
        let alias: Arc<str> = format!("user-{}", id.get(..8).unwrap_or(&id)).into();
        names.insert(user.principal_name.to_lowercase(), alias.clone());
        if let Some(display) = user.display_name.take() {
            names.insert(display.to_lowercase(), alias.clone());
        }
        user.principal_name = alias;
    });
    each_text(&mut plan, &mut |text| {
        let cleared = cleared(text, &names);
        if *cleared != **text {
            *text = cleared.into();
        }
    });
    if let Origin::Bulk(request) = &mut plan.origin {
        // How they were chosen may be by their names, and stands in the reasons too.
        request.selection = "chosen one by one or by a search".into();
    }
    plan.policy_owners.clear();
    plan
}

fn each_user(plan: &mut Plan, change: &mut impl FnMut(&mut UserRef)) {
    plan.operations.iter_mut().for_each(|one| change(&mut one.user));
    plan.blocked.iter_mut().for_each(|one| change(&mut one.user));
    plan.waiting.iter_mut().for_each(|one| change(&mut one.user));
    plan.scheduled.iter_mut().for_each(|one| change(&mut one.user));
    plan.released.iter_mut().for_each(|one| change(&mut one.user));
    plan.no_longer.iter_mut().for_each(|one| change(&mut one.user));
}

/// Changes every text that may speak of somebody.
fn each_text(plan: &mut Plan, change: &mut impl FnMut(&mut Arc<str>)) {
    let string = |text: &mut String, change: &mut dyn FnMut(&mut Arc<str>)| {
        let mut shared: Arc<str> = text.as_str().into();
        change(&mut shared);
        *text = shared.to_string();
    };
    let mut of_all: Vec<&mut Because> = Vec::new();
    of_all.extend(plan.operations.iter_mut().flat_map(|one| &mut one.because));
    of_all.extend(plan.blocked.iter_mut().flat_map(|one| &mut one.because));
    of_all.extend(plan.waiting.iter_mut().flat_map(|one| &mut one.because));
    of_all.extend(plan.scheduled.iter_mut().flat_map(|one| &mut one.because));
    of_all.extend(plan.no_longer.iter_mut().flat_map(|one| &mut one.because));
    for because in of_all {
        match because.reason {
            Reason::Requested => because.detail = "asked for once".into(),
            Reason::Matched
            | Reason::Removed
            | Reason::Replaced
            | Reason::Left
            | Reason::Withdrawn
            | Reason::Exchanged
            | Reason::Located
            | Reason::Outranked
            | Reason::SteppedDown
            | Reason::Reverted => change(&mut because.detail),
        }
    }
    plan.blocked.iter_mut().for_each(|blocked| string(&mut blocked.detail, change));
    plan.unknown.iter_mut().for_each(|unknown| change(&mut unknown.detail));
    plan.left_out.iter_mut().for_each(|left_out| string(&mut left_out.problem, change));
    plan.warnings.iter_mut().for_each(|warning| string(&mut warning.message, change));
}

/// Puts aliases for the names that are known, word by word, and clears what else looks like a principal
/// name. Display names are found where they stand as a whole.
fn cleared(text: &str, names: &BTreeMap<String, Arc<str>>) -> String {
    if let Some(alias) = names.get(&text.to_lowercase()) {
        return alias.to_string();
    }
    let is_part = |c: char| c.is_alphanumeric() || "@._-'+#%~!^&$*/=?{|}`".contains(c);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_part) {
        out.push_str(&rest[..start]);
        let length = rest[start..].find(|c| !is_part(c)).unwrap_or(rest.len() - start);
        let word = &rest[start..start + length];
        let bare = word.trim_end_matches(['.', '\'']);
        match names.get(&bare.to_lowercase()) {
            Some(alias) => {
                out.push_str(alias);
                out.push_str(&word[bare.len()..]);
            }
            None if bare.contains('@') => out.push_str("(redacted)"),
            None => out.push_str(word),
        }
        rest = &rest[start + length..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::report::any::any_plan;

    #[test]
    fn names_in_texts_become_aliases_and_other_addresses_go() {
        let names = [
            ("ana@contoso.com".to_owned(), "user-1".into()),
            ("ana berg".to_owned(), "user-1".into()),
        ]
        .into();
        for (text, shown) in [
            ("user Ana@contoso.com.", "user user-1."),
            ("ben!b^c@x.org is in group Sales", "(redacted) is in group Sales"),
            ("Ana Berg", "user-1"),
            ("OU=Sales,OU=People", "OU=Sales,OU=People"),
            ("", ""),
        ] {
            assert_eq!(cleared(text, &names), shown);
        }
    }

    proptest! {
        #[test]
        fn nobody_is_named_and_the_rest_stays(plan in any_plan()) {
            let shown = redacted(&plan);
            prop_assert_eq!(&shown.summary, &plan.summary);
            prop_assert_eq!(shown.operations.len(), plan.operations.len());
            for (shown, real) in shown.operations.iter().zip(&plan.operations) {
                prop_assert!(shown.user.principal_name.starts_with("user-"));
                prop_assert_eq!(shown.user.display_name.as_ref(), None);
                prop_assert_eq!((&shown.add, &shown.remove), (&real.add, &real.remove));
                prop_assert!(shown.because.iter().all(|because| !because.detail.contains('@')));
            }
        }
    }
}
