//! The artifact as a whole: one ELF file that is written once, and read in place.
//!
//! ```text
//! first page: ELF header │ wrun's header │ program header         ([`crate::header`])
//! .text  .eh_frame                                                pages to be made executable
//! .wrun.image                                                     whole pages, to be mapped over memories
//! .wrun.tables  .wrun.data  .wrun.info
//! .wrun.traps  .wrun.addrmap                                      only for traps and backtraces
//! .wrun.stackmaps                                                 only for collecting host objects
//! .wrun.names  .wrun.debug_*                                      only for backtraces
//! .symtab  .strtab  .shstrtab  section headers                    only for objdump, gdb and perf
//! ```
//!
//! The address of `.text` and `.eh_frame` is their place in the file. wrun itself finds sections through its own header;
//! the ELF section headers are looked at only to find debug sections.
//!
//! In: sections' contents. Out: a file's bytes ([`Writer`]), or a checked view of them ([`Artifact`]).

mod format;

use core::ops::Range;

use object::elf;
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, IntoBytes};

use crate::address_map::AddressMap;
use crate::config::Config;
use crate::header::{Compare, Header, PAGE, PROGRAM_HEADER_OFFSET, Section, SectionRange};
use crate::info::Info;
use crate::names::Names;
use crate::stack_maps::StackMaps;
use crate::traps::Traps;
use format::{FileHeader, ProgramHeader, SectionHeader, Sym};

pub use crate::header::{Expect, Part, Stale};

/// The most debug sections that an artifact keeps; DWARF knows about twenty.
const MAX_DEBUG_SECTIONS: usize = 64;

/// What the names of wasm's debug sections begin with in the artifact, so that they are not taken for debug information
/// of the machine code.
const DEBUG_PREFIX: &str = ".wrun";

/// Index of `.text` among the section headers, after the null section.
const TEXT_INDEX: u16 = 1;

/// An artifact, checked and read in place.
#[derive(Copy, Clone)]
pub struct Artifact<'a> {
    file: &'a [u8],
    header: Header,
    info: Info<'a>,
}

impl<'a> Artifact<'a> {
    /// Reads the artifact with these bytes: the header with these checksums, and bounds. No work per function.
    pub fn read(bytes: &'a [u8], expect: &Expect, compare: Compare) -> Result<Self, Stale> {
        let header = Header::read(bytes, expect, compare)?;
        let info = Info::read(&bytes[header.section(Section::Info).range()]).ok_or(Stale::Sections)?;
        // At most 64 for each memory.
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

    /// Compares all checksums: every byte of the file is covered.
    pub fn verify(&self) -> Result<(), Stale> {
        self.header.verify(self.file)
    }

    /// What it was compiled for.
    pub fn config(&self) -> &Config {
        &self.header.config
    }

    /// What the module consists of.
    pub fn info(&self) -> &Info<'a> {
        &self.info
    }

    /// All bytes of the file.
    pub fn bytes(&self) -> &'a [u8] {
        self.file
    }

    /// Where a section is in the file.
    pub fn section(&self, section: Section) -> Range<usize> {
        self.header.section(section).range()
    }

    /// Where the text is in the file, without the unwind table. Begins at a page.
    pub fn text(&self) -> Range<usize> {
        self.section(Section::Text)
    }

    /// The pages of the file that are to be made executable: text and unwind table.
    pub fn executable(&self) -> Range<usize> {
        self.header.executable().range()
    }

    /// Where the unwind table is in the file.
    pub fn unwind(&self) -> Range<usize> {
        self.section(Section::Unwind)
    }

    /// Which instructions trap.
    pub fn traps(&self) -> Traps<'a> {
        Traps::read(self.contents(Section::Traps))
    }

    /// Where code comes from in the wasm file; `None` if compiled without.
    pub fn address_map(&self) -> Option<AddressMap<'a>> {
        let section = self.contents(Section::AddressMap);
        (!section.is_empty()).then(|| AddressMap::read(section))
    }

    /// Where frames hold references to host objects. Empty if no function holds one during a call.
    pub fn stack_maps(&self) -> StackMaps<'a> {
        StackMaps::read(self.contents(Section::StackMaps))
    }

    /// Bytes of data segments: what [`crate::info::DataRow`]s name.
    pub fn data(&self) -> &'a [u8] {
        self.contents(Section::Data)
    }

    /// Entries of private tables: what [`crate::info::TableRow`]s name. At a multiple of 8 in the file.
    pub fn tables(&self) -> &'a [u8] {
        self.contents(Section::Tables)
    }

    /// The name of a function, by its number in the function index space.
    pub fn func_name(&self, func: u32) -> Option<&'a str> {
        self.names().func(func)
    }

    /// The name that the module gives itself.
    pub fn module_name(&self) -> Option<&'a str> {
        self.names().module()
    }

    /// Offset of the code section's contents in the wasm file: what DWARF counts from.
    pub fn code_section(&self) -> u64 {
        self.header.code_section
    }

    /// A debug section of the wasm file, by the name it has there (`.debug_info`).
    pub fn debug_section(&self, name: &str) -> Option<&'a [u8]> {
        let (elf, _) = FileHeader::ref_from_prefix(self.file).ok()?;
        let headers = self.file.get(usize::try_from(elf.shoff.get()).ok()?..)?;
        let (headers, _) = <[SectionHeader]>::ref_from_prefix_with_elems(headers, elf.shnum.get().into()).ok()?;
        let contents = |header: &SectionHeader| {
            let start = usize::try_from(header.offset.get()).ok()?;
            self.file
                .get(start..start.checked_add(usize::try_from(header.size.get()).ok()?)?)
        };
        let names = contents(headers.get(usize::from(elf.shstrndx.get()))?)?;
        let found = headers.iter().find(|header| {
            names.get(header.name.get() as usize..).is_some_and(|text| {
                let text = text.strip_prefix(DEBUG_PREFIX.as_bytes()).unwrap_or_default();
                name.starts_with(".debug_")
                    && text
                        .strip_prefix(name.as_bytes())
                        .is_some_and(|rest| rest.starts_with(&[0]))
            })
        })?;
        contents(found)
    }

    fn names(&self) -> Names<'a> {
        Names::read(self.contents(Section::Names), self.contents(Section::Strings))
    }

    fn contents(&self, section: Section) -> &'a [u8] {
        self.file.get(self.section(section)).unwrap_or_default()
    }
}

