//! `seatkeeper completions`: shell completions from the command line's own definition.

use clap::CommandFactory as _;

use crate::cli::args::{Cli, Completions};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::ui::Ui;

/// Prints the completions of a shell.
pub(crate) fn run(args: &Completions, ui: &Ui) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "seatkeeper", &mut script);
    ui.result(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
