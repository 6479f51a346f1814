//! The storage of a file: access advice, allocation, size and synchronisation.

use std::num::NonZeroU64;

use rustix::fs::{Advice, FallocateFlags};

use crate::host::table::{Descriptor, File};
use crate::types::{Errno, Result};

/// Announces how a range of a file will be used. A length of zero means to the end.
pub(crate) fn advise(file: &File, offset: u64, len: u64, advice: Advice) -> Result {
    if i64::try_from(offset).is_err() || i64::try_from(len).is_err() {
        return Err(Errno::INVAL);
    }
    Ok(rustix::fs::fadvise(file.fd(), offset, NonZeroU64::new(len), advice)?)
}

/// Allocates storage for a range of a file.
pub(crate) fn allocate(file: &File, offset: u64, len: u64) -> Result {
    file.access.check_write()?;
    if len == 0 {
        return Err(Errno::INVAL);
    }
    let end = offset.checked_add(len).ok_or(Errno::FBIG)?;
    i64::try_from(end).map_err(|_| Errno::FBIG)?;
    Ok(rustix::fs::fallocate(file.fd(), FallocateFlags::empty(), offset, len)?)
}

/// Sets the size of a file that was opened for writing.
pub(crate) fn set_size(file: &File, size: u64) -> Result {
    file.access.check_write()?;
    i64::try_from(size).map_err(|_| Errno::INVAL)?;
    Ok(rustix::fs::ftruncate(file.fd(), size)?)
}

/// Writes the contents of a file to the device.
pub(crate) fn sync_data(descriptor: &Descriptor) -> Result {
    match descriptor.fd() {
        Some(fd) => Ok(rustix::fs::fdatasync(fd)?),
        None => Ok(()),
    }
}

/// Writes the contents and the attributes of a file to the device.
pub(crate) fn sync(descriptor: &Descriptor) -> Result {
    match descriptor.fd() {
        Some(fd) => Ok(rustix::fs::fsync(fd)?),
        None => Ok(()),
    }
}
