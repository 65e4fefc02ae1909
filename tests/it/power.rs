//! What a power cut leaves: the program is killed at any request, and its disk then holds all that was
//! synced and, of what was not, nothing, everything or any part of it, in any order.
//!
//! The model is of the database and its write-ahead log: writes are kept or lost in sectors of 512
//! bytes, a new or deleted name counts once its directory was synced. Snapshots are memory that can be
//! read again, and are lost altogether. `shim.c` tells what the program did; it needs a C compiler, as
//! building the store does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use seatkeeper::sandbox::Options;
use seatkeeper::sandbox::http::Clock;
use seatkeeper::store::FILE_NAME;
use tempfile::TempDir;

use crate::crash::{POLICIES, before, change};
use crate::site::{Site, calm};

const TOP: &str = "protected: {users: [moe@contoso.com]}\n\
                   guards: {first_plan: off, max_removals: {percent: unlimited, count: unlimited}}\n\
                   apply: {confirm_within: 20s, settle_after: 1s}\n\
                   requests: {timeout: 5s, give_up_after: 20s}";
const SECTOR: usize = 512;

/// Compiles the shim once. None where there is no compiler.
fn shim() -> Option<&'static Path> {
    static SHIM: OnceLock<Option<(TempDir, PathBuf)>> = OnceLock::new();
    let built = SHIM.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let library = dir.path().join("power.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/power/shim.c");
        let output = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(&library)
            .arg(source)
            .args(["-ldl", "-lpthread"])
            .output()
            .ok()?;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some((dir, library))
    });
    built.as_ref().map(|(_, library)| library.as_path())
}

/// Something that the program did to a file.
struct Deed {
    kind: u8,
    name: String,
    offset: usize,
    data: Vec<u8>,
}

fn deeds(log: &Path) -> Vec<Deed> {
    let bytes = std::fs::read(log).unwrap();
    let mut rest = bytes.as_slice();
    let mut deeds = Vec::new();
    while let Some((header, behind)) = rest.split_at_checked(15) {
        let name = usize::from(u16::from_ne_bytes(header[1..3].try_into().unwrap()));
        let offset = u64::from_ne_bytes(header[3..11].try_into().unwrap());
        let length = u32::from_ne_bytes(header[11..15].try_into().unwrap()) as usize;
        // The last record may be cut off with the program.
        let Some((name, behind)) = behind.split_at_checked(name) else { break };
        let Some((data, behind)) = behind.split_at_checked(length) else { break };
        deeds.push(Deed {
            kind: header[0],
            name: String::from_utf8(name.to_vec()).unwrap(),
            offset: usize::try_from(offset).unwrap(),
            data: data.to_vec(),
        });
        rest = behind;
    }
    deeds
}

/// What becomes of what was not synced.
#[derive(Clone, Copy, Debug)]
enum Unsynced {
    /// All of it is lost.
    Lost,
    /// Each sector of each write is lost or kept, as chance has it.
    ByChance(u64),
}

/// A file as the disk has it, and what is on its way there.
#[derive(Default)]
struct OnDisk {
    bytes: Vec<u8>,
    pending: Vec<(usize, Vec<u8>)>,
    /// Truncations in their order among the writes.
    lengths: Vec<(usize, usize)>,
    /// Whether the name is there for good.
    is_named: bool,
}

impl OnDisk {
    fn put(bytes: &mut Vec<u8>, offset: usize, data: &[u8]) {
        if bytes.len() < offset + data.len() {
            bytes.resize(offset + data.len(), 0);
        }
        bytes[offset..offset + data.len()].copy_from_slice(data);
    }

    /// Brings what is on its way to the disk, as far as `keeps` says for each sector.
    fn settle(&mut self, mut keeps: impl FnMut() -> bool) {
        let (pending, lengths) =
            (std::mem::take(&mut self.pending), std::mem::take(&mut self.lengths));
        let mut lengths = lengths.into_iter().peekable();
        for (number, (offset, data)) in pending.into_iter().enumerate() {
            while let Some((_, length)) = lengths.next_if(|(at, _)| *at <= number) {
                if keeps() {
                    self.bytes.resize(length, 0);
                }
            }
            for (sector, part) in data.chunks(SECTOR).enumerate() {
                if keeps() {
                    Self::put(&mut self.bytes, offset + sector * SECTOR, part);
                }
            }
        }
        for (_, length) in lengths {
            if keeps() {
                self.bytes.resize(length, 0);
            }
        }
    }
}

/// Returns the files of a directory after a power cut.
fn after_the_cut(
    at_first: BTreeMap<String, Vec<u8>>,
    deeds: &[Deed],
    unsynced: Unsynced,
) -> BTreeMap<String, Vec<u8>> {
    let named = |bytes| OnDisk { bytes, is_named: true, ..OnDisk::default() };
    let mut disk: BTreeMap<String, OnDisk> =
        at_first.into_iter().map(|(name, bytes)| (name, named(bytes))).collect();
    let mut gone: Vec<(String, OnDisk)> = Vec::new();
    for deed in deeds {
        let file = disk.entry(deed.name.clone());
        match deed.kind {
            b'c' => {
                file.or_default();
            }
            b'w' => file.or_default().pending.push((deed.offset, deed.data.clone())),
            b't' => {
                let file = file.or_default();
                file.lengths.push((file.pending.len(), deed.offset));
            }
            b's' => file.or_default().settle(|| true),
            b'u' => gone.extend(disk.remove(&deed.name).map(|file| (deed.name.clone(), file))),
            b'd' => {
                for file in disk.values_mut() {
                    file.is_named = true;
                }
                gone.clear();
            }
            other => panic!("unknown deed {other}"),
        }
    }
    disk.remove("");
    let mut chance = match unsynced {
        Unsynced::Lost => None,
        Unsynced::ByChance(seed) => Some(StdRng::seed_from_u64(seed)),
    };
    let mut keeps = move || chance.as_mut().is_some_and(|chance| chance.random_bool(0.5));
    // A name that was deleted and not synced may be there still.
    for (name, file) in gone {
        if file.is_named && !disk.contains_key(&name) && keeps() {
            disk.insert(name, file);
        }
    }
    disk.retain(|_, file| file.is_named || keeps());
    for file in disk.values_mut() {
        file.settle(&mut keeps);
    }
    disk.into_iter().map(|(name, file)| (name, file.bytes)).collect()
}

