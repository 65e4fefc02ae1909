//! What people see: results on stdout, talk on stderr, progress where somebody watches.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::Duration;

use anstream::ColorChoice;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use terminal_size::{Height, Width, terminal_size_of};

use crate::cli::exit::Failure;
use crate::cli::pager;
use crate::engine::Stop;
use crate::ports::Progress;
use crate::report::text::fold::fold;
use crate::report::text::style::Style;
use crate::report::text::table::Sheet;
use crate::yaml::visible;

/// How a command talks.
#[derive(Debug)]
pub struct Ui {
    quiet: bool,
    /// Whether a long result may go through a pager.
    paged: bool,
    bar: Mutex<Option<ProgressBar>>,
}

impl Ui {
    /// Talks, or with `quiet` only of results and failures; long results go through a pager where `paged`
    /// lets them.
    pub fn new(quiet: bool, paged: bool) -> Self {
        Self { quiet, paged, bar: Mutex::new(None) }
    }

    /// Returns the style of what goes to stdout: colours on a terminal alone, and never under
    /// `NO_COLOR`.
    pub fn style(&self) -> Style {
        match anstream::AutoStream::choice(&std::io::stdout()) {
            ColorChoice::Never => Style::Plain,
            ColorChoice::Auto | ColorChoice::AlwaysAnsi | ColorChoice::Always => Style::Coloured,
        }
    }

    /// Returns what lists are printed on: the terminal, where results go to one.
    pub fn sheet(&self) -> Sheet {
        Sheet { style: self.style(), width: terminal().map(|(width, _)| width) }
    }

    /// Prints a result.
    ///
    /// # Errors
    ///
    /// Where stdout cannot be written. A reader that has gone away, as `head` does, is no failure.
    pub fn result(&self, text: &str) -> Result<(), Failure> {
        self.clear();
        let mut stdout = std::io::stdout().lock();
        let newline = if text.ends_with('\n') { "" } else { "\n" };
        let text = steerless(text);
        match write!(stdout, "{text}{newline}").and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Prints a result for people, as wide as the terminal where it goes to one.
    ///
    /// # Errors
    ///
    /// As [`Ui::result`].
    pub fn folded(&self, text: &str) -> Result<(), Failure> {
        match terminal() {
            Some((width, _)) => self.result(&fold(text, width)),
            None => self.result(text),
        }
    }

    /// Prints a result for people: as wide as the terminal, and through a pager where it is longer.
    /// Elsewhere than on a terminal it is printed as it is.
    ///
    /// # Errors
    ///
    /// As [`Ui::result`].
    pub fn page(&self, text: &str) -> Result<(), Failure> {
        let Some((width, height)) = terminal() else { return self.result(text) };
        self.clear();
        let text = steerless(&fold(text, width));
        let is_long = text.lines().count() >= height;
        if is_long && self.paged && pager::show(&text) {
            return Ok(());
        }
        self.result(&text)
    }

    /// Says something beside the result.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            self.err(text);
        }
    }

    /// Says something that nobody may miss.
    pub fn err(&self, text: &str) {
        self.clear();
        let mut stderr = anstream::stderr().lock();
        // There is nobody left to tell when stderr cannot be written.
        let _ = writeln!(stderr, "{}", printable(text.trim_end()));
    }

    /// Says why a command failed: each cause once, then what to do.
    pub fn failure(&self, failure: &Failure) {
        let mut text = format!("error: {}", failure.message());
        if let Some(hint) = &failure.hint {
            text.push_str("\nhint: ");
            text.push_str(hint);
        }
        self.err(&text);
    }

    /// Asks a question that is answered with yes or no. Without a terminal the answer is none; where
    /// somebody asks to stop it is no.
    pub async fn ask(&self, question: &str, stop: &Stop) -> Option<bool> {
        if !std::io::stdin().is_terminal() {
            return None;
        }
        self.clear();
        {
            let mut stderr = anstream::stderr().lock();
            let _ = write!(stderr, "{} [y/N] ", printable(question));
            let _ = stderr.flush();
        }
        let answer = tokio::task::spawn_blocking(|| {
            let mut answer = String::new();
            std::io::stdin().read_line(&mut answer).map(|_| answer)
        });
        let answer = tokio::select! {
            biased;
            () = stop.asked() => return Some(false),
            answer = answer => answer.ok()?.ok()?,
        };
        Some(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }

    /// Takes the progress bar away.
    pub fn clear(&self) {
        if let Some(bar) = self.bar.lock().expect("no holder of the bar panics").take() {
            bar.finish_and_clear();
        }
    }
}

