//! Code and memories of a store, by address, for signal handlers.
//!
//! Input: images, ranges of addresses. Output: the code at an address. Must not hold: how images are mapped.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use wrun_artifact::elf::Artifact;

/// Executable code with its tables.
pub(crate) trait Code: Send + Sync {
    /// Returns the artifact that holds the code.
    fn artifact(&self) -> &Artifact<'_>;

    /// Returns the addresses of the text.
    fn text_addresses(&self) -> Range<usize>;
}

/// The code of all instances of a store, by address.
#[derive(Default)]
pub(crate) struct CodeMap(Vec<CodeRange>);

/// The code of one image.
#[derive(Clone)]
pub(crate) struct CodeRange {
    addresses: Range<usize>,
    code: Arc<dyn Code>,
}

impl CodeMap {
    /// Returns a copy of this map with the code of one more image.
    pub(crate) fn with(&self, code: Arc<dyn Code>) -> Self {
        let mut ranges = self.0.clone();
        let addresses = code.text_addresses();
        if !addresses.is_empty() {
            let at = ranges.partition_point(|range| range.addresses.start < addresses.start);
            if ranges.get(at).is_none_or(|range| range.addresses != addresses) {
                ranges.insert(at, CodeRange { addresses, code });
            }
        }
        Self(ranges)
    }

    /// Returns the code in which `pc` lies, and the offset in that image's text.
    pub(crate) fn find(&self, pc: usize) -> Option<(&CodeRange, u32)> {
        let at = self
            .0
            .partition_point(|range| range.addresses.start <= pc)
            .checked_sub(1)?;
        let range = &self.0[at];
        if pc >= range.addresses.end {
            return None;
        }
        Some((range, u32::try_from(pc - range.addresses.start).ok()?))
    }
}

impl CodeRange {
    /// Returns the artifact that holds this code.
    pub(crate) fn artifact(&self) -> &Artifact<'_> {
        self.code.artifact()
    }

    /// Returns true if a function of the module lies at this offset of the text, and not a trampoline.
    #[cfg(feature = "backtrace")]
    pub(crate) fn is_function(&self, offset: u32) -> bool {
        self.artifact().info().func_at(offset).is_some()
    }
}

impl fmt::Debug for CodeRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x?}", self.addresses)
    }
}

impl fmt::Debug for CodeMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

/// The address ranges of all memories of a store.
#[derive(Debug, Default)]
pub(crate) struct Reservations(pub(crate) Vec<Range<usize>>);
