//! Grants: the files and directories of the host that a guest gets. They are opened before the guest starts. From then on every
//! path is relative to a descriptor.
//!
//! The guest finds a granted file in a virtual directory, named after the parent directory of the guest's name. This directory
//! holds the granted files with that parent and nothing else.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::fs::Dir as CapDir;
use rustix::fs::{Access as Mode, AtFlags, CWD, FileType, OFlags};
use rustix::io::Errno as HostErrno;

use crate::host::error::{GrantError, GrantErrorReason};
use crate::host::table::{Descriptor, Dir, Table};
use crate::host::virtual_dir::{Content, DEV, Entry, GrantedFile, Node, VirtualDir, compared, descriptor_name};
use crate::types::{Access, Result as WasiResult};

/// Directory or file of the host that is granted to a guest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grant {
    /// Path on the host.
    pub host: PathBuf,
    /// Name by which the guest knows it. It need not be UTF-8.
    pub guest: Vec<u8>,
    /// Access to the file, or to everything in the directory.
    pub access: Access,
}

/// Grants of a guest, in the order of their numbers.
#[derive(Default)]
pub(crate) struct Grants {
    places: Vec<Place>,
}

/// Directory of the guest.
struct Place {
    /// Name by which the guest knows it.
    guest: Box<[u8]>,
    kind: Kind,
}

enum Kind {
    /// Directory of the host, with its device and inode.
    Host(OwnedFd, (u64, u64), Access),
    /// Virtual directory.
    Virtual(Vec<Entry>),
    /// Virtual directory `/dev` with the null device.
    Dev,
}

/// File or directory of the host, open.
enum Opened {
    Dir(OwnedFd, (u64, u64)),
    File(OwnedFd),
}

impl Grants {
    /// Opens a grant and adds it.
    pub(crate) fn add(&mut self, grant: &Grant) -> Result<(), GrantError> {
        let error = |reason| GrantError::new(&grant.host, reason);
        if grant.guest.is_empty() {
            return Err(error(GrantErrorReason::EmptyName));
        }
        if grant.guest.contains(&0) || u32::try_from(grant.guest.len()).is_err() {
            return Err(error(GrantErrorReason::BadName));
        }
        match open(&grant.host, grant.access).map_err(error)? {
            Opened::Dir(fd, identity) => self.add_dir(grant, fd, identity),
            Opened::File(fd) => self.add_file(grant, fd),
        }
        .map_err(error)
    }

    fn add_dir(&mut self, grant: &Grant, fd: OwnedFd, identity: (u64, u64)) -> Result<(), GrantErrorReason> {
        if let Some(place) = self.place(&grant.guest)
            && !matches!(place.kind, Kind::Host(..))
        {
            return Err(GrantErrorReason::HidesFiles {
                name: shown(&grant.guest),
            });
        }
        self.places.push(Place {
            guest: grant.guest.as_slice().into(),
            kind: Kind::Host(fd, identity, grant.access),
        });
        Ok(())
    }

    fn add_file(&mut self, grant: &Grant, fd: OwnedFd) -> Result<(), GrantErrorReason> {
        let (parent, name) = parent_and_name(&grant.guest);
        if matches!(name, b"" | b"." | b"..") {
            return Err(GrantErrorReason::NoFileName {
                name: shown(&grant.guest),
            });
        }
        let entry = Entry {
            name: name.into(),
            node: Node::File(GrantedFile {
                fd,
                access: grant.access,
            }),
        };
        match self.place(parent) {
            None => self.places.push(Place {
                guest: parent.into(),
                kind: Kind::Virtual(vec![entry]),
            }),
            Some(Place {
                kind: Kind::Virtual(entries),
                ..
            }) => {
                if entries.iter().any(|known| known.name == entry.name) {
                    return Err(GrantErrorReason::Twice {
                        name: shown(&grant.guest),
                    });
                }
                entries.push(entry);
            }
            Some(place) => {
                return Err(GrantErrorReason::HiddenByDir {
                    dir: shown(&place.guest),
                });
            }
        }
        Ok(())
    }

    /// Returns the granted directory with this name, compared as a libc compares names.
    fn place(&mut self, guest: &[u8]) -> Option<&mut Place> {
        self.places
            .iter_mut()
            .find(|place| compared(&place.guest) == compared(guest))
    }

    /// Adds `/dev/null` if no grant covers it. If files were granted in `/dev`, that virtual directory gets it as one more
    /// file. Otherwise the directory `/dev` is added after the others, unless there are sockets: it would change their numbers.
    fn add_dev_null(&mut self, has_sockets: bool) {
        match self.place(DEV) {
            Some(Place {
                kind: Kind::Virtual(entries),
                ..
            }) => {
                let null = null();
                if entries.iter().all(|entry| entry.name != null.name) {
                    entries.push(null);
                }
            }
            Some(_) => {}
            None => {
                if !has_sockets && !self.places.iter().any(Place::is_root) {
                    self.places.push(Place {
                        guest: (*b"/dev").into(),
                        kind: Kind::Dev,
                    });
                }
            }
        }
    }