/// Returns how wide and how high the terminal is that results go to, where they go to one.
fn terminal() -> Option<(usize, usize)> {
    let stdout = std::io::stdout();
    let size = terminal_size_of(&stdout).filter(|_| stdout.is_terminal());
    size.map(|(Width(width), Height(height))| (width.into(), height.into()))
}

impl Progress for Ui {
    fn at(&self, what: &str, done: u64, total: Option<u64>) {
        if self.quiet || !std::io::stderr().is_terminal() {
            return;
        }
        let mut bar = self.bar.lock().expect("no holder of the bar panics");
        let bar = bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8));
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        let what = visible(what);
        if bar.message() != what {
            // What was counted before is not what is counted now.
            bar.set_position(0);
            bar.unset_length();
        }
        let template = match (total, done) {
            (Some(_), _) => "{spinner} {msg} {bar:30} {pos}/{len} {elapsed}",
            (None, 0) => "{spinner} {msg} {elapsed}",
            (None, _) => "{spinner} {msg} {pos} {elapsed}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what);
        if let Some(total) = total {
            bar.set_length(total);
        } else {
            bar.unset_length();
        }
        bar.set_position(done);
    }
}

/// Returns lines in which nothing steers the terminal. Paths, names and what others answered stand in
/// them, and none has colours.
fn printable(text: &str) -> String {
    text.split('\n').map(visible).collect::<Vec<_>>().join("\n")
}

/// Returns a result in which nothing but our own colours steers the terminal. What others wrote was
/// cleaned where it was put in; this is for what was overlooked. The escapes are those of JSON, so that
/// a program reads the same.
fn steerless(text: &str) -> String {
    let steers = |character: char| character.is_control() && !matches!(character, '\n' | '\t');
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(steers) {
        let (before, found) = rest.split_at(at);
        out.push_str(before);
        let ours = ours(found);
        let length = if ours > 0 { ours } else { found.chars().next().map_or(0, char::len_utf8) };
        let (steering, behind) = found.split_at(length);
        if ours > 0 {
            out.push_str(steering);
        } else {
            out.extend(steering.chars().map(|one| format!("\\u{:04x}", u32::from(one))));
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// Returns the length of a colour or a line end that a text begins with.
fn ours(text: &str) -> usize {
    if text.starts_with("\r\n") {
        return 2;
    }
    let Some(parameters) = text.strip_prefix("\u{1b}[") else { return 0 };
    let end = parameters.find(|letter: char| !matches!(letter, '0'..='9' | ';'));
    end.filter(|end| parameters[*end..].starts_with('m')).map_or(0, |end| "\u{1b}[".len() + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_keeps_its_colours_and_nothing_else_that_steers_the_terminal() {
        let coloured =
            format!("{}\t1\r\n{}\n", Style::Coloured.plus("+ a"), Style::Coloured.warn("b"));
        assert_eq!(steerless(&coloured), coloured);
        assert_eq!(
            steerless("a\u{1b}[2Jb\u{9b}mc\r\u{7f}\u{1b}"),
            r"a\u001b[2Jb\u009bmc\u000d\u007f\u001b"
        );
        let json = serde_json::to_string("\u{9b}2J\u{1b}").unwrap();
        assert_eq!(serde_json::from_str::<String>(&steerless(&json)).unwrap(), "\u{9b}2J\u{1b}");
    }

    #[test]
    fn what_is_said_cannot_steer_the_terminal() {
        let text = "error: cannot read `a\u{1b}[2J\u{9b}2J\u{202e}.yaml`\r\nhint: \u{7}none";
        let shown = "error: cannot read `a\\u{1b}[2J\\u{9b}2J\\u{202e}.yaml`\\r\nhint: \\u{7}none";
        assert_eq!(printable(text), shown);
    }
}
