//! Functions on paths below a directory. Each function lets `resolve` find the directory of the last name, which always lies
//! inside the grant, and then does one thing with that name. Changes in a read-only grant are refused here, before any system
//! call.

pub(crate) mod change;
pub(crate) mod open;
pub(crate) mod resolve;
pub(crate) mod stat;

use std::borrow::Cow;

use crate::host::table::{Dir, Directory, Table};
use crate::host::virtual_dir::{DEV, Found, Node, VirtualDir};
use crate::types::{Errno, Result};

/// Longest path that Linux takes, with its zero byte.
pub(crate) const PATH_MAX: usize = 4096;

/// Checks a path of the guest. It may contain any byte except zero.
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

/// Start of a path, after virtual directories were resolved.
pub(crate) enum Start<'a> {
    /// Directory of the host, and the path from there.
    Host(&'a Dir, Cow<'a, [u8]>),
    /// Virtual directory itself.
    Virtual(&'a VirtualDir),
    /// File in a virtual directory.
    Node(&'a Node),
}

/// Finds the start of a path for a look-up.
pub(crate) fn start<'a>(table: &'a Table, fd: u32, path: &'a [u8]) -> Result<Start<'a>> {
    match table.directory(fd)? {
        Directory::Host(dir) => Ok(Start::Host(dir, Cow::Borrowed(path))),
        Directory::Virtual(dir) => start_in_virtual(table, dir, path),
    }
}

#[cold]
fn start_in_virtual<'a>(table: &'a Table, dir: &'a VirtualDir, path: &'a [u8]) -> Result<Start<'a>> {
    let found = dir.find(path)?;
    let behind = behind(table, dir);
    match (found, behind) {
        (Found::Entry(node), _) => Ok(Start::Node(node)),
        (Found::Itself, None) => Ok(Start::Virtual(dir)),
        (Found::Itself, Some(behind)) if resolve::stat(behind, DEV, false).is_err() => Ok(Start::Virtual(dir)),
        (found, Some(behind)) => Ok(Start::Host(behind, VirtualDir::path_behind(&found, path))),
        (Found::Other, None) => Err(VirtualDir::missing(path)),
    }
}

/// Finds the start of a path for a change: its last name is to be created, removed or moved.
///
/// # Errors
///
/// `ROFS` in a read-only grant and in a virtual directory.
pub(crate) fn start_of_change<'a>(table: &'a Table, fd: u32, path: &'a [u8]) -> Result<(&'a Dir, Cow<'a, [u8]>)> {
    let (dir, path) = match table.directory(fd)? {
        Directory::Host(dir) => (dir, Cow::Borrowed(path)),
        Directory::Virtual(dir) => match (dir.find(path), behind(table, dir)) {
            (_, None) | (Err(Errno::NOTDIR) | Ok(Found::Entry(_)), _) => return Err(Errno::ROFS),
            (Err(errno), _) => return Err(errno),
            (Ok(found), Some(behind)) => (behind, VirtualDir::path_behind(&found, path)),
        },
    };
    dir.access.check_write()?;
    Ok((dir, path))
}

fn behind<'a>(table: &'a Table, dir: &VirtualDir) -> Option<&'a Dir> {
    table.dir_of_serial(dir.content.behind?)
}
