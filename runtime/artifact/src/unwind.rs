//! The unwind table (`.eh_frame`): how debuggers, profilers and the platform's unwinder find a function's caller.
//!
//! ```text
//! CIE (one for all) │ FDE │ FDE │ … │ 0u32
//!
//! FDE:  0 length      u32, of what follows
//!       4 CIE pointer u32, from here back to the CIE
//!       8 PC begin    i32, from here to the function's code (DW_EH_PE_pcrel | DW_EH_PE_sdata4)
//!      12 PC range    u32, length of the function's code
//!      16 augmentation length: 0
//!      17 call frame instructions, filled up with DW_CFA_nop to a multiple of 4
//! ```
//!
//! The table lies directly after the text, so that all distances in it are known when linking and it is used as it is
//! mapped. Whoever compiles a function makes its FDE with [`fde`] (or in any other way, as long as it has the form drawn
//! here, with 32-bit lengths and the CIE below in mind); CIE pointer and PC begin may hold anything until the function
//! has its place.

/// The common information entry that every FDE refers to (x86-64, System V): code alignment 1, data alignment -8, return
/// address in register 16; at a function's first instruction the CFA is `rsp + 8` and the return address lies at CFA - 8.
const CIE: [u8; 24] = [
    20, 0, 0, 0, // length
    0, 0, 0, 0, // this is a CIE
    1, // version
    b'z', b'R', 0,    // augmentation: FDEs say how long their augmentation data is, pointers have an encoding
    1,    // code alignment factor
    0x78, // data alignment factor -8, as SLEB128
    16,   // return address register
    1,    // length of the augmentation data
    0x1b, // pointers are DW_EH_PE_pcrel | DW_EH_PE_sdata4
    0x0c, 7, 8, // DW_CFA_def_cfa rsp + 8
    0x90, 1, // DW_CFA_offset: return address at CFA + 1 * -8
    0, 0, // DW_CFA_nop
];

/// Where an FDE's call frame instructions begin.
const INSTRUCTIONS: usize = 17;

/// DWARF's instruction that does nothing, for padding.
const NOP: u8 = 0;

/// An FDE for a function with `len` bytes of code and these call frame instructions (`DW_CFA_*`, in terms of [`CIE`]).
/// CIE pointer and PC begin are 0.
///
/// # Panics
/// When the instructions exceed 4 GiB, which no function's do.
pub fn fde(len: u32, instructions: &[u8]) -> Vec<u8> {
    let size = (INSTRUCTIONS + instructions.len()).next_multiple_of(4);
    let mut bytes = Vec::with_capacity(size);
    let length = u32::try_from(size - 4).expect("a function's unwind instructions are far below 4 GiB");
    for field in [length, 0, 0, len] {
        bytes.extend_from_slice(&field.to_le_bytes());
    }
    bytes.push(0);
    bytes.extend_from_slice(instructions);
    bytes.resize(size, NOP);
    bytes
}

/// Why a function's FDE could not be taken: it has not the form that this module describes.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct MalformedFde;

/// Collects the FDEs of functions in text order.
#[derive(Debug)]
pub struct UnwindBuilder {
    /// The table, with each FDE's PC begin counted from the beginning of the text.
    bytes: Vec<u8>,
}

impl UnwindBuilder {
    /// A table that holds only the CIE.
    pub fn new() -> Self {
        Self { bytes: CIE.to_vec() }
    }

    /// Adds the FDE of a function whose code lies at `start` in the text and is `len` bytes long.
    pub fn push(&mut self, fde: &[u8], start: u32, len: u32) -> Result<(), MalformedFde> {
        let length = fde.first_chunk().map(|length| u32::from_le_bytes(*length) as usize);
        if fde.len() < INSTRUCTIONS || !fde.len().is_multiple_of(4) || length != Some(fde.len() - 4) {
            return Err(MalformedFde);
        }
        let at = self.bytes.len();
        self.bytes.extend_from_slice(fde);
        let cie_pointer = u32::try_from(at + 4).map_err(|_| MalformedFde)?;
        self.set(at + 4, cie_pointer);
        self.set(at + 8, start);
        self.set(at + 12, len);
        Ok(())
    }

    /// Size of the finished table in bytes.
    pub fn size(&self) -> usize {
        self.bytes.len() + 4
    }

    /// The finished table, for a place `distance` bytes after the beginning of the text.
    pub fn finish(mut self, distance: u32) -> Vec<u8> {
        let mut at = CIE.len();
        while let Some(length) = self.get(at) {
            let field = u32::try_from(at + 8)
                .expect("`push` keeps offsets in 32 bits")
                .wrapping_add(distance);
            let start = self.get(at + 8).unwrap_or_default();
            self.set(at + 8, start.wrapping_sub(field));
            at += 4 + length as usize;
        }
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes
    }

    fn get(&self, at: usize) -> Option<u32> {
        Some(u32::from_le_bytes(*self.bytes.get(at..)?.first_chunk()?))
    }

    fn set(&mut self, at: usize, value: u32) {
        self.bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
}

impl Default for UnwindBuilder {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(bytes: &[u8], at: usize) -> i32 {
        i32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"))
    }

    #[test]
    fn placed_entries_point_to_their_function_and_to_the_cie() {
        let mut table = UnwindBuilder::new();
        // push rbp; mov rbp, rsp.
        let instructions = [0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, 6];
        table.push(&fde(0x20, &instructions), 0, 0x20).expect("well-formed");
        table.push(&fde(0x11, &[]), 0x40, 0x11).expect("well-formed");
        let size = table.size();
        let bytes = table.finish(0x60);
        assert_eq!(bytes.len(), size);
        let first = CIE.len();
        let second = first + 4 + usize::try_from(word(&bytes, first)).expect("positive");
        for (at, start, len) in [(first, 0, 0x20), (second, 0x40, 0x11)] {
            let place = |field: usize| i32::try_from(at + field).expect("small");
            assert_eq!(place(4) - word(&bytes, at + 4), 0, "CIE pointer");
            assert_eq!(0x60 + place(8) + word(&bytes, at + 8), start, "PC begin");
            assert_eq!(word(&bytes, at + 12), len, "PC range");
        }
        assert_eq!(bytes[first + INSTRUCTIONS..][..instructions.len()], instructions);
        assert_eq!(bytes[size - 4..], [0; 4]);
    }

    #[test]
    fn what_is_no_fde_is_refused() {
        let good = fde(1, &[0x41]);
        let mut long = good.clone();
        long[0] += 4;
        for bad in [&[][..], &good[..16], &good[..good.len() - 1], &long] {
            assert_eq!(UnwindBuilder::new().push(bad, 0, 1), Err(MalformedFde), "{bad:?}");
        }
    }
}
