//! The command table, and the options that commands share. What only one command takes stands in its own file.

use std::path::PathBuf;

use clap::builder::{OsStringValueParser, Resettable, TypedValueParser};
use clap::{Arg, Args, CommandFactory, Parser, Subcommand, ValueEnum};

use super::{
    apply, bootstrap, check, completions, config, count, destroy, device, doctor, domain, drift, explain, fmt, guards,
    import, ledger, licence, man, plan, resources, restore, rotate, schema, seat, serve, terminal, tree, usage,
    validate,
};
use crate::plan::Waiver;
use crate::plan::select::{Selection, Selector};

/// Turns manifests of distributors, resellers and organizations into Keycloak realms, one realm a tenant, and keeps
/// them so.
#[derive(Debug, Parser)]
#[command(name = "realmwright", version, max_term_width = 100, after_help = EXIT_CODES)]
pub(super) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(super) command: Command,
    /// How to speak.
    #[command(flatten)]
    pub(super) output: Output,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    done, or in sync
  1    failed
  2    differences (plan --detailed-exitcode, drift)
  3    refused: by a guard, or what an author may not do (check)
  4    stale plan
  5    partly applied
  64   called wrongly
  130  interrupted";

/// The whole command line. Help texts name variables, and never show what they hold.
pub(super) fn command() -> clap::Command {
    fn variables(command: clap::Command) -> clap::Command {
        command.mut_args(variable).mut_subcommands(variables)
    }
    /// A variable that is empty counts as not set, as pipelines set it where there is nothing; for `--config` it says
    /// something.
    fn variable(arg: Arg) -> Arg {
        let empty = arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
        let arg = if empty && arg.get_id() != "config" { arg.env(Resettable::Reset) } else { arg };
        arg.hide_env_values(true)
    }
    with_usage(variables(config::show::with_settings(Arguments::command())))
}

/// Errors show the usage as help does. Of its own, clap shows there what was given, as if that were required.
fn with_usage(command: clap::Command) -> clap::Command {
    fn put(command: clap::Command, built: &mut clap::Command) -> clap::Command {
        let usage = built.render_usage().to_string();
        let usage = usage.strip_prefix("Usage: ").map(str::to_owned).unwrap_or(usage);
        let inner = built.get_subcommands_mut().filter(|inner| inner.get_name() != "help");
        inner.fold(command.override_usage(usage), |command, inner| {
            let name = inner.get_name().to_owned();
            command.mut_subcommand(name, |own| put(own, inner))
        })
    }
    let mut built = command.clone();
    built.build();
    put(command, &mut built)
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check manifests, offline
    Validate(validate::Options),
    /// Check manifests, and what their author may change
    Check(check::Options),
    /// Show what apply would do
    Plan(plan::Options),
    /// Make the realms what the manifests say
    Apply(apply::Options),
    /// Show what was changed in Keycloak since it was last applied
    Drift(drift::Options),
    /// Put a tenant in quarantine; with --final, delete it after its time there
    Destroy(destroy::Options),
    /// Open a tenant in quarantine again
    Restore(restore::Options),
    /// Say where each value of an object comes from
    Explain(explain::Options),
    /// List the guards, their limits, and how to waive them
    Guards(guards::Options),
    /// Look for what may go wrong on a server, and say what mends it; writes nothing
    Doctor(doctor::Options),
    /// Show organizations as the ledger knows them: what each has, uses, shares and sold
    Tree(tree::Options),
    /// Show what is left to an organization, and the licences that it has it from
    Resources(resources::Options),
    /// Show what an organization used over time, and what it will use if that goes on
    Usage(usage::Options),
    /// Count the users of each realm, the holders of seats, and the devices, and enter that in the ledger
    Count(count::Options),
    /// Issue licences, redeem them, and look at them
    #[command(subcommand)]
    Licence(licence::Command),
    /// Register and retire devices, and move them between organizations
    #[command(subcommand)]
    Device(device::Command),
    /// Give named seats to users and take them, never more than are licensed
    #[command(subcommand)]
    Seat(seat::Command),
    /// Keep the accounts of the licence tree: commands, their answers, and proof of both
    #[command(subcommand)]
    Ledger(ledger::Command),
    /// Serve the token broker, through which tenants' users log in
    Serve(serve::Options),
    /// Show what proves that the domains of a tenant's e-mail addresses are its own
    Domain(domain::Options),
    /// Log in at a tenant, as its user, at a terminal
    Login(terminal::login::Options),
    /// Say who is logged in at a terminal, or print their access token
    Whoami(terminal::whoami::Options),
    /// End a login at a terminal
    Logout(terminal::logout::Options),
    /// Write manifests for realms that are there, or for exports of realms
    Import(import::Options),
    /// Prepare a server, once, with an administrator's login
    Bootstrap(bootstrap::Options),
    /// Lay out manifests in the one way; comments stay
    Fmt(fmt::Options),
    /// Replace secrets and keys by new ones
    #[command(subcommand)]
    Rotate(rotate::Rotate),
    /// Print a JSON Schema
    Schema(schema::Options),
    /// Show the settings in force, and where each comes from
    #[command(subcommand)]
    Config(Config),
    /// Print the script that completes commands and options in a shell
    Completions(completions::Options),
    /// Print or write manual pages
    Man(man::Options),
}

/// What `config` does.
#[derive(Debug, Subcommand)]
pub(super) enum Config {
    /// Print each setting, its value and where that comes from
    Show(config::show::Options),
}

/// Heading of the options that every command takes.
const EVERYWHERE: &str = "Everywhere";

