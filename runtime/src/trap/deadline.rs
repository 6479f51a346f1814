//! Deadlines of guests.

use std::time::Duration;

use crate::error::Error;
use crate::sys::deadline::Deadline;

impl Deadline {
    /// Starts a deadline that passes after this time.
    ///
    /// # Errors
    /// When the system gives no timer or no signal handler.
    pub fn after(time: Duration) -> Result<Self, Error> {
        super::install()?;
        Self::start(time)
            .map_err(|error| Error::resource("cannot start a timer (ulimit -i limits their number)", &error))
    }
}
