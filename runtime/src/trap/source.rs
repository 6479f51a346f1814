//! Finds source lines in the DWARF sections that the artifact has from the wasm file.
//!
//! Input: an artifact, an offset in the wasm file. Output: a file and a line. Must not hold: frames.

use addr2line::Context;
use gimli::{Dwarf, EndianSlice, LittleEndian};
use wrun_artifact::elf::Artifact;

use crate::error::Location;

/// Returns the place in the source of the instruction at `offset` in the wasm file.
pub(super) fn location(artifact: &Artifact<'_>, offset: u32) -> Option<Location> {
    let lines = SourceLines::new(artifact)?;
    let place = lines.place(offset)?;
    Some(Location {
        file: place.file?.to_owned(),
        line: place.line,
    })
}

/// The source lines of an artifact. DWARF of wasm counts from the beginning of the code section. Malformed DWARF is ignored.
pub(crate) struct SourceLines<'a> {
    context: Context<EndianSlice<'a, LittleEndian>>,
    code_section: u64,
}

impl<'a> SourceLines<'a> {
    /// Reads the source lines of an artifact, if it has any.
    pub(crate) fn new(artifact: &Artifact<'a>) -> Option<Self> {
        artifact.debug_section(".debug_info")?;
        let load = |id: gimli::SectionId| -> Result<_, gimli::Error> {
            let bytes = artifact.debug_section(id.name()).unwrap_or_default();
            Ok(EndianSlice::new(bytes, LittleEndian))
        };
        Some(Self {
            context: Context::from_dwarf(Dwarf::load(load).ok()?).ok()?,
            code_section: artifact.code_section(),
        })
    }

    /// Returns file and line of the instruction at `offset` in the wasm file.
    pub(crate) fn find(&self, offset: u32) -> Option<(&str, u32)> {
        let place = self.place(offset)?;
        Some((place.file?, place.line?))
    }

    fn place(&self, offset: u32) -> Option<addr2line::Location<'_>> {
        let address = u64::from(offset).checked_sub(self.code_section)?;
        self.context.find_location(address).ok()?
    }
}
