//! A distributor's list in CSV: one row a tenant, turned into the node that a nested manifest would have given.

use serde_json::Value;

use super::node::{Data, Key, Node};
use super::tree::Tier;
use crate::diagnostic::{Diagnostic, Span, did_you_mean};

/// The columns a list may have, in any order; `name` and `tier` it must have.
pub const COLUMNS: [&str; 17] = [
    "tier",
    "name",
    "label",
    "parent",
    "template",
    "admin_email",
    "admin_username",
    "admin_first_name",
    "admin_last_name",
    "product",
    "licence_type",
    "serial",
    "seats",
    "valid_from",
    "valid_until",
    "auto_renew",
    "grants",
];

/// One row: its tier, the parent that it names (if any) and the node of what it says.
pub(crate) struct Row {
    pub(crate) tier: Tier,
    pub(crate) parent: Option<(String, Span)>,
    pub(crate) node: Node,
}

/// Reads all rows of a list; every fault has its line and column.
pub(crate) fn rows(source: u32, text: &str, found: &mut Vec<Diagnostic>) -> Vec<Row> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(text.as_bytes());
    let top = Span { source, line: 1, column: 1 };
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(error) => {
            found.push(Diagnostic::error("csv", top, format!("this is not CSV that can be read: {error}")));
            return Vec::new();
        }
    };
    if !header_is_good(&header, top, found) {
        return Vec::new();
    }
    let lines: Vec<&str> = text.lines().collect();
    let mut rows = Vec::new();
    for record in reader.records() {
        match record {
            Ok(record) => rows.extend(row(&header, &record, source, &lines, found)),
            Err(error) => {
                let line = error.position().map_or(1, |p| u32::try_from(p.line()).unwrap_or(u32::MAX));
                let at = Span { source, line, column: 1 };
                found.push(Diagnostic::error("csv", at, format!("this row can't be read: {error}")));
            }
        }
    }
    rows
}

fn header_is_good(header: &csv::StringRecord, top: Span, found: &mut Vec<Diagnostic>) -> bool {
    let before = found.len();
    for (index, name) in header.iter().enumerate() {
        if !COLUMNS.contains(&name) {
            let hint = did_you_mean(name, COLUMNS).unwrap_or_else(|| format!("the columns are {}", COLUMNS.join(", ")));
            found.push(
                Diagnostic::error("unknown-column", top, format!("`{name}` is not a column of this list")).hint(hint),
            );
        } else if header.iter().take(index).any(|earlier| earlier == name) {
            found.push(Diagnostic::error("duplicate-key", top, format!("column `{name}` stands twice")));
        }
    }
    for needed in ["tier", "name"] {
        if !header.iter().any(|name| name == needed) {
            found.push(Diagnostic::error("missing-key", top, format!("the list needs a column `{needed}`")));
        }
    }
    found.len() == before
}

fn row(
    header: &csv::StringRecord,
    record: &csv::StringRecord,
    source: u32,
    lines: &[&str],
    found: &mut Vec<Diagnostic>,
) -> Option<Row> {
    let line = record.position().map_or(1, |p| u32::try_from(p.line()).unwrap_or(u32::MAX));
    let start = Span { source, line, column: 1 };
    if record.len() != header.len() {
        let message = format!("this row has {} fields, the header has {}", record.len(), header.len());
        found.push(Diagnostic::error("csv", start, message).hint("put fields that contain a comma in double quotes"));
        return None;
    }
    let written = lines.get(line as usize - 1).copied().unwrap_or_default();
    let span_of = |index: usize| Span { column: column(written, index), ..start };
    let cell = |name: &str| {
        let index = header.iter().position(|column| column == name)?;
        let text = record.get(index).filter(|text| !text.is_empty())?;
        Some((text, span_of(index)))
    };
    let tier = match cell("tier") {
        Some(("reseller", _)) => Tier::Reseller,
        Some(("organization", _)) => Tier::Organization,
        other => {
            let at = other.map_or(start, |(_, span)| span);
            found.push(Diagnostic::error("wrong-value", at, "`tier` must be reseller or organization"));
            return None;
        }
    };
    let text = |name: &'static str, key: &'static str| {
        cell(name).map(|(text, span)| (Key { text: key.into(), span }, Node::scalar(text, span)))
    };
    let mut entries: Vec<(Key, Node)> =
        [text("name", "name"), text("label", "label"), text("template", "template")].into_iter().flatten().collect();
    let admin = group([
        text("admin_email", "email"),
        text("admin_username", "username"),
        text("admin_first_name", "firstName"),
        text("admin_last_name", "lastName"),
    ]);
    entries.extend(admin.map(|admin| (Key { text: "admin".into(), span: admin.span }, admin)));
    let licence = group([
        text("product", "product"),
        text("licence_type", "type"),
        text("serial", "serial"),
        cell("seats").map(|(text, span)| (Key { text: "seats".into(), span }, typed(text, span))),
        text("valid_from", "validFrom"),
        text("valid_until", "validUntil"),
        cell("auto_renew").map(|(text, span)| (Key { text: "autoRenew".into(), span }, typed(text, span))),
    ]);
    entries.extend(licence.map(|licence| {
        let span = licence.span;
        (Key { text: "licences".into(), span }, Node { data: Data::List(vec![licence]), span })
    }));
    if let Some((text, span)) = cell("grants") {
        entries.push((Key { text: "grants".into(), span }, grants(text, span, found)));
    }
    let parent = cell("parent").map(|(text, span)| (text.to_owned(), span));
    Some(Row { tier, parent, node: Node { data: Data::Map(entries), span: start } })
}

/// `users=15 devices=3` as the mapping that it stands for.
fn grants(text: &str, span: Span, found: &mut Vec<Diagnostic>) -> Node {
    let mut entries = Vec::new();
    for word in text.split_whitespace() {
        match word.split_once('=') {
            Some((resource, amount)) if !resource.is_empty() => {
                entries.push((Key { text: resource.into(), span }, typed(amount, span)));
            }
            _ => {
                let message = format!("`{word}` grants nothing");
                found.push(Diagnostic::error("wrong-value", span, message).hint("write it as users=15 devices=3"));
            }
        }
    }
    Node { data: Data::Map(entries), span }
}

fn group<const N: usize>(cells: [Option<(Key, Node)>; N]) -> Option<Node> {
    let entries: Vec<(Key, Node)> = cells.into_iter().flatten().collect();
    let span = entries.first()?.0.span;
    Some(Node { data: Data::Map(entries), span })
}

/// Numbers and booleans of a cell, which CSV can't tell from text.
fn typed(text: &str, span: Span) -> Node {
    let value = text.parse::<u64>().map(Value::from).or_else(|_| text.parse::<bool>().map(Value::from));
    Node::scalar(value.unwrap_or_else(|_| text.into()), span)
}

/// The column, in characters from 1, where a field of a line begins.
fn column(line: &str, field: usize) -> u32 {
    let mut quoted = false;
    let mut seen = 0;
    if field == 0 {
        return 1;
    }
    for (index, c) in line.chars().enumerate() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => {
                seen += 1;
                if seen == field {
                    return u32::try_from(index + 2).unwrap_or(u32::MAX);
                }
            }
            _ => {}
        }
    }
    1
}
