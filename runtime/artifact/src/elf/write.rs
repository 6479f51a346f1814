//! Writes an artifact: the sections after the text, then the ELF headers.
//!
//! Input: the contents of sections in the order of [`Section`]. Output: the bytes of the file. The buffer that holds the text
//! becomes the file, so the text is never copied. The ELF header is written into the page that is reserved in front of the
//! text.

use object::elf;
use object::endian::{Endianness, LittleEndian as Le, U16, U32, U64};
use object::pod::bytes_of;
use object::write::WritableBuffer;
use object::write::elf::{FileHeader, ProgramHeader, SectionHeader, Writer as ElfWriter};

use super::DEBUG_PREFIX;
use crate::config::Config;
use crate::header::{Header, PAGE, PROGRAM_HEADER_OFFSET, Section, SectionRange};

/// The largest number of debug sections that an artifact keeps. DWARF defines about twenty.
const MAX_DEBUG_SECTIONS: usize = 64;

/// Index of `.text` among the section headers, after the null section.
const TEXT_INDEX: u16 = 1;

/// Size of an entry of the symbol table in bytes.
const SYMBOL: usize = size_of::<elf::Sym64<Le>>();

/// A function or trampoline for ELF's symbol table.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct SymbolRow {
    /// Offset of its name in `.strtab`.
    pub name: u32,
    /// Offset of its code in the text.
    pub start: u32,
    /// Length of its code in bytes.
    pub len: u32,
}

/// Writes an artifact: one section after the other, in the order of [`Section`], behind the text.
#[derive(Debug)]
pub struct Writer {
    file: Vec<u8>,
    sections: [SectionRange; Section::ALL.len()],
    /// Debug sections of the wasm file, by their names in the artifact.
    debug: Vec<(String, SectionRange)>,
}

impl Writer {
    /// Offset of the text in the file in bytes: the size of the page with the headers.
    pub const TEXT_START: usize = PAGE;

    /// Begins an artifact. `file` holds [`Writer::TEXT_START`] zeros, then the text; it becomes the artifact.
    ///
    /// # Panics
    /// If `file` is shorter than [`Writer::TEXT_START`].
    pub fn new(file: Vec<u8>) -> Self {
        let text = SectionRange {
            start: Self::TEXT_START,
            end: file.len(),
        };
        assert!(text.start <= text.end, "the text comes after the first page");
        let mut sections = [SectionRange::default(); Section::ALL.len()];
        sections[Section::Text as usize] = text;
        let mut writer = Self {
            file,
            sections,
            debug: Vec::new(),
        };
        // The last page of the text is executable, so it contains nothing else.
        writer.append(PAGE, |_| ());
        writer
    }

    /// Writes the next section. `write` appends its contents to the file, which is padded to the alignment of the section
    /// before.
    ///
    /// # Panics
    /// If sections are not written in order.
    pub fn section<R>(&mut self, section: Section, write: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        let previous = Section::ALL[section as usize - 1];
        assert_ne!(
            self.sections[previous as usize],
            SectionRange::default(),
            "{previous:?} comes before {section:?}"
        );
        let (range, result) = self.append(section.alignment(), write);
        self.sections[section as usize] = range;
        result
    }

    /// Writes a debug section of the wasm file (after the names). Ignores a section with a name that exists already or that no
    /// debugger knows, and sections beyond a limit that is far above the number of kinds.
    pub fn debug_section(&mut self, name: &str, contents: &[u8]) {
        let is_known = name.starts_with(".debug_") && name.bytes().all(|byte| byte.is_ascii_graphic());
        let name = format!("{DEBUG_PREFIX}{name}");
        let is_repeated = self.debug.iter().any(|(other, _)| *other == name);
        if is_known && !is_repeated && self.debug.len() < MAX_DEBUG_SECTIONS {
            let (range, ()) = self.append(1, |file| file.extend_from_slice(contents));
            self.debug.push((name, range));
        }
    }

    /// Writes the symbol table (after the debug sections).
    pub fn symbols(&mut self, symbols: impl Iterator<Item = SymbolRow>) {
        self.section(Section::Symbols, |file| {
            file.extend_from_slice(&[0; SYMBOL]);
            for symbol in symbols {
                file.extend_from_slice(bytes_of(&elf::Sym64 {
                    st_name: U32::new(Le, symbol.name),
                    st_info: elf::STB_LOCAL << 4 | elf::STT_FUNC,
                    st_other: elf::STV_DEFAULT,
                    st_shndx: U16::new(Le, TEXT_INDEX),
                    st_value: U64::new(Le, u64::from(symbol.start) + Self::TEXT_START as u64),
                    st_size: U64::new(Le, symbol.len.into()),
                }));
            }
        });
    }

    /// Completes the file: section names and ELF headers, then the header with the checksums.
    ///
    /// # Panics
    /// If the last section was not written.
    pub fn finish(mut self, build: [u8; 16], config: &Config, code_section: u64) -> Vec<u8> {
        assert_ne!(
            self.sections[Section::Strings as usize],
            SectionRange::default(),
            "the strings come last"
        );
        self.write_elf();
        let header = Header {
            build,
            config: *config,
            code_section,
            sections: self.sections,
        };
        header.seal(&mut self.file);
        self.file
    }

