//! Files without a name, limits on the length of files, and the blocks of files on a disk.
//!
//! Input: a length, bytes, or a file. Output: a file, or a fact about one. Must not hold: directories.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::Errno;
use rustix::ioctl::{Updater, ioctl, opcode};
use rustix::process::{Resource, getrlimit};

/// Refuses a length above the limit of this process (`ulimit -f`). The system would not only refuse such a file but also send
/// `SIGXFSZ`, which kills the process.
pub(crate) fn may_have(len: usize) -> io::Result<()> {
    match getrlimit(Resource::Fsize).current {
        Some(limit) if limit < len as u64 => Err(io::ErrorKind::FileTooLarge.into()),
        _ => Ok(()),
    }
}

/// Makes a file in memory that holds `bytes` and can be mapped as code (`memfd_create(2)`).
pub(crate) fn unnamed(bytes: &[u8]) -> io::Result<OwnedFd> {
    may_have(bytes.len())?;
    // A system from Linux 6.3 on can demand this flag for files with code. Older systems do not know it.
    let executable = MemfdFlags::from_bits_retain(0x10);
    let file = memfd_create(c"wrun-artifact", MemfdFlags::CLOEXEC | executable)
        .or_else(|_| memfd_create(c"wrun-artifact", MemfdFlags::CLOEXEC))?;
    let mut file = File::from(file);
    file.write_all(bytes)?;
    Ok(file.into())
}

/// The structure `struct fiemap` of Linux without room for extents. The system then only returns their number.
#[repr(C)]
#[derive(Default)]
struct Extents {
    start: u64,
    length: u64,
    flags: u32,
    mapped: u32,
    room: u32,
    reserved: u32,
}

/// Returns true if the file system can tell in which blocks of a disk the contents are (`FS_IOC_FIEMAP`). This asks the file
/// system that holds the contents, also below one that only shows them. File systems in memory cannot tell, and some packed ones
/// cannot either.
pub(crate) fn has_blocks(file: &File) -> io::Result<bool> {
    const FIEMAP: rustix::ioctl::Opcode = opcode::read_write::<Extents>(b'f', 11);
    let mut extents = Extents {
        length: 1,
        ..Extents::default()
    };
    // SAFETY: the system reads and writes only this structure. It writes no extents behind it, because the structure has room for
    // none.
    let asked = unsafe { ioctl(file, Updater::<FIEMAP, _>::new(&mut extents)) };
    match asked {
        Ok(()) => Ok(true),
        Err(Errno::OPNOTSUPP | Errno::NOTTY) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
