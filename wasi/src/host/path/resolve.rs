//! Turns paths into descriptors. This is the only module that does so, and the sandbox depends on it. It uses cap-std for every
//! path with more than one name and for every symbolic link that is followed. cap-std calls `openat2`, and where that system
//! call is not available it walks the path name by name. Another resolver would replace `open_beneath` and `open_dir_beneath`.
//!
//! All other system calls get a single name in an open directory, never `..`, and they do not follow a link. Such a name cannot
//! lead out of the directory. A trailing slash makes many system calls follow a link, so a function that passes one on must use
//! a system call that does not.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use cap_std::fs::{OpenOptions, OpenOptionsExt};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno as HostErrno;

use crate::host::stat::FileStat;
use crate::host::table::Dir;
use crate::types::{Errno, Result};

/// Mode of a new file, before the umask is applied.
const FILE_MODE: u32 = 0o666;

/// A directory in which a name is looked up.
pub(crate) enum Parent<'a> {
    /// The directory that the guest named.
    Given(BorrowedFd<'a>),
    /// A directory that was found below it.
    Found(OwnedFd),
}

impl AsFd for Parent<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Parent::Given(fd) => *fd,
            Parent::Found(fd) => fd.as_fd(),
        }
    }
}

/// A name in a directory.
pub(crate) struct Place<'a> {
    pub(crate) parent: Parent<'a>,
    /// Serial of the directory that the guest named, and the path of the parent from there.
    origin: (u64, &'a [u8]),
    /// One name, which is not `.` or `..`.
    pub(crate) name: &'a [u8],
    /// The name with the slashes that followed it.
    pub(crate) name_and_slashes: &'a [u8],
}

impl Place<'_> {
    /// Returns true if slashes follow the name, which then stands for a directory.
    pub(crate) fn has_slash(&self) -> bool {
        self.name.len() != self.name_and_slashes.len()
    }
}

/// The parts of a path.
struct Parts<'a> {
    /// All before the last name, empty or ending in a slash.
    parent: &'a [u8],
    name: &'a [u8],
    name_and_slashes: &'a [u8],
}

impl<'a> Parts<'a> {
    fn new(path: &'a [u8]) -> Result<Parts<'a>> {
        if path.starts_with(b"/") {
            // An absolute path: the guest's root is not the host's. A libc makes the path relative to a grant before the call.
            return Err(Errno::PERM);
        }
        let end = path.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
        let start = path[..end]
            .iter()
            .rposition(|byte| *byte == b'/')
            .map_or(0, |slash| slash + 1);
        Ok(Parts {
            parent: &path[..start],
            name: &path[start..end],
            name_and_slashes: &path[start..],
        })
    }

    /// Returns the last name as a place in its parent directory.
    fn place(self, dir: &Dir, parent: Parent<'a>) -> Place<'a> {
        Place {
            parent,
            origin: (dir.serial, self.parent),
            name: self.name,
            name_and_slashes: self.name_and_slashes,
        }
    }

    /// Returns true if the last name is `.` or `..`, which is not the name of an entry of its parent.
    fn is_dots(&self) -> bool {
        self.name == b"." || self.name == b".."
    }

    fn has_slash(&self) -> bool {
        self.name.len() != self.name_and_slashes.len()
    }
}

/// Finds the directory of the last name of a path, for an operation on that name. The names `.` and `..` cannot be created,
/// removed or moved, so they give the error `dots`.
pub(crate) fn place<'a>(dir: &'a Dir, path: &'a [u8], dots: Errno) -> Result<Place<'a>> {
    let parts = Parts::new(path)?;
    let parent = parent(dir, &parts)?;
    if parts.is_dots() {
        return Err(dots);
    }
    Ok(parts.place(dir, parent))
}

/// Finds the directory of the second path of a call. If both paths name their directory in the same way, it is not looked up
/// again, so that no other process can exchange it between the two look-ups.
pub(crate) fn second_place<'a>(first: &'a Place<'_>, dir: &'a Dir, path: &'a [u8], dots: Errno) -> Result<Place<'a>> {
    let parts = Parts::new(path)?;
    if parts.is_dots() || first.origin != (dir.serial, parts.parent) {
        return place(dir, path, dots);
    }
    Ok(parts.place(dir, Parent::Given(first.parent.as_fd())))
}

fn parent<'a>(dir: &'a Dir, parts: &Parts<'_>) -> Result<Parent<'a>> {
    if parts.parent.is_empty() {
        return Ok(Parent::Given(dir.fd()));
    }
    open_dir_beneath(dir, parts.parent).map(Parent::Found)
}

/// Opens a path with the host's flags. This function adds the flags for links and `CLOEXEC`.
pub(crate) fn open(dir: &Dir, path: &[u8], follow: bool, flags: OFlags) -> Result<OwnedFd> {
    let parts = Parts::new(path)?;
    // A terminal must not become the controlling terminal of the process. `openat2` refuses this flag together with `O_PATH`.
    let flags = if flags.contains(OFlags::PATH) {
        flags
    } else {
        flags | OFlags::NOCTTY
    };
    if parts.has_slash() || parts.is_dots() {
        if flags.contains(OFlags::CREATE) {
            return Err(Errno::ISDIR);
        }
        let flags = flags | OFlags::DIRECTORY;
        if path == b"." {
            return Ok(open_name(dir.fd(), path, flags)?);
        }
        // The flag `DIRECTORY` replaces the slashes.
        let without_slashes = &path[..parts.parent.len() + parts.name.len()];
        return open_beneath(dir, without_slashes, flags);
    }
    if !follow {
        let parent = parent(dir, &parts)?;
        return Ok(open_name(parent.as_fd(), parts.name, flags)?);
    }
    if parts.parent.is_empty() && !flags.contains(OFlags::PATH) {
        // Most names are not links. For a link the kernel returns LOOP, or NOTDIR if a directory was wanted.
        match open_name(dir.fd(), parts.name, flags) {
            Err(HostErrno::LOOP) => {}
            Err(HostErrno::NOTDIR) if flags.contains(OFlags::DIRECTORY) => {}
            result => return result.map_err(Errno::from),
        }
    }
    open_beneath(dir, path, flags)
}

/// Opens one name. A link is not followed.
fn open_name(parent: BorrowedFd<'_>, name: &[u8], flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let mode = if flags.contains(OFlags::CREATE) {
        Mode::from_raw_mode(FILE_MODE)
    } else {
        Mode::empty()
    };
    rustix::fs::openat(parent, name, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, mode)
}

/// Returns the attributes of the file that a path names.
pub(crate) fn stat(dir: &Dir, path: &[u8], follow: bool) -> Result<FileStat> {
    match find(dir, path, follow)? {
        Found::Place(_, stat) => Ok(stat.into()),
        Found::File(fd) => Ok(rustix::fs::fstat(fd)?.into()),
    }
}

/// A file that a path names, for operations that do not open it.
#[allow(
    clippy::large_enum_variant,
    reason = "lives for the length of one call, which a box would make slower"
)]
pub(crate) enum Found<'a> {
    /// A name and the attributes of the file. It may only be passed to system calls that do not follow links.
    Place(Place<'a>, Stat),
    /// The file itself, opened with `O_PATH`.
    File(OwnedFd),
}

