//! WASI for wrun: `wasi_snapshot_preview1`, and the older `wasi_unstable`, for a guest that waits in its calls.
//!
//! In: the state of a guest (`WasiCtx`: arguments, environment, descriptors), guest memory as bytes, the arguments of a
//! call. Out: an error code, and what was written to guest memory and to the descriptors. There is one module for each
//! family of functions, and one Rust function for each WASI function, with its name. `imports` lists them all.
//!
//! A guest reaches what it was granted and nothing else: `path::resolve` is the only module that turns paths into
//! descriptors, and `ctx` the only one that opens a path of the host, while the host decides what to grant. What a guest
//! passes is never trusted and never a panic or a trap: wrong addresses are `FAULT`, wrong flags `INVAL`.
//!
//! What may not enter: `std::fs`, ambient authority outside of the builder, ending the process, unsafe code.
//!
//! ```
//! use wrun_wasi::{DirAccess, WasiCtx};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut builder = WasiCtx::builder();
//! builder.arg("program.wasm").arg("--help").env("LANG", "C");
//! builder.dir(&std::env::temp_dir(), "/tmp", DirAccess::ReadOnly)?;
//! let ctx: WasiCtx = builder.build()?;
//! # drop(ctx);
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod args;
mod clock;
mod ctx;
mod environ;
mod fd;
#[cfg(test)]
mod fuzz;
mod imports;
mod iovec;
mod memory;
mod path;
mod poll;
mod proc;
mod random;
mod readdir;
mod sched;
mod sock;
mod strings;
mod table;
#[cfg(test)]
mod testing;
mod types;

pub use ctx::{BuildError, Builder, DirError, WasiCtx};
pub use imports::add_to_imports;
pub use proc::Exit;
pub use table::DirAccess;
