//! Turns the panic of a failed case into an error.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, catch_unwind};

thread_local! {
    static ATTEMPTS: Cell<bool> = const { Cell::new(false) };
    static SAID: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Silences the panic messages of an [`attempt`]; all others are printed as usual.
pub(crate) fn silence() {
    let others = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if ATTEMPTS.get() {
            SAID.set(panic.to_string());
        } else {
            others(panic);
        }
    }));
}

/// Does something that may panic; the error is where it did, and the message.
pub(crate) fn attempt<T>(what: impl FnOnce() -> T) -> Result<T, String> {
    let outer = ATTEMPTS.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(what));
    ATTEMPTS.set(outer);
    outcome.map_err(|_| SAID.take())
}
