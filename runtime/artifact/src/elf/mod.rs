//! The whole artifact: one ELF file that is written once and read in place.
//!
//! ```text
//! first page: ELF header │ wrun's header │ program header         ([`crate::header`])
//! .text                                                           pages to be made executable
//! .wrun.image                                                     whole pages, to be mapped over memories
//! .wrun.tables  .wrun.data  .wrun.info
//! .wrun.traps  .wrun.addrmap                                      only for traps and backtraces
//! .wrun.stackmaps                                                 only for collecting host objects
//! .wrun.names  .wrun.debug_*                                      only for backtraces
//! .symtab  .strtab  .shstrtab  section headers                    only for objdump, gdb and perf
//! ```
//!
//! The address of `.text` is its offset in the file. wrun finds sections through its own header. It reads the ELF section
//! headers only to find debug sections.
//!
//! Input: the contents of sections. Output: the bytes of a file ([`Writer`]), or a checked view of them ([`Artifact`]).

mod symfile;
mod write;

use core::ops::Range;

use object::LittleEndian;
use object::elf::{FileHeader64, Sym64};
use object::pod::slice_from_bytes;
use object::read::elf::{FileHeader, SectionHeader};
use zerocopy::little_endian::U64;

use crate::address_map::AddressMap;
use crate::config::Config;
use crate::handlers::Handlers;
use crate::header::{Compare, Header, PAGE, Section};
use crate::info::Info;
use crate::names::Names;
use crate::stack_maps::StackMaps;
use crate::traps::Traps;

pub use self::symfile::Symfile;
pub use self::write::{SymbolRow, Writer};
pub use crate::header::{Expect, Part, Stale};

/// Prefix of the names of the wasm file's debug sections in the artifact. Without it, tools would use them as debug information
/// of the machine code.
const DEBUG_PREFIX: &str = ".wrun";

/// An artifact, checked and read in place.
#[derive(Copy, Clone)]
pub struct Artifact<'a> {
    file: &'a [u8],
    header: Header,
    info: Info<'a>,
}

impl<'a> Artifact<'a> {
    /// Reads an artifact: checks the header, the checksums that `compare` names, and the bounds of the sections. It does no
    /// work per function.
    ///
    /// # Errors
    /// The first reason why the artifact cannot be used.
    pub fn read(bytes: &'a [u8], expect: &Expect, compare: Compare) -> Result<Self, Stale> {
        let header = Header::read(bytes, expect, compare)?;
        let info = Info::read(&bytes[header.section(Section::Info).range()]).ok_or(Stale::Sections)?;
        // There are at most 64 runs per memory.
        let image = header.section(Section::Image);
        let whole_pages = |n: usize| n.is_multiple_of(PAGE);
        for run in info.runs {
            let place = |n: U64| usize::try_from(n.get()).map_err(|_| Stale::Sections);
            let (offset, start, len) = (place(run.offset)?, place(run.file_offset)?, place(run.len)?);
            let inside = start >= image.start && start.checked_add(len).is_some_and(|end| end <= image.end);
            if !(inside && whole_pages(offset) && whole_pages(start) && whole_pages(len)) {
                return Err(Stale::Sections);
            }
        }
        Ok(Self {
            file: bytes,
            header,
            info,
        })
    }

    /// Compares all checksums, which cover every byte of the file.
    ///
    /// # Errors
    /// [`Stale::Checksum`] with the first part whose checksum differs.
    pub fn verify(&self) -> Result<(), Stale> {
        self.header.verify(self.file)
    }

    /// Returns the settings that the module was compiled with.
    pub fn config(&self) -> &Config {
        &self.header.config
    }

