//! The header of an artifact: its build, target and settings, the places of its sections, and checksums. It is read first.
//!
//! ```text
//!   0  ELF header (64 bytes)
//!  64  magic 8 │ format version 4 │ 0 4 │ build 16 │ target 32 │ config 24 │ code section 8 │ file length 8 │
//!      bounds of sections 16 each │ checksum of text 8 │ of data 8 │ of the first page and info 8
//!      ELF program header
//! 4096 .text …
//! ```
//!
//! Three checksums cover every byte of the file: the first covers the first page (without the checksum itself) and info, the
//! second the executable pages, the third everything else. They detect damage, not manipulation. [`Compare`] selects the
//! checksums that are compared: a file that was verified once is not verified again.
//!
//! [`Stale`] lists the reasons why an artifact cannot be used.

use core::fmt;
use core::ops::Range;

use twox_hash::XxHash3_64;
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::config::{Config, CpuFeatures, FORMAT_VERSION};

/// The page size of x86-64 Linux, in bytes: text and image begin at pages of the file.
pub const PAGE: usize = 4096;

/// Offset of wrun's header in the file, after the ELF header.
pub const HEADER_OFFSET: usize = 64;

/// Magic number of an artifact, at [`HEADER_OFFSET`].
pub const MAGIC: [u8; 8] = *b"\x89wrun\r\n\x1a";

/// Target of compiled code.
pub const TARGET: &str = "x86_64-unknown-linux";

/// The sections that the header knows, in the order of the file.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(usize)]
pub enum Section {
    /// Machine code. It begins after the first page.
    Text,
    /// Pages of memories' initial contents.
    Image,
    /// Entries of private tables.
    Tables,
    /// Bytes of data segments that are copied.
    Data,
    /// The description of the module ([`crate::info`]).
    Info,
    /// The instructions that can trap ([`crate::traps`]).
    Traps,
    /// The address map ([`crate::address_map`]). Its length is 0 if there is none.
    AddressMap,
    /// The stack maps ([`crate::stack_maps`]). Their length is 0 for a module without references to host objects.
    StackMaps,
    /// [`crate::handlers`]; length 0 for a module that catches no exceptions.
    Handlers,
    /// [`crate::names`].
    Names,
    /// ELF's symbol table, after the debug sections of the wasm file.
    Symbols,
    /// The strings that names and symbols share.
    Strings,
}

impl Section {
    /// Every section.
    pub const ALL: [Self; 12] = [
        Self::Text,
        Self::Image,
        Self::Tables,
        Self::Data,
        Self::Info,
        Self::Traps,
        Self::AddressMap,
        Self::StackMaps,
        Self::Handlers,
        Self::Names,
        Self::Symbols,
        Self::Strings,
    ];

    /// Returns the name in the ELF file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => ".text",
            Self::Image => ".wrun.image",
            Self::Tables => ".wrun.tables",
            Self::Data => ".wrun.data",
            Self::Info => ".wrun.info",
            Self::Traps => ".wrun.traps",
            Self::AddressMap => ".wrun.addrmap",
            Self::StackMaps => ".wrun.stackmaps",
            Self::Handlers => ".wrun.handlers",
            Self::Names => ".wrun.names",
            Self::Symbols => ".symtab",
            Self::Strings => ".strtab",
        }
    }

    /// Returns the alignment of its offset in the file, in bytes.
    pub const fn alignment(self) -> usize {
        match self {
            Self::Text | Self::Image => PAGE,
            Self::Tables
            | Self::Data
            | Self::Info
            | Self::Traps
            | Self::AddressMap
            | Self::StackMaps
            | Self::Handlers
            | Self::Names
            | Self::Symbols => 8,
            Self::Strings => 1,
        }
    }
}

/// Range of a section in the file.
#[derive(Copy, Clone, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Bounds {
    start: U64,
    len: U64,
}

/// The header's fixed layout.
#[derive(Copy, Clone, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Layout {
    magic: [u8; 8],
    format_version: U32,
    zero: U32,
    build: [u8; 16],
    target: [u8; 32],
    config: [u8; 24],
    code_section: U64,
    file_len: U64,
    bounds: [Bounds; Section::ALL.len()],
    text_checksum: U64,
    data_checksum: U64,
    checksum: U64,
}

/// Offset of the ELF program header.
pub const PROGRAM_HEADER_OFFSET: usize = HEADER_OFFSET + size_of::<Layout>();

const _: () = assert!(PROGRAM_HEADER_OFFSET.is_multiple_of(8) && PROGRAM_HEADER_OFFSET + 56 <= PAGE);

