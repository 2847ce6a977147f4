//! The one printer: results go to standard output, everything else to standard error.
//!
//! Printing never fails for the caller. A closed pipe ends the printing, not the work; any other failure of standard
//! output is kept and told at the end ([`Ui::finish`]). Not here: what is said.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anstyle::{AnsiColor, Style};
use indicatif::MultiProgress;

use crate::args::{ColorChoice, MessageFormat};
use crate::error::CommandError;
use crate::messages::Message;
use crate::surroundings::Surroundings;

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// Errors and results.
    Quiet,
    /// What people want to know.
    Normal,
    /// What people who look for a cause want to know.
    Verbose,
}

/// How output looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) format: MessageFormat,
    pub(crate) verbosity: Verbosity,
    pub(crate) color: ColorChoice,
    /// Standard output belongs to the user's program: messages for machines go to standard error.
    pub(crate) stdout_is_taken: bool,
}

/// What a piece of text is, hence how it is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Error,
    Warning,
    Hint,
    Success,
    Heading,
    Faint,
}

/// The printer.
pub(crate) struct Ui {
    look: Look,
    out: Mutex<Stream>,
    err: Mutex<Stream>,
    bars: Option<MultiProgress>,
}

struct Stream {
    writer: Box<dyn Write + Send>,
    colored: bool,
    failure: Option<io::Error>,
}

impl Stream {
    fn write(&mut self, text: &str) {
        if self.failure.is_none() {
            self.failure = self.writer.write_all(text.as_bytes()).and_then(|()| self.writer.flush()).err();
        }
    }
}

impl Look {
    /// How output looks unless something else is said.
    pub(crate) const DEFAULT: Self = Self {
        format: MessageFormat::Human,
        verbosity: Verbosity::Normal,
        color: ColorChoice::Auto,
        stdout_is_taken: false,
    };

    fn colored(self, is_terminal: bool, around: &Surroundings) -> bool {
        let is = |name: &str, value: &str| around.env.get(name).is_some_and(|given| given == value);
        match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto if around.env.get("NO_COLOR").is_some() => false,
            ColorChoice::Auto if around.env.get("CLICOLOR_FORCE").is_some() && !is("CLICOLOR_FORCE", "0") => true,
            ColorChoice::Auto => is_terminal && !is("TERM", "dumb"),
        }
    }
}

impl Ui {
    /// The printer of this process.
    pub(crate) fn of_process(look: Look, around: &Surroundings) -> Self {
        let dumb = around.env.get("TERM").is_some_and(|term| term == "dumb");
        let bars = around.stderr_is_terminal
            && !dumb
            && look.format == MessageFormat::Human
            && look.verbosity > Verbosity::Quiet;
        Self::new(look, around, [Box::new(io::stdout()), Box::new(io::stderr())], bars.then(MultiProgress::new))
    }

    fn new(
        look: Look,
        around: &Surroundings,
        [out, err]: [Box<dyn Write + Send>; 2],
        bars: Option<MultiProgress>,
    ) -> Self {
        let stream = |writer, is_terminal| {
            Mutex::new(Stream { writer, colored: look.colored(is_terminal, around), failure: None })
        };
        Self { look, out: stream(out, around.stdout_is_terminal), err: stream(err, around.stderr_is_terminal), bars }
    }

    /// Whether results are for machines.
    pub(crate) fn is_json(&self) -> bool {
        self.look.format == MessageFormat::Json
    }

    /// Where progress bars are drawn, if they are.
    pub(crate) const fn bars(&self) -> Option<&MultiProgress> {
        self.bars.as_ref()
    }

    /// A result for people: text with its line ends, on standard output.
    pub(crate) fn print(&self, text: impl fmt::Display) {
        self.write(&self.out, &text.to_string());
    }

    /// A message for machines, one line; nothing if results are for people.
    pub(crate) fn message(&self, message: &Message<'_>) {
        if self.is_json() {
            let stream = if self.look.stdout_is_taken { &self.err } else { &self.out };
            self.write(stream, &message.to_line());
        }
    }