/// A function or trampoline, for ELF's symbol table.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct SymbolRow {
    /// Where its name begins in `.strtab`.
    pub name: u32,
    /// Where its code begins in the text.
    pub start: u32,
    /// Length of its code.
    pub len: u32,
}

/// Writes an artifact: one section after the other, in the order of [`Section`], behind the text.
#[derive(Debug)]
pub struct Writer {
    file: Vec<u8>,
    sections: [SectionRange; Section::ALL.len()],
    headers: Vec<SectionHeader>,
    /// Contents of `.shstrtab`.
    names: Vec<u8>,
}

impl Writer {
    /// The room for the header that comes before the text.
    pub const TEXT_START: usize = PAGE;

    /// Begins an artifact. `file` holds [`Writer::TEXT_START`] zeros, then the text; it becomes the artifact, so that the
    /// text is never copied.
    ///
    /// # Panics
    /// When there is no room for the header.
    pub fn new(file: Vec<u8>) -> Self {
        let text = SectionRange {
            start: Self::TEXT_START,
            end: file.len(),
        };
        assert!(text.start <= text.end, "the text comes after the first page");
        let mut writer = Self {
            file,
            sections: Default::default(),
            headers: vec![SectionHeader::default()],
            names: vec![0],
        };
        writer.enter(Section::Text, text);
        writer
    }

    /// Writes the next section: `write` appends its contents to the file, which ends where the section has to begin.
    ///
    /// # Panics
    /// When sections are not written in order.
    pub fn section<R>(&mut self, section: Section, write: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        let previous = Section::ALL[section as usize - 1];
        assert_ne!(
            self.sections[previous as usize],
            SectionRange::default(),
            "{previous:?} comes before {section:?}"
        );
        let (start, result) = self.append(section.alignment(), write);
        let range = SectionRange {
            start,
            end: self.file.len(),
        };
        self.enter(section, range);
        result
    }

    /// Keeps a debug section of the wasm file (after the names). Left out are sections with a name that is there already,
    /// or that no debugger knows, and those beyond a number that is far more than there are kinds of them.
    pub fn debug_section(&mut self, name: &str, contents: &[u8]) {
        let known = name.starts_with(".debug_") && name.bytes().all(|byte| byte.is_ascii_graphic());
        let entry = [DEBUG_PREFIX.as_bytes(), name.as_bytes(), &[0]].concat();
        let repeated = self.names.windows(entry.len()).any(|window| window == entry);
        if known && !repeated && self.headers.len() < Section::ALL.len() + MAX_DEBUG_SECTIONS {
            let (start, ()) = self.append(1, |file| file.extend_from_slice(contents));
            let range = SectionRange {
                start,
                end: self.file.len(),
            };
            self.header(&format!("{DEBUG_PREFIX}{name}"), elf::SHT_PROGBITS, range, 1);
        }
    }

