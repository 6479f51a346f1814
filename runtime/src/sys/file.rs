//! Files without a name, and how long files may become.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Resource, getrlimit};

/// Refuses what the system would not only refuse, but kill this process for (`ulimit -f`, `SIGXFSZ`): a file of this length.
pub(crate) fn may_have(len: usize) -> io::Result<()> {
    match getrlimit(Resource::Fsize).current {
        Some(limit) if limit < len as u64 => Err(io::ErrorKind::FileTooLarge.into()),
        _ => Ok(()),
    }
}

/// A new file in memory that holds `bytes`, and that code can be mapped from (`memfd_create(2)`).
pub(crate) fn unnamed(bytes: &[u8]) -> io::Result<OwnedFd> {
    may_have(bytes.len())?;
    // Since Linux 6.3 a system may want to be told that the file is for code; before, it does not know the flag.
    let executable = MemfdFlags::from_bits_retain(0x10);
    let file = memfd_create(c"wrun-artifact", MemfdFlags::CLOEXEC | executable)
        .or_else(|_| memfd_create(c"wrun-artifact", MemfdFlags::CLOEXEC))?;
    let mut file = File::from(file);
    file.write_all(bytes)?;
    Ok(file.into())
}
