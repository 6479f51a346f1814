//! Creates, removes, renames and links names in directories. A read-only grant refuses all of these changes.

use rustix::fs::{AtFlags, FileType, Mode};

use super::{resolve, start_of_change};
use crate::host::table::Table;
use crate::types::{Errno, Result};

/// Creates a directory.
pub(crate) fn create_directory(table: &Table, fd: u32, path: &[u8]) -> Result {
    let (dir, path) = start_of_change(table, fd, path)?;
    let place = resolve::place(dir, &path, Errno::EXIST)?;
    // Slashes do not make this call follow a link.
    Ok(rustix::fs::mkdirat(
        &place.parent,
        place.name_and_slashes,
        Mode::from_raw_mode(0o777),
    )?)
}

/// Removes an empty directory.
pub(crate) fn remove_directory(table: &Table, fd: u32, path: &[u8]) -> Result {
    let (dir, path) = start_of_change(table, fd, path)?;
    let place = resolve::place(dir, &path, Errno::INVAL)?;
    Ok(rustix::fs::unlinkat(
        &place.parent,
        place.name_and_slashes,
        AtFlags::REMOVEDIR,
    )?)
}

/// Removes a name that is not a directory. Of a symbolic link it removes the link and not the target.
pub(crate) fn unlink_file(table: &Table, fd: u32, path: &[u8]) -> Result {
    let (dir, path) = start_of_change(table, fd, path)?;
    let place = resolve::place(dir, &path, Errno::ISDIR)?;
    // With slashes behind the name this call always fails, and it never follows a link.
    Ok(rustix::fs::unlinkat(
        &place.parent,
        place.name_and_slashes,
        AtFlags::empty(),
    )?)
}

/// Moves a file or directory, also from one grant to another. Both grants must be writable.
pub(crate) fn rename(table: &Table, old_fd: u32, old_path: &[u8], new_fd: u32, new_path: &[u8]) -> Result {
    let (old_dir, old_path) = start_of_change(table, old_fd, old_path)?;
    let (new_dir, new_path) = start_of_change(table, new_fd, new_path)?;
    let old = resolve::place(old_dir, &old_path, Errno::BUSY)?;
    let new = resolve::second_place(&old, new_dir, &new_path, Errno::BUSY)?;
    // Slashes do not make this call follow a link.
    Ok(rustix::fs::renameat(
        &old.parent,
        old.name_and_slashes,
        &new.parent,
        new.name_and_slashes,
    )?)
}

/// Creates a hard link. Both grants must be writable, because a link in a writable grant would make a read-only file writable.
pub(crate) fn link(table: &Table, old_fd: u32, old_path: &[u8], new_fd: u32, new_path: &[u8]) -> Result {
    let (old_dir, old_path) = start_of_change(table, old_fd, old_path)?;
    let (new_dir, new_path) = start_of_change(table, new_fd, new_path)?;
    let old = resolve::place(old_dir, &old_path, Errno::PERM)?;
    if old.has_slash() {
        // With slashes behind the name the call would follow a link. Only the name of a directory may have them, and a
        // directory cannot have a second name.
        let stat = rustix::fs::statat(&old.parent, old.name, AtFlags::SYMLINK_NOFOLLOW)?;
        let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        return Err(if is_directory { Errno::PERM } else { Errno::NOTDIR });
    }
    let new = resolve::second_place(&old, new_dir, &new_path, Errno::EXIST)?;
    Ok(rustix::fs::linkat(
        &old.parent,
        old.name,
        &new.parent,
        new.name_and_slashes,
        AtFlags::empty(),
    )?)
}

/// Creates a symbolic link. The target is checked when the link is followed. A target that begins with a slash could only lead
/// out of the grant.
///
/// # Errors
///
/// `PERM` for a target that begins with a slash.
pub(crate) fn symlink(table: &Table, target: &[u8], fd: u32, path: &[u8]) -> Result {
    let (dir, path) = start_of_change(table, fd, path)?;
    if target.starts_with(b"/") {
        return Err(Errno::PERM);
    }
    let place = resolve::place(dir, &path, Errno::EXIST)?;
    // With slashes behind the name this call fails, and it does not follow a link.
    Ok(rustix::fs::symlinkat(target, &place.parent, place.name_and_slashes)?)
}
