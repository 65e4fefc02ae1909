//! `seatkeeper validate`: checks configuration and policies, without network.

use std::path::Path;

use crate::cli::args::{Validate, ValidateFormat};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::session::Session;
use crate::cli::ui::Ui;
use crate::report::{self, text::count};

/// What no file tells.
const AGAINST_THE_TENANT: &str =
    "whether groups and SKUs are there shows against the tenant: `seatkeeper plan`";

/// Checks everything that can be checked without a tenant.
pub(crate) fn run(args: &Validate, ui: &Ui) -> Outcome {
    if args.format != ValidateFormat::Text {
        return for_programs(args, ui);
    }
    let session = Session::open(&args.config, ui, 0)?;
    let policies = session.policies()?;
    let tenants = count(session.config.tenants.len() as u64, "tenant", "tenants");
    let policies = count(policies.policies.set.policies.len() as u64, "policy", "policies");
    ui.result(&format!("valid: {tenants}, {policies}"))?;
    ui.say(AGAINST_THE_TENANT);
    Ok(Exit::Done)
}

/// Prints every problem for editors and pipelines.
fn for_programs(args: &Validate, ui: &Ui) -> Outcome {
    let (problems, whereabouts) = Session::problems(&args.config)?;
    let exit = if problems.iter().any(|p| p.severity == crate::yaml::Severity::Error) {
        Exit::Invalid
    } else {
        Exit::Done
    };
    let here = std::env::current_dir().unwrap_or_default();
    let here = here.canonicalize().unwrap_or(here);
    let root = work_tree(&here).unwrap_or(&here);
    let locate = |file: &str| {
        let file = whereabouts.path(file);
        let file = here.join(file.strip_prefix(".").unwrap_or(&file));
        // Pipelines know files by the one path that has no `..` in it.
        let file = file.canonicalize().unwrap_or(file);
        file.strip_prefix(root).unwrap_or(&file).to_string_lossy().into_owned()
    };
    let text = match args.format {
        ValidateFormat::Text | ValidateFormat::Json => {
            serde_json::to_string_pretty(&crate::yaml::to_json(&problems))
                .expect("diagnostics always serialise")
        }
        ValidateFormat::Github => report::annotations::for_github(&problems, &locate),
        ValidateFormat::Gitlab => report::annotations::for_gitlab(&problems, &locate),
    };
    ui.result(&text)?;
    if exit == Exit::Done {
        ui.say(AGAINST_THE_TENANT);
    }
    Ok(exit)
}

/// Returns the work tree of git that a directory lies in: pipelines name files as from there.
fn work_tree(dir: &Path) -> Option<&Path> {
    dir.ancestors().find(|dir| dir.join(".git").exists())
}
