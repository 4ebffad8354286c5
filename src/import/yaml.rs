//! Values as YAML that people like to read: names first, then plain values, then what is nested; short lists on a line.

use std::fmt::Write;

use serde_json::{Map, Value};

/// Widest line of a list or mapping that is written on one.
const WIDTH: usize = 100;

/// Keys that come first, in this order.
const FIRST: [&str; 22] = [
    "apiVersion",
    "kind",
    "clientId",
    "name",
    "alias",
    "username",
    "parent",
    "withoutRealm",
    "extends",
    "label",
    "description",
    "template",
    "parameters",
    "type",
    "displayName",
    "enabled",
    "providerId",
    "protocol",
    "protocolMapper",
    "authenticator",
    "requirement",
    "realm",
];

/// One document.
pub fn document(value: &Map<String, Value>) -> String {
    let mut out = String::new();
    for (index, (key, value)) in ordered(value).into_iter().enumerate() {
        if index > 0
            && matches!(value, Value::Object(map) if !map.is_empty())
            && matches!(key.as_str(), "realm" | "parameters" | "environments")
        {
            out.push('\n');
        }
        entry(&mut out, key, value, 0);
    }
    out
}

fn ordered(map: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by_key(|(key, value)| {
        let first = FIRST.iter().position(|first| first == key).unwrap_or(FIRST.len());
        (first, matches!(value, Value::Object(_) | Value::Array(_)) && inline(value, WIDTH).is_none(), key.as_str())
    });
    entries
}

fn entry(out: &mut String, key: &str, value: &Value, indent: usize) {
    let _ = write!(out, "{:indent$}{}:", "", scalar(&Value::from(key)));
    below(out, value, indent);
}

/// A value after its key: on the same line if it fits there, else below.
fn below(out: &mut String, value: &Value, indent: usize) {
    if let Some(text) = inline(value, WIDTH.saturating_sub(indent + 20)) {
        let _ = writeln!(out, " {text}");
        return;
    }
    match value {
        Value::String(text) if block(text) => {
            out.push_str(if text.ends_with('\n') { " |\n" } else { " |-\n" });
            for line in text.trim_end_matches('\n').split('\n') {
                let wide = if line.is_empty() { 0 } else { indent + 2 };
                let _ = writeln!(out, "{:wide$}{line}", "");
            }
        }
        Value::Array(items) => {
            out.push('\n');
            items.iter().for_each(|item| self::item(out, item, indent + 2));
        }
        Value::Object(map) => {
            out.push('\n');
            ordered(map).into_iter().for_each(|(key, value)| entry(out, key, value, indent + 2));
        }
        other => {
            let _ = writeln!(out, " {}", scalar(other));
        }
    }
}

fn item(out: &mut String, item: &Value, indent: usize) {
    if let Some(text) = inline(item, WIDTH.saturating_sub(indent + 2)) {
        let _ = writeln!(out, "{:indent$}- {text}", "");
        return;
    }
    match item {
        Value::Object(map) => {
            let mut inner = String::new();
            ordered(map).into_iter().for_each(|(key, value)| entry(&mut inner, key, value, indent + 2));
            let _ = write!(out, "{:indent$}- {}", "", inner.trim_start());
        }
        Value::Array(items) => {
            let mut inner = String::new();
            items.iter().for_each(|item| self::item(&mut inner, item, indent + 2));
            let _ = write!(out, "{:indent$}- {}", "", inner.trim_start());
        }
        other => {
            let _ = writeln!(out, "{:indent$}- {}", "", scalar(other));
        }
    }
}

/// The value on one line, where that is short and shallow.
fn inline(value: &Value, width: usize) -> Option<String> {
    let flat = |value: &Value| {
        !matches!(value, Value::Array(items) if !items.is_empty())
            && !matches!(value, Value::Object(map) if !map.is_empty())
    };
    let text = match value {
        Value::Array(items) if items.iter().all(flat) => {
            format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", "))
        }
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) if map.len() <= 3 && map.values().all(flat) => {
            let entries = ordered(map)
                .into_iter()
                .map(|(key, value)| format!("{}: {}", flow(&Value::from(key.as_str())), flow(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::Array(_) | Value::Object(_) => return None,
        Value::String(text) if block(text) => return None,
        other => return Some(scalar(other)),
    };
    (text.chars().count() <= width).then_some(text)
}

/// Text of several lines that a block keeps as it is.
fn block(text: &str) -> bool {
    let lines = text.trim_end_matches('\n');
    lines.contains('\n')
        && text.len() - lines.len() <= 1
        && !text.starts_with([' ', '\n', '\t'])
        && !text.chars().any(|c| c.is_control() && c != '\n')
        && lines.split('\n').all(|line| line.trim_end() == line)
}

/// A scalar inside brackets, where a comma would end it.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) if text.contains([',', '[', ']', '{', '}']) => quoted(text),
        Value::Array(_) => "[]".into(),
        Value::Object(_) => "{}".into(),
        other => scalar(other),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) if plain(text) => text.clone(),
        Value::String(text) => quoted(text),
        other => other.to_string(),
    }
}

fn quoted(text: &str) -> String {
    let json = Value::from(text).to_string();
    // What JSON leaves as it is and YAML does not take in a line.
    json.replace('\u{85}', "\\u0085")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
        .replace('\u{feff}', "\\ufeff")
        .replace('\u{7f}', "\\u007f")
}

/// True for what no reader of YAML takes for anything but this text.
fn plain(text: &str) -> bool {
    let first = text.chars().next();
    let starts = first.is_some_and(|c| c.is_alphabetic() || matches!(c, '/' | '_' | '$' | '.' | '+' | '(' | '^'));
    let body = text.chars().all(|c| {
        !c.is_control() && !matches!(c, '"' | '\'' | '`' | '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\\')
    });
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "~", ".inf", ".nan", "+.inf"];
    let number =
        text.trim_start_matches(['+', '.']).starts_with(|c: char| c.is_ascii_digit()) || text.starts_with("+.");
    starts
        && body
        && !number
        && text.trim() == text
        && !text.contains(": ")
        && !text.ends_with(':')
        && !text.contains(" #")
        && !words.contains(&text.to_lowercase().as_str())
}
