//! What is known of the quotas of a tenant, in a file of its own: `contoso.quota`.
//!
//! Good for seconds, at most an hour, so it is not worth waiting for the disk: who kills the process
//! loses nothing, and after a power cut the quotas are full again.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use crate::domain::names::TenantName;
use crate::ports::quota::{Quota, QuotaMemory};

/// The quotas of a tenant, kept in a state directory.
#[derive(Debug)]
pub struct QuotaFile {
    path: PathBuf,
    /// Whether it is written, and not only read.
    is_kept: bool,
    /// Whether it was told that they cannot be kept.
    told: AtomicBool,
}

/// A [`Quota`] as the file has it.
#[derive(Serialize, Deserialize)]
struct QuotaForm {
    paused_until: Option<String>,
    reads_spent: Option<(f64, String)>,
}

impl QuotaForm {
    fn read(self) -> Result<Quota, jiff::Error> {
        let paused_until = self.paused_until.map(|until| until.parse()).transpose()?;
        let reads_spent = match self.reads_spent {
            Some((units, at)) => Some((units, at.parse()?)),
            None => None,
        };
        Ok(Quota { paused_until, reads_spent })
    }
}

impl From<Quota> for QuotaForm {
    fn from(quota: Quota) -> Self {
        Self {
            paused_until: quota.paused_until.map(|until| until.to_string()),
            reads_spent: quota.reads_spent.map(|(units, at)| (units, at.to_string())),
        }
    }
}

impl QuotaFile {
    /// Names the file of a tenant; nothing is read or made yet.
    pub fn new(dir: &Path, tenant: &TenantName) -> Self {
        let path = dir.join(format!("{tenant}.quota"));
        Self { path, is_kept: true, told: AtomicBool::new(false) }
    }

    /// Names the file of a tenant for who does not hold its lock, and so keeps nothing.
    pub fn for_a_look(dir: &Path, tenant: &TenantName) -> Self {
        Self { is_kept: false, ..Self::new(dir, tenant) }
    }

    fn read(&self) -> io::Result<Quota> {
        let text = fs::read(&self.path)?;
        let form: QuotaForm = serde_json::from_slice(&text)?;
        form.read().map_err(io::Error::other)
    }

    fn write(&self, quota: Quota) -> io::Result<()> {
        let text = serde_json::to_vec(&QuotaForm::from(quota))?;
        let dir = self.path.parent().expect("the path was made by joining a name to a directory");
        let mut file = tempfile::NamedTempFile::new_in(dir)?;
        file.write_all(&text)?;
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }
}

impl QuotaMemory for QuotaFile {
    fn last(&self) -> Quota {
        self.read().unwrap_or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                tracing::warn!(
                    path = %self.path.display(),
                    %error,
                    "cannot read how much of the tenant's quotas is spent; taking them for full"
                );
            }
            Quota::default()
        })
    }

    fn keep(&self, quota: Quota) {
        if !self.is_kept {
            return;
        }
        let Err(error) = self.write(quota) else { return };
        if !self.told.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                path = %self.path.display(),
                %error,
                "cannot keep how much of the tenant's quotas is spent; after a restart they count as full"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn file(dir: &Path) -> QuotaFile {
        QuotaFile::new(dir, &"contoso".parse().unwrap())
    }

    #[test]
    fn what_was_kept_is_there_for_the_next_process() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(file(dir.path()).last(), Quota::default());
        let quota = Quota { paused_until: Some(at(300)), reads_spent: Some((712.5, at(7))) };
        file(dir.path()).keep(quota);
        assert_eq!(file(dir.path()).last(), quota);
        QuotaFile::for_a_look(dir.path(), &"contoso".parse().unwrap()).keep(Quota::default());
        assert_eq!(file(dir.path()).last(), quota);
        let later = Quota { paused_until: None, reads_spent: Some((1.0, at(9))) };
        file(dir.path()).keep(later);
        assert_eq!(file(dir.path()).last(), later);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing else is left behind");
    }

    #[test]
    fn what_cannot_be_read_or_kept_is_no_reason_to_fail() {
        let dir = tempfile::tempdir().unwrap();
        for text in ["", "{}", "{\"paused_until\": \"soon\"}", "\u{0}\u{0}"] {
            fs::write(dir.path().join("contoso.quota"), text).unwrap();
            assert_eq!(file(dir.path()).last(), Quota::default(), "{text:?}");
        }
        let gone = file(&dir.path().join("gone"));
        gone.keep(Quota::default());
        gone.keep(Quota::default());
        assert_eq!(gone.last(), Quota::default());
    }
}