    /// Writes the symbol table (after the debug sections). The section of the strings is to follow.
    pub fn symbols(&mut self, symbols: impl Iterator<Item = SymbolRow>) {
        let (start, ()) = self.append(8, |file| {
            file.extend_from_slice(Sym::default().as_bytes());
            for symbol in symbols {
                let sym = Sym {
                    name: U32::new(symbol.name),
                    info: elf::STB_LOCAL << 4 | elf::STT_FUNC,
                    other: elf::STV_DEFAULT,
                    shndx: U16::new(TEXT_INDEX),
                    value: U64::new(u64::from(symbol.start) + Self::TEXT_START as u64),
                    size: U64::new(symbol.len.into()),
                };
                file.extend_from_slice(sym.as_bytes());
            }
        });
        let range = SectionRange {
            start,
            end: self.file.len(),
        };
        let count = (range.end - range.start) / size_of::<Sym>();
        let strings = u32::try_from(self.headers.len() + 1).expect("few sections");
        let header = self.header(".symtab", elf::SHT_SYMTAB, range, 8);
        header.link = U32::new(strings);
        // All of them are local.
        header.info = U32::new(u32::try_from(count).unwrap_or(u32::MAX));
        header.entsize = U64::new(size_of::<Sym>() as u64);
    }

    /// Completes the file: section names, ELF headers, then the header with the checksums.
    ///
    /// # Panics
    /// When the last section was not written.
    pub fn finish(mut self, build: [u8; 16], config: &Config, code_section: u64) -> Vec<u8> {
        assert_ne!(
            self.sections[Section::Strings as usize],
            SectionRange::default(),
            "the strings come last"
        );
        // The name of this section has to be among the names before they are written.
        self.header(".shstrtab", elf::SHT_STRTAB, SectionRange::default(), 1);
        let start = self.file.len();
        self.file.extend_from_slice(&self.names);
        let header = self.headers.last_mut().expect("just written");
        header.offset = U64::new(start as u64);
        header.size = U64::new(self.names.len() as u64);

        let headers = core::mem::take(&mut self.headers);
        let (shoff, ()) = self.append(8, |file| file.extend_from_slice(headers.as_bytes()));
        let shnum = u16::try_from(headers.len()).expect("few sections");
        let elf = FileHeader::new(PROGRAM_HEADER_OFFSET as u64, shoff as u64, shnum);
        self.file[..size_of::<FileHeader>()].copy_from_slice(elf.as_bytes());

        let header = Header {
            build,
            config: *config,
            code_section,
            sections: self.sections,
        };
        let executable = header.executable();
        let size = U64::new((executable.end - executable.start) as u64);
        let place = U64::new(executable.start as u64);
        let segment = ProgramHeader {
            kind: U32::new(elf::PT_LOAD),
            flags: U32::new(elf::PF_R | elf::PF_X),
            offset: place,
            vaddr: place,
            paddr: place,
            filesz: size,
            memsz: size,
            align: U64::new(PAGE as u64),
        };
        self.file[PROGRAM_HEADER_OFFSET..][..size_of::<ProgramHeader>()].copy_from_slice(segment.as_bytes());
        header.seal(&mut self.file);
        self.file
    }

    /// Fills the file up to a multiple of `alignment`, then lets `write` append. Gives the place where it began to.
    fn append<R>(&mut self, alignment: usize, write: impl FnOnce(&mut Vec<u8>) -> R) -> (usize, R) {
        let start = self.file.len().next_multiple_of(alignment);
        self.file.resize(start, 0);
        (start, write(&mut self.file))
    }

    fn enter(&mut self, section: Section, range: SectionRange) {
        self.sections[section as usize] = range;
        if range.start == range.end && section != Section::Text {
            return;
        }
        let kind = if section == Section::Strings {
            elf::SHT_STRTAB
        } else {
            elf::SHT_PROGBITS
        };
        let header = self.header(section.name(), kind, range, section.alignment());
        let flags = match section {
            Section::Text => elf::SHF_ALLOC | elf::SHF_EXECINSTR,
            Section::Unwind => elf::SHF_ALLOC,
            _ => 0,
        };
        header.flags = U64::new(flags.into());
        if flags != 0 {
            header.addr = header.offset;
        }
    }

    fn header(&mut self, name: &str, kind: u32, range: SectionRange, alignment: usize) -> &mut SectionHeader {
        let at = self.names.len();
        self.names.extend_from_slice(name.as_bytes());
        self.names.push(0);
        self.headers.push(SectionHeader {
            name: U32::new(u32::try_from(at).expect("few sections")),
            kind: U32::new(kind),
            offset: U64::new(range.start as u64),
            size: U64::new((range.end - range.start) as u64),
            addralign: U64::new(alignment as u64),
            ..SectionHeader::default()
        });
        self.headers.last_mut().expect("just pushed")
    }
}

#[cfg(test)]
mod tests;
