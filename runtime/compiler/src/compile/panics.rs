//! Turns panics of the code generator into errors that name their place.
//!
//! Input: a closure. Output: its result, or the panic's message. Nothing is printed: while the closure runs, the process's
//! panic hook ignores panics of this thread.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

thread_local! {
    /// True while this thread runs work whose panics are caught.
    static CATCHING: Cell<bool> = const { Cell::new(false) };
    /// Message of this thread's last caught panic.
    static MESSAGE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `work`. A panic in it becomes an error with the message and the place of the panic.
///
/// After a panic, data that `work` was changing may be inconsistent, so the caller must discard it.
pub(crate) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    install();
    let outer = CATCHING.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    CATCHING.set(outer);
    result.map_err(|_payload| MESSAGE.take().unwrap_or_else(|| "a panic without a message".to_owned()))
}

/// Installs this module's panic hook in front of the previous one, once for the life of the process. Installing and removing it
/// for each call would be a race between threads.
fn install() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if CATCHING.get() {
                MESSAGE.set(Some(message(info)));
            } else {
                others(info);
            }
        }));
    });
}

fn message(info: &PanicHookInfo<'_>) -> String {
    let text = info.payload_as_str().unwrap_or("a value that is not text");
    match info.location() {
        Some(place) => format!("panic at {}:{}: {text}", place.file(), place.line()),
        None => format!("panic: {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_with_its_message_and_place() {
        let error = catch(|| -> () { panic!("out of {}", "registers") }).expect_err("it panicked");
        assert!(error.contains("panics.rs:"), "{error}");
        assert!(error.ends_with("out of registers"), "{error}");
        assert_eq!(catch(|| 7), Ok(7));
    }

    #[test]
    fn other_panics_reach_the_hook_that_was_there() {
        // The hook belongs to the whole process, so this test must not replace it. It checks that only the catching thread is
        // marked.
        catch(|| {
            assert!(CATCHING.get());
            std::thread::scope(|scope| {
                scope.spawn(|| assert!(!CATCHING.get())).join().expect("not marked");
            });
        })
        .expect("no panic");
        assert!(!CATCHING.get());
    }
}