/// The range of the checksum of the first page and info in the file.
const CHECKSUM: Range<usize> = PROGRAM_HEADER_OFFSET - 8..PROGRAM_HEADER_OFFSET;

/// Contents of the header.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Header {
    /// The build id of the wrun that made it ([`crate::BUILD`]).
    pub build: [u8; 16],
    /// Settings that the module was compiled with.
    pub config: Config,
    /// Offset of the code section's contents in the wasm file, in bytes.
    pub code_section: u64,
    /// Places of the sections in the file, by [`Section`].
    pub sections: [SectionRange; Section::ALL.len()],
}

/// A range of the file.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub struct SectionRange {
    /// Offset of its first byte.
    pub start: usize,
    /// Offset of its end.
    pub end: usize,
}

impl SectionRange {
    /// Converts to a range.
    pub const fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

/// Requirements for an artifact of this machine and this wrun.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Expect {
    /// The build id that it must have.
    pub build: [u8; 16],
    /// The settings that it must have. `None` allows any.
    pub config: Option<Config>,
    /// The features of the CPU that will run it.
    pub cpu: CpuFeatures,
}

/// Reason why an artifact cannot be used. The module then has to be compiled again.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Stale {
    /// It does not begin like an artifact.
    NotAnArtifact,
    /// It is shorter than its header says.
    Truncated,
    /// It has another version of the format.
    FormatVersion {
        /// Its version.
        found: u32,
    },
    /// Another build of wrun made it.
    Build,
    /// It is for another processor architecture or operating system.
    Target,
    /// It uses these CPU features, which this CPU lacks.
    Cpu(CpuFeatures),
    /// It was compiled with other settings, or with settings that this build does not know.
    Config,
    /// A section is outside of the file or out of place.
    Sections,
    /// This part of its contents is invalid, although the header and the compared checksums are right.
    Damaged(&'static str),
    /// It is longer than its header says.
    Length,
    /// The checksum of this part differs: its bytes have changed.
    Checksum(Part),
}

/// A part of an artifact that has a checksum.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Part {
    /// The first page and info.
    Head,
    /// The executable pages.
    Text,
    /// Everything else, info included.
    Data,
}

/// The checksums that are compared when an artifact is read.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Compare {
    /// All checksums. This reads every byte.
    All,
    /// The checksum of the first page and info.
    Head,
    /// None, for bytes that were verified before or that this process has made.
    Nothing,
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnArtifact => f.write_str("not a compiled module of wrun"),
            Self::Truncated => f.write_str("the compiled module is truncated: compile it again"),
            Self::FormatVersion { found } => write!(
                f,
                "the compiled module has format version {found}, this wrun needs {FORMAT_VERSION}: compile it again"
            ),
            Self::Build => f.write_str("the compiled module was made by another build of wrun: compile it again"),
            Self::Target => {
                write!(
                    f,
                    "the compiled module is not for {TARGET}: compile it again on this machine"
                )
            }
            Self::Cpu(missing) => write!(
                f,
                "the compiled module uses features that this CPU lacks ({missing}): compile it again on this machine"
            ),
            Self::Config => f.write_str("the compiled module was made with other settings: compile it again"),
            Self::Sections => {
                f.write_str("the compiled module is damaged (a section is out of place): compile it again")
            }
            Self::Damaged(part) => write!(
                f,
                "the compiled module is damaged ({part} cannot be right): compile it again"
            ),
            Self::Length => {
                f.write_str("the compiled module is damaged (it is longer than it should be): compile it again")
            }
            Self::Checksum(part) => {
                let part = match part {
                    Part::Head => "its header or info",
                    Part::Text => "its text",
                    Part::Data => "its data",
                };
                write!(
                    f,
                    "the compiled module is damaged (the checksum of {part} differs): compile it again"
                )
            }
        }
    }
}

/// Returns true if a file begins like an artifact of any version of the format.
pub fn is_artifact(file: &[u8]) -> bool {
    file.starts_with(&object::elf::ELFMAG) && file.get(HEADER_OFFSET..).is_some_and(|rest| rest.starts_with(&MAGIC))
}

/// Returns the build id of an artifact, which may be any build. `None` if the bytes do not begin like an artifact of this
/// format.
pub fn build_of(file: &[u8]) -> Option<[u8; 16]> {
    let layout = Layout::read(file).filter(|layout| layout.format_version.get() == FORMAT_VERSION)?;
    is_artifact(file).then_some(layout.build)
}

