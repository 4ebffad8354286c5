//! The command line: the only place that reads files, the environment and the clock, and prints.

mod apply;
mod args;
mod books;
mod bootstrap;
mod check;
mod completions;
mod config;
mod count;
mod destroy;
mod device;
mod doctor;
mod domain;
mod drift;
pub mod events;
mod excerpt;
mod exit;
mod explain;
mod files;
mod findings;
mod fmt;
mod git;
mod guards;
mod import;
mod ledger;
mod licence;
mod man;
mod output;
mod plan;
mod progress;
mod realms;
pub mod reference;
mod resources;
mod restore;
mod rotate;
mod schema;
mod seat;
mod secrets;
mod serve;
mod servers;
mod session;
mod settings;
mod slowest;
mod stop;
mod table;
mod terminal;
mod tree;
mod usage;
mod validate;

use std::ffi::OsString;

use clap::{ArgMatches, FromArgMatches};

use args::{Arguments, Command};
use config::Config;
pub use exit::Exit;
use output::Printer;

/// Runs the program on its arguments, the first being its name, and says how it ended.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    match parse(&arguments.into_iter().collect::<Vec<_>>()) {
        Ok(call) => call.carry_out(),
        Err(exit) => exit,
    }
}

/// A call of the program: what was asked for, once the configuration file has had its say.
struct Call {
    arguments: Arguments,
    matches: ArgMatches,
    config: Option<Config>,
}

fn parse(given: &[OsString]) -> Result<Call, Exit> {
    let said = |error: clap::Error| {
        let help = !error.use_stderr();
        let _ = error.print();
        if help { Exit::Done } else { Exit::Usage }
    };
    let read = |matches: &ArgMatches| Arguments::from_arg_matches(matches).map_err(said);
    let matches = args::command().try_get_matches_from(given).map_err(said)?;
    let arguments = read(&matches)?;
    if matches!(arguments.command, Command::Completions(_) | Command::Man(_)) {
        return Ok(Call { arguments, matches, config: None });
    }
    let Some(config) = config::read(&Printer::new(&arguments.output), &matches, &args::command())? else {
        return Ok(Call { arguments, matches, config: None });
    };
    let matches = config.lay_under(args::command()).try_get_matches_from(given).map_err(said)?;
    Ok(Call { arguments: read(&matches)?, matches, config: Some(config) })
}

impl Call {
    fn carry_out(&self) -> Exit {
        let printer = Printer::new(&self.arguments.output);
        let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return printer.failure(&anyhow::Error::new(error)),
        };
        let ended = runtime.block_on(self.command(&printer));
        // A lookup or a connection that hangs must not keep the program from ending.
        runtime.shutdown_timeout(std::time::Duration::from_millis(200));
        ended.and_then(|exit| output::written().map(|()| exit)).unwrap_or_else(|error| printer.failure(&error))
    }

    async fn command(&self, printer: &Printer) -> anyhow::Result<Exit> {
        match &self.arguments.command {
            Command::Validate(options) => validate::run(printer, options),
            Command::Check(options) => check::run(printer, options),
            Command::Plan(options) => plan::run(printer, options).await,
            Command::Apply(options) => apply::run(printer, options).await,
            Command::Drift(options) => drift::run(printer, options).await,
            Command::Destroy(options) => destroy::run(printer, options).await,
            Command::Restore(options) => restore::run(printer, options).await,
            Command::Explain(options) => explain::run(printer, options).await,
            Command::Guards(options) => guards::run(printer, options),
            Command::Doctor(options) => doctor::run(printer, options).await,
            Command::Ledger(command) => ledger::run(printer, command).await,
            Command::Licence(command) => licence::run(printer, command).await,
            Command::Device(command) => device::run(printer, command).await,
            Command::Seat(command) => seat::run(printer, command).await,
            Command::Usage(options) => usage::run(printer, options).await,
            Command::Count(options) => count::run(printer, options).await,
            Command::Resources(options) => resources::run(printer, options).await,
            Command::Tree(options) => tree::run(printer, options).await,
            Command::Domain(options) => domain::run(printer, options).await,
            Command::Serve(options) => serve::run(printer, options).await,
            Command::Login(options) => terminal::login::run(printer, options).await,
            Command::Whoami(options) => terminal::whoami::run(printer, options).await,
            Command::Logout(options) => terminal::logout::run(printer, options).await,
            Command::Import(options) => import::run(printer, options).await,
            Command::Bootstrap(options) => bootstrap::run(printer, options).await,
            Command::Fmt(options) => fmt::run(printer, options),
            Command::Rotate(what) => rotate::run(printer, what).await,
            Command::Schema(options) => schema::run(printer, options),
            Command::Config(args::Config::Show(options)) => {
                config::show::run(printer, options, &self.matches, self.config.as_ref())
            }
            Command::Completions(options) => completions::run(printer, options),
            Command::Man(options) => man::run(printer, options),
        }
    }
}