fn is_database(name: &str) -> bool {
    name == FILE_NAME || name == format!("{FILE_NAME}-wal")
}

fn database(state: &Path) -> BTreeMap<String, Vec<u8>> {
    let names = std::fs::read_dir(state).unwrap().map(|entry| entry.unwrap().file_name());
    names
        .map(|name| name.into_string().unwrap())
        .filter(|name| is_database(name))
        .map(|name| (name.clone(), std::fs::read(state.join(name)).unwrap()))
        .collect()
}

/// Runs the program under the shim, and kills it at the n-th request.
async fn killed_at(prepared: &Site, request: u64) -> Site {
    let child: Arc<Mutex<Option<u32>>> = Arc::default();
    let (seen, victim) = (AtomicU64::new(0), Arc::clone(&child));
    let ask = move || {
        if seen.fetch_add(1, Ordering::SeqCst) == request
            && let Some(id) = *victim.lock().unwrap()
        {
            let sent = Command::new("kill").args(["-KILL", &id.to_string()]).status().unwrap();
            assert!(sent.success());
        }
        crate::site::now()
    };
    let options = Options { clock: Clock::Ask(Arc::new(ask)), ..calm() };
    let site = prepared.fork(options).await;
    let state = site.path("state").canonicalize().unwrap();
    let mut program = {
        let mut id = child.lock().unwrap();
        let mut command = site.command(&["apply", "--yes"]);
        command
            .env("LD_PRELOAD", shim().unwrap())
            .env("POWER_DIR", &state)
            .env("POWER_LOG", site.path("deeds"));
        let program = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        *id = Some(program.id());
        program
    };
    while program.try_wait().unwrap().is_none() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    site
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_power_cut_nothing_that_was_sent_is_forgotten() {
    if shim().is_none() {
        println!("there is no C compiler: power cuts were not tried");
        return;
    }
    let prepared = Site::with(before(), calm(), TOP, &[("policies.yaml", POLICIES)]).await;
    prepared.expect(0, &["apply", "--yes"]);
    prepared.sandbox.change(change);
    let undisturbed = prepared.fork(calm()).await;
    undisturbed.expect(0, &["apply", "--yes"]);
    let wanted = undisturbed.sandbox.tenant().license_state();
    let requests = undisturbed.sandbox.requests();
    let first_write = requests
        .iter()
        .find(|seen| seen.items.iter().any(|item| item.method != "GET"))
        .unwrap()
        .number;
    let last = undisturbed.sandbox.counts().requests;
    let at_first = database(&prepared.path("state"));
    for request in first_write..=last {
        let site = killed_at(&prepared, request).await;
        let deeds = deeds(&site.path("deeds"));
        assert!(deeds.iter().any(|deed| deed.kind == b's'), "nothing was synced by {request}");
        for unsynced in [Unsynced::Lost, Unsynced::ByChance(request), Unsynced::ByChance(!request)]
        {
            let at = format!("request {request}, {unsynced:?}");
            let cut = site.fork(calm()).await;
            lose_power(&cut, at_first.clone(), &deeds, unsynced);
            cut.expect(0, &["history", "--verify"]);
            cut.expect(0, &["apply", "--yes"]);
            assert_eq!(cut.sandbox.tenant().license_state(), wanted, "{at}");
            cut.assert_one_outcome_each();
            cut.expect(0, &["plan", "--detailed-exitcode"]);
            assert_all_is_told(&cut, &at);
        }
    }
}

/// Puts the files where the disk would have them.
fn lose_power(
    site: &Site,
    at_first: BTreeMap<String, Vec<u8>>,
    deeds: &[Deed],
    unsynced: Unsynced,
) {
    let state = site.path("state");
    for entry in std::fs::read_dir(&state).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::remove_file(path).unwrap();
        }
    }
    for (name, bytes) in after_the_cut(at_first, deeds, unsynced) {
        if is_database(&name) {
            std::fs::write(state.join(name), bytes).unwrap();
        }
    }
}

/// Asserts that for everybody whose licenses the runs changed there is an outcome that says so.
fn assert_all_is_told(site: &Site, at: &str) {
    let told: Vec<String> = site
        .history()
        .iter()
        .filter(|entry| entry["outcome"] == "done" || entry["outcome"] == "already_done")
        .map(|entry| entry["operation"]["user"]["user_principal_name"].as_str().unwrap().to_owned())
        .collect();
    let (first, now) = (before(), site.sandbox.tenant());
    for user in now.users() {
        let name = user.principal_name.to_string();
        let had = crate::site::direct(&first, &name);
        if crate::site::direct(&now, &name) != had {
            assert!(told.contains(&name), "{at}: nothing tells of {name}");
        }
    }
}
