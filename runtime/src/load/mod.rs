//! Loads artifacts.
//!
//! Input: the bytes of an artifact, in a file or in memory. Output: an image whose text can run, after checks. Must not hold:
//! compiling, repairing.
//!
//! Bytes that are not in a file are first written to a file without a name (`memfd_create(2)`), so that text and memory images
//! can always be mapped. If the system forbids this, the bytes are copied into anonymous memory.
//!
//! # Safety
//! This file may use `unsafe`: it makes bytes executable. `Artifact::read` checks that they are an artifact of this build and
//! undamaged. The callers of the unsafe public functions promise that nobody has manipulated them.
#![allow(unsafe_code, reason = "makes the text of an artifact executable")]

mod debugger;

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::slice;

use wrun_artifact::config::{Config, CpuFeatures};
use wrun_artifact::elf::{Artifact, Expect, Stale};
use wrun_artifact::header::Compare;

use self::debugger::Shown;
use crate::error::Error;
use crate::sys;
use crate::sys::dir::Opened;
use crate::sys::mmap::Mapping;
use crate::sys::round_up_to_pages;
use crate::vm::Code;

/// An artifact that is mapped, checked and executable.
pub(crate) struct Image {
    /// Reads from `mapping`, which lives as long and does not move. A reference with this lifetime never leaves this type.
    artifact: Artifact<'static>,
    text: Range<usize>,
    len: usize,
    /// The mapped file, for mapping memory images. Absent if the bytes were copied.
    file: Option<OwnedFd>,
    /// Dropped before the mapping, to which it leads.
    _shown: Option<Shown>,
    mapping: Mapping,
}

// Sections that are mapped begin at page borders of the file.
const _: () = assert!(sys::PAGE == wrun_artifact::header::PAGE);

/// The outcome of checking a mapping.
enum Checked {
    Image(Box<Image>),
    /// The system does not allow execution of this mapping.
    NotExecutable(Mapping, io::Error),
}

/// Returns the requirements of this build and machine and, if given, these settings.
fn expect(config: Option<&Config>) -> Expect {
    Expect {
        build: wrun_artifact::BUILD,
        config: config.cloned(),
        cpu: CpuFeatures::detect(),
    }
}

impl Image {
    /// Loads an artifact from memory.
    ///
    /// # Safety
    /// The bytes were made by wrun, and nobody has changed them.
    pub(crate) unsafe fn from_bytes(bytes: &[u8], config: Option<&Config>, compare: Compare) -> Result<Self, Error> {
        match sys::file::unnamed(bytes) {
            // SAFETY: the file has no name, so nobody else can change it.
            Ok(file) => match unsafe { Self::map(file, bytes.len(), config, compare) } {
                Err(Error::Resource(why)) => {
                    log::debug!("load: cannot map an unnamed file ({why}), copying");
                    Self::copy(bytes, config, compare)
                }
                result => result,
            },
            Err(error) => {
                log::debug!("load: cannot make an unnamed file ({error}), copying");
                Self::copy(bytes, config, compare)
            }
        }
    }

    /// Loads an artifact that this process has just compiled.
    pub(crate) fn from_compiler(artifact: &[u8], config: &Config) -> Result<Self, Error> {
        // SAFETY: the compiler of this build has made the bytes, and they have been this process's own since.
        unsafe { Self::from_bytes(artifact, Some(config), Compare::Nothing) }
    }

    /// Loads an artifact of the cache by mapping its file.
    pub(crate) fn from_cache(artifact: Opened, config: &Config, compare: Compare) -> Result<Self, Error> {
        let Opened { file, facts } = artifact;
        let len = usize::try_from(facts.bytes).map_err(|_| Stale::Length)?;
        // SAFETY: only this user and root can write to the cache's directory (checked when it was opened) and to this file
        // (checked when it was found). wrun writes a file once, before the file gets its name.
        unsafe { Self::map(file.into(), len, Some(config), compare) }
    }

    /// Loads an artifact by mapping an open file.
    ///
    /// # Safety
    /// wrun made the file, and no process changes or truncates it while the image lives.
    pub(crate) unsafe fn from_file(file: File, config: Option<&Config>, compare: Compare) -> Result<Self, Error> {
        let metadata = file.metadata();
        let len = metadata.map_err(|error| Error::resource("cannot map", &error))?.len();
        let len = usize::try_from(len).map_err(|_| Stale::Length)?;
        // SAFETY: the caller's promise.
        unsafe { Self::map(file.into(), len, config, compare) }
    }

