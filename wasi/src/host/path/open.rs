//! Opens a file or directory below a directory, or creates a file.

use std::os::fd::OwnedFd;

use cap_std::fs::Dir as CapDir;
use rustix::fs::{FileType, OFlags};

use super::{Start, resolve};
use crate::host::path;
use crate::host::table::{Descriptor, Dir, File, Table};
use crate::types::{Access, Errno, Result};

/// Request to open a path.
pub(crate) struct Open {
    /// True if a symbolic link at the end of the path is followed.
    pub(crate) follow: bool,
    /// Access mode, flags of creation and flags of the open file.
    pub(crate) flags: OFlags,
    /// True if the guest may read the file. A file that the guest may neither read nor write is open for reading in the kernel.
    pub(crate) readable: bool,
}

/// Opens a path below the directory `fd`, and returns the number of the new descriptor.
pub(crate) fn open(table: &mut Table, fd: u32, path: &[u8], request: &Open) -> Result<u32> {
    let start = path::start(table, fd, path).map_err(|errno| {
        // The virtual directory does not have this name, and no file can be created in it.
        let creates = request.flags.contains(OFlags::CREATE);
        if errno == Errno::NOENT && creates {
            Errno::ROFS
        } else {
            errno
        }
    })?;
    // A call that fails because no descriptor is free must not create or truncate anything.
    table.check_room()?;
    let (dir, path) = match start {
        Start::Host(dir, path) => (dir, path),
        Start::Virtual(dir) => {
            let dir = dir.reopen(request.flags)?;
            return table.insert_virtual(dir);
        }
        Start::Node(node) => {
            let file = node.open(request.flags, request.readable)?;
            return table.insert(Descriptor::File(file));
        }
    };
    let opened = match dir.access {
        Access::ReadWrite => resolve::open(dir, &path, request.follow, request.flags)?,
        Access::ReadOnly => open_read_only(dir, &path, request)?,
    };
    let (access, root) = (dir.access, dir.root);
    let descriptor = if is_directory(&opened, request.flags)? {
        let serial = table.next_serial();
        Descriptor::Dir(Dir {
            dir: CapDir::from_std_file(opened.into()),
            access,
            preopen: None,
            serial,
            root,
        })
    } else {
        Descriptor::File(File::owned(opened, request.readable, access))
    };
    table.insert(descriptor)
}

/// Opens a path below a read-only grant, with the results of a read-only file system: `O_CREAT` is allowed for a file that
/// exists.
fn open_read_only(dir: &Dir, path: &[u8], request: &Open) -> Result<OwnedFd> {
    let Open { follow, flags, .. } = *request;
    if flags & OFlags::RWMODE != OFlags::RDONLY || flags.contains(OFlags::TRUNC) {
        return Err(Errno::ROFS);
    }
    if !flags.contains(OFlags::CREATE) {
        return resolve::open(dir, path, follow, flags);
    }
    let create = OFlags::CREATE | OFlags::EXCL;
    let result = if flags.contains(OFlags::EXCL) {
        match resolve::stat(dir, path, false) {
            Ok(_) => Err(Errno::EXIST),
            Err(errno) => Err(errno),
        }
    } else {
        resolve::open(dir, path, follow, flags - create)
    };
    result.map_err(|errno| if errno == Errno::NOENT { Errno::ROFS } else { errno })
}

/// Returns true for a directory. The kernel never opens a directory for writing.
fn is_directory(opened: &OwnedFd, flags: OFlags) -> Result<bool> {
    if flags & OFlags::RWMODE != OFlags::RDONLY {
        return Ok(false);
    }
    if flags.contains(OFlags::DIRECTORY) {
        return Ok(true);
    }
    let stat = rustix::fs::fstat(opened)?;
    Ok(FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
}
