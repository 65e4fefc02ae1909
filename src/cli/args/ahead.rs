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
        if let Some(config) = self.config.take() {
            let Some(own) = self.command.config_mut() else {
                return Err(refused("--config", "this command goes by no configuration"));
            };
            if own.config.replace(config).is_some() {
                return Err(refused("--config", "it is given twice"));
            }
        }
        if let Some(tenant) = self.tenant.take() {
            let Some(own) = self.command.common_mut() else {
                return Err(refused("--tenant", "this command goes by no tenant"));
            };
            if own.tenant.replace(tenant).is_some() {
                return Err(refused("--tenant", "it is given twice"));
            }
        }
        Ok(self)
    }
}

fn refused(option: &str, why: &str) -> Error {
    let message = format!("'{option}' cannot be used here: {why}");
    Cli::command().error(ErrorKind::ArgumentConflict, message)
}

impl Command {
    fn config_mut(&mut self) -> Option<&mut Config> {
        match self {
            Self::Validate(args) => Some(&mut args.config),
            Self::Test(args) => Some(&mut args.config),
            Self::Run(args) => Some(&mut args.config),
            _ => self.common_mut().map(|common| &mut common.config),
        }
    }

    fn common_mut(&mut self) -> Option<&mut Common> {
        match self {
            Self::Demo(_)
            | Self::Sandbox(_)
            | Self::Init(_)
            | Self::Validate(_)
            | Self::Test(_)
            | Self::Run(_)
            | Self::Bench(_)
            | Self::Schema(_)
            | Self::Completions(_)
            | Self::Man(_) => None,
            Self::Doctor(args) => Some(&mut args.common),
            Self::Plan(args) => Some(&mut args.common),
            Self::Show(args) => Some(&mut args.common),
            Self::Plans(args) => Some(&mut args.common),
            Self::Approve(args) => Some(&mut args.common),
            Self::Reject(args) => Some(&mut args.common),
            Self::Retry(args) => Some(&mut args.common),
            Self::Apply(args) => Some(&mut args.common),
            Self::Bulk(args) => Some(&mut args.doing.common),
            Self::Revert(args) => Some(&mut args.doing.common),
            Self::Pause(args) => Some(&mut args.common),
            Self::Resume(args) => Some(&mut args.common),
            Self::Explain(args) => Some(&mut args.common),
            Self::Users(args) => Some(&mut args.common),
            Self::Ous(args) | Self::Domains(args) | Self::Groups(args) => Some(&mut args.common),
            Self::Snapshot(args) => Some(&mut args.common),
            Self::Seats(args) => Some(&mut args.common),
            Self::Import(args) => Some(&mut args.common),
            Self::History(args) => Some(&mut args.common),
            Self::Status(args) => Some(&mut args.common),
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
