//! `--config` and `--tenant` before the command: taken as if they stood after it.

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Error};

use crate::cli::args::{Cli, Command, Common, Config};

impl Cli {
    /// Hands what stood before the command to the command.
    ///
    /// # Errors
    ///
    /// Where the command has no such option, or was given it as well.
    pub fn settle(mut self) -> Result<Self, Error> {
        let (config, tenant) = (self.config.take(), self.tenant.take());
        let (own_config, own_tenant) = match self.command.goes_by() {
            GoesBy::Nothing => (None, None),
            GoesBy::Config(config) => (Some(&mut config.config), None),
            GoesBy::Tenant(Common { config, tenant }) => (Some(&mut config.config), Some(tenant)),
        };
        put("--config", config, own_config)?;
        put("--tenant", tenant, own_tenant)?;
        Ok(self)
    }
}

/// Puts what stood before the command where the command has it.
fn put<V>(option: &str, before: Option<V>, own: Option<&mut Option<V>>) -> Result<(), Error> {
    let Some(before) = before else { return Ok(()) };
    let why = match own {
        None => "this command does not go by it; leave it out",
        Some(own) => match own.replace(before) {
            None => return Ok(()),
            Some(_) => "it stands behind the command as well; leave one out",
        },
    };
    let message = format!("'{option}' cannot be used here: {why}");
    Err(Cli::command().error(ErrorKind::ArgumentConflict, message))
}

/// What a command goes by.
enum GoesBy<'a> {
    Nothing,
    Config(&'a mut Config),
    Tenant(&'a mut Common),
}

impl Command {
    fn goes_by(&mut self) -> GoesBy<'_> {
        match self {
            Self::Demo(_)
            | Self::Sandbox(_)
            | Self::Init(_)
            | Self::Bench(_)
            | Self::Schema(_)
            | Self::Completions(_)
            | Self::Man(_) => GoesBy::Nothing,
            Self::Validate(args) => GoesBy::Config(&mut args.config),
            Self::Test(args) => GoesBy::Config(&mut args.config),
            Self::Run(args) => GoesBy::Config(&mut args.config),
            Self::Doctor(args) => GoesBy::Tenant(&mut args.common),
            Self::Plan(args) => GoesBy::Tenant(&mut args.common),
            Self::Show(args) => GoesBy::Tenant(&mut args.common),
            Self::Plans(args) => GoesBy::Tenant(&mut args.common),
            Self::Approve(args) => GoesBy::Tenant(&mut args.common),
            Self::Reject(args) => GoesBy::Tenant(&mut args.common),
            Self::Retry(args) => GoesBy::Tenant(&mut args.common),
            Self::Apply(args) => GoesBy::Tenant(&mut args.common),
            Self::Bulk(args) => GoesBy::Tenant(&mut args.doing.common),
            Self::Revert(args) => GoesBy::Tenant(&mut args.doing.common),
            Self::Pause(args) => GoesBy::Tenant(&mut args.common),
            Self::Resume(args) => GoesBy::Tenant(&mut args.common),
            Self::Explain(args) => GoesBy::Tenant(&mut args.common),
            Self::Users(args) => GoesBy::Tenant(&mut args.common),
            Self::Ous(args) | Self::Domains(args) | Self::Groups(args) => {
                GoesBy::Tenant(&mut args.common)
            }
            Self::Snapshot(args) => GoesBy::Tenant(&mut args.common),
            Self::Seats(args) => GoesBy::Tenant(&mut args.common),
            Self::Import(args) => GoesBy::Tenant(&mut args.common),
            Self::History(args) => GoesBy::Tenant(&mut args.common),
            Self::Status(args) => GoesBy::Tenant(&mut args.common),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn parse(line: &str) -> Result<Cli, Error> {
        Cli::try_parse_from(line.split_whitespace()).and_then(Cli::settle)
    }

    #[test]
    fn options_before_the_command_are_as_after_it() {
        for (before, after) in [
            ("seatkeeper --config f --tenant t plan", "seatkeeper plan --config f --tenant t"),
            ("seatkeeper --config f validate", "seatkeeper validate --config f"),
            (
                "seatkeeper --tenant t bulk remove A --user u",
                "seatkeeper bulk --tenant t remove A --user u",
            ),
        ] {
            let before = parse(before).expect("it parses");
            let after = parse(after).expect("it parses");
            assert_eq!(format!("{before:?}"), format!("{after:?}"));
        }
    }

    #[test]
    fn an_option_that_the_command_does_not_have_is_refused_before_it_too() {
        for line in [
            "seatkeeper --config f demo",
            "seatkeeper --tenant t validate",
            "seatkeeper --config f plan --config g",
            "seatkeeper --tenant t plan --tenant u",
        ] {
            assert_eq!(parse(line).expect_err(line).kind(), ErrorKind::ArgumentConflict, "{line}");
        }
    }
}
