//! Reports panics of wrun: one line that says that it is a bug in wrun, status 125, never a Rust backtrace.
//!
//! The hook only stores the panic. The code that catches it makes the report: [`catch`] for the session, the runtime for a host
//! function (`Error::HostPanic`). The compiler catches its own panics. A second panic before the report, for example while
//! unwinding, would abort the process, so the hook then reports the first one at once.

use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook};
use std::sync::{Mutex, PoisonError};

use super::Failure;
use crate::exit;

/// The first panic that was not reported yet.
static NOTED: Mutex<Option<String>> = Mutex::new(None);

/// Runs `session`. Turns a panic into a failure.
pub(crate) fn catch<R>(session: impl FnOnce() -> R) -> Result<R, Failure> {
    set_hook(Box::new(note));
    catch_unwind(AssertUnwindSafe(session)).map_err(|_| Failure::bug(&noted().unwrap_or_else(|| "a panic".to_owned())))
}

/// Takes the stored panic, for a report that names its place.
pub(crate) fn noted() -> Option<String> {
    NOTED.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// The panic hook.
fn note(info: &PanicHookInfo<'_>) {
    let payload = info.payload_as_str().unwrap_or("a panic without a message");
    let text = match info.location() {
        Some(place) => format!("{payload} ({}:{})", place.file(), place.line()),
        None => payload.to_owned(),
    };
    let first = {
        let mut noted = NOTED.lock().unwrap_or_else(PoisonError::into_inner);
        match noted.take() {
            None => {
                *noted = Some(text);
                return;
            }
            Some(first) => first,
        }
    };
    exit::exit(Failure::bug(&first).print());
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_panic_is_wruns_bug_and_names_its_place() {
        let failure = super::catch(|| panic!("two and two is five")).expect_err("it panics");
        assert_eq!(failure.status(), crate::exit::Status::Failure);
        let text = failure.text();
        assert!(
            text.starts_with("wrun: this is a bug in wrun: two and two is five (cli/src/report/panic.rs:"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1, "{text}");
        // Back to the test harness's own hook.
        drop(std::panic::take_hook());
    }
}