/// Returns the settings of an artifact of this format, from its first page alone. Nothing is checked: reading the artifact does
/// that.
pub fn settings_of(file: &[u8]) -> Option<Config> {
    let layout = Layout::read(file).filter(|layout| layout.format_version.get() == FORMAT_VERSION)?;
    Config::from_bytes(&layout.config).filter(|_| is_artifact(file))
}

/// The checksums that the header holds.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Checksums {
    /// Checksum of the first page and info.
    pub head: u64,
    /// Checksum of the executable pages (the text).
    pub text: u64,
    /// Checksum of everything else.
    pub data: u64,
}

/// Returns the checksums in the header of an artifact of this format. Nothing is compared.
pub fn checksums_of(file: &[u8]) -> Option<Checksums> {
    let layout = Layout::read(file).filter(|layout| layout.format_version.get() == FORMAT_VERSION)?;
    is_artifact(file).then_some(Checksums {
        head: layout.checksum.get(),
        text: layout.text_checksum.get(),
        data: layout.data_checksum.get(),
    })
}

impl core::error::Error for Stale {}

impl Header {
    /// Returns the place of a section.
    pub const fn section(&self, section: Section) -> SectionRange {
        self.sections[section as usize]
    }

    /// The pages of the text.
    pub fn executable(&self) -> SectionRange {
        executable(&self.sections)
    }

    /// Writes the header into the first page of a file. Everything else in the file must be complete.
    ///
    /// # Panics
    /// If a section lies outside of the file.
    pub fn seal(&self, file: &mut [u8]) {
        let number = |n: usize| U64::new(n as u64);
        let executable = self.executable().range();
        let layout = Layout {
            magic: MAGIC,
            format_version: U32::new(FORMAT_VERSION),
            zero: U32::new(0),
            build: self.build,
            target: target(),
            config: self.config.to_bytes(),
            code_section: U64::new(self.code_section),
            file_len: number(file.len()),
            bounds: self.sections.map(|section| Bounds {
                start: number(section.start),
                len: number(section.end - section.start),
            }),
            text_checksum: U64::new(XxHash3_64::oneshot(&file[executable.clone()])),
            data_checksum: U64::new(XxHash3_64::oneshot(&file[executable.end..])),
            checksum: U64::new(0),
        };
        file[HEADER_OFFSET..PROGRAM_HEADER_OFFSET].copy_from_slice(layout.as_bytes());
        let checksum = head_checksum(file, self.section(Section::Info)).expect("sections lie inside of the file");
        file[CHECKSUM].copy_from_slice(&checksum.to_le_bytes());
    }

    /// Reads the header of a file, compares the checksums that `compare` names, and checks each field.
    ///
    /// # Errors
    /// The first reason why the artifact cannot be used.
    pub fn read(file: &[u8], expect: &Expect, compare: Compare) -> Result<Self, Stale> {
        let begins = |at: usize, expected: &[u8]| file.iter().skip(at).zip(expected).all(|(a, b)| a == b);
        if !begins(0, &object::elf::ELFMAG) || !begins(HEADER_OFFSET, &MAGIC) {
            return Err(Stale::NotAnArtifact);
        }
        let layout = Layout::read(file).ok_or(Stale::Truncated)?;
        if layout.format_version.get() != FORMAT_VERSION {
            return Err(Stale::FormatVersion {
                found: layout.format_version.get(),
            });
        }
        if layout.build != expect.build {
            return Err(Stale::Build);
        }
        if layout.target != target() {
            return Err(Stale::Target);
        }
        match layout.file_len.get().cmp(&(file.len() as u64)) {
            core::cmp::Ordering::Greater => return Err(Stale::Truncated),
            core::cmp::Ordering::Less => return Err(Stale::Length),
            core::cmp::Ordering::Equal => {}
        }
        let sections = layout.sections(file.len()).ok_or(Stale::Sections)?;
        layout.compare(file, &sections, compare)?;
        let config = Config::from_bytes(&layout.config).ok_or(Stale::Config)?;
        let missing = config.cpu.without(expect.cpu);
        if missing != CpuFeatures::NONE {
            return Err(Stale::Cpu(missing));
        }
        if expect.config.is_some_and(|expected| expected != config) {
            return Err(Stale::Config);
        }
        Ok(Self {
            build: layout.build,
            config,
            code_section: layout.code_section.get(),
            sections,
        })
    }

    /// Compares all checksums. `file` must be the file that the header was read from.
    ///
    /// # Errors
    /// [`Stale::Checksum`] with the first part whose checksum differs.
    pub fn verify(&self, file: &[u8]) -> Result<(), Stale> {
        let layout = Layout::read(file).ok_or(Stale::Truncated)?;
        layout.compare(file, &self.sections, Compare::All)
    }
}

