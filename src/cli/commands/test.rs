//! `seatkeeper test`: runs the policy tests, without network, credentials or store.

use crate::cli::args::{Test, TestFormat};
use crate::cli::clock::SystemClock;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::policies::{LoadedPolicies, load_from, warn};
use crate::cli::private_file;
use crate::cli::session::Session;
use crate::cli::ui::Ui;
use crate::cli::wording::problems_in;
use crate::domain::names::TenantName;
use crate::plan::rehearse::{Rehearsal, Rehearsed, rehearse};
use crate::policy::settings::Settings;
use crate::ports::Clock as _;
use crate::report;
use crate::report::text::style::Style;

/// Runs the tests and shows what came of them.
pub(crate) fn run(args: &Test, ui: &Ui) -> Outcome {
    let (loaded, tenants, sources) = load(args, ui)?;
    let LoadedPolicies { policies, mut tests, files } = loaded;
    let all = tests.len();
    if let Some(filter) = &args.filter {
        let filter = filter.to_lowercase();
        tests.retain(|test| test.name.to_lowercase().contains(&filter));
        if tests.is_empty() {
            let message = format!("none of {all} tests has `{filter}` in its name");
            return Err(Failure::text(Exit::Usage, message)
                .hint("without TEXT all tests run, each with its name"));
        }
    }
    let rehearsal = Rehearsal {
        policies: &policies.set,
        cases: &tests,
        tenants: &tenants,
        now: SystemClock.now(),
    };
    let rehearsed = rehearse(&rehearsal).map_err(|problems| {
        let sources: Vec<_> = files.into_iter().chain(sources).collect();
        ui.err(&problems_in(&problems, &sources));
        Failure::text(Exit::Invalid, "the tests could not be run: policies or settings do not fit")
            .hint("mend what is shown above")
    })?;
    let told = Told { rehearsed, whole: args.filter.is_none() };
    show(args, ui, &told)?;
    let uncovered = args.require_coverage && !told.rehearsed.unreached.is_empty();
    match (told.rehearsed.passed(), uncovered) {
        (true, false) => Ok(Exit::Done),
        (false, _) => Ok(Exit::Invalid),
        (true, true) => {
            let message =
                "some policies are reached by no test, and `--require-coverage` asks for all";
            Err(Failure::text(Exit::Invalid, message)
                .hint("write a test for each that is named above"))
        }
    }
}

/// What came of the tests, and whether all of them ran.
struct Told {
    rehearsed: Rehearsed,
    whole: bool,
}

type Loaded = (LoadedPolicies, Vec<(TenantName, Settings)>, Vec<crate::yaml::SourceFile>);

fn load(args: &Test, ui: &Ui) -> Result<Loaded, Failure> {
    if let Some(directory) = &args.policies {
        let (loaded, warnings) = load_from(ui, directory, "policies", None)?;
        warn(ui, &warnings, &loaded.files);
        return Ok((loaded, Vec::new(), Vec::new()));
    }
    let session = Session::open(&args.config, ui, 0)?;
    let loaded = session.policies()?;
    let settings = |tenant: &crate::config::Tenant| (tenant.name.clone(), tenant.settings.clone());
    let tenants = session.config.tenants.iter().map(settings).collect();
    Ok((loaded, tenants, vec![session.source().clone()]))
}

fn show(args: &Test, ui: &Ui, told: &Told) -> Result<(), Failure> {
    let Told { rehearsed, whole } = told;
    let text = match args.format {
        TestFormat::Text => {
            let style = if args.out.is_some() { Style::Plain } else { ui.style() };
            report::text::rehearsed(rehearsed, *whole, style)
        }
        TestFormat::Json => report::json::rehearsed_to_json(rehearsed),
        TestFormat::Junit => report::junit::rehearsed(rehearsed),
    };
    match &args.out {
        None => ui.result(text.trim_end()),
        Some(path) => private_file::write(path, text.as_bytes(), "the results"),
    }
}
