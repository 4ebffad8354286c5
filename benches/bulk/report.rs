//! What was measured: a row, its floor, and their ratio; as a table, as `target/bench/summary.json`, and as a document.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

/// A stretch of work over some realms.
#[derive(Debug, Clone, Default)]
pub struct Spell {
    pub took: Duration,
    /// What each realm took.
    pub each: Vec<Duration>,
    pub requests: usize,
    /// Processor time of the client, and its memory at the most in megabytes, where it is a process of its own.
    pub processor: Duration,
    pub memory_mb: f64,
}

impl Spell {
    /// Both, one after the other.
    pub fn and(mut self, other: Self) -> Self {
        self.took += other.took;
        self.each.extend(other.each);
        self.requests += other.requests;
        self.processor += other.processor;
        self.memory_mb = self.memory_mb.max(other.memory_mb);
        self
    }

    pub fn rate(&self) -> f64 {
        self.each.len() as f64 / self.took.as_secs_f64().max(1e-9)
    }

    /// Milliseconds that so many of a hundred realms took at most.
    fn percentile(&self, part: f64) -> f64 {
        let mut each = self.each.clone();
        each.sort_unstable();
        let place = ((each.len() as f64 * part).ceil() as usize).clamp(1, each.len().max(1)) - 1;
        each.get(place).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    }
}

/// One measurement, beside its floor.
pub struct Row {
    pub name: &'static str,
    pub n: usize,
    pub tool: Spell,
    /// None for other tools.
    pub floor: Option<Spell>,
}

impl Row {
    fn ratio(&self) -> Option<f64> {
        Some(self.tool.rate() / self.floor.as_ref()?.rate())
    }

    fn json(&self) -> Value {
        let realms = self.tool.each.len() as f64;
        let round = |number: f64| (number * 1000.0).round() / 1000.0;
        // What nobody looked at is nothing.
        let measured = |number: f64| Some(round(number)).filter(|number| *number > 0.0);
        json!({
            "row": self.name,
            "n": self.n,
            "rate": round(self.tool.rate()),
            "floor_rate": self.floor.as_ref().map(|floor| round(floor.rate())),
            "ratio": self.ratio().map(round),
            "p50_ms": round(self.tool.percentile(0.5)),
            "p99_ms": round(self.tool.percentile(0.99)),
            "requests_per_realm": measured(self.tool.requests as f64 / realms),
            "client_cpu_ms_per_realm": measured(self.tool.processor.as_secs_f64() * 1000.0 / realms),
            "peak_rss_mb": measured(self.tool.memory_mb),
        })
    }
}

const COLUMNS: [(&str, &str); 9] = [
    ("n", "N"),
    ("rate", "realms/s"),
    ("floor_rate", "floor"),
    ("ratio", "ratio"),
    ("p50_ms", "p50 ms"),
    ("p99_ms", "p99 ms"),
    ("requests_per_realm", "requests"),
    ("client_cpu_ms_per_realm", "CPU ms"),
    ("peak_rss_mb", "RSS MB"),
];

pub fn print(row: &Row) {
    let row = row.json();
    let mut line = format!("{:<20}", row["row"].as_str().unwrap());
    for (key, name) in COLUMNS {
        write!(line, "  {name} {}", cell(&row[key])).unwrap();
    }
    println!("{line}");
}

pub fn write(rows: &[Row], root: &Path) {
    let summary: Vec<Value> = rows.iter().map(Row::json).collect();
    let dir = root.join("target/bench");
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("summary.json"), serde_json::to_string_pretty(&summary).unwrap() + "\n").unwrap();
    std::fs::write(dir.join("performance.md"), document(&summary)).unwrap();
}

const INTRODUCTION: &str = "\
# Performance

Written by `make bench` (`target/bench/performance.md`, from `target/bench/summary.json`). One run, on one machine: what counts
are the ratios. N is how many realms were on the server when a row began. The *floor* is a bare loop that sends a row's requests
with the same bodies, by the same kind of lanes and tokens, four at a time, and does nothing else. Keycloak, PostgreSQL, the program
and the floor share the machine. A realm here has a product, a licence and an invited administrator.

| row | is | its floor, beside a token for each realm |
|---|---|---|
| `birth` | new tenants, a run for each batch | one POST a realm, no token |
| `full` | a plan that compares every realm whole | the export, the administrator and its roles |
| `unchanged` | a plan of what nobody touched since | the newest admin events and the realm's own document |
| `drift` | a report after an edit in each tenth realm | as `unchanged`, and of the edited ones as `full` |
| `change` | one field of every realm changed | one PUT, which makes no marker and asks for nothing |
| `template` | births of the shipped template, one after the other | births of `{realm, enabled}` by the same lane |
| `removal` | a tenant's realm in quarantine exported, its users with their roles too, and deleted, each by a run | export and DELETE |

In `template`, both are the bare loop: the ratio says how much faster a realm of the shipped template is born than one of which
nothing is said. Rows of other tools have no floor; their realms have the client, its roles and the administrator, and little else.

";

/// A number with what counts of it.
fn cell(value: &Value) -> String {
    match value.as_f64() {
        None => "–".into(),
        Some(number) if number.fract() == 0.0 => format!("{number}"),
        Some(number) => format!("{number:.2}"),
    }
}

/// The rows as a document, with a chart of their ratios.
fn document(rows: &[Value]) -> String {
    let mut text = INTRODUCTION.to_owned();
    let heads: Vec<&str> = COLUMNS.iter().map(|(_, name)| *name).collect();
    writeln!(text, "| row | {} |\n|---|{}", heads.join(" | "), "---|".repeat(heads.len())).unwrap();
    for row in rows {
        let cells: Vec<String> = COLUMNS.iter().map(|(key, _)| cell(&row[key])).collect();
        writeln!(text, "| {} | {} |", row["row"].as_str().unwrap(), cells.join(" | ")).unwrap();
    }
    let beside = rows.iter().filter(|row| !row["ratio"].is_null());
    let mut names: Vec<&str> = beside.map(|row| row["row"].as_str().unwrap()).collect();
    names.dedup();
    names.sort_unstable();
    names.dedup();
    let columns: Vec<String> =
        rows.iter().filter(|row| row["row"] == names[0]).map(|row| row["n"].to_string()).collect();
    let title = "Rate in times of the floor, by realms on the server";
    writeln!(text, "\n```mermaid\nxychart-beta\n  title \"{title}\"\n  x-axis [{}]", columns.join(", ")).unwrap();
    writeln!(text, "  y-axis \"ratio\" 0 --> 1.8").unwrap();
    for name in &names {
        let ratios = rows.iter().filter(|row| row["row"] == *name).map(|row| row["ratio"].to_string());
        writeln!(text, "  line \"{name}\" [{}]", ratios.collect::<Vec<_>>().join(", ")).unwrap();
    }
    text + "```\n"
}
