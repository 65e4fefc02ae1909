//! `seatkeeper sandbox`: serves a sandbox tenant as a Graph endpoint.

mod described;
mod sign_in;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::cli::args::{LagKind, Sandbox, SandboxHttp, SandboxLag, SandboxQuotas};
use crate::cli::clock::{FastClock, SystemClock};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::telemetry;
use crate::cli::ui::Ui;
use crate::ports::Clock as _;
use crate::sandbox::faults::InvalidFault;
use crate::sandbox::http::{Clock, Delta, Lag, Lags, PageTokens, Throttle, Tls};
use crate::sandbox::roles::Role;
use crate::sandbox::{Faults, Options, Running, Server, Tenant};
use crate::source::{file_hint, read_file};
use crate::yaml::{FILE_BYTES_MAX, SourceFile, render};

/// Serves until it is asked to stop.
pub(crate) async fn run(args: &Sandbox, ui: &Ui, verbose: u8) -> Outcome {
    telemetry::begin(telemetry::LogFormat::Text, if verbose == 0 { "warn" } else { "debug" });
    let options = options(args)?;
    let tenant = match &args.tenant {
        Some(path) => described::load(path)?,
        None => Tenant::company(args.users as usize, args.seed),
    };
    let tenant = tenant.with_id(args.tenant_id);
    let people = tenant.users().len();
    let running = Server::start(tenant, options).await.map_err(|error| {
        let context = format!("cannot listen on {}", args.listen);
        Failure::new(Exit::Unavailable, anyhow::Error::new(error).context(context))
            .hint("another process may; --listen takes another address")
    })?;
    ui.result(&greeting(&running, people, &sign_in::greeting(&args.sign_in, &running)))?;
    ui.say("Ctrl-C stops it; nothing is kept");
    stopped().await;
    running.shutdown();
    Ok(Exit::Done)
}

fn options(args: &Sandbox) -> Result<Options, Failure> {
    let clock = FastClock::begin(SystemClock.now(), args.speed);
    let throttle = match args.throttle {
        SandboxQuotas::Documented => Throttle::Documented,
        SandboxQuotas::Off => Throttle::Off,
    };
    let (lag, lags) = lags(&args.lag);
    let page_tokens = PageTokens {
        lifetime: args.page_token_lifetime,
        forget_retried: args.forget_retried_pages,
    };
    Ok(Options {
        listen: args.listen,
        credentials: sign_in::credentials(&args.sign_in)?,
        tls: tls(args)?,
        roles: roles(&args.roles)?,
        faults: faults(args)?,
        token_lifetime: args.token_lifetime,
        clock: Clock::Ask(Arc::new(move || clock.now())),
        throttle,
        lag,
        lags,
        page_tokens,
        filter_height_max: args.filter_height,
        priorities: args.priorities,
        delta: Delta { tracks_licenses: !args.delta_without_licenses, ..Delta::default() },
        ..Options::default()
    })
}

/// Returns how long plain reads lag, and all else. The last that is said of a kind counts.
fn lags(said: &[SandboxLag]) -> (Lag, Lags) {
    let mut reads = Lag::None;
    let mut lags = Lags::default();
    for SandboxLag { kind, time } in said {
        let lag = Lag::For(*time);
        match kind {
            None | Some(LagKind::Reads) => reads = lag,
            Some(LagKind::Index) => lags.index = Some(lag),
            Some(LagKind::Delta) => lags.delta = Some(lag),
            Some(LagKind::Groups) => lags.groups = lag,
        }
    }
    (reads, lags)
}

fn roles(names: &[String]) -> Result<BTreeSet<Role>, Failure> {
    match names {
        [] => return Ok(Role::usual()),
        [all] if all == "all" => return Ok(Role::ALL.into_iter().collect()),
        _ => {}
    }
    let role = |name: &String| {
        Role::named(name).ok_or_else(|| {
            let all: Vec<_> = Role::ALL.into_iter().map(Role::as_str).collect();
            Failure::text(Exit::Usage, format!("`{name}` is no app role that the sandbox knows"))
                .hint(format!("it knows {}, and `all` for all of them", all.join(", ")))
        })
    };
    names.iter().map(role).collect()
}

/// Returns the faults of the command line, and then those of the file.
fn faults(args: &Sandbox) -> Result<Faults, Failure> {
    let mut faults = Faults::parse(args.seed, &args.faults)
        .map_err(|error| Failure::new(Exit::Usage, error).hint(InvalidFault::hint()))?;
    if let Some(path) = &args.faults_file {
        let name = path.display().to_string();
        let bytes = read_file(path, FILE_BYTES_MAX).map_err(|error| {
            let (context, hint) = (format!("cannot read the faults `{name}`"), file_hint(&error));
            Failure::new(Exit::Invalid, anyhow::Error::new(error).context(context)).hint(hint)
        })?;
        let file = SourceFile::from_bytes(name.as_str().into(), bytes)
            .map_err(|problem| described::broken(&render(&[*problem], &[])))?;
        let of_file = Faults::from_yaml(&file, args.seed).map_err(|problems| {
            described::broken(&render(&problems, std::slice::from_ref(&file)))
        })?;
        faults.seed = of_file.seed;
        faults.rules.extend(of_file.rules);
    }
    Ok(faults)
}

/// Reads what HTTPS is served with, where it is to be.
fn tls(args: &Sandbox) -> Result<Option<Tls>, Failure> {
    let (Some(certificate), Some(key)) = (&args.tls_certificate, &args.tls_key) else {
        return Ok(None);
    };
    let pem = |path: &Path| {
        read_file(path, FILE_BYTES_MAX).map_err(|error| {
            let (context, hint) = (format!("cannot read `{}`", path.display()), file_hint(&error));
            Failure::new(Exit::Invalid, anyhow::Error::new(error).context(context)).hint(hint)
        })
    };
    let tls = Tls::from_pem(&pem(certificate)?, &pem(key)?).map_err(|error| {
        let context = format!("cannot serve HTTPS with `{}`", certificate.display());
        Failure::new(Exit::Invalid, anyhow::Error::new(error).context(context))
            .hint("both files are PEM, and the key is the certificate's own")
    })?;
    Ok(Some(match args.http {
        SandboxHttp::One => tls.without_http2(),
        SandboxHttp::Two => tls,
    }))
}

/// Says what to put into a configuration.
fn greeting(running: &Running, people: usize, ways: &str) -> String {
    let Running { tenant_id, client_id, secret, .. } = running;
    let url = running.url();
    format!(
        "a tenant of {people} people is served at {url}\n\n\
         # put this into seatkeeper.yaml, in place of its tenants, and: export SEATKEEPER_SECRET={secret}\n\
         tenants:\n  \
           - name: sandbox\n    \
             tenant_id: {tenant_id}\n    \
             auth:\n      \
               client_id: {client_id}\n      \
               client_secret: {{env: SEATKEEPER_SECRET}}\n\
             {ways}    \
             endpoints: {{graph: \"{url}\", login: \"{url}\"}}\n"
    )
}

async fn stopped() {
    let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
    match terminate {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}
