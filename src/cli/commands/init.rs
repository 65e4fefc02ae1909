//! `seatkeeper init`: writes a commented configuration and a first policy, and overwrites nothing.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use crate::cli::args::Init;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::ui::Ui;

const CONFIGURATION: &str = include_str!("init/seatkeeper.yaml");
const POLICY: &str = include_str!("init/policy.yaml");

/// Writes both files, or neither.
pub(crate) fn run(args: &Init, ui: &Ui) -> Outcome {
    let configuration = args.directory.join("seatkeeper.yaml");
    let policy = args.directory.join("policies").join("engineering.yaml");
    if let Some(there) = [&configuration, &policy].into_iter().find(|path| path.exists()) {
        let message = format!("`{}` is there already", there.display());
        return Err(Failure::text(Exit::Invalid, message)
            .hint("choose another directory, or move the file away; nothing was written"));
    }
    write(&configuration, CONFIGURATION)?;
    write(&policy, POLICY)?;
    ui.result(&format!("wrote {}\nwrote {}", configuration.display(), policy.display()))?;
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
