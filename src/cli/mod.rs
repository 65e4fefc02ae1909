//! The command line: a skin over the engine, and the one place that wires the parts together.

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};

use clap::Parser as _;
use clap::error::ErrorKind;

use crate::cli::args::{Cli, Command};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::ui::Ui;

pub mod args;
pub mod clock;
mod commands;
mod daemon;
mod desk;
pub mod environment;
pub mod exit;
mod export;
mod failure;
mod pager;
mod policies;
mod private_file;
mod scratch;
mod secret;
pub mod session;
mod sign_in;
pub mod telemetry;
pub mod ui;
mod user_list;
mod wording;

/// Runs the program. Returns how it ends.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let cli = match Cli::try_parse_from(arguments).and_then(Cli::settle) {
        Ok(cli) => cli,
        Err(error) => {
            // There is nobody left to tell when the terminal cannot be written.
            let _ = error.print();
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Done,
                _ => Exit::Usage,
            };
        }
    };
    // The demonstration is one text.
    let paged = !cli.no_pager && !matches!(cli.command, Command::Demo(_));
    let ui = Ui::new(cli.quiet, paged);
    let outcome = catch_unwind(AssertUnwindSafe(|| dispatch(&cli, &ui)));
    ui.clear();
    match outcome {
        Ok(Ok(exit)) => exit,
        Ok(Err(failure)) => {
            ui.failure(&failure);
            failure.exit
        }
        Err(_) => {
            ui.err("error: a fault in seatkeeper itself\nhint: what was sent and not recorded is settled by the next run; please report the lines above");
            Exit::Internal
        }
    }
}

fn dispatch(cli: &Cli, ui: &Ui) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Internal, error))?;
    let verbose = cli.verbose;
    let outcome = runtime.block_on(async {
        match &cli.command {
            Command::Demo(args) => commands::demo::run(args, ui, verbose).await,
            Command::Sandbox(args) => commands::sandbox::run(args, ui, verbose).await,
            Command::Init(args) => commands::init::run(args, ui),
            Command::Validate(args) => commands::validate::run(args, ui),
            Command::Test(args) => commands::test::run(args, ui),
            Command::Doctor(args) => Box::pin(commands::doctor::run(args, ui, verbose)).await,
            Command::Plan(args) => commands::plan::run(args, ui, verbose).await,
            Command::Show(args) => commands::show::run(args, ui).await,
            Command::Plans(args) => commands::plans::run(args, ui).await,
            Command::Approve(args) => commands::decide::approve(args, ui).await,
            Command::Retry(args) => commands::retry::run(args, ui).await,
            Command::Reject(args) => commands::decide::reject(args, ui).await,
            Command::Apply(args) => commands::apply::run(args, ui, verbose).await,
            Command::Bulk(args) => Box::pin(commands::bulk::run(args, ui, verbose)).await,
            Command::Revert(args) => Box::pin(commands::revert::run(args, ui, verbose)).await,
            Command::Run(args) => Box::pin(commands::run::run(args, ui, verbose)).await,
            Command::Pause(args) => commands::pause::pause(args, ui).await,
            Command::Resume(args) => commands::pause::resume(args, ui).await,
            Command::Explain(args) => commands::explain::run(args, ui, verbose).await,
            Command::Users(args) => commands::users::run(args, ui, verbose).await,
            Command::Ous(args) => commands::ous::run(args, ui, verbose).await,
            Command::Domains(args) => commands::domains::run(args, ui, verbose).await,
            Command::Groups(args) => commands::groups::run(args, ui, verbose).await,
            Command::Snapshot(args) => commands::snapshot::run(args, ui, verbose).await,
            Command::Seats(args) => commands::seats::run(args, ui, verbose).await,
            Command::Import(args) => Box::pin(commands::import::run(args, ui, verbose)).await,
            Command::History(args) => commands::history::run(args, ui).await,
            Command::Status(args) => commands::status::run(args, ui).await,
            Command::Bench(args) => Box::pin(commands::bench::run(args, ui)).await,
            Command::Schema(args) => commands::schema::run(args, ui),
            Command::Completions(args) => commands::completions::run(args, ui),
            Command::Man(args) => commands::man::run(args, ui),
        }
    });
    // A question that nobody answers must not keep the process.
    runtime.shutdown_background();
    outcome
}
