//! `seatkeeper init`: writes a commented configuration, a first policy and what editors need to
//! help with both; it overwrites nothing.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use crate::cli::args::{Described, Init};
use crate::cli::commands::schema;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::ui::Ui;

const CONFIGURATION: &str = include_str!("init/seatkeeper.yaml");
const POLICY: &str = include_str!("init/policy.yaml");

/// Writes all files, or none.
///
/// The schemas lie in a hidden directory, which the loader of policies passes over wherever
/// `policies` points.
pub(crate) fn run(args: &Init, ui: &Ui) -> Outcome {
    let files = [
        ("seatkeeper.yaml", CONFIGURATION.to_owned()),
        ("policies/engineering.yaml", POLICY.to_owned()),
        (".seatkeeper/config.schema.json", schema::text(Described::Config)),
        (".seatkeeper/policy.schema.json", schema::text(Described::Policy)),
    ];
    let files = files.map(|(name, text)| (args.directory.join(name), text));
    if let Some((there, _)) = files.iter().find(|(path, _)| path.exists()) {
        let message = format!("`{}` is there already", there.display());
        return Err(Failure::text(Exit::Invalid, message)
            .hint("choose another directory, or move the file away; nothing was written"));
    }
    let mut wrote = Vec::new();
    for (path, text) in &files {
        write(path, text)?;
        wrote.push(format!("wrote {}", path.display()));
    }
    ui.result(&wrote.join("\n"))?;
    ui.say("next: put the ids of your app registration in, then `seatkeeper validate`");
    Ok(Exit::Done)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        let what = anyhow::Error::new(error).context(format!("cannot write `{}`", path.display()));
        Failure::new(Exit::Unavailable, what)
    };
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory).map_err(failed)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}