/// Finds the file that a path names.
pub(crate) fn find<'a>(dir: &'a Dir, path: &'a [u8], follow: bool) -> Result<Found<'a>> {
    let parts = Parts::new(path)?;
    if parts.has_slash() || parts.is_dots() {
        return open(dir, path, true, OFlags::PATH | OFlags::DIRECTORY).map(Found::File);
    }
    let parent = parent(dir, &parts)?;
    let stat = rustix::fs::statat(&parent, parts.name, AtFlags::SYMLINK_NOFOLLOW)?;
    if follow && FileType::from_raw_mode(stat.st_mode) == FileType::Symlink {
        return open(dir, path, true, OFlags::PATH).map(Found::File);
    }
    Ok(Found::Place(parts.place(dir, parent), stat))
}

/// Opens a path below the directory and follows all links.
fn open_beneath(dir: &Dir, path: &[u8], flags: OFlags) -> Result<OwnedFd> {
    if flags.contains(OFlags::DIRECTORY) {
        // cap-std's own walk does not know this flag and would end at a link, so the directory is opened first.
        let found = open_dir_beneath(dir, path)?;
        if flags.contains(OFlags::PATH) {
            return Ok(found);
        }
        return Ok(open_name(found.as_fd(), b".", flags)?);
    }
    let mut options = OpenOptions::new();
    // The access mode is set as an option and everything else as custom flags, because the options refuse combinations that the
    // system allows, such as truncating a file that is only read or appended to.
    match flags & OFlags::RWMODE {
        OFlags::WRONLY => options.write(true),
        OFlags::RDWR => options.read(true).write(true),
        _ => options.read(true),
    };
    options
        .mode(FILE_MODE)
        .custom_flags((flags - OFlags::RWMODE).bits() as i32);
    let result = dir.dir.open_with(Path::new(OsStr::from_bytes(path)), &options);
    // Through a link to `dir/` no file can be created or truncated. `openat2` returns the right error. cap-std's own walk opens
    // the directory, or passes contradictory flags to the kernel, so the error is corrected here.
    let opened: OwnedFd = match result.map_err(Errno::from) {
        Ok(file) => file.into_std().into(),
        Err(Errno::INVAL) if flags.contains(OFlags::CREATE) => return Err(Errno::ISDIR),
        Err(errno) => return Err(errno),
    };
    let changes = flags.intersects(OFlags::CREATE | OFlags::TRUNC);
    if changes && flags & OFlags::RWMODE == OFlags::RDONLY {
        let stat = rustix::fs::fstat(&opened)?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            return Err(Errno::ISDIR);
        }
    }
    Ok(opened)
}

