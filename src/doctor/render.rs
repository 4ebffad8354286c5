//! A report as text: one line a check, what mends it below. What is well in many realms is one line.

use std::fmt::Write;

use super::{Check, Report, Verdict};

/// The whole report.
pub fn text(report: &Report) -> String {
    let mut out = format!("{}\n\n", report.server);
    let mut said: Vec<&str> = Vec::new();
    for check in &report.checks {
        let well = check.verdict == Verdict::Ok && check.realm.is_some();
        if !well {
            line(&mut out, check, &subject(check));
        } else if !said.contains(&check.id) {
            said.push(check.id);
            let all: Vec<&Check> = report
                .checks
                .iter()
                .filter(|other| other.id == check.id && other.realm.is_some() && other.verdict == Verdict::Ok)
                .collect();
            match all.as_slice() {
                [_] => line(&mut out, check, &subject(check)),
                _ => line(
                    &mut out,
                    check,
                    &format!("{} realms, as {}: ", all.len(), check.realm.as_deref().unwrap_or_default()),
                ),
            }
        }
    }
    let (into, all) = report.looked_into;
    if all > into {
        let _ = write!(
            out,
            "\n{into} of {all} realms were looked into; --sample 0 takes all, --select TENANT a certain one\n"
        );
    }
    if report.checks.iter().flat_map(|check| &check.mends).any(|mend| mend.contains("kcadm.sh ")) {
        let _ = write!(
            out,
            "\nkcadm.sh stands in Keycloak's bin directory, and needs a login:\n  {}\n",
            report.kcadm_login
        );
    }
    let _ = writeln!(
        out,
        "\n{} ok, {} to be warned of, {} failed.",
        report.count(Verdict::Ok),
        report.count(Verdict::Warn),
        report.count(Verdict::Fail)
    );
    out
}

fn subject(check: &Check) -> String {
    check.realm.as_ref().map_or_else(String::new, |realm| format!("{realm}: "))
}

fn line(out: &mut String, check: &Check, subject: &str) {
    let word = match check.verdict {
        Verdict::Ok => "ok",
        Verdict::Warn => "warn",
        Verdict::Fail => "FAIL",
    };
    let source = if check.documented_only { " (documented by Keycloak, not tried)" } else { "" };
    let _ = writeln!(out, "{word:<5} {:<20} {subject}{}{source}", check.id, check.says);
    for mend in &check.mends {
        let _ = writeln!(out, "      mend: {mend}");
    }
}
