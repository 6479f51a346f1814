//! Modules from the crate `wasm-smith`.

use wasm_smith::{Config, Module};
use wrun_tests::Random;

use super::ways::FUEL;

/// A proposal that not every oracle runs, or that not every module should use.
struct Proposal {
    /// Lets modules use it, or not.
    enable: fn(&mut Config, bool),
    /// True if wasmi runs it.
    wasmi: bool,
}

/// The proposals beyond WebAssembly 2.0. A module uses a random selection of those that its oracle runs. wasm-smith makes typed
/// function references only together with types of GC: the programs of `programs.rs` have them instead.
const PROPOSALS: &[Proposal] = &[
    Proposal {
        enable: |config, on| config.exceptions_enabled = on,
        wasmi: false,
    },
    // Atomic instructions. Modules with a shared memory are thrown away.
    Proposal {
        enable: |config, on| config.threads_enabled = on,
        wasmi: false,
    },
    // 64-bit memories and tables.
    Proposal {
        enable: |config, on| config.memory64_enabled = on,
        wasmi: true,
    },
    Proposal {
        enable: |config, on| config.custom_page_sizes_enabled = on,
        wasmi: true,
    },
    Proposal {
        enable: |config, on| config.tail_call_enabled = on,
        wasmi: true,
    },
    Proposal {
        enable: |config, on| config.extended_const_enabled = on,
        wasmi: true,
    },
    Proposal {
        enable: |config, on| config.wide_arithmetic_enabled = on,
        wasmi: true,
    },
];

/// The size of the largest memory in bytes.
const MEMORY: u64 = 4 << 16;

/// Makes a module. `wasmi` says if wasmi must be able to run it. `relaxed` lets it use relaxed vector instructions. Returns
/// `None` if the random bytes give no module that can be used.
pub(crate) fn module(random: &mut Random, wasmi: bool, relaxed: bool) -> Option<Vec<u8>> {
    let mut config = Config {
        gc_enabled: false,
        relaxed_simd_enabled: relaxed,
        // The payload of NaNs is not determined, so that modules make every NaN the canonical one.
        canonicalize_nans: true,
        export_everything: true,
        disallow_traps: random.once_in(2),
        simd_enabled: !random.once_in(3),
        max_imports: 0,
        min_funcs: 1,
        max_funcs: 1 + random.below(8),
        max_instructions: [20, 60, 200][random.below(3)],
        max_nesting_depth: 8,
        max_type_size: 40,
        max_types: 8,
        max_globals: 8,
        max_memories: 1 + random.below(3),
        max_memory32_bytes: MEMORY,
        max_memory64_bytes: MEMORY.into(),
        memory_max_size_required: true,
        max_tables: 3,
        max_table_elements: 30,
        table_max_size_required: true,
        max_tags: 4,
        max_element_segments: 5,
        max_elements: 10,
        max_data_segments: 5,
        ..Config::default()
    };
    for proposal in PROPOSALS {
        let on = (proposal.wasmi || !wasmi) && !random.once_in(4);
        (proposal.enable)(&mut config, on);
    }
    let count = [512, 2048, 8192][random.below(3)];
    let bytes: Vec<u8> = (0..count / 8).flat_map(|_| random.next().to_le_bytes()).collect();
    let mut module = Module::new(config, &mut arbitrary::Unstructured::new(&bytes)).ok()?;
    let fuel = module.ensure_termination(FUEL as u32).ok()?;
    with_fuel_exported(&module.to_bytes(), fuel)
}

/// Adds an export of the global `fuel` under that name. `None` if the module exports nothing, or has a shared memory.
fn with_fuel_exported(wasm: &[u8], fuel: u32) -> Option<Vec<u8>> {
    const MEMORY_SECTION: u8 = 5;
    const EXPORT_SECTION: u8 = 7;
    let (header, mut rest) = wasm.split_at(8);
    let mut result = header.to_vec();
    let mut found = false;
    while let Some((id, after)) = rest.split_first() {
        let (size, after) = number(after);
        let (contents, after) = after.split_at(size as usize);
        let mut contents = contents.to_vec();
        if *id == MEMORY_SECTION && has_shared(&contents) {
            return None;
        }
        if *id == EXPORT_SECTION {
            found = true;
            let (count, exports) = number(&contents);
            let exports = exports.to_vec();
            contents.clear();
            push_number(&mut contents, count + 1);
            contents.extend(exports);
            contents.extend(b"\x04fuel\x03");
            push_number(&mut contents, fuel);
        }
        result.push(*id);
        push_number(&mut result, contents.len() as u32);
        result.extend(contents);
        rest = after;
    }
    found.then_some(result)
}

/// Returns true if a memory of a memory section is shared.
fn has_shared(section: &[u8]) -> bool {
    let (count, mut rest) = number(section);
    (0..count).any(|_| {
        let flags = rest[0];
        // The minimum, the maximum and the size of a page.
        let numbers = 1 + u32::from(flags & 1) + u32::from(flags >> 3 & 1);
        rest = (0..numbers).fold(&rest[1..], |rest, _| number(rest).1);
        flags & 2 != 0
    })
}

/// Reads a LEB128 number, and returns the rest of the bytes.
fn number(bytes: &[u8]) -> (u32, &[u8]) {
    let len = 1 + bytes.iter().position(|byte| *byte < 0x80).expect("a whole number");
    let number = bytes[..len]
        .iter()
        .rev()
        .fold(0, |number, byte| number << 7 | u32::from(byte & 0x7f));
    (number, &bytes[len..])
}

/// Writes a LEB128 number.
fn push_number(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}
