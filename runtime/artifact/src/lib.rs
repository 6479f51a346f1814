//! The artifact: the compile side writes it, and the run side reads it.
//!
//! The crate has the artifact's sections, each with encoder and decoder in one file, and every constant that compiled code and
//! the runtime must agree on. [`config`] has the settings, and [`vmlayout`] the layout of the structures that compiled code
//! accesses. [`info`] and the other files have one section each. [`elf`] puts the sections into one file and reads this file.
//!
//! Must not hold: access to files, unsafe casts, the code generator. (`cpu` needs `unsafe` to read one register.)

pub mod address_map;
mod compact;
pub mod config;
mod cpu;
pub mod elf;
pub mod facts;
pub mod handlers;
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

/// The build id: a fingerprint of the sources of the artifact and compiler crates, and of the versions of their dependencies. A
/// changed code generator never uses artifacts of an earlier one.
pub const BUILD: [u8; 16] = *include_bytes!(concat!(env!("OUT_DIR"), "/build_id"));
