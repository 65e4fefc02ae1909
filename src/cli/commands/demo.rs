//! `seatkeeper demo`: the main job against an embedded sandbox tenant, by the same commands that a
//! person would use, with no set-up.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::args::{Apply, Common, Config, Deciding, Demo, PlanArgs, PlanFormat};
use crate::cli::clock::SystemClock;
use crate::cli::commands::{apply, plan};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::scratch;
use crate::cli::session::Session;
use crate::cli::ui::Ui;
use crate::plan::guard::tripped;
use crate::ports::{Clock as _, Records as _, StoredPlan};
use crate::sandbox::http::Clock;
use crate::sandbox::{Options, Running, Server, Tenant};

/// The example policies.
pub(super) const POLICIES: [(&str, &str); 6] = [
    ("analytics.yaml", include_str!("../../../policies/analytics.yaml")),
    ("contractors.yaml", include_str!("../../../policies/contractors.yaml")),
    ("engineering.yaml", include_str!("../../../policies/engineering.yaml")),
    ("leavers.yaml", include_str!("../../../policies/leavers.yaml")),
    ("staff.yaml", include_str!("../../../policies/staff.yaml")),
    ("stores.yaml", include_str!("../../../policies/stores.yaml")),
];

/// Reads, plans, shows, applies, and plans again: then nothing is left to do.
pub(crate) async fn run(args: &Demo, ui: &Ui, verbose: u8) -> Outcome {
    let tenant = Tenant::company(args.users as usize, args.seed);
    let clock = Clock::Ask(Arc::new(|| SystemClock.now()));
    let options = Options { clock, ..Options::default() };
    let server = Server::start(tenant, options).await.map_err(|error| {
        let context = "cannot serve the sandbox tenant on this machine";
        Failure::new(Exit::Unavailable, anyhow::Error::new(error).context(context))
    })?;
    let home = scratch::directory()?;
    let config = Config { config: Some(lay_out(home.path(), &server)?) };
    let common = Common { config, tenant: None };

    step(
        ui,
        1,
        &format!(
            "A tenant of {} people is served at http://{}; nothing leaves this machine. \
         Its example policies are planned, as `seatkeeper plan` does.",
            args.users, server.addr
        ),
    );
    plan::run(&planning(&common, args.all), ui, verbose).await?;
    let first = latest(&common, ui).await?;

    let guards: Vec<String> =
        tripped(&first.plan.guards).iter().map(|guard| guard.as_str().to_owned()).collect();
    step(
        ui,
        2,
        &format!(
            "{} A person has looked at it and accepts that, as `seatkeeper apply {}{} --reason …` does.",
            if guards.is_empty() {
                "No guard holds the plan.".to_owned()
            } else {
                format!("The plan is held by {}.", guards.join(" and "))
            },
            first.plan.id,
            guards.iter().map(|guard| format!(" --accept {guard}")).collect::<String>(),
        ),
    );
    let deciding = Deciding {
        accept: guards,
        reason: Some("it is a demo".to_owned()),
        by: Some("demo".to_owned()),
    };
    let id = Some(first.plan.id.to_string());
    let applying = Apply {
        common: common.clone(),
        plan: id,
        yes: true,
        deciding,
        all: false,
        leave_out_misfits: false,
    };
    let applied = apply::run(&applying, ui, verbose).await?;

    step(ui, 3, "The tenant is read and planned again.");
    let again = PlanArgs { detailed_exitcode: true, ..planning(&common, args.all) };
    let left = plan::run(&again, ui, verbose).await?;
    match (applied, left) {
        (Exit::Done, Exit::Done) => {
            ui.result(
                "\nWhat is blocked, waiting or scheduled is told above; of what can be done now:\n\
                 Nothing is left to do.",
            )?;
            Ok(Exit::Done)
        }
        (applied, left) => {
            Err(Failure::text(applied.or(left), "the demo should have left nothing to do, and did"))
        }
    }
}

fn step(ui: &Ui, number: u8, text: &str) {
    ui.say(&format!("\n[{number}/3] {text}\n"));
}

fn planning(common: &Common, all: bool) -> PlanArgs {
    PlanArgs {
        common: common.clone(),
        format: PlanFormat::Text,
        out: None,
        detailed_exitcode: false,
        all,
        redact: false,
        leave_out_misfits: false,
        snapshot: None,
        baseline: None,
        at: None,
    }
}

async fn latest(common: &Common, ui: &Ui) -> Result<StoredPlan, Failure> {
    let session = Session::open(&common.config, ui, 0)?;
    let store = session.store_for_reading()?;
    let found = store.plan(None, None).await.map_err(|error| session.records_failure(error))?;
    found.ok_or_else(|| session.no_plan(None))
}

/// Writes a configuration, a secret and the example policies, as a person would have them.
fn lay_out(home: &Path, server: &Running) -> Result<PathBuf, Failure> {
    let policies = home.join("policies");
    std::fs::create_dir(&policies)?;
    for (name, text) in POLICIES {
        std::fs::write(policies.join(name), text)?;
    }
    std::fs::write(home.join("secret"), &server.secret)?;
    let configuration = format!(
        "state: state\n\
         tenants:\n  \
           - name: sandbox\n    \
             tenant_id: {}\n    \
             auth: {{client_id: {}, client_secret: {{file: secret}}}}\n    \
             endpoints: {{graph: \"http://{addr}\", login: \"http://{addr}\"}}\n",
        server.tenant_id,
        server.client_id,
        addr = server.addr,
    );
    let path = home.join("seatkeeper.yaml");
    std::fs::write(&path, configuration)?;
    Ok(path)
}
