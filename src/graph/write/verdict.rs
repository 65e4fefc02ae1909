//! What an answer to a write means for it.

use std::sync::Arc;

use crate::graph::call::Reply;
use crate::graph::error::Unanswered;
use crate::graph::refusal::{kind, refusal, unavailable};
use crate::graph::retry::Trouble;
use crate::graph::wire::fault::GraphFault;
use crate::ports::{Refusal, RefusalKind};

/// What an answer to a write means.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    /// It was taken.
    Accepted { request_id: Option<Arc<str>> },
    /// It was refused, and would be again.
    Refused(Refusal),
    /// The token was refused.
    Unsigned(Refusal),
    /// It is to be sent again; if `lost`, it may have taken effect all the same.
    Again { why: Trouble, lost: bool, refusal: Refusal },
}

impl Verdict {
    /// The batch came back without it.
    pub(super) fn missing(request_id: Option<&str>) -> Self {
        let message = "the batch came back without an answer to this write";
        Self::Again {
            why: Trouble::Fault,
            lost: true,
            refusal: unavailable(0, message, request_id),
        }
    }
}

/// Judges the answer to one write of a batch.
pub(super) fn verdict(status: u16, fault: Option<GraphFault>, request_id: Option<&str>) -> Verdict {
    let readable = fault.is_some();
    let fault = fault.unwrap_or_default();
    let contended = fault.is_contention();
    let again = |why, lost| Verdict::Again {
        why,
        lost,
        refusal: refusal(RefusalKind::Unavailable, status, &fault, request_id),
    };
    match status {
        200..=299 => Verdict::Accepted { request_id: request_id.map(Into::into) },
        401 => Verdict::Unsigned(refusal(RefusalKind::Forbidden, 401, &fault, request_id)),
        429 => again(Trouble::Throttled, false),
        // Source: Graph answers what hangs on a throttled item 424: it was not carried out.
        424 => again(Trouble::Fault, false),
        // Source: Graph: a write may have happened although its answer is 503 or 504.
        408 | 500..=599 if contended => again(Trouble::Contended, true),
        408 | 500..=599 => again(Trouble::Fault, true),
        _ if contended => again(Trouble::Contended, false),
        423 => again(Trouble::Contended, false),
        400..=499 if readable || status == 403 => {
            Verdict::Refused(refusal(kind(status, &fault), status, &fault, request_id))
        }
        _ => again(Trouble::Malformed, true),
    }
}

/// Judges an answer that is about a batch as a whole, and whether there is no point in going on.
pub(super) fn whole(reply: &Reply) -> (Verdict, bool) {
    let request_id = reply.request_id.as_deref();
    let fault = GraphFault::parse(&reply.body);
    if let 200..=399 = reply.status {
        let told = Unanswered::malformed("no answer to a batch", &reply.body, request_id);
        let refusal = unavailable(reply.status, &told.reason, request_id);
        return (Verdict::Again { why: Trouble::Malformed, lost: true, refusal }, false);
    }
    match verdict(reply.status, fault, request_id) {
        // A token that is fresh was refused: that is final.
        Verdict::Unsigned(refusal) => (Verdict::Refused(refusal), true),
        Verdict::Refused(refusal) if refusal.kind == RefusalKind::Forbidden => {
            (Verdict::Refused(refusal), true)
        }
        // What is said of the batch is not said of any user in it.
        Verdict::Refused(refusal) => {
            (Verdict::Refused(Refusal { kind: RefusalKind::Other, ..refusal }), false)
        }
        verdict @ (Verdict::Accepted { .. } | Verdict::Again { .. }) => (verdict, false),
    }
}