/// The pages of the text.
fn executable(sections: &[SectionRange; Section::ALL.len()]) -> SectionRange {
    let text = sections[Section::Text as usize];
    SectionRange {
        start: text.start,
        end: text.end.next_multiple_of(PAGE),
    }
}

impl Layout {
    /// Returns the header of a file that has at least its first page.
    fn read(file: &[u8]) -> Option<&Self> {
        let page = file.get(..PAGE)?;
        Self::ref_from_bytes(&page[HEADER_OFFSET..PROGRAM_HEADER_OFFSET]).ok()
    }

    /// Compares the checksums that `compare` names, of a file with this header and these sections.
    fn compare(
        &self,
        file: &[u8],
        sections: &[SectionRange; Section::ALL.len()],
        compare: Compare,
    ) -> Result<(), Stale> {
        if compare == Compare::Nothing {
            return Ok(());
        }
        let same = |part, stored: U64, computed: Option<u64>| match computed {
            Some(computed) if computed == stored.get() => Ok(()),
            Some(_) => Err(Stale::Checksum(part)),
            None => Err(Stale::Truncated),
        };
        let head = head_checksum(file, sections[Section::Info as usize]);
        same(Part::Head, self.checksum, head)?;
        if compare == Compare::Head {
            return Ok(());
        }
        let pages = executable(sections).range();
        let text = file.get(pages.clone()).map(XxHash3_64::oneshot);
        same(Part::Text, self.text_checksum, text)?;
        let data = file.get(pages.end..).map(XxHash3_64::oneshot);
        same(Part::Data, self.data_checksum, data)
    }

    /// Returns the places of the sections if they are in order, aligned and inside the file, and if no other section is in the
    /// executable pages.
    fn sections(&self, file_len: usize) -> Option<[SectionRange; Section::ALL.len()]> {
        let mut sections = [SectionRange::default(); Section::ALL.len()];
        let mut least = PAGE;
        for (section, bounds) in Section::ALL.into_iter().zip(&self.bounds) {
            let start = usize::try_from(bounds.start.get()).ok()?;
            let end = start.checked_add(usize::try_from(bounds.len.get()).ok()?)?;
            if start < least || !start.is_multiple_of(section.alignment()) || end > file_len {
                return None;
            }
            sections[section as usize] = SectionRange { start, end };
            least = if section == Section::Text {
                end.checked_next_multiple_of(PAGE)?
            } else {
                end
            };
            if least > file_len {
                return None;
            }
        }
        (sections[Section::Text as usize].start == PAGE).then_some(sections)
    }
}

/// Returns [`TARGET`], padded with zeros.
fn target() -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..TARGET.len()].copy_from_slice(TARGET.as_bytes());
    bytes
}

/// Returns the checksum of the first page, without the checksum itself, and of info. `None` if the file is too short.
fn head_checksum(file: &[u8], info: SectionRange) -> Option<u64> {
    let mut parts = [0..CHECKSUM.start, CHECKSUM.end..PAGE, info.range()].into_iter();
    parts.try_fold(0, |seed, part| {
        Some(XxHash3_64::oneshot_with_seed(seed, file.get(part)?))
    })
}

/// Corrects the checksum of a file in which a test has changed the first page or info.
#[cfg(test)]
pub(crate) fn reseal(file: &mut [u8]) {
    let sections = Layout::read(file).and_then(|layout| layout.sections(file.len()));
    let info = sections.map_or(SectionRange::default(), |sections| sections[Section::Info as usize]);
    let checksum = head_checksum(file, info).expect("a test's file is whole");
    file[CHECKSUM].copy_from_slice(&checksum.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_own_text_of_one_line() {
        let reasons = [
            Stale::NotAnArtifact,
            Stale::Truncated,
            Stale::FormatVersion { found: 0 },
            Stale::Build,
            Stale::Target,
            Stale::Cpu(CpuFeatures::AVX2),
            Stale::Config,
            Stale::Sections,
            Stale::Damaged("a signature"),
            Stale::Length,
            Stale::Checksum(Part::Head),
            Stale::Checksum(Part::Text),
            Stale::Checksum(Part::Data),
        ];
        let texts: std::collections::BTreeSet<_> = reasons.iter().map(ToString::to_string).collect();
        assert_eq!(texts.len(), reasons.len());
        assert!(texts.iter().all(|text| !text.contains('\n')));
    }
}
