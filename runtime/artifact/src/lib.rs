//! The waist of wrun: what the compile side writes and the run side reads.
//!
//! In: nothing but bytes and plain values. Out: the artifact's sections, each with encoder and decoder in one file, and
//! every constant that compiled code and the runtime must agree on. Order of use: [`config`] says what to compile for,
//! [`vmlayout`] where compiled code finds things, [`info`] and the other section files what an artifact holds, [`elf`]
//! puts the sections into one file and takes it apart again.
//!
//! May not enter: opening files, unsafe casts, the code generator. (`cpu` reads one register that takes `unsafe`.)

pub mod address_map;
mod compact;
pub mod config;
mod cpu;
pub mod elf;
pub mod facts;
pub mod header;
pub mod index;
pub mod info;
pub mod names;
pub mod stack_maps;
pub mod trap_code;
pub mod traps;
pub mod types;
pub mod vmlayout;

pub use config::Config;
pub use trap_code::TrapCode;

/// This build of wrun: a fingerprint of the sources of the artifact and of the compiler, and of their dependencies' versions. A
/// changed code generator never meets its predecessor's artifacts.
pub const BUILD: [u8; 16] = *include_bytes!(concat!(env!("OUT_DIR"), "/build_id"));
