//! The command table.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Turns manifests of distributors, resellers and organizations into Keycloak realms, one realm a tenant, and keeps
/// them so.
#[derive(Debug, Parser)]
#[command(name = "realmwright", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How to speak.
    #[command(flatten)]
    pub output: Output,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    done, or in sync
  1    failed
  2    differences (plan --detailed-exitcode, drift)
  4    stale plan
  5    partly applied
  64   called wrongly
  130  interrupted";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check manifests, offline
    Validate(Validate),
    /// Show what apply would do
    Plan(Plan),
    /// Make the realms what the manifests say
    Apply(Apply),
    /// Show what was changed in Keycloak since it was last applied
    Drift(Drift),
    /// Prepare a server, once, with an administrator's login
    Bootstrap(Bootstrap),
    /// Print a JSON Schema
    Schema(Schema),
}

/// How to speak.
#[derive(Debug, Args)]
pub struct Output {
    /// When to use colour
    #[arg(long, value_enum, default_value = "auto", global = true, value_name = "WHEN")]
    pub color: Color,
    /// Say only what was asked for, and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Show each request: method, path and status
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Also into files and pipes.
    Always,
    /// Never.
    Never,
}

/// Which realms, where, and as whom.
#[derive(Debug, Clone, Args)]
pub struct Target {
    /// The environment; needed when the platform has more than one
    #[arg(short, long, env = "REALMWRIGHT_ENVIRONMENT", value_name = "NAME")]
    pub environment: Option<String>,
    /// Base URL of the Keycloak server; by default the one that the platform names for the environment
    #[arg(short, long, env = "REALMWRIGHT_SERVER", value_name = "URL")]
    pub server: Option<String>,
    /// PEM file with the operator's private key. The key itself may be in REALMWRIGHT_OPERATOR_KEY_PEM instead
    #[arg(short = 'k', long, env = "REALMWRIGHT_OPERATOR_KEY", value_name = "FILE")]
    pub operator_key: Option<PathBuf>,
}

/// `validate`
#[derive(Debug, Args)]
pub struct Validate {
    /// Directory with the manifests
    #[arg(default_value = ".")]
    pub dir: PathBuf,
}

/// `plan`
#[derive(Debug, Args)]
pub struct Plan {
    /// Directory with the manifests
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// Where and as whom.
    #[command(flatten)]
    pub target: Target,
    /// Save the plan to a file that `apply` takes
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// How to print the plan
    #[arg(short, long, value_enum, default_value = "text")]
    pub format: PlanFormat,
    /// Exit with 2 when there is something to do
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Realms to read at a time
    #[arg(short, long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256), value_name = "N")]
    pub parallelism: u16,
}

/// How to print a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    /// For a terminal.
    Text,
    /// The plan itself, versioned; `realmwright schema plan` describes it.
    Json,
    /// For a pull request.
    Markdown,
}

/// `apply`
#[derive(Debug, Args)]
pub struct Apply {
    /// Directory with the manifests, or a plan that `plan --out` saved
    #[arg(default_value = ".", value_name = "DIR|FILE")]
    pub what: PathBuf,
    /// Where and as whom.
    #[command(flatten)]
    pub target: Target,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Realms to work on at a time
    #[arg(short, long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256), value_name = "N")]
    pub parallelism: u16,
}

/// `drift`
#[derive(Debug, Args)]
pub struct Drift {
    /// Directory with the manifests
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// Where and as whom.
    #[command(flatten)]
    pub target: Target,
    /// How to print it
    #[arg(short, long, value_enum, default_value = "text")]
    pub format: PlanFormat,
    /// Realms to read at a time
    #[arg(short, long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256), value_name = "N")]
    pub parallelism: u16,
}

/// `bootstrap`
#[derive(Debug, Args)]
pub struct Bootstrap {
    /// Directory with the manifests, to take the server from when --server is not given
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// Where and as whom.
    #[command(flatten)]
    pub target: Target,
    /// Administrator of the master realm
    #[arg(long, env = "REALMWRIGHT_ADMIN_USER", default_value = "admin", value_name = "NAME")]
    pub admin_user: String,
    /// File with the administrator's password; `-` reads it from standard input. It may be in
    /// REALMWRIGHT_ADMIN_PASSWORD instead
    #[arg(long, value_name = "FILE")]
    pub admin_password_file: Option<PathBuf>,
    /// Replace another operator key that the server was prepared with; realms that exist go on trusting that one alone
    #[arg(long)]
    pub replace_key: bool,
}

/// `schema`
#[derive(Debug, Args)]
pub struct Schema {
    /// Which one
    #[arg(value_enum, default_value = "manifest")]
    pub which: SchemaName,
}

/// The published schemas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaName {
    /// Of manifests.
    Manifest,
    /// Of saved plans and `plan --format json`.
    Plan,
}