/// How to speak.
#[derive(Debug, Args)]
pub(super) struct Output {
    /// Configuration file; by default realmwright.yaml in the working directory. An empty name: none
    #[arg(long, env = "REALMWRIGHT_CONFIG", value_parser = OsStringValueParser::new().map(PathBuf::from), global = true, help_heading = EVERYWHERE, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// When to use colour
    #[arg(long, value_enum, default_value = "auto", global = true, help_heading = EVERYWHERE, value_name = "WHEN")]
    pub(super) color: Color,
    /// Say only what was asked for, and errors
    #[arg(short, long, global = true, help_heading = EVERYWHERE)]
    pub(super) quiet: bool,
    /// Do not show how far the work is
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(super) no_progress: bool,
    /// Show each request: method, path and status
    #[arg(short, long, global = true, help_heading = EVERYWHERE, conflicts_with = "quiet")]
    pub(super) verbose: bool,
    /// Show each request and answer with their bodies and the time taken, every secret masked
    #[arg(long, global = true, help_heading = EVERYWHERE, conflicts_with = "quiet")]
    pub(super) debug_http: bool,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Also into files and pipes.
    Always,
    /// Never.
    Never,
}

/// Which realms, where, and as whom.
#[derive(Debug, Clone, Args)]
pub(super) struct Target {
    /// The environment; needed when the platform has more than one
    #[arg(short, long, env = "REALMWRIGHT_ENVIRONMENT", value_name = "NAME")]
    pub(super) environment: Option<String>,
    /// Base URL of the Keycloak server, by default the one that the platform names for the environment; or the name of one of
    /// the environment's servers, where it has several
    #[arg(short, long, env = "REALMWRIGHT_SERVER", value_name = "URL|NAME")]
    pub(super) server: Option<String>,
    /// PEM file with the operator's private key. The key itself may be in REALMWRIGHT_OPERATOR_KEY_PEM instead
    #[arg(short = 'k', long, env = "REALMWRIGHT_OPERATOR_KEY", value_name = "FILE")]
    pub(super) operator_key: Option<PathBuf>,
    /// Administrator of master, needed to prepare a server, to adopt realms that were not made by Realmwright, and to
    /// mend those that shut out their provisioner; in other realms nothing is done with this login. The password is in
    /// REALMWRIGHT_ADMIN_PASSWORD
    #[arg(long, env = "REALMWRIGHT_ADMIN_USER", value_name = "NAME")]
    pub(super) admin_user: Option<String>,
}

/// What is meant although a guard refuses it.
#[derive(Debug, Clone, Args)]
pub(super) struct Waivers {
    /// Do what a guard refuses: its name, as `realmwright guards` lists it, or NAME@TENANT for one place only. May be
    /// given again
    #[arg(long = "waive", value_name = "NAME[@TENANT]")]
    pub(super) waivers: Vec<Waiver>,
}

/// Looking instead of writing.
#[derive(Debug, Clone, Args)]
pub(super) struct Looking {
    /// PEM file with the observer's private key: realms are read as their observer, who may not write. The key itself may
    /// be in REALMWRIGHT_OBSERVER_KEY_PEM instead
    #[arg(long, env = "REALMWRIGHT_OBSERVER_KEY", value_name = "FILE")]
    pub(super) observer_key: Option<PathBuf>,
}

/// Where files of secrets are.
#[derive(Debug, Clone, Args)]
pub(super) struct SecretFiles {
    /// Directory in which the files of `file:` references stand, by the same paths; by default that of the manifests
    #[arg(long, env = "REALMWRIGHT_SECRETS_DIR", value_name = "DIR")]
    pub(super) secrets_dir: Option<PathBuf>,
}

/// What commands that only look are about.
#[derive(Debug, Args)]
pub(super) struct View {
    /// Directory with the manifests
    #[arg(default_value = ".")]
    pub(super) dir: PathBuf,
    /// Where and as whom.
    #[command(flatten)]
    pub(super) target: Target,
    /// Looking instead of writing.
    #[command(flatten)]
    pub(super) looking: Looking,
    /// Where files of secrets are.
    #[command(flatten)]
    pub(super) secrets: SecretFiles,
    /// What it is about.
    #[command(flatten)]
    pub(super) selecting: Selecting,
    /// Realms to read at a time, at most: how many is found by how the server answers
    #[arg(short, long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=256), value_name = "N")]
    pub(super) parallelism: u16,
}

/// How to print what is no plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For a terminal.
    Text,
    /// For programs.
    Json,
}

/// How to print a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PlanFormat {
    /// For a terminal.
    Text,
    /// The plan itself, versioned; `realmwright schema plan` describes it.
    Json,
    /// For a pull request.
    Markdown,
}

/// Heading of the options that select.
const SELECTION: &str = "Selection";

/// What of the network a run is about.
#[derive(Debug, Clone, Args)]
pub(super) struct Selecting {
    /// Only this; may be given several times. A tenant by its name or path (`clinic`, `nordmed/klinikpartner/st-anna`,
    /// `nordmed/**`), `tier:organization`, `distributor:nordmed`, `label:region=north`, `server:eu-1`, or objects
    /// (`clinic/client/assistant`, `*/user`). `*` stands for any text
    #[arg(long, value_name = "SELECTOR", help_heading = SELECTION)]
    select: Vec<Selector>,
    /// Not this, though it is selected; written alike
    #[arg(long, value_name = "SELECTOR", help_heading = SELECTION)]
    exclude: Vec<Selector>,
}

impl Selecting {
    /// What was selected and excluded.
    pub(super) fn selection(&self) -> Selection {
        Selection { select: self.select.clone(), exclude: self.exclude.clone() }
    }
}
