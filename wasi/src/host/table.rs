//! The table of descriptors: the files and directories behind the guest's numbers. The lowest free number is used first, as on
//! a Unix host. The table limits the number of descriptors of a guest. The kernel keeps the rest of a file's state.

use std::cell::OnceCell;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use cap_std::fs::Dir as CapDir;
use rustix::process::{Resource, getrlimit};

use crate::host::virtual_dir::VirtualDir;
use crate::types::{Access, Errno, Result};

/// Host descriptor of a file.
pub(crate) enum Handle {
    /// A file description that only the guest uses. It is closed with the descriptor.
    Owned(OwnedFd),
    /// A file description that other processes may use too. It is closed with the descriptor.
    Granted(OwnedFd),
    /// Standard input of the process. It is shared with the process that started wrun, and never closed.
    Stdin,
    /// The process's standard output.
    Stdout,
    /// The process's standard error.
    Stderr,
}

impl AsFd for Handle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Handle::Owned(fd) | Handle::Granted(fd) => fd.as_fd(),
            Handle::Stdin => rustix::stdio::stdin(),
            Handle::Stdout => rustix::stdio::stdout(),
            Handle::Stderr => rustix::stdio::stderr(),
        }
    }
}

/// A file that is not a directory: regular file, stream, device or socket.
pub(crate) struct File {
    pub(crate) handle: Handle,
    /// False for a file that the guest opened with the right neither to read nor to write. The kernel has no such mode.
    pub(crate) readable: bool,
    /// Access of the grant under which the file was opened.
    pub(crate) access: Access,
    /// `NONBLOCK`, set by the guest on a shared description. It is kept here, because the flag of the description would affect
    /// every process that has the terminal or socket open.
    pub(crate) nonblock: bool,
    /// `APPEND`, set by the guest on a shared description.
    pub(crate) append: bool,
}

impl File {
    /// Creates a file with a description of its own.
    pub(crate) fn owned(fd: OwnedFd, readable: bool, access: Access) -> File {
        File {
            handle: Handle::Owned(fd),
            readable,
            access,
            nonblock: false,
            append: false,
        }
    }

    /// Creates a file for one of the process's standard streams, or for a socket that was granted.
    pub(crate) fn shared(handle: Handle) -> File {
        File {
            handle,
            readable: true,
            access: Access::ReadWrite,
            nonblock: false,
            append: false,
        }
    }

    /// Returns true if other processes may use the description too. Then its flags must not change.
    pub(crate) fn is_shared(&self) -> bool {
        !matches!(self.handle, Handle::Owned(_))
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }
}

/// A directory.
pub(crate) struct Dir {
    pub(crate) dir: CapDir,
    pub(crate) access: Access,
    /// Guest's name of a granted directory. `None` for a directory that the guest opened.
    pub(crate) preopen: Option<Box<[u8]>>,
    /// Distinguishes directories that had the same number one after the other.
    pub(crate) serial: u64,
    /// Device and inode of the grant that this directory belongs to. The guest learns nothing of the parent of the grant.
    pub(crate) root: (u64, u64),
}

impl Dir {
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }
}

/// File or directory that a number stands for.
pub(crate) enum Descriptor {
    File(File),
    Dir(Dir),
    Virtual(VirtualDir),
}

impl Descriptor {
    /// Returns the host's descriptor. A virtual directory has none.
    pub(crate) fn fd(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Descriptor::File(file) => Some(file.fd()),
            Descriptor::Dir(dir) => Some(dir.fd()),
            Descriptor::Virtual(_) => None,
        }
    }
}

/// Directory of a guest.
#[derive(Clone, Copy)]
pub(crate) enum Directory<'a> {
    /// Directory of the host.
    Host(&'a Dir),
    /// Directory that only the guest has.
    Virtual(&'a VirtualDir),
}

impl<'a> Directory<'a> {
    /// Returns the guest's name of a directory that was granted.
    pub(crate) fn preopen(self) -> Option<&'a [u8]> {
        match self {
            Directory::Host(dir) => dir.preopen.as_deref(),
            Directory::Virtual(dir) => dir.preopen.as_deref(),
        }
    }

    pub(crate) fn serial(self) -> u64 {
        match self {
            Directory::Host(dir) => dir.serial,
            Directory::Virtual(dir) => dir.serial,
        }
    }
}

