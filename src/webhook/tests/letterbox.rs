//! A desk in memory that knows deliveries alone: a store works on threads of its own, for which a
//! clock that is paused does not wait.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;

use crate::domain::names::TenantName;
use crate::plan::PlanId;
use crate::ports::RecordsError;
use crate::ports::desk::{
    Delivered, Delivery, Desk, Notice, Pause, Reply, Report, Request, RequestId, Standing,
};

/// What is to be delivered, and when.
#[derive(Default)]
pub(super) struct Letterbox(Mutex<Vec<(Delivery, Timestamp)>>);

impl Desk for Letterbox {
    async fn notify(&self, notice: Notice, receivers: Vec<Arc<str>>) -> Result<bool, RecordsError> {
        let mut due = self.0.lock().unwrap();
        let number = due.len() as u64 + 1;
        let at = notice.at;
        let delivery =
            |receiver| (Delivery { number, receiver, notice: notice.clone(), tries: 0 }, at);
        due.extend(receivers.into_iter().map(delivery));
        Ok(true)
    }

    async fn due_deliveries(&self, now: Timestamp) -> Result<Vec<Delivery>, RecordsError> {
        let due = self.0.lock().unwrap();
        Ok(due.iter().filter(|(_, at)| *at <= now).map(|(delivery, _)| delivery.clone()).collect())
    }

    async fn delivered(
        &self,
        number: u64,
        receiver: &str,
        outcome: Delivered,
    ) -> Result<(), RecordsError> {
        let mut due = self.0.lock().unwrap();
        let found = due
            .iter()
            .position(|(one, _)| (one.number, &*one.receiver) == (number, receiver))
            .unwrap();
        match outcome {
            Delivered::Again { at, why: _ } => {
                due[found].0.tries += 1;
                due[found].1 = at;
            }
            Delivered::Done | Delivered::GivenUp { why: _ } => drop(due.remove(found)),
        }
        Ok(())
    }

    async fn ask(&self, _: Request) -> Result<(), RecordsError> {
        unreachable!()
    }

    async fn standing(&self, _: RequestId) -> Result<Standing, RecordsError> {
        unreachable!()
    }

    async fn withdraw(&self, _: RequestId) -> Result<Standing, RecordsError> {
        unreachable!()
    }

    async fn take_request(
        &self,
        _: &TenantName,
        _: Timestamp,
    ) -> Result<Option<Request>, RecordsError> {
        unreachable!()
    }

    async fn answer(&self, _: RequestId, _: Reply, _: Timestamp) -> Result<(), RecordsError> {
        unreachable!()
    }

    async fn abandon_requests(&self, _: &TenantName, _: Timestamp) -> Result<u64, RecordsError> {
        unreachable!()
    }

    async fn approved_plans(
        &self,
        _: &TenantName,
        _: jiff::Timestamp,
    ) -> Result<Vec<PlanId>, RecordsError> {
        unreachable!()
    }

    async fn pause(&self, _: Pause) -> Result<(), RecordsError> {
        unreachable!()
    }

    async fn resume(
        &self,
        _: Option<&TenantName>,
        _: Arc<str>,
        _: Timestamp,
    ) -> Result<u64, RecordsError> {
        unreachable!()
    }

    async fn paused(&self, _: &TenantName, _: Timestamp) -> Result<Option<Pause>, RecordsError> {
        unreachable!()
    }

    async fn report(&self, _: Report) -> Result<(), RecordsError> {
        unreachable!()
    }

    async fn reported(&self, _: &TenantName) -> Result<Option<Report>, RecordsError> {
        unreachable!()
    }
}
