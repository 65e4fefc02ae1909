//! Stops a run that goes wrong.

use crate::ports::{Answer, RefusalKind};

/// So many failures in a row stop a run.
const IN_A_ROW_MAX: u32 = 5;
/// This share of failures stops a run, in percent.
const PERCENT_MAX: u32 = 10;
/// Below this many answers a share is no measure.
const ANSWERS_MIN: u32 = 20;

/// Counts answers.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    answers: u32,
    failures: u32,
    in_a_row: u32,
    open: Option<String>,
}

impl Breaker {
    /// Takes an answer in.
    pub(crate) fn take(&mut self, answer: &Answer) {
        let refusal = match answer {
            Answer::NotSent => return,
            Answer::Accepted { request_id: _ } => None,
            Answer::Refused(refusal) | Answer::Failed(refusal) => Some(refusal),
        };
        self.answers += 1;
        let Some(refusal) = refusal else {
            self.in_a_row = 0;
            return;
        };
        match refusal.kind {
            RefusalKind::Forbidden => {
                self.trip(format!("Graph does not allow it: {}", refusal.message));
                self.fail(&refusal.message);
            }
            RefusalKind::Unavailable | RefusalKind::SkuNotAssignable | RefusalKind::Other => {
                self.fail(&refusal.message);
            }
            // These are about one user. Nothing is wrong with the tenant, and others need not wait.
            RefusalKind::NoUsageLocation
            | RefusalKind::NoSeats
            | RefusalKind::NotHeld
            | RefusalKind::Inherited
            | RefusalKind::Dependency
            | RefusalKind::Exclusive
            | RefusalKind::AddressTaken
            | RefusalKind::NoSuchUser => {}
        }
    }

    /// Takes in that something accepted did not come about.
    pub(crate) fn fail(&mut self, message: &str) {
        self.failures += 1;
        self.in_a_row += 1;
        if self.in_a_row >= IN_A_ROW_MAX {
            self.trip(format!(
                "{IN_A_ROW_MAX} operations in a row failed, the last with: {message}"
            ));
        } else if self.answers >= ANSWERS_MIN && self.failures * 100 >= self.answers * PERCENT_MAX {
            self.trip(format!("{} of {} operations failed", self.failures, self.answers));
        }
    }

    /// Stops the run, for this reason where there is no earlier one.
    pub(crate) fn trip(&mut self, why: String) {
        self.open.get_or_insert(why);
    }

    /// Says why the run has to stop, where it has to.
    pub(crate) fn open(&self) -> Option<&str> {
        self.open.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::Refusal;

    fn refused(kind: RefusalKind) -> Answer {
        Answer::Refused(Refusal {
            kind,
            status: 400,
            code: "Request_BadRequest".into(),
            message: "no".into(),
            request_id: None,
        })
    }

    fn run(answers: impl IntoIterator<Item = Answer>) -> Breaker {
        let mut breaker = Breaker::default();
        answers.into_iter().for_each(|answer| breaker.take(&answer));
        breaker
    }

    const FINE: Answer = Answer::Accepted { request_id: None };

    #[test]
    fn one_forbidden_stops_at_once() {
        assert!(run([FINE, refused(RefusalKind::Forbidden)]).open().is_some());
    }

    #[test]
    fn five_in_a_row_stop_and_four_do_not() {
        assert!(run(vec![refused(RefusalKind::Unavailable); 5]).open().is_some());
        let mut broken = vec![refused(RefusalKind::Unavailable); 4];
        broken.push(FINE);
        broken.extend(vec![refused(RefusalKind::Unavailable); 4]);
        assert!(run(broken).open().is_none());
    }

    #[test]
    fn refusals_about_single_users_do_not_keep_the_others_waiting() {
        assert!(run(vec![refused(RefusalKind::Exclusive); 50]).open().is_none());
        assert!(run(vec![refused(RefusalKind::NoSeats); 50]).open().is_none());
    }

    #[test]
    fn a_tenth_failed_stops_once_there_are_twenty() {
        let mut answers = vec![FINE; 18];
        answers.push(refused(RefusalKind::Other));
        assert!(run(answers.clone()).open().is_none());
        answers.push(refused(RefusalKind::Other));
        assert!(run(answers).open().is_some());
    }

    #[test]
    fn what_was_not_sent_counts_for_nothing() {
        assert!(run(vec![Answer::NotSent; 50]).open().is_none());
    }
}
