//! `realmwright plan`

use anyhow::Context;

use super::args::{Plan as Options, PlanFormat};
use super::exit::Exit;
use super::output::Printer;
use super::session;
use crate::plan::{Plan, render};

/// Plans, prints and saves. Sends nothing that writes.
pub(super) async fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let session = session::open(printer, &options.dir, &options.target, options.parallelism).await?;
    let plan = &session.plan;
    show(printer, plan, options.format)?;
    if let Some(path) = &options.out {
        std::fs::write(path, json(plan)?).with_context(|| format!("can't write {}", path.display()))?;
        printer.say(&format!("saved to {}; apply it with `realmwright apply {0}`", path.display()));
    }
    let differs = options.detailed_exitcode && !plan.is_empty();
    Ok(if differs { Exit::Differences } else { Exit::Done })
}

/// Prints a plan in a format.
pub(super) fn show(printer: &Printer, plan: &Plan, format: PlanFormat) -> anyhow::Result<()> {
    match format {
        PlanFormat::Text => printer.plan(&render::text::plan(plan)),
        PlanFormat::Json => printer.data(&json(plan)?),
        PlanFormat::Markdown => printer.data(&render::markdown::plan(plan)),
    }
    Ok(())
}

fn json(plan: &Plan) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(plan)? + "\n")
}