/// Finds the directory in which a name is to be looked up.
fn open_dir_beneath(dir: &Dir, path: &[u8]) -> Result<OwnedFd> {
    Ok(dir
        .dir
        .open_dir(Path::new(OsStr::from_bytes(path)))?
        .into_std_file()
        .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::testing::Tree;
    use std::os::unix::fs::symlink;

    fn parts(path: &str) -> Result<(String, String, bool)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Parts::new(path.as_bytes()).map(|parts| (text(parts.parent), text(parts.name), parts.has_slash()))
    }

    #[test]
    fn paths_are_taken_apart_at_their_last_name() {
        let expected = |parent: &str, name: &str, slash| Ok((parent.to_string(), name.to_string(), slash));
        assert_eq!(parts("a"), expected("", "a", false));
        assert_eq!(parts("a//"), expected("", "a", true));
        assert_eq!(parts("a/b"), expected("a/", "b", false));
        assert_eq!(parts("./a//b/"), expected("./a//", "b", true));
        assert_eq!(parts("/a"), Err(Errno::PERM));
        assert_eq!(parts("/"), Err(Errno::PERM));
    }

    /// A tree with a secret beside the grant, and links to it of each kind.
    fn tree_with_links() -> Tree {
        let tree = Tree::with_outside();
        let outside = tree.outside();
        std::fs::create_dir_all(tree.path("dir/inner")).unwrap();
        std::fs::write(tree.path("dir/file"), "inside").unwrap();
        symlink(outside.join("secret"), tree.path("absolute")).unwrap();
        symlink("../outside/secret", tree.path("relative")).unwrap();
        symlink("../outside", tree.path("outside")).unwrap();
        symlink("../outside/", tree.path("outside-slash")).unwrap();
        symlink("outside/", tree.path("link-slash")).unwrap();
        symlink("../../outside", tree.path("dir/outside")).unwrap();
        symlink("/proc/self/root", tree.path("proc")).unwrap();
        symlink("dir/file", tree.path("to-file")).unwrap();
        symlink("dir/", tree.path("to-dir")).unwrap();
        symlink("loop", tree.path("loop")).unwrap();
        tree
    }

    #[test]
    fn no_path_leads_out_of_the_grant() {
        let tree = tree_with_links();
        let dir = tree.dir();
        for path in [
            "..",
            "../outside",
            "../outside/secret",
            "dir/../..",
            "dir/../../outside/secret",
            "/etc/passwd",
            "absolute",
            "relative",
            "outside",
            "outside/",
            "outside/secret",
            "outside/.",
            "outside/..",
            "outside-slash",
            "outside-slash/secret",
            "link-slash",
            "link-slash/secret",
            "dir/outside/secret",
            "proc",
            "proc/etc/passwd",
        ] {
            for flags in [
                OFlags::RDONLY,
                OFlags::RDWR | OFlags::CREATE,
                OFlags::PATH,
                OFlags::RDONLY | OFlags::TRUNC,
            ] {
                let result = open(dir, path.as_bytes(), true, flags);
                assert!(result.is_err(), "{path} with {flags:?} was opened");
            }
            assert!(stat(dir, path.as_bytes(), true).is_err(), "{path} was looked at");
        }
        assert!(place(dir, b"outside/secret", Errno::INVAL).is_err());
        assert!(place(dir, b"../outside", Errno::INVAL).is_err());
        assert_eq!(std::fs::read(tree.outside().join("secret")).unwrap(), b"secret");
        assert_eq!(std::fs::read_dir(tree.outside()).unwrap().count(), 1);
    }

    #[test]
    fn links_inside_of_the_grant_are_followed_on_demand() {
        let tree = tree_with_links();
        let dir = tree.dir();
        let open = |path: &str, follow| open(dir, path.as_bytes(), follow, OFlags::RDONLY).map(drop);
        assert_eq!(open("to-file", true), Ok(()));
        assert_eq!(open("to-file", false), Err(Errno::LOOP));
        assert_eq!(open("to-dir/inner/../file", false), Ok(()));
        assert_eq!(open("to-dir/", false), Ok(()));
        assert_eq!(open("to-file/", true), Err(Errno::NOTDIR));
        assert_eq!(open("dir/inner/..", true), Ok(()));
        assert_eq!(open("loop", true), Err(Errno::LOOP));
        assert_eq!(open(".", true), Ok(()));
        let is_link = |path: &str, follow| {
            let stat = stat(dir, path.as_bytes(), follow).unwrap();
            stat.file_type == FileType::Symlink
        };
        assert!(is_link("to-file", false));
        assert!(!is_link("to-file", true));
        assert!(!is_link("to-dir/", false));
    }
}