    /// Returns the description of the module.
    pub fn info(&self) -> &Info<'a> {
        &self.info
    }

    /// Returns all bytes of the file.
    pub fn bytes(&self) -> &'a [u8] {
        self.file
    }

    /// Returns the range of a section in the file.
    pub fn section(&self, section: Section) -> Range<usize> {
        self.header.section(section).range()
    }

    /// Returns the range of the text in the file. It begins at a page.
    pub fn text(&self) -> Range<usize> {
        self.section(Section::Text)
    }

    /// Returns the range of the pages that are to be made executable: the text and the padding of its last page.
    pub fn executable(&self) -> Range<usize> {
        self.header.executable().range()
    }

    /// Returns the trap section: the instructions that can trap.
    pub fn traps(&self) -> Traps<'a> {
        Traps::read(self.contents(Section::Traps))
    }

    /// Returns the address map: the offsets in the wasm file that code comes from. `None` if the artifact has none.
    pub fn address_map(&self) -> Option<AddressMap<'a>> {
        let section = self.contents(Section::AddressMap);
        (!section.is_empty()).then(|| AddressMap::read(section))
    }

    /// Returns the stack maps: slots of frames that hold references to host objects. They are empty if no function holds one
    /// during a call.
    pub fn stack_maps(&self) -> StackMaps<'a> {
        StackMaps::read(self.contents(Section::StackMaps))
    }

    /// The exception handlers.
    pub fn handlers(&self) -> Handlers<'a> {
        Handlers::read(self.contents(Section::Handlers))
    }

    /// Bytes of data segments: what [`crate::info::DataRow`]s name.
    pub fn data(&self) -> &'a [u8] {
        self.contents(Section::Data)
    }

    /// Returns the entries of private tables, to which each [`crate::info::TableRow`] points. They begin at a multiple of 8 in
    /// the file.
    pub fn tables(&self) -> &'a [u8] {
        self.contents(Section::Tables)
    }

    /// Returns the name of a function, by its number in the function index space.
    pub fn func_name(&self, func: u32) -> Option<&'a str> {
        self.names().func(func)
    }

    /// Returns the name that the module gives itself.
    pub fn module_name(&self) -> Option<&'a str> {
        self.names().module()
    }

    /// Returns the offset of the code section's contents in the wasm file. Offsets in DWARF count from it.
    pub fn code_section(&self) -> u64 {
        self.header.code_section
    }

    /// Returns a debug section of the wasm file, by its name there (such as `.debug_info`).
    pub fn debug_section(&self, name: &str) -> Option<&'a [u8]> {
        let elf = FileHeader64::<LittleEndian>::parse(self.file).ok()?;
        let sections = elf.sections(LittleEndian, self.file).ok()?;
        let is_it = |found: &[u8]| found.strip_prefix(DEBUG_PREFIX.as_bytes()) == Some(name.as_bytes());
        let found = sections.iter().find(|section| {
            name.starts_with(".debug_") && sections.section_name(LittleEndian, section).is_ok_and(is_it)
        });
        found?.data(LittleEndian, self.file).ok()
    }

    /// Returns the functions and trampolines: their ranges in the text, and their names.
    pub fn symbols(&self) -> impl Iterator<Item = (Range<usize>, &'a str)> {
        let (symbols, strings) = (self.contents(Section::Symbols), self.contents(Section::Strings));
        let count = symbols.len() / size_of::<Sym64<LittleEndian>>();
        let symbols = slice_from_bytes::<Sym64<LittleEndian>>(symbols, count).map_or(&[][..], |(symbols, _)| symbols);
        let text = self.text();
        symbols.iter().skip(1).filter_map(move |symbol| {
            let start = usize::try_from(symbol.st_value.get(LittleEndian))
                .ok()?
                .checked_sub(text.start)?;
            let end = start.checked_add(usize::try_from(symbol.st_size.get(LittleEndian)).ok()?)?;
            let name = strings.get(symbol.st_name.get(LittleEndian) as usize..)?;
            let name = name.split(|byte| *byte == 0).next()?;
            (end <= text.len()).then_some((start..end, str::from_utf8(name).ok()?))
        })
    }

    fn names(&self) -> Names<'a> {
        Names::read(self.contents(Section::Names), self.contents(Section::Strings))
    }

    fn contents(&self, section: Section) -> &'a [u8] {
        self.file.get(self.section(section)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
