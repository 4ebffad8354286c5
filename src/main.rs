//! The `realmwright` command.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A third of what expanding a large network takes is small allocations, of several threads.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    realmwright::cli::run(std::env::args_os()).code().into()
}
