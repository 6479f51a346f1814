//! Describes a mapped artifact to gdb's JIT interface: builds the headers of an ELF file in memory.
//!
//! gdb reads a *symfile* from the memory of the process: an ELF file at an address with a size. The file that is built here
//! consists of headers only. The offsets of its sections point to the artifact, which is mapped at a higher address, so
//! building it costs the same for every artifact. It is a relocatable file, in which the values of symbols are relative to
//! their section.

use object::elf::{
    self, ELFCLASS64, ELFDATA2LSB, ELFMAG, EM_X86_64, ET_REL, EV_CURRENT, FileHeader64, Ident, SHF_ALLOC,
    SHF_EXECINSTR, SHT_PROGBITS, SHT_STRTAB, SHT_SYMTAB, SectionHeader64,
};
use object::endian::{LittleEndian as Le, U16, U32, U64};

use super::Artifact;
use crate::header::Section;

/// Names of the sections, at the offsets that [`Symfile::new`] uses.
const NAMES: [u8; 36] = *b"\0.text\0.symtab\0.strtab\0.shstrtab\0\0\0\0";

/// An ELF file in memory that describes a mapped artifact to gdb.
#[derive(Debug)]
#[repr(C)]
pub struct Symfile {
    header: FileHeader64<Le>,
    /// The null section, text, symbols, strings, section names.
    sections: [SectionHeader64<Le>; 5],
    names: [u8; 36],
}

impl Symfile {
    /// Describes an artifact that is mapped at the address `base` by a file in memory at the address `own`. Returns the file
    /// and its size in bytes, or `None` if the artifact lies below the file.
    pub fn new(artifact: &Artifact<'_>, base: u64, own: u64) -> Option<(Self, u64)> {
        let distance = base.checked_sub(own)?;
        let size = distance.checked_add(artifact.bytes().len() as u64)?;
        let section = |name: u32, kind: u32, flags: u32, range: core::ops::Range<usize>| SectionHeader64 {
            sh_name: U32::new(Le, name),
            sh_type: U32::new(Le, kind),
            sh_flags: U64::new(Le, flags.into()),
            sh_offset: U64::new(Le, distance + range.start as u64),
            sh_size: U64::new(Le, range.len() as u64),
            sh_addralign: U64::new(Le, 1),
            ..null()
        };
        // The artifact's symbols count from its beginning, so this section begins there.
        let text = artifact.section(Section::Text);
        let text = SectionHeader64 {
            sh_addr: U64::new(Le, base),
            ..section(1, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 0..text.end)
        };
        let symbols = artifact.section(Section::Symbols);
        let entry = size_of::<elf::Sym64<Le>>();
        let count = u32::try_from(symbols.len() / entry).ok()?;
        let symbols = SectionHeader64 {
            sh_link: U32::new(Le, 3),
            sh_info: U32::new(Le, count),
            sh_entsize: U64::new(Le, entry as u64),
            ..section(7, SHT_SYMTAB, 0, symbols)
        };
        let strings = section(15, SHT_STRTAB, 0, artifact.section(Section::Strings));
        let names = SectionHeader64 {
            sh_offset: U64::new(Le, core::mem::offset_of!(Self, names) as u64),
            ..section(23, SHT_STRTAB, 0, 0..NAMES.len())
        };
        let symfile = Self {
            header: file_header(),
            sections: [null(), text, symbols, strings, names],
            names: NAMES,
        };
        Some((symfile, size))
    }
}

fn file_header() -> FileHeader64<Le> {
    FileHeader64 {
        e_ident: Ident {
            magic: ELFMAG,
            class: ELFCLASS64,
            data: ELFDATA2LSB,
            version: EV_CURRENT,
            os_abi: 0,
            abi_version: 0,
            padding: [0; 7],
        },
        e_type: U16::new(Le, ET_REL),
        e_machine: U16::new(Le, EM_X86_64),
        e_version: U32::new(Le, EV_CURRENT.into()),
        e_entry: U64::new(Le, 0),
        e_phoff: U64::new(Le, 0),
        e_shoff: U64::new(Le, core::mem::offset_of!(Symfile, sections) as u64),
        e_flags: U32::new(Le, 0),
        e_ehsize: U16::new(Le, 64),
        e_phentsize: U16::new(Le, 0),
        e_phnum: U16::new(Le, 0),
        e_shentsize: U16::new(Le, 64),
        e_shnum: U16::new(Le, 5),
        e_shstrndx: U16::new(Le, 4),
    }
}

fn null() -> SectionHeader64<Le> {
    SectionHeader64 {
        sh_name: U32::new(Le, 0),
        sh_type: U32::new(Le, 0),
        sh_flags: U64::new(Le, 0),
        sh_addr: U64::new(Le, 0),
        sh_offset: U64::new(Le, 0),
        sh_size: U64::new(Le, 0),
        sh_link: U32::new(Le, 0),
        sh_info: U32::new(Le, 0),
        sh_addralign: U64::new(Le, 0),
        sh_entsize: U64::new(Le, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_sections_are_where_the_headers_say() {
        for (at, name) in [
            (1, &b".text\0"[..]),
            (7, b".symtab\0"),
            (15, b".strtab\0"),
            (23, b".shstrtab\0"),
        ] {
            assert!(NAMES[at..].starts_with(name), "{at}");
        }
        assert_eq!((NAMES.len() - 3) % 33, 0);
    }
}