    /// # Safety
    /// Nobody changes or truncates the file while the image lives.
    unsafe fn map(file: OwnedFd, len: usize, config: Option<&Config>, compare: Compare) -> Result<Self, Error> {
        if len == 0 {
            return Err(Stale::NotAnArtifact.into());
        }
        // SAFETY: the caller's promise.
        let mapping = unsafe { Mapping::of_file(file.as_fd(), len) }.map_err(|e| Error::resource("cannot map", &e))?;
        match Self::check(mapping, len, Some(file), config, compare)? {
            Checked::Image(image) => Ok(*image),
            Checked::NotExecutable(mapping, why) => {
                // The file system does not allow execution, but the bytes can be read.
                log::debug!("load: the file cannot be mapped as code ({why}), copying");
                // SAFETY: the mapping is readable and this long.
                let bytes = unsafe { slice::from_raw_parts(mapping.base().as_ptr(), len) };
                Self::copy(bytes, config, compare)
            }
        }
    }

    fn copy(bytes: &[u8], config: Option<&Config>, compare: Compare) -> Result<Self, Error> {
        let size = round_up_to_pages(bytes.len().max(1)).ok_or_else(|| Error::damaged("its length"))?;
        let mapping = Mapping::zeroed(size).map_err(|error| Error::resource("cannot load the artifact", &error))?;
        // SAFETY: the mapping is new, writable and at least as long.
        unsafe {
            mapping
                .base()
                .as_ptr()
                .copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
        match Self::check(mapping, bytes.len(), None, config, compare)? {
            Checked::Image(image) => Ok(*image),
            Checked::NotExecutable(_, why) => Err(Error::resource("cannot make the artifact's text executable", &why)),
        }
    }

    fn check(
        mapping: Mapping,
        len: usize,
        file: Option<OwnedFd>,
        config: Option<&Config>,
        compare: Compare,
    ) -> Result<Checked, Error> {
        // SAFETY: the mapping is at least `len` long, readable, and moves into the same value as the artifact that reads from
        // it; the text's bytes stay as they are when they become executable.
        let bytes: &'static [u8] = unsafe { slice::from_raw_parts(mapping.base().as_ptr(), len) };
        let artifact = Artifact::read(bytes, &expect(config), compare)?;
        if compare == Compare::All {
            log::debug!("load: the checksums of all {len} bytes fit");
        }
        if let Err(error) = mapping.make_executable(artifact.executable()) {
            return Ok(Checked::NotExecutable(mapping, error));
        }
        let base = mapping.addresses().start;
        let text = artifact.text();
        Ok(Checked::Image(Box::new(Self {
            _shown: Shown::new(&artifact, base),
            artifact,
            text: base + text.start..base + text.end,
            len,
            file,
            mapping,
        })))
    }

    /// Returns a copy of this image in memory, without a file.
    pub(crate) fn copied(&self) -> Result<Self, Error> {
        Self::copy(self.bytes(), None, Compare::Nothing)
    }

    /// Returns the artifact.
    pub(crate) fn artifact(&self) -> &Artifact<'_> {
        &self.artifact
    }

    /// Returns all bytes of the artifact.
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: the mapping is at least this long, readable in all parts, and never written.
        unsafe { slice::from_raw_parts(self.mapping.base().as_ptr(), self.len) }
    }

    /// Returns the address of the code at this offset of the text, or `None` if the offset lies outside.
    pub(crate) fn code(&self, offset: u32) -> Option<*const u8> {
        let address = self.text.start + offset as usize;
        self.text.contains(&address).then_some(address as *const u8)
    }

    /// Returns the mapped file, if there is one.
    pub(crate) fn file(&self) -> Option<BorrowedFd<'_>> {
        self.file.as_ref().map(AsFd::as_fd)
    }
}

impl Code for Image {
    fn artifact(&self) -> &Artifact<'_> {
        &self.artifact
    }

    fn text_addresses(&self) -> Range<usize> {
        self.text.clone()
    }
}

/// Maps the first `len` bytes of a file as code that never runs, until the process ends. Profilers notice this mapping.
pub(crate) fn map_as_code(file: BorrowedFd<'_>, len: usize) -> io::Result<()> {
    // SAFETY: no code reads or executes the mapping.
    let mapping = unsafe { Mapping::of_file(file, len)? };
    mapping.make_executable(0..len)?;
    std::mem::forget(mapping);
    Ok(())
}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Image")
            .field("text", &self.text)
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}
