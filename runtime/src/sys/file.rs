//! Files without a name, how long files may become, and whether they are on a disk.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::Errno;
use rustix::ioctl::{Updater, ioctl, opcode};
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

/// `struct fiemap` of Linux without room for extents: it asks how many there are.
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

/// Returns true when the file system that has the contents of a file, below one that only shows them, can say in which blocks of a disk
/// they are (`FS_IOC_FIEMAP`). Those in memory cannot, and some of those that are packed.
pub(crate) fn has_blocks(file: &File) -> io::Result<bool> {
    const FIEMAP: rustix::ioctl::Opcode = opcode::read_write::<Extents>(b'f', 11);
    let mut extents = Extents {
        length: 1,
        ..Extents::default()
    };
    // SAFETY: the system reads and writes exactly this structure, and no extents behind it, since there is room for none.
    let asked = unsafe { ioctl(file, Updater::<FIEMAP, _>::new(&mut extents)) };
    match asked {
        Ok(()) => Ok(true),
        Err(Errno::OPNOTSUPP | Errno::NOTTY) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
