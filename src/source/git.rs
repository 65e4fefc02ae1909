//! Asks git which commit a directory is of. Whatever goes wrong, there is no commit, and nothing
//! else fails: git may be missing, the directory may be no work tree, or somebody else's.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use crate::source::walk::is_policy;

/// How long git may take for one answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Returns the commit that is checked out where the directory lies.
pub(super) fn head(directory: &Path) -> Option<String> {
    let answer = ask(directory, &["rev-parse", "--verify", "--quiet", "HEAD"])?;
    let commit = answer.trim();
    // Source: git object names are 40 digits of SHA-1 or 64 of SHA-256.
    let is_commit =
        matches!(commit.len(), 40 | 64) && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_commit.then(|| commit.to_owned())
}

/// Whether the policy files of a directory, and the lists that they name, are exactly those of the
/// commit.
///
/// Ignored files count where they may hold policies, since they are read like the others.
pub(super) fn is_clean(directory: &Path, lists: &BTreeSet<Arc<str>>) -> bool {
    let arguments =
        ["status", "--porcelain", "-z", "--untracked-files=all", "--ignored=matching", "--", "."];
    let Some(answer) = ask(directory, &arguments) else { return false };
    answer.split('\0').filter(|entry| !entry.is_empty()).all(|entry| is_harmless(entry, lists))
}

/// Whether an entry of the status is an ignored file that is no policy and no list.
fn is_harmless(entry: &str, lists: &BTreeSet<Arc<str>>) -> bool {
    let Some(path) = entry.strip_prefix("!! ") else { return false };
    // A path of the status begins at the work tree, the name of a list at the directory.
    let is_list = lists.iter().any(|name| path.ends_with(&**name));
    !path.ends_with('/') && !is_policy(path.as_ref()) && !is_list
}

/// Asks git, which must not write, ask back, run hooks, or be led to another repository.
fn ask(directory: &Path, arguments: &[&str]) -> Option<String> {
    let child = Command::new("git")
        .arg("-C")
        .arg(directory)
        .args(["--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false"])
        .args(arguments)
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    answer(child)
}

fn answer(mut child: Child) -> Option<String> {
    let mut output = child.stdout.take()?;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut text = Vec::new();
        let read = output.read_to_end(&mut text).map(|_| text);
        // Nobody listens any more where git took too long.
        let _ = sender.send(read);
    });
    let Ok(Ok(text)) = receiver.recv_timeout(PATIENCE) else {
        // Killed and waited for, so that no process is left behind.
        let _ = child.kill();
        let _ = child.wait();
        return None;
    };
    let succeeded = child.wait().ok()?.success();
    String::from_utf8(text).ok().filter(|_| succeeded)
}
