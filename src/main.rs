//! The `realmwright` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    realmwright::cli::run(std::env::args_os()).code().into()
}