/// Number of descriptors that wrun reserves for itself, out of those that the system allows.
const RESERVE: u64 = 32;
/// Smallest limit for a guest, even if the limit of the system is lower: the standard streams and some more.
const FEWEST: usize = 8;
/// Largest number of descriptors of a guest, even if the system allows more. It bounds the memory of the table and of the
/// kernel.
const MOST: u64 = 1 << 16;

/// Guest's descriptors.
pub(crate) struct Table {
    slots: Vec<Option<Descriptor>>,
    /// No slot below this one is free.
    lowest_free: usize,
    open: usize,
    /// Largest number of open descriptors. It is computed when more than [`FEWEST`] are open.
    limit: OnceCell<usize>,
    serial: u64,
}

impl Table {
    /// Creates an empty table, bounded by the process's limit.
    pub(crate) fn new() -> Table {
        Table {
            slots: Vec::new(),
            lowest_free: 0,
            open: 0,
            limit: OnceCell::new(),
            serial: 0,
        }
    }

    #[cfg(test)]
    fn with_limit(limit: usize) -> Table {
        Table {
            limit: limit.into(),
            ..Table::new()
        }
    }

    fn limit(&self) -> usize {
        *self.limit.get_or_init(|| {
            let soft = getrlimit(Resource::Nofile).current.unwrap_or(MOST);
            soft.saturating_sub(RESERVE).clamp(FEWEST as u64, MOST) as usize
        })
    }

    /// Returns a serial that no directory has had yet.
    pub(crate) fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// Checks that one more descriptor is available, before a call has effects.
    pub(crate) fn check_room(&self) -> Result {
        let is_below = |limit| self.open < limit;
        if (self.limit.get().is_none() && is_below(FEWEST)) || is_below(self.limit()) {
            Ok(())
        } else {
            Err(Errno::MFILE)
        }
    }

    /// Gives a descriptor the lowest free number.
    pub(crate) fn insert(&mut self, descriptor: Descriptor) -> Result<u32> {
        self.check_room()?;
        while self.slots.get(self.lowest_free).is_some_and(Option::is_some) {
            self.lowest_free += 1;
        }
        let slot = self.lowest_free;
        match self.slots.get_mut(slot) {
            Some(free) => *free = Some(descriptor),
            None => self.slots.push(Some(descriptor)),
        }
        self.open += 1;
        self.lowest_free = slot + 1;
        u32::try_from(slot).map_err(|_| Errno::MFILE)
    }

    /// Gives a virtual directory that the guest opened a serial and the lowest free number.
    pub(crate) fn insert_virtual(&mut self, mut dir: VirtualDir) -> Result<u32> {
        dir.serial = self.next_serial();
        self.insert(Descriptor::Virtual(dir))
    }

    pub(crate) fn get(&self, fd: u32) -> Result<&Descriptor> {
        self.slots.get(fd as usize).and_then(Option::as_ref).ok_or(Errno::BADF)
    }

    pub(crate) fn get_mut(&mut self, fd: u32) -> Result<&mut Descriptor> {
        self.slots
            .get_mut(fd as usize)
            .and_then(Option::as_mut)
            .ok_or(Errno::BADF)
    }

    /// Returns the file with a number.
    ///
    /// # Errors
    ///
    /// `BADF` for a directory and for a number that is not open.
    pub(crate) fn file(&self, fd: u32) -> Result<&File> {
        match self.get(fd)? {
            Descriptor::File(file) => Ok(file),
            Descriptor::Dir(_) | Descriptor::Virtual(_) => Err(Errno::BADF),
        }
    }

    /// Returns a file to read from.
    ///
    /// # Errors
    ///
    /// `ISDIR` for a directory; `BADF` for a file that cannot be read and for a number that is not open.
    #[inline]
    pub(crate) fn readable(&self, fd: u32) -> Result<&File> {
        match self.get(fd)? {
            Descriptor::File(file) if file.readable => Ok(file),
            Descriptor::File(_) => Err(Errno::BADF),
            Descriptor::Dir(_) | Descriptor::Virtual(_) => Err(Errno::ISDIR),
        }
    }

