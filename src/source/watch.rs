//! Watches a policy directory, and says so once changes in it have come to rest.
//!
//! Events tell when to look, never what changed: what is there is compared with what was there. So an
//! event that never comes (network file systems, a link that is swapped far up) only takes until the
//! next look.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};

/// Changes have come to rest when nothing happened for this long.
const QUIET: Duration = Duration::from_millis(500);
/// But where something happens all the time, nobody waits for longer than this.
const QUIET_MAX: Duration = Duration::from_secs(5);
/// How often to look whatever events tell.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// How often to look where events cannot be had.
const POLL_EVERY: Duration = Duration::from_secs(5);
/// How deep directories may nest, as for reading them.
const DEPTH_MAX: usize = 32;

/// Watches a directory for ever, and calls `changed` after each change that has come to rest.
pub async fn watch(directory: PathBuf, changed: impl Fn() + Send) {
    let mut seen = look(&directory).await;
    let mut events = Events::begin(&directory);
    loop {
        events.await_any().await;
        let found = look(&directory).await;
        if found != seen {
            seen = found;
            changed();
        }
        events.keep(&directory);
    }
}

/// Looks at the directory away from the async threads.
async fn look(directory: &Path) -> u64 {
    let directory = directory.to_owned();
    let looked = tokio::task::spawn_blocking(move || fingerprint(&directory));
    looked.await.unwrap_or_default()
}

/// Events of the operating system, where they can be had.
struct Events {
    armed: Option<Armed>,
    sender: mpsc::Sender<()>,
    receiver: mpsc::Receiver<()>,
}

/// What is watched: a link that leads elsewhere since is another directory.
struct Armed {
    _watcher: RecommendedWatcher,
    led_to: PathBuf,
}

impl Events {
    fn begin(directory: &Path) -> Self {
        // One is enough to know that something happened.
        let (sender, receiver) = mpsc::channel(1);
        let mut events = Self { armed: None, sender, receiver };
        events.keep(directory);
        if events.armed.is_none() {
            tracing::warn!(
                directory = %directory.display(),
                "changes of the policies cannot be watched; they are looked for every {} s",
                POLL_EVERY.as_secs()
            );
        }
        events
    }

    /// Watches again where what was watched is gone or elsewhere.
    fn keep(&mut self, directory: &Path) {
        let Ok(leads_to) = fs::canonicalize(directory) else {
            self.armed = None;
            return;
        };
        if self.armed.as_ref().is_some_and(|armed| armed.led_to == leads_to) {
            return;
        }
        self.armed = self.arm(directory, &leads_to).ok();
    }

    fn arm(&self, directory: &Path, leads_to: &Path) -> notify::Result<Armed> {
        let sender = self.sender.clone();
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                // To read a file is no change. An error may hide one.
                let is_read =
                    matches!(&event, Ok(event) if matches!(event.kind, EventKind::Access(_)));
                if !is_read {
                    // Full: somebody will look anyway.
                    let _ = sender.try_send(());
                }
            })?;
        watcher.watch(leads_to, RecursiveMode::Recursive)?;
        // Where the directory itself is moved, or is a link that is swapped, its parent tells.
        for parent in [directory.parent(), leads_to.parent()].into_iter().flatten() {
            if !parent.as_os_str().is_empty() {
                watcher.watch(parent, RecursiveMode::NonRecursive)?;
            }
        }
        Ok(Armed { _watcher: watcher, led_to: leads_to.to_owned() })
    }

    /// Waits until something happened and has come to rest, or it is time to look anyway.
    async fn await_any(&mut self) {
        let wait = if self.armed.is_some() { LOOK_EVERY } else { POLL_EVERY };
        tokio::select! {
            _ = self.receiver.recv() => {}
            () = sleep(wait) => return,
        }
        let latest = Instant::now() + QUIET_MAX;
        while Instant::now() < latest {
            let quiet = (Instant::now() + QUIET).min(latest);
            if timeout_at(quiet, self.receiver.recv()).await.is_err() {
                return;
            }
        }
    }
}

/// Returns a number that changes with any file below the directory, hidden ones aside.
fn fingerprint(directory: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    add(directory, &mut Vec::new(), &mut hasher);
    hasher.finish()
}

/// Adds what is below a directory, with those above it by device and inode: a link that leads back up
/// would lead round and round.
fn add(path: &Path, above: &mut Vec<(u64, u64)>, hasher: &mut DefaultHasher) {
    let Ok(entries) = fs::read_dir(path) else {
        "unreadable".hash(hasher);
        return;
    };
    let mut names: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
    names.sort();
    for name in names.into_iter().filter(|name| !name.as_encoded_bytes().starts_with(b".")) {
        name.hash(hasher);
        let path = path.join(&name);
        // Through links, as reading does.
        match fs::metadata(&path) {
            Ok(found) if found.is_dir() && above.len() < DEPTH_MAX => {
                let this = (found.dev(), found.ino());
                this.hash(hasher);
                if !above.contains(&this) {
                    above.push(this);
                    add(&path, above, hasher);
                    above.pop();
                }
            }
            Ok(found) => {
                (found.dev(), found.ino(), found.len()).hash(hasher);
                (found.mtime(), found.mtime_nsec(), found.ctime(), found.ctime_nsec()).hash(hasher);
            }
            Err(_) => "unreadable".hash(hasher),
        }
    }
}

#[cfg(test)]
mod tests;
