//! `seatkeeper import`: writes policies that describe the tenant as it is, once their plan was seen to
//! do nothing but adopt.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::args::{self, Format, Import};
use crate::cli::clock::SystemClock;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::scratch;
use crate::cli::session::Session;
use crate::cli::ui::Ui;
use crate::config::Tenant;
use crate::domain::group::Membership;
use crate::domain::ids::GroupId;
use crate::domain::names::PolicyName;
use crate::domain::snapshot::Snapshot;
use crate::engine;
use crate::plan::bind::Problem;
use crate::plan::import::{Ask, Description, NewFile, Scope, beyond_adopting, describe, files};
use crate::plan::ledger::Ledger;
use crate::plan::make::{Inputs, make};
use crate::plan::{Asked, Trigger, near};
use crate::policy::{OnLeave, PolicySet};
use crate::ports::{Clock as _, GroupRequest, OtherGroups, Records as _};
use crate::report;
use crate::source;

/// How many users there are for each policy, so that a person can read them all.
const USERS_PER_POLICY: usize = 10;

/// Reads, describes, checks, writes and shows.
pub(crate) async fn run(args: &Import, ui: &Ui, verbose: u8) -> Outcome {
    let session = Session::open(&args.common.config, ui, verbose)?;
    let tenant = session.one(args.common.tenant.as_deref())?;
    let out = args.out.clone().unwrap_or_else(|| session.config.policies.clone());
    refuse_policies_in(&out)?;
    let (snapshot, ledger) = read(args, &session, tenant).await?;
    let ask = Ask {
        tenant: &tenant.name,
        snapshot: &snapshot,
        settings: &tenant.settings,
        now: SystemClock.now(),
        taken: &taken(&session, &out)?,
        scope: match session.config.tenants.len() {
            1 => Scope::OnlyTenant,
            _ => Scope::ThisTenant,
        },
        on_leave: match args.on_leave {
            args::OnLeave::Remove => OnLeave::Remove,
            args::OnLeave::Keep => OnLeave::Keep,
        },
        users_per_policy: USERS_PER_POLICY,
        people_min: usize::try_from(args.people_min).unwrap_or(usize::MAX),
    };
    let description = describe(&ask).map_err(|problems| misfit(&session, &problems))?;
    let files = files(&ask, &description);
    check(&session, &ask, &ledger, &files)?;
    write_all(&out, &files)?;
    tell(args, ui, &description, &files, &out)
}

/// What is there is never mixed with what is written, and never overwritten.
fn refuse_policies_in(out: &Path) -> Result<(), Failure> {
    let empty = source::is_empty(out).map_err(|error| {
        let hint = error.hint();
        Failure::new(Exit::Invalid, error).hint(hint)
    })?;
    if empty {
        return Ok(());
    }
    let message = format!("`{}` has policies already; nothing was read or written", out.display());
    Err(Failure::text(Exit::Invalid, message)
        .hint("--out DIR writes to another directory, to compare or to choose from"))
}

/// Reads the tenant with the members of its groups, and what policies own.
async fn read(
    args: &Import,
    session: &Session<'_>,
    tenant: &Tenant,
) -> Result<(Snapshot, Ledger), Failure> {
    let store = session.store()?;
    let desk = session.desk(tenant, &store, "seatkeeper import")?;
    let mut request = engine::request(&tenant.name, &tenant.settings, &PolicySet::default());
    let wanted =
        args.group.iter().map(|group| GroupRequest { group: group.as_str().into(), direct: false });
    request.groups.extend(wanted);
    if args.group.is_empty() {
        request.others = OtherGroups::First(usize::try_from(args.groups_max).unwrap_or(usize::MAX));
    }
    let snapshot = Arc::unwrap_or_clone(desk.look(request).await?);
    let ledger = store.ledger(&tenant.name).await;
    let ledger = ledger.map_err(|error| session.records_failure(error))?;
    args.group.iter().try_for_each(|group| find_group(&snapshot, group))?;
    let unread = |group: &&crate::domain::group::Group| group.membership == Membership::NotRead;
    let unread = snapshot.groups().iter().filter(unread).count();
    if unread > 0 && args.group.is_empty() {
        let all = snapshot.groups().len();
        session.ui.say(&format!(
            "the members of {unread} of {all} groups were not read: --groups-max reads more, --group those that matter"
        ));
    }
    Ok((snapshot, Arc::unwrap_or_clone(ledger)))
}