    /// Makes the descriptors.
    pub(crate) fn insert(mut self, table: &mut Table, dev_null: bool, has_sockets: bool) -> WasiResult {
        if dev_null {
            self.add_dev_null(has_sockets);
        }
        // The directory in which a libc looks up relative paths. If there are several, it takes the last one.
        let mut current = None;
        for place in self.places {
            let serial = table.next_serial();
            let descriptor = match place.kind {
                Kind::Host(fd, root, access) => {
                    if compared(&place.guest).is_empty() {
                        current = Some(serial);
                    }
                    Descriptor::Dir(Dir {
                        dir: CapDir::from_std_file(fd.into()),
                        access,
                        preopen: Some(place.guest),
                        serial,
                        root,
                    })
                }
                Kind::Virtual(entries) => virtual_dir(place.guest, serial, entries, None),
                Kind::Dev => virtual_dir(place.guest, serial, vec![null()], current),
            };
            table.insert(descriptor)?;
        }
        Ok(())
    }
}

impl Place {
    /// Returns true for a directory of the host that the guest knows as `/`.
    fn is_root(&self) -> bool {
        matches!(self.kind, Kind::Host(..)) && self.guest.starts_with(b"/") && compared(&self.guest).is_empty()
    }
}

/// Makes a descriptor of a virtual directory.
fn virtual_dir(guest: Box<[u8]>, serial: u64, entries: Vec<Entry>, behind: Option<u64>) -> Descriptor {
    Descriptor::Virtual(VirtualDir {
        content: Arc::new(Content {
            ino: serial,
            entries,
            behind,
        }),
        preopen: Some(guest),
        serial,
    })
}

/// Makes the entry of the null device.
fn null() -> Entry {
    Entry {
        name: (*b"null").into(),
        node: Node::Null,
    }
}

/// Opens the path of a grant: a directory for reading, a file with `O_PATH`, because its mode of access is not known yet.
fn open(host: &Path, access: Access) -> Result<Opened, GrantErrorReason> {
    let as_dir = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match rustix::fs::openat(CWD, host, as_dir, rustix::fs::Mode::empty()) {
        Ok(fd) => {
            let stat = rustix::fs::fstat(&fd)?;
            Ok(Opened::Dir(fd, (stat.st_dev, stat.st_ino)))
        }
        Err(HostErrno::NOTDIR) => open_file(host, access).map(Opened::File),
        Err(errno) => Err(errno.into()),
    }
}

fn open_file(host: &Path, access: Access) -> Result<OwnedFd, GrantErrorReason> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(CWD, host, flags, rustix::fs::Mode::empty())?;
    match FileType::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode) {
        FileType::Socket => return Err(GrantErrorReason::Socket),
        // Another process has replaced the file by a directory since the first look.
        FileType::Directory => return Err(HostErrno::ISDIR.into()),
        _ => {}
    }
    let name = descriptor_name(&fd);
    let may = |mode| rustix::fs::accessat(CWD, &name, mode, AtFlags::EACCESS);
    match may(Mode::READ_OK) {
        Ok(()) => Ok(fd),
        Err(HostErrno::NOENT) => Err(GrantErrorReason::NoProc),
        Err(HostErrno::ACCESS) if access == Access::ReadWrite && may(Mode::WRITE_OK).is_ok() => Ok(fd),
        Err(errno) => Err(errno.into()),
    }
}

/// Splits a guest's name of a file at its last slash.
fn parent_and_name(guest: &[u8]) -> (&[u8], &[u8]) {
    match guest.iter().rposition(|byte| *byte == b'/') {
        None => (b".", guest),
        Some(0) => (b"/", &guest[1..]),
        Some(slash) => (&guest[..slash], &guest[slash + 1..]),
    }
}

/// Returns a name as it is shown in a message.
fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_a_file_is_split_at_its_last_slash() {
        for (guest, parent, name) in [
            ("file", ".", "file"),
            ("./file", ".", "file"),
            ("/file", "/", "file"),
            ("//file", "/", "file"),
            ("/a/b/file", "/a/b", "file"),
            ("../file", "..", "file"),
            ("a/", "a", ""),
        ] {
            let expected = (parent.as_bytes(), name.as_bytes());
            assert_eq!(parent_and_name(guest.as_bytes()), expected, "{guest}");
        }
    }
}
