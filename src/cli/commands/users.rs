//! `seatkeeper users`: who there is, and what they hold.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::args::{ListFormat, Users};
use crate::cli::commands::explain::find_sku;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::session::Session;
use crate::cli::ui::Ui;
use crate::cli::user_list::{self, Row};
use crate::domain::dn::DistinguishedName;
use crate::domain::group::{Group, Members, Membership};
use crate::domain::ids::{GroupId, SkuId, UserId};
use crate::domain::known::Truth;
use crate::domain::snapshot::Snapshot;
use crate::domain::user::User;
use crate::report;

/// Lists users from the last read, or from a fresh one.
pub(crate) async fn run(args: &Users, ui: &Ui, verbose: u8) -> Outcome {
    let rows = args.csv.as_deref().map(user_list::read).transpose()?;
    let session = Session::open(&args.common.config, ui, verbose)?;
    let tenant = session.one(args.common.tenant.as_deref())?;
    let policies = session.policies()?;
    let (snapshot, _) =
        session.snapshot(tenant, args.refresh, &policies, "seatkeeper users").await?;
    let listed = rows.zip(args.csv.as_deref()).map(|(rows, file)| {
        let Listed { users, misfits } = listed(&snapshot, &rows);
        for (line, who) in misfits {
            ui.say(&format!("{}:{line}: no user `{who}` in the tenant", file.display()));
        }
        users
    });
    let filter = Filter::new(args, &snapshot, listed)?;
    let mut users: Vec<&User> = snapshot.users().iter().filter(|user| filter.fits(user)).collect();
    users.sort_by(|a, b| a.principal_name.cmp(&b.principal_name));
    match args.format {
        ListFormat::Json => ui.result(&report::json::users_to_json(&users, &snapshot))?,
        ListFormat::Csv => ui.result(&report::csv::users(&users))?,
        ListFormat::Text if users.is_empty() => ui.say("no user fits"),
        ListFormat::Text => {
            ui.page(&report::text::users(&users, &snapshot, ui.sheet()))?;
            ui.say(&report::text::count(users.len() as u64, "user", "users"));
        }
    }
    Ok(Exit::Done)
}

/// Who is on a list.
struct Listed<'a> {
    users: BTreeSet<UserId>,
    /// The rows that fit nobody.
    misfits: Vec<&'a Row>,
}

/// Finds who is on a list, by id or by principal name, ignoring case.
fn listed<'a>(snapshot: &Snapshot, rows: &'a [Row]) -> Listed<'a> {
    let name = |user: &User| (user.principal_name.to_lowercase(), user.id);
    let by_name: BTreeMap<String, UserId> = snapshot.users().iter().map(name).collect();
    let mut listed = Listed { users: BTreeSet::new(), misfits: Vec::new() };
    for row in rows {
        let (_, who) = row;
        let found = match who.parse::<UserId>() {
            Ok(id) => snapshot.user(id).map(|user| user.id),
            Err(_) => by_name.get(&who.to_lowercase()).copied(),
        };
        match found {
            Some(user) => {
                listed.users.insert(user);
            }
            None => listed.misfits.push(row),
        }
    }
    listed
}

struct Filter<'a> {
    search: Option<String>,
    members: Option<&'a Members>,
    ou: Option<DistinguishedName>,
    domain: Option<&'a str>,
    ad_domain: Option<&'a str>,
    sku: Option<SkuId>,
    unlicensed: bool,
    listed: Option<BTreeSet<UserId>>,
}

impl<'a> Filter<'a> {
    fn new(
        args: &'a Users,
        snapshot: &'a Snapshot,
        listed: Option<BTreeSet<UserId>>,
    ) -> Result<Self, Failure> {
        let ou = args.ou.as_deref().map(str::parse).transpose();
        Ok(Self {
            search: args.search.as_deref().map(str::to_lowercase),
            members: args.group.as_deref().map(|name| members(snapshot, name)).transpose()?,
            ou: ou.map_err(|error: crate::domain::dn::InvalidDistinguishedName| {
                Failure::new(Exit::Usage, error)
                    .hint("write it as in `OU=Sales,DC=corp,DC=contoso,DC=com`")
            })?,
            domain: args.domain.as_deref(),
            ad_domain: args.ad_domain.as_deref(),
            sku: args.sku.as_deref().map(|sku| find_sku(snapshot, sku)).transpose()?,
            unlicensed: args.unlicensed,
            listed,
        })
    }

    fn fits(&self, user: &User) -> bool {
        let Self { search, members, ou, domain, ad_domain, sku, unlicensed, listed } = self;
        let found = |text: &String| {
            let names = [Some(&user.principal_name), user.display_name.as_ref()];
            names.into_iter().flatten().any(|name| name.to_lowercase().contains(text))
        };
        let same = |a: Option<&str>, b: &str| a.is_some_and(|a| a.eq_ignore_ascii_case(b));
        let licenses = user.licenses.value();
        search.as_ref().is_none_or(found)
            && listed.as_ref().is_none_or(|listed| listed.contains(&user.id))
            && members.is_none_or(|members| members.contains(user.id) == Truth::True)
            && ou.as_ref().is_none_or(|ou| {
                let name = user.distinguished_name.value().and_then(Option::as_ref);
                name.is_some_and(|name| name.is_below(ou))
            })
            && domain.is_none_or(|domain| same(user.domain(), domain))
            && ad_domain.is_none_or(|domain| {
                same(user.ad_domain.value().and_then(Option::as_deref), domain)
            })
            && sku.is_none_or(|sku| licenses.is_some_and(|held| held.get(sku).is_some()))
            && (!unlicensed || licenses.is_some_and(|held| held.assignments.is_empty()))
    }
}

/// Returns the members of a group, nested ones included, where some policy had them read.
fn members<'a>(snapshot: &'a Snapshot, asked: &str) -> Result<&'a Members, Failure> {
    let id = asked.parse::<GroupId>().ok();
    let name = asked.to_lowercase();
    let fits = |group: &&Group| id == Some(group.id) || group.name.to_lowercase() == name;
    let found: Vec<&Group> = snapshot.groups().iter().filter(fits).collect();
    match found.as_slice() {
        [] => Err(Failure::text(Exit::Usage, format!("the last read has no group `{asked}`"))),
        [group] => match &group.membership {
            Membership::Read { nested, direct: _ } => Ok(nested),
            Membership::NotRead => {
                let message = format!("the members of group `{}` were not read", group.name);
                Err(Failure::text(Exit::Usage, message)
                    .hint("only groups that a policy names are read"))
            }
        },
        several => {
            let ids: Vec<String> = several.iter().map(|group| group.id.to_string()).collect();
            let message = format!("{} groups are called `{asked}`", several.len());
            Err(Failure::text(Exit::Usage, message)
                .hint(format!("write the id: {}", ids.join(", "))))
        }
    }
}