    /// Writes the ELF header and the program header into the first page, and the section names and section headers at the end.
    fn write_elf(&mut self) {
        let contents = self.file.len();
        let is_kept = |section: &Section| *section == Section::Text || !self.range(*section).is_empty();
        let kept: Vec<Section> = Section::ALL.into_iter().filter(is_kept).collect();
        // The text comes first, because symbols refer to it by its number.
        let mut rows: Vec<(&str, SectionRange, SectionHeader)> = Vec::new();
        let strings = kept.len() + self.debug.len();
        for section in &kept {
            let header = header(*section, self.sections[*section as usize], strings);
            rows.push((section.name(), self.sections[*section as usize], header));
        }
        for (name, range) in &self.debug {
            rows.push((name, *range, plain(*range)));
        }
        rows.sort_by_key(|(_, range, _)| range.start);

        let mut buffer = Over {
            file: &mut self.file,
            at: 0,
        };
        let mut elf = ElfWriter::new(Endianness::Little, true, &mut buffer);
        elf.reserve_file_header();
        elf.reserve_until(PROGRAM_HEADER_OFFSET);
        elf.reserve_program_headers(1);
        elf.reserve_until(contents);
        for (name, _, header) in &mut rows {
            header.name = Some(elf.add_section_name(name.as_bytes()));
            elf.reserve_section_index();
        }
        elf.reserve_shstrtab_section_index();
        elf.reserve_shstrtab();
        elf.reserve_section_headers();

        let written = elf.write_file_header(&FileHeader {
            os_abi: elf::ELFOSABI_NONE,
            abi_version: 0,
            e_type: elf::ET_DYN,
            e_machine: elf::EM_X86_64,
            e_entry: 0,
            e_flags: 0,
        });
        written.expect("the buffer has no limit");
        elf.pad_until(PROGRAM_HEADER_OFFSET);
        let text = self.sections[Section::Text as usize];
        let (start, size) = (text.start as u64, (text.end.next_multiple_of(PAGE) - text.start) as u64);
        elf.write_program_header(&ProgramHeader {
            p_type: elf::PT_LOAD,
            p_flags: elf::PF_R | elf::PF_X,
            p_offset: start,
            p_vaddr: start,
            p_paddr: start,
            p_filesz: size,
            p_memsz: size,
            p_align: PAGE as u64,
        });
        elf.pad_until(contents);
        elf.write_shstrtab();
        elf.write_null_section_header();
        for (_, _, header) in &rows {
            elf.write_section_header(header);
        }
        elf.write_shstrtab_section_header();
    }

    fn range(&self, section: Section) -> core::ops::Range<usize> {
        self.sections[section as usize].range()
    }

    /// Pads the file to a multiple of `alignment`, then lets `write` append. Returns the range that was appended.
    fn append<R>(&mut self, alignment: usize, write: impl FnOnce(&mut Vec<u8>) -> R) -> (SectionRange, R) {
        let start = self.file.len().next_multiple_of(alignment);
        self.file.resize(start, 0);
        let result = write(&mut self.file);
        let end = self.file.len();
        (SectionRange { start, end }, result)
    }
}

/// Returns the section header, without its name, of bytes that only wrun reads.
fn plain(range: SectionRange) -> SectionHeader {
    SectionHeader {
        name: None,
        sh_type: elf::SHT_PROGBITS,
        sh_flags: 0,
        sh_addr: 0,
        sh_offset: range.start as u64,
        sh_size: range.range().len() as u64,
        sh_link: 0,
        sh_info: 0,
        sh_addralign: 1,
        sh_entsize: 0,
    }
}

/// Returns the section header, without its name, of a section. `strings` is the section number of `.strtab`.
fn header(section: Section, range: SectionRange, strings: usize) -> SectionHeader {
    let mut header = plain(range);
    header.sh_addralign = section.alignment() as u64;
    match section {
        Section::Text => {
            header.sh_flags = (elf::SHF_ALLOC | elf::SHF_EXECINSTR).into();
            header.sh_addr = range.start as u64;
        }
        Section::Symbols => {
            header.sh_type = elf::SHT_SYMTAB;
            header.sh_link = u32::try_from(strings).expect("few sections");
            // All symbols are local.
            header.sh_info = u32::try_from(range.range().len() / SYMBOL).unwrap_or(u32::MAX);
            header.sh_entsize = SYMBOL as u64;
        }
        Section::Strings => header.sh_type = elf::SHT_STRTAB,
        _ => {}
    }
    header
}

/// Writes over an existing file. Bytes that are skipped do not change.
struct Over<'f> {
    file: &'f mut Vec<u8>,
    at: usize,
}

impl WritableBuffer for Over<'_> {
    fn len(&self) -> usize {
        self.at
    }

    fn reserve(&mut self, size: usize) -> Result<(), ()> {
        self.file.resize(size, 0);
        Ok(())
    }

    fn resize(&mut self, new_len: usize) {
        self.at = new_len;
    }

    fn write_bytes(&mut self, bytes: &[u8]) {
        self.file[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }
}
