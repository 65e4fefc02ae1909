//! The process's environment: the one place that reads it, and where secrets are opened.

use std::path::PathBuf;

/// Returns a variable that is set and not empty.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns whom the operating system says is at work, for decisions without `--by`.
pub fn person() -> String {
    variable("SUDO_USER")
        .or_else(|| variable("USER"))
        .or_else(|| variable("LOGNAME"))
        .or_else(account)
        .unwrap_or_else(|| "unknown".to_owned())
}

/// Asks the system for the name of the account, for services and containers that set no variable.
fn account() -> Option<String> {
    let output = std::process::Command::new("id").arg("-un").output().ok()?;
    let name = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !name.is_empty()).then_some(name)
}

/// Returns the directory of systemd's credentials, where there is one.
pub fn credentials() -> Option<PathBuf> {
    variable("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}

/// Whether stderr goes to a journal.
///
/// Source: systemd.exec(5), `$JOURNAL_STREAM`.
pub fn has_journal() -> bool {
    variable("JOURNAL_STREAM").is_some()
}