    /// A line for people who are not `--quiet`, on standard error.
    pub(crate) fn note(&self, line: impl fmt::Display) {
        self.line(Verbosity::Normal, &line);
    }

    /// A line for people who are `--verbose`, on standard error.
    pub(crate) fn detail(&self, line: impl fmt::Display) {
        self.line(Verbosity::Verbose, &line);
    }

    /// Something is not as it should be, but goes on.
    pub(crate) fn warning(&self, line: impl fmt::Display) {
        self.line(Verbosity::Normal, &format_args!("{} {line}", self.paint(Role::Warning, "warning:")));
    }

    /// The error a command ended with, for people and machines.
    pub(crate) fn error(&self, error: &CommandError) {
        let line = |role, word, text| format!("  {} {}\n", self.paint(role, word), indent(text));
        let mut text = format!("{} {}\n", self.paint(Role::Error, "error:"), indent(&error.message));
        text.extend(error.causes.iter().map(|cause| line(Role::Faint, "caused by:", cause)));
        text.extend(error.hints.iter().map(|hint| line(Role::Hint, "hint:", hint)));
        self.write(&self.err, &text);
        self.message(&Message::Error {
            kind: error.exit().name(),
            message: &error.message,
            causes: &error.causes,
            hints: &error.hints,
        });
    }

    /// Text that is no line of ours, such as clap's, on standard error.
    pub(crate) fn raw_error(&self, text: impl fmt::Display) {
        self.write(&self.err, &text.to_string());
    }

    /// `text` in the colour of its role, for standard error.
    pub(crate) fn paint<'t>(&self, role: Role, text: &'t str) -> Painted<'t> {
        Painted { style: style(role, lock(&self.err).colored), text }
    }

    /// `text` in the colour of its role, for standard output.
    pub(crate) fn paint_result<'t>(&self, role: Role, text: &'t str) -> Painted<'t> {
        Painted { style: style(role, lock(&self.out).colored), text }
    }

    /// Whether clap's styled text may keep its colours, on standard output and standard error.
    pub(crate) fn colored(&self) -> (bool, bool) {
        (lock(&self.out).colored, lock(&self.err).colored)
    }

    /// What went wrong with standard output, other than that nobody reads it any more.
    pub(crate) fn finish(&self) -> io::Result<()> {
        let failure = lock(&self.out).failure.take();
        failure.filter(|failure| failure.kind() != io::ErrorKind::BrokenPipe).map_or(Ok(()), Err)
    }

    fn line(&self, from: Verbosity, line: &dyn fmt::Display) {
        if self.look.verbosity >= from {
            self.write(&self.err, &format!("{line}\n"));
        }
    }

    fn write(&self, stream: &Mutex<Stream>, text: &str) {
        let write = || lock(stream).write(text);
        // Bars are on the same terminal: they are taken off for the moment.
        self.bars.as_ref().map_or_else(write, |bars| bars.suspend(write));
    }
}

/// A printer that panicked while it wrote has said nothing wrong: the next line may still be said.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Further lines of a text, under its first.
fn indent(text: &str) -> String {
    text.trim_end().replace('\n', "\n    ")
}

const fn style(role: Role, colored: bool) -> Style {
    if !colored {
        return Style::new();
    }
    match role {
        Role::Error => AnsiColor::Red.on_default().bold(),
        Role::Warning => AnsiColor::Yellow.on_default().bold(),
        Role::Hint => AnsiColor::Cyan.on_default().bold(),
        Role::Success => AnsiColor::Green.on_default().bold(),
        Role::Heading => Style::new().bold(),
        Role::Faint => Style::new().dimmed(),
    }
}

/// Text with its colour.
pub(crate) struct Painted<'t> {
    style: Style,
    text: &'t str,
}

impl fmt::Display for Painted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.style)?;
        f.pad(self.text)?;
        write!(f, "{:#}", self.style)
    }
}

#[cfg(test)]
pub(crate) mod captured;
#[cfg(test)]
mod tests;
