//! A pager for what is longer than the terminal, as git and systemd have it.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};

use crate::cli::environment;

/// What is used where the environment names none: it ends by itself where all fits, and lets colours be.
const USUAL: &str = "less";
/// How `less` behaves unless the environment says otherwise.
const LESS: &str = "FRX";

/// Whether somebody is in a pager.
static PAGING: AtomicBool = AtomicBool::new(false);

/// Whether somebody is in a pager, whose keys are not for us.
pub(super) fn is_open() -> bool {
    PAGING.load(Ordering::Relaxed)
}

/// Shows a text through the pager that the environment names (`SEATKEEPER_PAGER`, else `PAGER`; `cat` for
/// none). Whether it was shown: a pager that is not there shows nothing.
pub(super) fn show(text: &str) -> bool {
    let named = ["SEATKEEPER_PAGER", "PAGER"].into_iter().find_map(environment::variable);
    let pager = named.unwrap_or_else(|| USUAL.to_owned());
    if pager.trim() == "cat" {
        return false;
    }
    // Ctrl-C is for the pager, which leaves the terminal as it found it.
    let _ours = signal(SignalKind::interrupt());
    let mut command = Command::new("sh");
    command.arg("-c").arg(&pager).stdin(Stdio::piped());
    if environment::variable("LESS").is_none() {
        command.env("LESS", LESS);
    }
    let Ok(mut child) = command.spawn() else { return false };
    PAGING.store(true, Ordering::Relaxed);
    if let Some(mut stdin) = child.stdin.take() {
        // Who leaves the pager before the end has seen enough.
        let _ = stdin.write_all(text.as_bytes());
        if !text.ends_with('\n') {
            let _ = stdin.write_all(b"\n");
        }
    }
    // Source: POSIX sh: 126 and 127 say that a command could not be run, or was not found.
    let shown = child.wait().is_ok_and(|status| !matches!(status.code(), Some(126 | 127)));
    PAGING.store(false, Ordering::Relaxed);
    shown
}
