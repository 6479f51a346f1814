//! `path_filestat_*`: what is known of a file by its name, and its times. Nothing is opened for that, so that neither a
//! FIFO nor a program that runs is in the way.

use std::os::fd::{AsRawFd, OwnedFd};

use rustix::fs::{AtFlags, CWD, Timestamps};
use rustix::io::Errno as HostErrno;

use crate::ctx::WasiCtx;
use crate::fd::stat::{timestamps, write_filestat};
use crate::path;
use crate::path::resolve::{self, Found};
use crate::types::{Result, Version};

/// Writes what is known of a file.
#[allow(
    clippy::too_many_arguments,
    reason = "these are the arguments of the WASI function, and the version"
)]
pub(crate) fn path_filestat_get(
    ctx: &mut WasiCtx,
    memory: &mut [u8],
    version: Version,
    fd: u32,
    flags: u32,
    path: u32,
    path_len: u32,
    buf: u32,
) -> Result {
    let follow = path::follow(flags)?;
    let path = path::read(memory, path, path_len)?;
    let stat = resolve::stat(ctx.table.dir(fd)?, path, follow)?;
    write_filestat(memory, version, buf, &stat)
}

/// Sets the times of a file.
#[allow(clippy::too_many_arguments, reason = "these are the arguments of the WASI function")]
pub(crate) fn path_filestat_set_times(
    ctx: &mut WasiCtx,
    memory: &mut [u8],
    fd: u32,
    flags: u32,
    path: u32,
    path_len: u32,
    atim: u64,
    mtim: u64,
    fst_flags: u32,
) -> Result {
    let follow = path::follow(flags)?;
    let times = timestamps(atim, mtim, fst_flags)?;
    let path = path::read(memory, path, path_len)?;
    let dir = ctx.table.dir(fd)?;
    dir.access.check_write()?;
    match resolve::find(dir, path, follow)? {
        // What was not a link a moment ago may be one by now; then its own times are set.
        Found::Place(place, _) => Ok(rustix::fs::utimensat(
            &place.parent,
            place.name,
            &times,
            AtFlags::SYMLINK_NOFOLLOW,
        )?),
        Found::File(file) => set_times(&file, &times),
    }
}

/// Sets the times of a file that is open with `O_PATH`.
fn set_times(file: &OwnedFd, times: &Timestamps) -> Result {
    match rustix::fs::utimensat(file, c"", times, AtFlags::EMPTY_PATH) {
        // Linux before 5.8 does not have the flag. The name below is the kernel's own, for this very file.
        Err(HostErrno::INVAL) => {
            let name = format!("/proc/self/fd/{}", file.as_raw_fd());
            Ok(rustix::fs::utimensat(CWD, name, times, AtFlags::empty())?)
        }
        result => Ok(result?),
    }
}
