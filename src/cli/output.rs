//! The printer: the only place that writes to standard output and standard error.
//!
//! Data goes to standard output, talk to standard error. Colour only repeats what words say.

use std::io::{ErrorKind, IsTerminal, Write};
use std::path::Path;
use std::sync::OnceLock;

use anstream::ColorChoice;
use anstyle::{AnsiColor, Style};

use super::args::{Color, Output};
use super::events::Event;
use super::exit::{Exit, Hinted, Refused, Reported, UsageError};
use crate::diagnostic::{Diagnostic, Severity};
use crate::keycloak::KeycloakError;
use crate::manifest::Source;

/// Why standard output could not be written.
static LOST: OnceLock<String> = OnceLock::new();

/// Keeps the first failure to write, unless it is that nobody reads any more.
fn note(result: std::io::Result<()>) {
    if let Err(error) = result
        && error.kind() != ErrorKind::BrokenPipe
    {
        LOST.get_or_init(|| error.to_string());
    }
}

/// Whether everything that was asked for could be written.
pub(super) fn written() -> anyhow::Result<()> {
    note(anstream::stdout().flush());
    match LOST.get() {
        None => Ok(()),
        Some(error) => anyhow::bail!("standard output can't be written: {error}"),
    }
}

/// How to speak.
#[derive(Debug, Clone, Copy)]
pub(super) struct Printer {
    quiet: bool,
    progress: bool,
    /// Events are printed instead of texts.
    streaming: bool,
    pub(super) verbose: bool,
    pub(super) debug_http: bool,
}

const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
const GREEN: Style = AnsiColor::Green.on_default();
const BLUE: Style = AnsiColor::Blue.on_default();

impl Printer {
    pub(super) fn new(output: &Output) -> Self {
        match output.color {
            Color::Auto => {}
            Color::Always => ColorChoice::Always.write_global(),
            Color::Never => ColorChoice::Never.write_global(),
        }
        Self {
            quiet: output.quiet,
            streaming: false,
            progress: !output.no_progress && !output.quiet,
            verbose: output.verbose,
            debug_http: output.debug_http,
        }
    }

    /// The same, which prints events instead of texts where that was asked for.
    pub(super) fn streaming(self, asked: bool) -> Self {
        Self { streaming: asked, ..self }
    }

    /// Whether it prints events.
    pub(super) fn streams(&self) -> bool {
        self.streaming
    }

    /// Something that happened, for programs that asked to be told.
    pub(super) fn event(&self, event: &Event<'_>) {
        if self.streaming {
            self.data(&(serde_json::to_string(event).unwrap_or_default() + "\n"));
        }
    }

    /// What was asked for. A reader that has gone away is no failure; [`written`] tells of others at the end.
    pub(super) fn data(&self, text: &str) {
        note(anstream::stdout().write_all(text.as_bytes()));
    }

    /// A plan as text, its signs and what they stand for in colour.
    pub(super) fn plan(&self, text: &str) {
        let mut out = anstream::stdout().lock();
        for line in text.lines() {
            let rest = line.trim_start();
            let style = match rest.as_bytes() {
                [b'+', b' ', ..] => GREEN,
                [b'-' | b'!', b' ', ..] => RED,
                [b'~', b' ', ..] => YELLOW,
                [b'=' | b'.', b' ', ..] => BLUE,
                _ => Style::new(),
            };
            let indent = &line[..line.len() - rest.len()];
            let action = rest.find("  ").unwrap_or(rest.len());
            let (action, object) = if style == Style::new() { ("", rest) } else { rest.split_at(action) };
            note(writeln!(out, "{indent}{style}{action}{style:#}{object}"));
        }
    }

    /// Something worth knowing.
    pub(super) fn say(&self, text: &str) {
        if !self.quiet {
            let _ = writeln!(anstream::stderr(), "{text}");
        }
    }

    /// An error with a way out, if one is known.
    pub(super) fn error(&self, message: &str, hint: Option<&str>) {
        let mut out = anstream::stderr();
        let _ = writeln!(out, "{RED}error{RED:#}: {message}");
        if let Some(hint) = hint {
            let _ = writeln!(out, "{BLUE}hint{BLUE:#}: {hint}");
        }
    }

    /// Findings with the lines that they are about; the last line counts them.
    pub(super) fn diagnostics(&self, dir: &Path, sources: &[Source], found: &[Diagnostic]) {
        self.findings(dir, sources, found);
        let errors = found.iter().filter(|d| d.severity == Severity::Error).count();
        if errors > 0 {
            let word = if errors == 1 { "error" } else { "errors" };
            let _ = writeln!(anstream::stderr(), "{errors} {word}; nothing was planned or written");
        }
    }

    /// Findings with the lines that they are about.
    pub(super) fn findings(&self, dir: &Path, sources: &[Source], found: &[Diagnostic]) {
        let mut out = anstream::stderr();
        for diagnostic in found {
            let (style, word) = match diagnostic.severity {
                Severity::Error => (RED, "error"),
                Severity::Warning => (YELLOW, "warning"),
            };
            let _ = writeln!(out, "{style}{word}[{}]{style:#}: {}", diagnostic.code, diagnostic.message);
            if let Some(span) = diagnostic.span {
                let _ = out.write_all(super::excerpt::excerpt(dir, sources, span).as_bytes());
            }
            for (span, told) in &diagnostic.also {
                let _ = writeln!(out, "  {BLUE}also{BLUE:#}: {told}");
                let _ = out.write_all(super::excerpt::excerpt(dir, sources, *span).as_bytes());
            }
            if let Some(hint) = &diagnostic.hint {
                let _ = writeln!(out, "  {BLUE}hint{BLUE:#}: {hint}");
            }
            let _ = writeln!(out);
        }
    }

    /// The end of a run that failed.
    pub(super) fn failure(&self, error: &anyhow::Error) -> Exit {
        if error.is::<Reported>() {
            return Exit::Failed;
        }
        if let Some(usage) = error.downcast_ref::<UsageError>() {
            self.error(&usage.message, usage.hint.as_deref());
            return Exit::Usage;
        }
        if let Some(Refused(refusal)) = error.downcast_ref::<Refused>() {
            self.error(&format!("refused: {error}"), Some(&refusal.way_out()));
            return Exit::Refused;
        }
        let chain: Vec<String> = error.chain().map(ToString::to_string).collect();
        let hint = error.chain().find_map(|cause| {
            let keycloak = cause.downcast_ref::<KeycloakError>().and_then(KeycloakError::hint);
            keycloak.or_else(|| cause.downcast_ref::<Hinted>().map(|hinted| hinted.hint.clone()))
        });
        self.error(&chain.join(": "), hint.as_deref());
        Exit::Failed
    }

    /// Whether to show how far the work is.
    pub(super) fn progress(&self) -> bool {
        self.progress
    }

    /// True when somebody sits at the terminal and can be asked.
    pub(super) fn can_ask(&self) -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Asks; anything but `yes` or `y` is no.
    pub(super) fn ask(&self, question: &str) -> bool {
        let mut out = anstream::stderr();
        let _ = write!(out, "{question} [y/N] ");
        let _ = out.flush();
        let mut answer = String::new();
        let read = std::io::stdin().read_line(&mut answer);
        read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
    }
}
