//! Values in places that they can't leave.
//!
//! A code span ends only at as many backticks as it begins with, and only within its paragraph; a value has no line ends
//! left. In it nothing is a mention, a link, an image or a tag. Where Markdown is not read (`<summary>`), values are
//! HTML text inside `<code>`.

use super::super::{clean, cut};

/// Longest text that is not cut here: a value that was cut already, with what was said of it.
const WIDEST: usize = 140;

/// Longest sentence that is not cut.
const SENTENCE: usize = 600;

/// Text in a code span, cut when it is long.
pub fn code(text: &str) -> String {
    let text = clean(text);
    span(&if text.chars().count() > WIDEST { cut(&text) } else { text })
}

/// A sentence in which values stand, in a code span.
pub fn sentence(text: &str) -> String {
    let text = clean(text);
    span(&match text.char_indices().nth(SENTENCE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    })
}

fn span(text: &str) -> String {
    if text.trim().is_empty() {
        return "(blank)".into();
    }
    let fence = "`".repeat(1 + text.split(|c| c != '`').map(str::len).max().unwrap_or(0));
    let edges = text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']);
    let pad = if edges { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Text inside an element of HTML.
pub(super) fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in cut(&clean(text)).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // Markdown may be read here too: its signs become plain characters.
            '`' | '*' | '_' | '[' | ']' | '!' | '\\' | '@' | '#' | '|' | '~' | '$' => {
                out.push_str(&format!("&#{};", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_in_its_code_span() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a `b` ``c``"), "``` a `b` ``c`` ```");
        assert_eq!(code("a\n\n# b"), "`a  # b`");
        assert_eq!(code("\u{202e}gnp"), "`\u{fffd}gnp`");
    }

    #[test]
    fn a_value_stays_in_its_element() {
        assert_eq!(html("</code>@all"), "&lt;/code&gt;&#64;all");
    }
}
