//! `seatkeeper man`: manual pages from the command line's own definition.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Arg, ArgAction, Command, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use crate::cli::args::{Cli, ManArgs};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::ui::Ui;

/// Commands that are about one thing: the page of each names the others.
const RELATED: &[&[&str]] = &[
    &["init", "validate", "test", "doctor", "schema"],
    &["plan", "show", "plans", "approve", "reject", "apply"],
    &["apply", "bulk", "revert", "retry"],
    &["run", "status", "pause", "resume"],
    &["explain", "users", "ous", "domains", "groups", "seats"],
    &["plan", "snapshot", "import"],
    &["show", "history", "status"],
    &["demo", "sandbox", "bench"],
    &["schema", "completions", "man"],
];

const ENVIRONMENT: &[(&str, &str)] = &[
    ("CREDENTIALS_DIRECTORY", "Where `{credential: NAME}` is read from; systemd sets it."),
    (
        "AZURE_FEDERATED_TOKEN_FILE",
        "The token to sign in with where `federated_token` names no file.",
    ),
    (
        "IDENTITY_ENDPOINT, IDENTITY_HEADER, IMDS_ENDPOINT, AZURE_POD_IDENTITY_AUTHORITY_HOST",
        "Where to ask for the token of a managed identity; the host sets them.",
    ),
    ("SUDO_USER, USER, LOGNAME", "Who decides, without `--by`: the first that is set."),
    ("HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY", "Through what, and to whom not, to connect."),
    ("SSL_CERT_FILE, SSL_CERT_DIR", "Certificates to trust, instead of the system's."),
    ("NO_COLOR", "Print no colours, where it is set and not empty."),
    ("JOURNAL_STREAM, NOTIFY_SOCKET, WATCHDOG_USEC", "How systemd is told; it sets them."),
];

const FILES: &[(&str, &str)] = &[
    (
        "./seatkeeper.yaml, /etc/seatkeeper/seatkeeper.yaml",
        "The configuration: the first that there is, unless `--config` names another.",
    ),
    ("/etc/seatkeeper/policies/", "Policies, where the configuration says `policies: policies`."),
    (
        "/var/lib/seatkeeper/seatkeeper.db",
        "Ledger, plans, decisions, intents, outcomes: in the directory that `state` names.",
    ),
    (
        "/var/lib/seatkeeper/seatkeeper-v6.db",
        "The store as it was before an update of its schema, here of version 6.",
    ),
    (
        "/var/lib/seatkeeper/TENANT.*",
        "Of each tenant the last read, what it goes on from, its quota, and its lock.",
    ),
];

/// Prints a page, or writes all of them.
pub(crate) fn run(args: &ManArgs, ui: &Ui) -> Outcome {
    let pages = pages();
    let Some(directory) = &args.out else {
        let name = match &args.command {
            Some(command) => format!("seatkeeper-{command}.1"),
            None => "seatkeeper.1".to_owned(),
        };
        let page = pages.into_iter().find(|page| page.name == name).ok_or_else(|| {
            let command = args.command.as_deref().unwrap_or_default();
            Failure::text(Exit::Usage, format!("there is no command `{command}`"))
                .hint("`seatkeeper --help` lists them")
        })?;
        ui.result(&page.text)?;
        return Ok(Exit::Done);
    };
    std::fs::create_dir_all(directory).map_err(|error| unwritten(directory, error))?;
    let mut wrote = String::new();
    for Page { name, text } in pages {
        let path = directory.join(name);
        std::fs::write(&path, text).map_err(|error| unwritten(&path, error))?;
        writeln!(wrote, "wrote {}", path.display()).expect("a string takes every text");
    }
    ui.say(&wrote);
    Ok(Exit::Done)
}

fn unwritten(path: &Path, error: std::io::Error) -> Failure {
    let what = anyhow::Error::new(error).context(format!("cannot write `{}`", path.display()));
    Failure::new(Exit::Unavailable, what)
}

/// A manual page.
struct Page {
    /// The name of its file.
    name: String,
    /// The page, for `man`.
    text: String,
}

/// Returns the page of the program, and one for each of its commands.
fn pages() -> Vec<Page> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let commands: Vec<_> =
        program.get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect();
    std::iter::once(program).chain(commands).map(page).collect()
}

fn page(command: Command) -> Page {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    let topic = command.get_name().to_owned();
    let has_commands = command.has_subcommands();
    let has_configuration = has_commands
        || command.get_arguments().any(|argument| argument.get_long() == Some("config"));
    let synopsis = synopsis(&command);
    let man = Man::new(command)
        .title(name.to_uppercase())
        .source(concat!("seatkeeper ", env!("CARGO_PKG_VERSION")))
        .manual("Seatkeeper");
    let mut text = Vec::new();
    let mut rendered = man
        .render_title(&mut text)
        .and_then(|()| man.render_name_section(&mut text))
        .and_then(|()| synopsis.to_writer(&mut text))
        .and_then(|()| man.render_description_section(&mut text))
        .and_then(|()| man.render_options_section(&mut text));
    if has_commands {
        rendered = rendered.and_then(|()| man.render_subcommands_section(&mut text));
    }
    rendered.and_then(|()| end(&topic, has_configuration).to_writer(&mut text)).expect(IN_MEMORY);
    // A plain backtick is set as an opening quotation mark.
    let text = String::from_utf8(text).expect(IN_MEMORY).replace('`', "\\(ga");
    Page { name: format!("{name}.1"), text }
}

