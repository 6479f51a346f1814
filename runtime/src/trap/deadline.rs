//! Deadlines of guests.
//!
//! Input: a duration. Output: a running deadline. Must not hold: timers (`sys`).

use std::time::Duration;

use crate::error::Error;
use crate::sys::deadline::Deadline;

impl Deadline {
    /// Starts a deadline that passes after this time.
    ///
    /// # Errors
    /// Fails if the system cannot provide a timer or a signal handler.
    pub fn after(time: Duration) -> Result<Self, Error> {
        super::install()?;
        Self::start(time)
            .map_err(|error| Error::resource("cannot start a timer (ulimit -i limits their number)", &error))
    }
}
