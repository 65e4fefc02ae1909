//! `seatkeeper schema`: how policies, the configuration and plans describe themselves.

use crate::cli::args::{Described, Schema};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::ui::Ui;
use crate::{config, policy, report};

/// Prints a JSON Schema.
pub(crate) fn run(args: &Schema, ui: &Ui) -> Outcome {
    ui.result(&text(args.of))?;
    Ok(Exit::Done)
}

/// Returns a JSON Schema as it is printed and written to files.
pub(crate) fn text(of: Described) -> String {
    let document = match of {
        Described::Policy => policy::schema::document(),
        Described::Config => config::schema::document(),
        Described::Plan => report::json::schema::document(),
    };
    let mut text = serde_json::to_string_pretty(&document).expect("JSON values always serialise");
    text.push('\n');
    text
}
