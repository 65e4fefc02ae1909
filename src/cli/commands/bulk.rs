//! `seatkeeper bulk`: a one-off change for some users, planned, reviewed and recorded as any other.

use std::sync::Arc;

use crate::cli::args::{Bulk, BulkAction, Whom};
use crate::cli::commands::apply::once;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::session::Session;
use crate::cli::ui::Ui;
use crate::cli::user_list;
use crate::domain::country;
use crate::domain::dn::InvalidDistinguishedName;
use crate::domain::names::InvalidUsageLocation;
use crate::engine::once::Once;
use crate::plan::bulk::{BulkOrder, Change, Selection, Skus};

/// Plans a change, and applies it where a person says so.
pub(crate) async fn run(args: &Bulk, ui: &Ui, verbose: u8) -> Outcome {
    let order = order(args)?;
    let session = Session::open(&args.doing.common.config, ui, verbose)?;
    let tenant = session.one(args.doing.common.tenant.as_deref())?;
    once(&session, tenant, &args.doing, &Once::Bulk(order), "seatkeeper bulk").await
}

/// Reads what is asked for.
fn order(args: &Bulk) -> Result<BulkOrder, Failure> {
    let location = args.usage_location.as_deref().map(str::parse).transpose();
    let location = location.map_err(|error: InvalidUsageLocation| {
        Failure::new(Exit::Usage, error).hint("write it as in `--usage-location DE`")
    })?;
    if let Some((message, hint)) = location.and_then(country::refusal) {
        return Err(Failure::text(Exit::Usage, message).hint(hint));
    }
    Ok(BulkOrder {
        change: change(args)?,
        usage_location: location,
        selection: selection(&args.whom)?,
    })
}

fn change(args: &Bulk) -> Result<Change<Arc<str>>, Failure> {
    let usage = |message: &str| Failure::text(Exit::Usage, message);
    let given = || match skus(&args.skus) {
        Skus::Listed(skus) => Ok(skus),
        Skus::All => Err(usage("`all` can be removed and replaced, not given")),
    };
    if args.action != BulkAction::Replace && !args.replaces.is_empty() {
        return Err(usage("--replaces is for `bulk replace`"));
    }
    Ok(match args.action {
        BulkAction::Add => Change::Add { skus: given()? },
        BulkAction::Replace => Change::Replace { skus: given()?, replaces: skus(&args.replaces) },
        BulkAction::Remove => Change::Remove { skus: skus(&args.skus) },
    })
}

/// Reads SKUs, or the word `all`.
fn skus(written: &[String]) -> Skus<Arc<str>> {
    if let [one] = written
        && one.eq_ignore_ascii_case("all")
    {
        return Skus::All;
    }
    Skus::Listed(written.iter().map(|sku| sku.as_str().into()).collect())
}

fn selection(whom: &Whom) -> Result<Selection, Failure> {
    let Whom { csv, user, group, ou, domain, search } = whom;
    if let Some(path) = csv {
        let rows = user_list::read(path)?;
        return Ok(Selection::Csv { file: path.to_string_lossy().into(), rows });
    }
    if let Some(group) = group {
        return Ok(Selection::Group(group.as_str().into()));
    }
    if let Some(ou) = ou {
        let ou = ou.parse().map_err(|error: InvalidDistinguishedName| {
            Failure::new(Exit::Usage, error)
                .hint("write it as in `OU=Sales,DC=corp,DC=contoso,DC=com`")
        })?;
        return Ok(Selection::Ou(ou));
    }
    if let Some(domain) = domain {
        return Ok(Selection::Domain(domain.as_str().into()));
    }
    if let Some(text) = search {
        return Ok(Selection::Search(text.as_str().into()));
    }
    Ok(Selection::Users(user.iter().map(|user| user.as_str().into()).collect()))
}
