//! A guest whose result shows that all of it is right: it hashes its data, applies every function in its table to the hash, and
//! prints the result. The same result is computed here.
//!
//! It writes `ready`, waits for a byte or the end of its standard input, and only then touches most of its code and data.

use std::fmt::Write;

/// Sizes of a program.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Size {
    /// Number of functions in the table.
    pub(crate) functions: u32,
    /// Number of steps in each function. It determines the time for compiling.
    pub(crate) steps: u32,
    /// Number of bytes of data, a multiple of 4 and at least 8. It determines the time for publishing.
    pub(crate) data: usize,
}

impl Size {
    /// Compiles very quickly.
    pub(crate) const SMALL: Self = Self {
        functions: 3,
        steps: 3,
        data: 40_000,
    };

    /// Compiles long enough to be observed while compiling.
    pub(crate) const LARGE: Self = Self {
        functions: 300,
        steps: 400,
        data: 400_000,
    };
}

/// A guest and its output. Its data begins with a seed, so other programs can be made from it without parsing text again.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    size: Size,
    wasm: Vec<u8>,
    /// The position of the data in `wasm`.
    data: usize,
}

/// The address of the data in the memory.
const DATA: usize = 1 << 16;

/// The first line of its output.
pub(crate) const READY: &str = "ready\n";

impl Program {
    /// Makes a program of this size, with seed 0.
    pub(crate) fn new(size: Size) -> Self {
        let data = data(size);
        let wasm = wat::parse_str(text(size, &data)).expect("what is generated is well-formed");
        let found: Vec<_> = wasm
            .windows(64)
            .enumerate()
            .filter(|(_, window)| *window == &data[..64])
            .collect();
        assert_eq!(found.len(), 1, "data is random");
        let data = found[0].0;
        Self { size, wasm, data }
    }

    /// Returns the same program with another seed: another module of the same length.
    pub(crate) fn seeded(&self, seed: u64) -> Self {
        let mut other = self.clone();
        other.wasm[self.data..self.data + 8].copy_from_slice(&seed.to_le_bytes());
        other
    }

    /// Returns its bytes.
    pub(crate) fn wasm(&self) -> &[u8] {
        &self.wasm
    }

    /// Returns the line that it prints after [`READY`].
    pub(crate) fn result(&self) -> String {
        let data = &self.wasm[self.data..self.data + self.size.data];
        let mut hash = 0u32;
        for word in data.chunks_exact(4) {
            let word = u32::from_le_bytes(word.try_into().expect("four bytes"));
            hash = (hash.rotate_left(5) ^ word).wrapping_mul(FACTOR);
        }
        for function in 0..self.size.functions {
            for step in 0..self.size.steps {
                let (factor, shift) = constants(function, step);
                hash = hash.wrapping_mul(factor).rotate_left(shift) ^ function;
            }
        }
        format!("{hash:08x}\n")
    }

    /// Returns its whole output.
    pub(crate) fn output(&self) -> String {
        format!("{READY}{}", self.result())
    }
}

const FACTOR: u32 = 0x9e37_79b1;

/// Returns the factor and the rotation of a step.
fn constants(function: u32, step: u32) -> (u32, u32) {
    let mixed = (function * 1000 + step + 1).wrapping_mul(FACTOR);
    (mixed | 1, mixed >> 27)
}

/// Returns bytes that neither compression nor the omission of zero pages makes shorter. The first eight are the seed.
fn data(size: Size) -> Vec<u8> {
    let mut state = 1u64;
    let mut bytes = vec![0; size.data];
    for byte in &mut bytes[8..] {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        *byte = state.to_le_bytes()[7];
    }
    bytes
}

fn text(size: Size, data: &[u8]) -> String {
    let mut functions = String::new();
    let mut table = String::new();
    for function in 0..size.functions {
        let _ = write!(table, " $f{function}");
        let _ = write!(functions, "(func $f{function} (type $step) local.get 0 ");
        for step in 0..size.steps {
            let (factor, shift) = constants(function, step);
            let _ = write!(
                functions,
                "i32.const {factor} i32.mul i32.const {shift} i32.rotl i32.const {function} i32.xor "
            );
        }
        functions.push_str(")\n");
    }
    let mut escaped = String::with_capacity(3 * data.len());
    for byte in data {
        let _ = write!(escaped, "\\{byte:02x}");
    }
    let end = DATA + data.len();
    let pages = end.div_ceil(1 << 16);
    format!(
        r#"(module
          (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
          (type $step (func (param i32) (result i32)))
          (memory (export "memory") {pages})
          (table funcref (elem{table}))
          (data (i32.const 0) "ready\n")
          (data (i32.const {DATA}) "{escaped}")
          (func $say (param $at i32) (param $len i32)
            (i32.store (i32.const 1024) (local.get $at))
            (i32.store (i32.const 1028) (local.get $len))
            (drop (call $write (i32.const 1) (i32.const 1024) (i32.const 1) (i32.const 1032))))
          (func (export "_start") (local $at i32) (local $hash i32) (local $i i32) (local $digit i32)
            (call $say (i32.const 0) (i32.const 6))
            (i32.store (i32.const 1024) (i32.const 2048))
            (i32.store (i32.const 1028) (i32.const 1))
            (drop (call $read (i32.const 0) (i32.const 1024) (i32.const 1) (i32.const 1032)))
            (local.set $at (i32.const {DATA}))
            (loop $words
              (local.set $hash (i32.mul (i32.const {FACTOR})
                (i32.xor (i32.rotl (local.get $hash) (i32.const 5)) (i32.load (local.get $at)))))
              (local.set $at (i32.add (local.get $at) (i32.const 4)))
              (br_if $words (i32.lt_u (local.get $at) (i32.const {end}))))
            (loop $functions
              (local.set $hash (call_indirect (type $step) (local.get $hash) (local.get $i)))
              (local.set $i (i32.add (local.get $i) (i32.const 1)))
              (br_if $functions (i32.lt_u (local.get $i) (i32.const {functions_len}))))
            (local.set $i (i32.const 0))
            (loop $digits
              (local.set $digit (i32.shr_u (local.get $hash) (i32.const 28)))
              (i32.store8 offset=2048 (local.get $i)
                (i32.add (i32.add (local.get $digit) (i32.const 48))
                  (i32.mul (i32.gt_u (local.get $digit) (i32.const 9)) (i32.const 39))))
              (local.set $hash (i32.shl (local.get $hash) (i32.const 4)))
              (local.set $i (i32.add (local.get $i) (i32.const 1)))
              (br_if $digits (i32.lt_u (local.get $i) (i32.const 8))))
            (i32.store8 (i32.const 2056) (i32.const 10))
            (call $say (i32.const 2048) (i32.const 9)))
          {functions})"#,
        functions_len = size.functions,
    )
}
