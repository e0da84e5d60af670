//! The `espace` command.

use std::process::ExitCode;

/// Small, fast and steady under load; nothing else in the tree chooses an allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    espace::cli::run()
}
