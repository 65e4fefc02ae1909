//! What a stage cost: time, CPU, memory, and what went over the wire.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::ports::counts::Traffic;

/// What one stage cost.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Measured {
    /// What was done.
    pub(super) stage: String,
    /// What it came to, such as how many operations; in words.
    pub(super) what: String,
    /// Requests to Graph, by what they ask for.
    pub(super) requests: BTreeMap<String, u64>,
    /// All of them.
    pub(super) requests_total: u64,
    /// Bytes of the answers, after decompression.
    pub(super) bytes: u64,
    /// Resource units of the quota of reads.
    pub(super) resource_units: u64,
    /// Writes, those that were sent again included.
    pub(super) writes: u64,
    /// Answers and parts of answers that asked to slow down.
    pub(super) throttled: u64,
    /// Wall time in seconds, as this machine's clock tells it.
    pub(super) seconds: f64,
    /// CPU time of this process in milliseconds, where the system tells it.
    pub(super) cpu_ms: Option<u64>,
    /// The most memory that was resident during the stage, in MiB, where the system tells it.
    pub(super) peak_mib: Option<u64>,
    /// The memory that was resident at its end, in MiB.
    pub(super) resident_mib: Option<u64>,
}

/// A stage under way.
pub(super) struct Stage {
    name: &'static str,
    before: Traffic,
    began: Instant,
    cpu: Option<Duration>,
}

impl Stage {
    /// Begins to measure.
    pub(super) fn begin(name: &'static str, before: Traffic) -> Self {
        reset_peak();
        Self { name, before, began: Instant::now(), cpu: cpu_time() }
    }

    /// Ends, with what it came to and all that was counted since the client was made.
    pub(super) fn end(self, what: String, after: &Traffic) -> Measured {
        let seconds = self.began.elapsed().as_secs_f64();
        let cpu = cpu_time().zip(self.cpu).map(|(now, then)| now.saturating_sub(then));
        let mut requests: BTreeMap<String, u64> = BTreeMap::new();
        for ((class, status), count) in &after.requests {
            let before = self.before.requests.get(&(*class, *status)).copied().unwrap_or_default();
            *requests.entry((*class).to_owned()).or_default() += count - before;
        }
        requests.retain(|_, count| *count > 0);
        let sum = |traffic: &Traffic| traffic.throttled.values().sum::<u64>();
        Measured {
            stage: self.name.to_owned(),
            what,
            requests_total: requests.values().sum(),
            requests,
            bytes: after.bytes - self.before.bytes,
            resource_units: after.units - self.before.units,
            writes: after.writes - self.before.writes,
            throttled: sum(after) - sum(&self.before),
            seconds,
            cpu_ms: cpu.map(|cpu| u64::try_from(cpu.as_millis()).unwrap_or(u64::MAX)),
            peak_mib: resident("VmHWM:"),
            resident_mib: resident("VmRSS:"),
        }
    }
}

/// Source: proc(5), `/proc/self/status`: in KiB.
fn resident(key: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(key))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024)
}

/// Lets the peak begin anew. Source: proc(5), `/proc/self/clear_refs`: 5 resets it.
fn reset_peak() {
    // Where that cannot be done, the peak is that of the stages before, too.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// Returns the CPU time of this process. Source: proc(5), `/proc/self/stat`, fields 14 and 15, in ticks
/// of which Linux has 100 in a second; finer where every thread tells of itself.
fn cpu_time() -> Option<Duration> {
    let of_threads = || {
        let mut all = 0_u64;
        for thread in std::fs::read_dir("/proc/self/task").ok()? {
            let path = thread.ok()?.path().join("schedstat");
            let text = std::fs::read_to_string(path).ok()?;
            all += text.split_whitespace().next()?.parse::<u64>().ok()?;
        }
        Some(Duration::from_nanos(all))
    };
    let of_process = || {
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        let fields = stat.rsplit_once(')')?.1;
        let mut ticks = fields.split_whitespace().skip(11);
        let user: u64 = ticks.next()?.parse().ok()?;
        let system: u64 = ticks.next()?.parse().ok()?;
        Some(Duration::from_millis((user + system) * 10))
    };
    // Threads that have ended tell nothing any more: then the coarser figure is the larger.
    of_threads().max(of_process())
}
