//! How much is known of sign-ins, in the file.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::sign_in::{Extent, SignInsSeen};

/// A [`SignInsSeen`] in the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::store) struct SignInsForm {
    until: i128,
    extent: ExtentForm,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum ExtentForm {
    NotRead,
    Partial { users: u64, stopped: Option<Arc<str>> },
    Whole,
    Unavailable { reason: Arc<str> },
}

impl From<&SignInsSeen> for SignInsForm {
    fn from(SignInsSeen { until, extent }: &SignInsSeen) -> Self {
        let extent = match extent {
            Extent::NotRead => ExtentForm::NotRead,
            Extent::Partial { users, stopped } => {
                ExtentForm::Partial { users: *users, stopped: stopped.clone() }
            }
            Extent::Whole => ExtentForm::Whole,
            Extent::Unavailable { reason } => ExtentForm::Unavailable { reason: reason.clone() },
        };
        Self { until: until.as_nanosecond(), extent }
    }
}

impl SignInsForm {
    /// Returns what was written, or what does not fit.
    pub(in crate::store) fn into_seen(self) -> Result<SignInsSeen, String> {
        let Self { until, extent } = self;
        let extent = match extent {
            ExtentForm::NotRead => Extent::NotRead,
            ExtentForm::Partial { users, stopped } => Extent::Partial { users, stopped },
            ExtentForm::Whole => Extent::Whole,
            ExtentForm::Unavailable { reason } => Extent::Unavailable { reason },
        };
        let until = Timestamp::from_nanosecond(until).map_err(|error| error.to_string())?;
        Ok(SignInsSeen { until, extent })
    }
}
