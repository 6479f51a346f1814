//! Reads the attributes of a file by its name, sets its times, and reads the target of a symbolic link. No file is opened for
//! this, so it also works for a FIFO and for a running program.

use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, CWD, FileType, Timestamps};
use rustix::io::Errno as HostErrno;

use super::resolve::{self, Found};
use super::{PATH_MAX, Start};
use crate::host::path;
use crate::host::stat::FileStat;
use crate::host::table::Table;
use crate::host::virtual_dir::descriptor_name;
use crate::types::{Errno, Result};

/// Returns the attributes of a file.
pub(crate) fn stat(table: &Table, fd: u32, path: &[u8], follow: bool) -> Result<FileStat> {
    match path::start(table, fd, path)? {
        Start::Host(dir, path) => resolve::stat(dir, &path, follow),
        Start::Virtual(dir) => Ok(dir.stat()),
        Start::Node(node) => node.stat(),
    }
}

/// Sets the times of a file.
pub(crate) fn set_times(table: &Table, fd: u32, path: &[u8], follow: bool, times: &Timestamps) -> Result {
    let (dir, path) = match path::start(table, fd, path)? {
        Start::Host(dir, path) => (dir, path),
        Start::Virtual(_) => return Err(Errno::ROFS),
        Start::Node(node) => return node.set_times(times),
    };
    dir.access.check_write()?;
    match resolve::find(dir, &path, follow)? {
        // Another process may have replaced the file by a link. Then the times of the link itself are set.
        Found::Place(place, _) => Ok(rustix::fs::utimensat(
            &place.parent,
            place.name,
            times,
            AtFlags::SYMLINK_NOFOLLOW,
        )?),
        Found::File(file) => set_file_times(&file, times),
    }
}

/// Sets the times of a file that is open with `O_PATH`.
pub(crate) fn set_file_times(file: &OwnedFd, times: &Timestamps) -> Result {
    match rustix::fs::utimensat(file, c"", times, AtFlags::EMPTY_PATH) {
        // Linux before 5.8 does not have the flag. The name in `/proc` stands for exactly this open file.
        Err(HostErrno::INVAL) => Ok(rustix::fs::utimensat(
            CWD,
            descriptor_name(file),
            times,
            AtFlags::empty(),
        )?),
        result => Ok(result?),
    }
}

/// Reads the target of a symbolic link into `buffer`, and returns it.
///
/// # Errors
///
/// `PERM` for a target that begins with a slash, which could only lead out of the grant.
pub(crate) fn read_link<'b>(table: &Table, fd: u32, path: &[u8], buffer: &'b mut [u8; PATH_MAX]) -> Result<&'b [u8]> {
    let Start::Host(dir, path) = path::start(table, fd, path)? else {
        // A virtual directory has no links.
        return Err(Errno::INVAL);
    };
    let place = resolve::place(dir, &path, Errno::INVAL)?;
    if place.has_slash() {
        // Only a directory may have slashes behind its name.
        let stat = rustix::fs::statat(&place.parent, place.name, AtFlags::SYMLINK_NOFOLLOW)?;
        let is_regular = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        return Err(if is_regular { Errno::NOTDIR } else { Errno::INVAL });
    }
    let len = rustix::fs::readlinkat_raw(&place.parent, place.name, &mut buffer[..])?;
    let target = &buffer[..len];
    if target.starts_with(b"/") {
        return Err(Errno::PERM);
    }
    Ok(target)
}
