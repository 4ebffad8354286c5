//! The one way to lay out a manifest. Comments stay, and so does what it says.

use pretty_yaml::config::{FormatOptions, LanguageOptions, LayoutOptions};

use super::node::{Data, Node};
use super::yaml;
use crate::diagnostic::{Diagnostic, Span};

/// Widest line that is filled.
const WIDTH: usize = 120;

/// The text, laid out; or why it can't be read. A text whose meaning the layout would change is refused instead.
pub fn format(source: u32, text: &str) -> Result<String, Diagnostic> {
    let before = yaml::parse(source, text)?;
    let top = Span { source, line: 1, column: 1 };
    let once = laid_out(text).map_err(|error| Diagnostic::error("yaml", top, error))?;
    // Some layouts settle only in the second pass.
    let after = laid_out(&once).map_err(|error| Diagnostic::error("yaml", top, error))?;
    let kept = yaml::parse(source, &after)
        .is_ok_and(|now| before.len() == now.len() && before.iter().zip(&now).all(|(before, now)| same(before, now)));
    if kept && comments(text) == comments(&after) {
        return Ok(after);
    }
    let message = "this can't be laid out without changing what it says";
    Err(Diagnostic::error("format", top, message).hint("write it more plainly, or report it with the file"))
}

fn laid_out(text: &str) -> Result<String, String> {
    let options = FormatOptions {
        layout: LayoutOptions { print_width: WIDTH, ..LayoutOptions::default() },
        language: LanguageOptions {
            trailing_comma: false,
            trim_trailing_whitespaces: false,
            brace_spacing: false,
            prefer_single_line: true,
            ..LanguageOptions::default()
        },
    };
    pretty_yaml::format_text(text, &options).map_err(|error| error.to_string())
}

/// Equal but for places.
fn same(one: &Node, other: &Node) -> bool {
    match (&one.data, &other.data) {
        (Data::Scalar(one), Data::Scalar(other)) => one == other,
        (Data::List(one), Data::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| same(a, b))
        }
        (Data::Map(one), Data::Map(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| a.0.text == b.0.text && same(&a.1, &b.1))
        }
        _ => false,
    }
}

/// How many comments there may be: marks that begin one, and those that a text holds, which stay as well.
fn comments(text: &str) -> usize {
    text.matches('#').count()
}
