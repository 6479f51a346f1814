//! Source lines from the DWARF sections that the artifact carries over from the wasm file.

use gimli::{Dwarf, EndianSlice, LittleEndian};
use wrun_artifact::elf::Artifact;

use crate::error::Location;

/// The place in the source of the instruction at `offset` in the wasm file. DWARF of wasm counts from the beginning of the code
/// section. Malformed DWARF is like none.
pub(super) fn location(artifact: &Artifact<'_>, offset: u32) -> Option<Location> {
    artifact.debug_section(".debug_info")?;
    let load = |id: gimli::SectionId| -> Result<_, gimli::Error> {
        let bytes = artifact.debug_section(id.name()).unwrap_or_default();
        Ok(EndianSlice::new(bytes, LittleEndian))
    };
    let dwarf = Dwarf::load(load).ok()?;
    let context = addr2line::Context::from_dwarf(dwarf).ok()?;
    let address = u64::from(offset).checked_sub(artifact.code_section())?;
    let place = context.find_location(address).ok()??;
    Some(Location {
        file: place.file?.to_owned(),
        line: place.line,
    })
}
