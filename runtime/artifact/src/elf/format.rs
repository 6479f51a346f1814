//! The few structures of ELF (64 bits, little-endian) that an artifact consists of, named as in `elf.h`.

use object::elf;
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

macro_rules! structures {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $ty:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Copy, Clone, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
        #[repr(C)]
        pub(super) struct $name {
            $(pub(super) $field: $ty,)*
        }
    )*};
}

structures! {
    /// `Elf64_Ehdr`.
    FileHeader {
        ident: [u8; 16],
        kind: U16,
        machine: U16,
        version: U32,
        entry: U64,
        phoff: U64,
        shoff: U64,
        flags: U32,
        ehsize: U16,
        phentsize: U16,
        phnum: U16,
        shentsize: U16,
        shnum: U16,
        shstrndx: U16,
    }

    /// `Elf64_Phdr`.
    ProgramHeader {
        kind: U32,
        flags: U32,
        offset: U64,
        vaddr: U64,
        paddr: U64,
        filesz: U64,
        memsz: U64,
        align: U64,
    }

    /// `Elf64_Shdr`.
    SectionHeader {
        name: U32,
        kind: U32,
        flags: U64,
        addr: U64,
        offset: U64,
        size: U64,
        link: U32,
        info: U32,
        addralign: U64,
        entsize: U64,
    }

    /// `Elf64_Sym`.
    Sym {
        name: U32,
        info: u8,
        other: u8,
        shndx: U16,
        value: U64,
        size: U64,
    }
}

impl FileHeader {
    /// The header of a shared object for x86-64 with one program header at `phoff` and `shnum` section headers at `shoff`,
    /// the last of which is the one of the section names.
    pub(super) fn new(phoff: u64, shoff: u64, shnum: u16) -> Self {
        let mut ident = [0; 16];
        ident[..4].copy_from_slice(&elf::ELFMAG);
        ident[4] = elf::ELFCLASS64;
        ident[5] = elf::ELFDATA2LSB;
        ident[6] = elf::EV_CURRENT;
        Self {
            ident,
            kind: U16::new(elf::ET_DYN),
            machine: U16::new(elf::EM_X86_64),
            version: U32::new(elf::EV_CURRENT.into()),
            phoff: U64::new(phoff),
            shoff: U64::new(shoff),
            ehsize: size(size_of::<Self>()),
            phentsize: size(size_of::<ProgramHeader>()),
            phnum: U16::new(1),
            shentsize: size(size_of::<SectionHeader>()),
            shnum: U16::new(shnum),
            shstrndx: U16::new(shnum - 1),
            ..Self::default()
        }
    }
}

fn size(size: usize) -> U16 {
    U16::new(u16::try_from(size).expect("the structures are small"))
}