    /// Returns the directory with a number.
    ///
    /// # Errors
    ///
    /// `NOTDIR` for a file; `BADF` for a number that is not open.
    pub(crate) fn directory(&self, fd: u32) -> Result<Directory<'_>> {
        match self.get(fd)? {
            Descriptor::Dir(dir) => Ok(Directory::Host(dir)),
            Descriptor::Virtual(dir) => Ok(Directory::Virtual(dir)),
            Descriptor::File(_) => Err(Errno::NOTDIR),
        }
    }

    /// Returns the directory of the host with this serial, if it is still open.
    pub(crate) fn dir_of_serial(&self, serial: u64) -> Option<&Dir> {
        self.slots.iter().flatten().find_map(|descriptor| match descriptor {
            Descriptor::Dir(dir) if dir.serial == serial => Some(dir),
            _ => None,
        })
    }

    /// Returns a directory of the host.
    #[cfg(test)]
    pub(crate) fn dir(&self, fd: u32) -> Result<&Dir> {
        match self.directory(fd)? {
            Directory::Host(dir) => Ok(dir),
            Directory::Virtual(_) => Err(Errno::NOTDIR),
        }
    }

    /// Removes a descriptor from the table. Dropping it closes it.
    pub(crate) fn remove(&mut self, fd: u32) -> Result<Descriptor> {
        let slot = fd as usize;
        let descriptor = self.slots.get_mut(slot).and_then(Option::take).ok_or(Errno::BADF)?;
        self.open -= 1;
        self.lowest_free = self.lowest_free.min(slot);
        Ok(descriptor)
    }

    /// Moves a descriptor to the number of another one, which is closed.
    pub(crate) fn renumber(&mut self, from: u32, to: u32) -> Result {
        self.get(from)?;
        self.get(to)?;
        if from != to {
            let descriptor = self.remove(from)?;
            *self.get_mut(to)? = descriptor;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stdout() -> Descriptor {
        Descriptor::File(File::shared(Handle::Stdout))
    }

    fn pipe() -> (OwnedFd, OwnedFd) {
        rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap()
    }

    #[test]
    fn free_numbers_are_reused_lowest_first() {
        let mut table = Table::with_limit(10);
        for fd in 0..6 {
            assert_eq!(table.insert(stdout()), Ok(fd));
        }
        for fd in [4, 1, 3] {
            table.remove(fd).unwrap();
        }
        let numbers: Vec<u32> = (0..4).map(|_| table.insert(stdout()).unwrap()).collect();
        assert_eq!(numbers, [1, 3, 4, 6]);
    }

    #[test]
    fn unknown_numbers_are_refused() {
        let mut table = Table::with_limit(10);
        table.insert(stdout()).unwrap();
        for fd in [1, 2, u32::MAX] {
            assert_eq!(table.get(fd).err(), Some(Errno::BADF));
            assert_eq!(table.remove(fd).err(), Some(Errno::BADF));
            assert_eq!(table.renumber(0, fd), Err(Errno::BADF));
            assert_eq!(table.renumber(fd, 0), Err(Errno::BADF));
            assert_eq!(table.renumber(fd, fd), Err(Errno::BADF));
        }
        assert!(table.get(0).is_ok());
    }

    #[test]
    fn renumbering_closes_the_target_and_frees_the_source() {
        let mut table = Table::with_limit(10);
        let (reader, writer) = pipe();
        table
            .insert(Descriptor::File(File::owned(writer, true, Access::ReadWrite)))
            .unwrap();
        table.insert(stdout()).unwrap();
        assert_eq!(table.renumber(0, 0), Ok(()));
        assert_eq!(table.renumber(1, 0), Ok(()));
        assert_eq!(table.get(1).err(), Some(Errno::BADF));
        // The only writer is gone, so the reader is at its end.
        let mut byte = [0];
        assert_eq!(rustix::io::read(&reader, &mut byte[..]), Ok(0));
        assert_eq!(table.insert(stdout()), Ok(1));
    }

    #[test]
    fn a_full_table_gives_mfile_until_something_is_closed() {
        let mut table = Table::with_limit(3);
        for _ in 0..3 {
            table.insert(stdout()).unwrap();
        }
        assert_eq!(table.insert(stdout()), Err(Errno::MFILE));
        table.remove(1).unwrap();
        assert_eq!(table.insert(stdout()), Ok(1));
        assert_eq!(table.check_room(), Err(Errno::MFILE));
    }
}
