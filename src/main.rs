//! The `partywall` program; everything it does is in the library.

use std::process::ExitCode;

/// Gives back what a burst of connections took, some seconds after it, as reviews come. glibc's keeps what lies before
/// anything that is still in use: it was seen to have 24 MiB for 1.3 MiB.
#[cfg(unix)]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    partywall::cli::main()
}
