//! Functions on names below a directory. Each lets `resolve` find the directory that the last name lies in (which never
//! leaves the grant), and then does one thing with that name. A read-only grant is refused here, before the kernel is
//! asked.

pub(crate) mod change;
pub(crate) mod open;
pub(crate) mod resolve;
pub(crate) mod stat;

use crate::types::{Errno, Result};

/// Longest path that Linux takes, with its zero byte.
pub(crate) const PATH_MAX: usize = 4096;

/// Checks a path of the guest: any bytes but zero.
///
/// # Errors
///
/// `NOENT` for an empty path, `NAMETOOLONG`, `INVAL` for a zero byte.
pub(crate) fn check(path: &[u8]) -> Result {
    if path.is_empty() {
        return Err(Errno::NOENT);
    }
    if path.len() >= PATH_MAX {
        return Err(Errno::NAMETOOLONG);
    }
    if path.contains(&0) {
        return Err(Errno::INVAL);
    }
    Ok(())
}