/// Returns how the command is written, with the values that its options take.
fn synopsis(command: &Command) -> Roff {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]);
    let mut line = vec![bold(name)];
    let shown = command.get_arguments().filter(|argument| !argument.is_hide_set());
    let (named, placed): (Vec<&Arg>, Vec<&Arg>) =
        shown.partition(|argument| !argument.is_positional());
    for argument in named.into_iter().chain(placed) {
        line.extend(piece(argument));
    }
    if command.has_subcommands() {
        line.extend([roman(" "), italic("COMMAND"), roman(" …")]);
    }
    roff.text(line);
    roff
}

/// Returns how one argument is written.
fn piece(argument: &Arg) -> Vec<Inline> {
    let mut inner = Vec::new();
    match (argument.get_long(), argument.get_short()) {
        (Some(long), _) => inner.push(bold(format!("--{long}"))),
        (None, Some(short)) => inner.push(bold(format!("-{short}"))),
        (None, None) => {}
    }
    let is_flag = matches!(
        argument.get_action(),
        ArgAction::SetTrue
            | ArgAction::Count
            | ArgAction::Help
            | ArgAction::HelpShort
            | ArgAction::HelpLong
            | ArgAction::Version
    );
    if !is_flag {
        let names = argument.get_value_names().unwrap_or_default();
        let value = names.first().map_or_else(|| argument.get_id().as_str(), |name| name.as_str());
        if !inner.is_empty() {
            inner.push(roman(" "));
        }
        inner.push(italic(value));
    }
    let many = matches!(argument.get_action(), ArgAction::Append | ArgAction::Count);
    let (open, close) = if argument.is_required_set() { (" ", "") } else { (" [", "]") };
    let mut piece = vec![roman(open)];
    piece.extend(inner);
    piece.push(roman(if many { format!("{close}…") } else { close.to_owned() }));
    piece
}

const IN_MEMORY: &str = "a page is text, and memory takes all of it";

/// Returns what no definition of arguments tells.
fn end(topic: &str, has_configuration: bool) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["EXIT STATUS"]);
    for exit in Exit::ALL {
        item(&mut roff, &(exit as u8).to_string(), exit.meaning());
    }
    if has_configuration {
        roff.control("SH", ["ENVIRONMENT"]);
        for (name, text) in ENVIRONMENT {
            item(&mut roff, name, text);
        }
        roff.control("SH", ["FILES"]);
        for (name, text) in FILES {
            item(&mut roff, name, text);
        }
    }
    roff.control("SH", ["SEE ALSO"]);
    for name in related(topic) {
        roff.control("BR", [name.as_str(), "(1),"]);
    }
    roff.text([roman("and the directory docs/ of the source, or /usr/share/doc/seatkeeper/.")]);
    roff
}

fn item(roff: &mut Roff, name: &str, text: &str) {
    roff.control("TP", []);
    roff.text([bold(name)]);
    roff.text([roman(text)]);
}

fn related(topic: &str) -> Vec<String> {
    let mut names = Vec::new();
    if topic != "seatkeeper" {
        names.push("seatkeeper".to_owned());
    }
    let groups = RELATED.iter().filter(|group| topic == "seatkeeper" || group.contains(&topic));
    for other in groups.flat_map(|group| group.iter()).filter(|other| **other != topic) {
        let name = format!("seatkeeper-{other}");
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::process::{Command as Process, Stdio};

    use super::*;

    fn commands() -> BTreeSet<String> {
        Cli::command().get_subcommands().map(|command| command.get_name().to_owned()).collect()
    }

    #[test]
    fn every_command_has_a_page_with_all_sections() {
        let pages = pages();
        let names: BTreeSet<_> = pages.iter().map(|page| page.name.clone()).collect();
        let expected = commands().into_iter().map(|command| format!("seatkeeper-{command}.1"));
        assert_eq!(names, expected.chain(["seatkeeper.1".to_owned()]).collect());
        for Page { name, text } in &pages {
            for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "SEE ALSO"]
            {
                let there = text.lines().any(|line| {
                    line.trim_matches('"') == format!(".SH {section}")
                        || line == format!(".SH \"{section}\"")
                });
                assert!(there, "{name} has no {section}:\n{text}");
            }
        }
        let of_plan = pages.iter().find(|page| page.name == "seatkeeper-plan.1").unwrap();
        assert!(of_plan.text.contains("ENVIRONMENT") && of_plan.text.contains("FILES"));
    }

    #[test]
    fn every_command_is_about_something_and_every_reference_leads_somewhere() {
        let named: BTreeSet<_> =
            RELATED.iter().flat_map(|group| group.iter().map(ToString::to_string)).collect();
        assert_eq!(named, commands());
    }

    /// Where groff is not installed, nothing can be said.
    #[test]
    fn the_pages_are_set_without_a_warning() {
        let dir = tempfile::tempdir().unwrap();
        for Page { name, text } in pages() {
            let file = dir.path().join(&name);
            std::fs::write(&file, text).unwrap();
            let mut groff = Process::new("groff");
            groff.args(["-man", "-Tutf8", "-Kutf8", "-ww", "-P-cbou"]).arg(&file);
            let Ok(output) = groff.stdin(Stdio::null()).output() else { return };
            let (shown, said) =
                (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            assert_eq!(said, "", "{name}");
            assert!(shown.contains("EXIT STATUS"), "{name}: {shown}");
        }
    }
}
