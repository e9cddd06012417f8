//! Finds the program that is measured.

use std::env;
use std::io;
use std::path::{Path, PathBuf};

/// The program, which was built before: cargo names it only to the benchmarks of its own package.
pub(crate) fn program() -> io::Result<PathBuf> {
    // This is in `deps`, in the folder of its profile, beside the folders of the others.
    let this = env::current_exe()?;
    let folder = this.parent().and_then(Path::parent).unwrap_or(Path::new("."));
    // `cargo bench` writes to `release` as well, but is built as `dist` is.
    let folder = if cfg!(debug_assertions) { folder.to_owned() } else { folder.with_file_name("dist") };
    let program = folder.join("partywall").with_extension(env::consts::EXE_EXTENSION);
    if program.is_file() {
        return Ok(program);
    }
    let message = format!(
        "{} is missing; build it with `cargo build --profile dist --features jemalloc`, or with `cargo build` \
         for `cargo test`",
        program.display()
    );
    Err(io::Error::new(io::ErrorKind::NotFound, message))
}
