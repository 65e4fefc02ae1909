//! `seatkeeper validate`: checks configuration and policies, without network.

use crate::cli::args::{Format, Validate};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::session::Session;
use crate::cli::ui::Ui;
use crate::report::text::count;

/// Checks everything that can be checked without a tenant.
pub(crate) fn run(args: &Validate, ui: &Ui) -> Outcome {
    if args.format == Format::Json {
        return as_json(args, ui);
    }
    let session = Session::open(&args.config, ui, 0)?;
    let policies = session.policies()?;
    let tenants = count(session.config.tenants.len() as u64, "tenant", "tenants");
    let policies = count(policies.policies.set.policies.len() as u64, "policy", "policies");
    ui.result(&format!("valid: {tenants}, {policies}"))?;
    ui.say("whether groups and SKUs are there shows against the tenant: `seatkeeper plan`");
    Ok(Exit::Done)
}

/// Prints every problem as JSON, for editors and pipelines.
fn as_json(args: &Validate, ui: &Ui) -> Outcome {
    let problems = Session::problems(&args.config)?;
    let exit = if problems.iter().any(|p| p.severity == crate::yaml::Severity::Error) {
        Exit::Invalid
    } else {
        Exit::Done
    };
    let json = serde_json::to_string_pretty(&crate::yaml::to_json(&problems))
        .expect("diagnostics always serialise");
    ui.result(&json)?;
    Ok(exit)
}
