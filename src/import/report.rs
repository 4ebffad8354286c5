//! What could not be expressed: where, why, and what to do about it.

use std::fmt::Write;

use serde::Serialize;

use super::Imported;

/// One thing that the manifests do not say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The realm.
    pub realm: String,
    /// The object in it, as plans name it.
    pub object: String,
    /// The field of it; none: the whole object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What kind of thing.
    pub reason: Reason,
    /// Why it is not expressed.
    pub why: String,
    /// What to do, if there is something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Why something is not expressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Manifests have no word for it; it stays as it is.
    NotExpressed,
    /// It is a secret: it stays as it is on the server, and is not written out.
    Secret,
    /// It depends on the place where the file is used.
    Substitution,
    /// It belongs to the tenant, not to the manifests.
    Left,
}

impl Finding {
    /// Something that manifests have no word for.
    pub fn not_expressed(
        realm: &str,
        object: impl ToString,
        field: Option<&str>,
        why: impl Into<String>,
        hint: Option<String>,
    ) -> Self {
        Self {
            realm: realm.to_owned(),
            object: object.to_string(),
            field: field.map(str::to_owned),
            reason: Reason::NotExpressed,
            why: why.into(),
            hint,
        }
    }
}

/// What was imported, in a sentence.
pub fn summary(imported: &Imported) -> String {
    let lost = not_expressed(imported);
    let count = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    format!(
        "imported {} of {} ({} more are as Keycloak makes them), {lost} not expressed",
        count(imported.objects, "object", "objects"),
        count(imported.realms.len(), "realm", "realms"),
        imported.built_in,
    )
}

/// How many things could not be expressed.
pub fn not_expressed(imported: &Imported) -> usize {
    imported.findings.iter().filter(|finding| finding.reason == Reason::NotExpressed).count()
}

/// The report as Markdown.
pub fn markdown(imported: &Imported) -> String {
    let mut out = format!("# Import\n\n{}.\n", capital(&summary(imported)));
    let sections = [
        (
            Reason::NotExpressed,
            "Not expressed",
            "Manifests have no word for these. They stay as they are on the server; a realm that is made anew will not have them.",
        ),
        (
            Reason::Secret,
            "Secrets",
            "Secrets are never written out. They stay as they are on the server: what a manifest does not mention is left alone. A realm that is made anew needs them; give each by a `secret` parameter.",
        ),
        (Reason::Substitution, "Substitutions", "These values of files depend on where the file is used."),
        (Reason::Left, "Left to the tenant", "These are not a manifest's affair."),
    ];
    for (reason, title, about) in sections {
        let mut findings = imported.findings.iter().filter(|finding| finding.reason == reason).peekable();
        if findings.peek().is_none() {
            continue;
        }
        let _ = write!(
            out,
            "\n## {title}\n\n{about}\n\n| realm | object | field | why | what to do |\n|---|---|---|---|---|\n"
        );
        for finding in findings {
            let cells = [
                code(&finding.realm),
                code(&finding.object),
                finding.field.as_deref().map(code).unwrap_or_default(),
                cell(&finding.why),
                finding.hint.as_deref().map(cell).unwrap_or_default(),
            ];
            let _ = writeln!(out, "| {} |", cells.join(" | "));
        }
    }
    out
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().collect::<String>() + chars.as_str()).unwrap_or_default()
}

fn code(text: &str) -> String {
    format!("`{}`", cell(text).replace('`', "'"))
}

fn cell(text: &str) -> String {
    text.replace(['\n', '\r'], " ").replace('|', "\\|").replace('<', "&lt;")
}
