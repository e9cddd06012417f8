//! The `partywall` program; the library does everything.

use std::process::ExitCode;

/// Returns the memory of a burst of connections to the system some seconds after the burst.
///
/// glibc's allocator keeps all memory below an allocation in use: 24 MiB for 1.3 MiB in a measurement.
#[cfg(all(unix, feature = "jemalloc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    partywall::cli::main()
}
