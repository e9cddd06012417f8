//! Whether results are coloured.

use std::io::{IsTerminal, Stdout};

/// Returns whether a person looks at stdout, and wants colours.
#[expect(clippy::disallowed_methods, reason = "https://no-color.org is about the environment")]
pub(super) fn is_wanted(stdout: &Stdout) -> bool {
    stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
