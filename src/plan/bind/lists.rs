//! Lists of users, fitted to a tenant.

use crate::domain::ids::UserId;
use crate::domain::names::Place;
use crate::plan::Warning;
use crate::plan::bind::Problem;
use crate::policy::list::{List, Listed, Row};

/// How many rows that fit nobody are told one by one; the rest are counted.
const TOLD_MAX: usize = 20;

/// A list in ids.
pub(super) struct FittedList {
    /// Who is on it, in the order of ids, each once.
    pub(super) users: Vec<UserId>,
    /// The rows that fit no user, in the order of lines, with their places.
    misfits: Vec<(Place, Listed)>,
}

impl FittedList {
    pub(super) fn new(list: &List, find: impl Fn(&Listed) -> Option<UserId>) -> Self {
        let mut users = Vec::with_capacity(list.rows().len());
        let mut misfits: Vec<&Row> = Vec::new();
        for row in list.rows() {
            match find(&row.who) {
                Some(user) => users.push(user),
                None => misfits.push(row),
            }
        }
        users.sort_unstable();
        users.dedup();
        misfits.sort_unstable_by_key(|row| row.line);
        let misfits = misfits.into_iter().map(|row| (list.place(row), row.who.clone())).collect();
        Self { users, misfits }
    }

    /// Whether somebody is on it whom nobody can be found for.
    pub(super) fn names_nobody(&self) -> bool {
        !self.misfits.is_empty()
    }

    /// Returns the rows that fit no user, to be looked at.
    pub(super) fn warnings(&self) -> Vec<Warning> {
        let one = |who: &Listed| format!("no user `{who}` in the tenant");
        let more = |count: usize| format!("this row and {count} more fit no user of the tenant");
        self.told(one, more, |place, message| Warning { at: place.file_and_line().into(), message })
    }

    /// Returns the rows that fit no user, of a list of exceptions: they would except nobody.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let one = |who: &Listed| format!("unknown user `{who}` among the exceptions");
        let more =
            |count: usize| format!("this row and {count} more among the exceptions fit no user");
        self.told(one, more, |place, message| Problem {
            place,
            message,
            written: "".into(),
            hint: Some(
                "an exception that fits nobody protects nobody: correct the row, or take it out"
                    .to_owned(),
            ),
        })
    }

    fn told<T>(
        &self,
        one: impl Fn(&Listed) -> String,
        more: impl Fn(usize) -> String,
        mut tell: impl FnMut(Place, String) -> T,
    ) -> Vec<T> {
        let (first, rest) = self.misfits.split_at(self.misfits.len().min(TOLD_MAX));
        let mut told: Vec<T> =
            first.iter().map(|(place, who)| tell(place.clone(), one(who))).collect();
        match rest {
            [] => {}
            [(place, who)] => told.push(tell(place.clone(), one(who))),
            [(place, _), others @ ..] => told.push(tell(place.clone(), more(others.len()))),
        }
        told
    }
}