/// Says so where a group that was asked for is not there, or several are called so.
fn find_group(snapshot: &Snapshot, asked: &str) -> Result<(), Failure> {
    if asked.parse::<GroupId>().is_ok_and(|id| snapshot.group(id).is_some()) {
        return Ok(());
    }
    let name = asked.to_lowercase();
    let called = snapshot.groups().iter().filter(|group| group.name.to_lowercase() == name);
    let ids: Vec<String> = called.map(|group| format!("`{}`", group.id)).collect();
    match ids.as_slice() {
        [_] => Ok(()),
        [] => {
            let failure = Failure::text(Exit::Usage, format!("there is no group `{asked}`"));
            let names = snapshot.groups().iter().map(|group| &*group.name);
            Err(match near(asked, names) {
                Some(near) => failure.hint(format!("did you mean `{near}`?")),
                None => failure.hint("`seatkeeper groups` lists them"),
            })
        }
        several => {
            let message = format!("{} groups are called `{asked}`", several.len());
            Err(Failure::text(Exit::Usage, message)
                .hint(format!("write the id instead: {}", ids.join(" or "))))
        }
    }
}

/// Returns the names of the policies beside which it will be written.
fn taken(session: &Session<'_>, out: &Path) -> Result<BTreeSet<PolicyName>, Failure> {
    let directory = &session.config.policies;
    let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let inside = whole(out).starts_with(whole(directory));
    if !inside || source::is_empty(directory).unwrap_or(true) {
        return Ok(BTreeSet::new());
    }
    let there = session.policies()?;
    Ok(there.policies.set.policies.into_iter().map(|policy| policy.name).collect())
}

fn misfit(session: &Session<'_>, problems: &[Problem]) -> Failure {
    session.show_settings_problems(problems);
    Failure::text(Exit::Invalid, "the settings do not fit the tenant; nothing was written")
        .hint("mend the configuration")
}

/// Loads the files as they will be loaded, plans, and lets nothing pass that is more than adopting.
fn check(
    session: &Session<'_>,
    ask: &Ask<'_>,
    ledger: &Ledger,
    files: &[NewFile],
) -> Result<(), Failure> {
    if files.is_empty() {
        return Ok(());
    }
    let directory = scratch::directory()?;
    write_all(directory.path(), files)?;
    let loaded = session.policies_in(directory.path())?;
    let inputs = Inputs {
        tenant: ask.tenant,
        policies: &loaded.policies.set,
        policy_digest: loaded.policies.digest,
        policy_commit: None,
        settings: ask.settings,
        snapshot: ask.snapshot,
        ledger,
        now: ask.now,
        trigger: Trigger::Person,
        asked: Asked::Policies,
    };
    let planned = make(&inputs).map_err(|problems| misfit(session, &problems))?;
    let beyond = beyond_adopting(&planned);
    if beyond.is_empty() {
        return Ok(());
    }
    session.show_problems(&planned.problems, &loaded);
    let what = beyond.join(", ");
    let message =
        format!("a plan of these policies would do more than adopt: {what}; nothing was written");
    Err(Failure::text(Exit::Internal, message)
        .hint("please report it; --people-min with a large number leaves rules out"))
}

/// Writes all files, or none; what is there already is left alone.
fn write_all(directory: &Path, files: &[NewFile]) -> Result<(), Failure> {
    let mut done: Vec<PathBuf> = Vec::new();
    for file in files {
        let path = directory.join(&*file.name);
        match write(&path, &file.text) {
            Ok(()) => done.push(path),
            Err(error) => {
                for path in done {
                    // Nothing more can be done about it, and the failure is told anyway.
                    let _ = std::fs::remove_file(path);
                }
                let context = format!("cannot write `{}`; nothing was written", path.display());
                let error = anyhow::Error::new(error).context(context);
                return Err(Failure::new(Exit::Unavailable, error));
            }
        }
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = std::fs::remove_file(path);
    }
    written
}

fn tell(
    args: &Import,
    ui: &Ui,
    description: &Description,
    files: &[NewFile],
    out: &Path,
) -> Outcome {
    match args.format {
        Format::Json => ui.result(&report::json::import_to_json(description, files))?,
        Format::Text if files.is_empty() => {
            ui.say("nobody holds a license directly that a policy could describe");
        }
        Format::Text => ui.folded(&report::text::import(description, ui.sheet()))?,
    }
    if files.is_empty() {
        for left in &description.left_out {
            ui.say(&format!("not described: {}", left.sentence()));
        }
        ui.say("nothing was written");
        return Ok(Exit::Done);
    }
    for file in files {
        ui.say(&format!("wrote {}", out.join(&*file.name).display()));
    }
    let next = match &args.out {
        None => "`seatkeeper plan`, which only adopts".to_owned(),
        Some(_) => "put what you want into the directory of the policies, then `seatkeeper plan`"
            .to_owned(),
    };
    ui.say(&format!("next: read them, then {next}"));
    Ok(Exit::Done)
}
