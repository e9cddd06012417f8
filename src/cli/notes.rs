//! Notes of commands about the policies that hold. They go to stderr.

#![expect(clippy::print_stderr, reason = "stdout holds results alone")]

use partywall_core::api::Mistake;

use crate::policies;

/// Notes that the embedded demonstration holds.
pub(super) fn demo() {
    eprintln!("note: no --policies given, so the embedded demonstration holds: one tenant, `tenants-x`");
}

/// Prints the warnings about policies.
pub(super) fn warnings(warnings: &[Mistake]) {
    for warning in policies::grouped(warnings) {
        eprintln!("warning: {warning}");
    }
}
