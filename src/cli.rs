//! The command line: the only place that reads files, the environment and the clock, and prints.

mod apply;
mod args;
mod bootstrap;
mod drift;
mod excerpt;
mod exit;
mod files;
mod output;
mod plan;
mod progress;
pub mod reference;
mod schema;
mod session;
mod validate;

use clap::FromArgMatches;

use args::{Arguments, Command};
pub use exit::Exit;
use output::Printer;

/// Runs the program on its arguments, the first being its name, and says how it ended.
pub fn run(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> Exit {
    let arguments = match args::command().try_get_matches_from(arguments).and_then(|m| Arguments::from_arg_matches(&m))
    {
        Ok(arguments) => arguments,
        Err(error) => {
            let help = !error.use_stderr();
            let _ = error.print();
            return if help { Exit::Done } else { Exit::Usage };
        }
    };
    let printer = Printer::new(&arguments.output);
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return printer.failure(&anyhow::Error::new(error)),
    };
    let ended = runtime.block_on(async {
        match &arguments.command {
            Command::Validate(options) => validate::run(&printer, options),
            Command::Plan(options) => plan::run(&printer, options).await,
            Command::Apply(options) => apply::run(&printer, options).await,
            Command::Drift(options) => drift::run(&printer, options).await,
            Command::Bootstrap(options) => bootstrap::run(&printer, options).await,
            Command::Schema(options) => schema::run(&printer, options),
        }
    });
    // A lookup or a connection that hangs must not keep the program from ending.
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    match ended {
        Ok(exit) => exit,
        Err(error) => printer.failure(&error),
    }
}
