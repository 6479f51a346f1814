//! WASI for wrun: `wasi_snapshot_preview1` and the older `wasi_unstable`. The functions are synchronous: a call that has to
//! wait blocks the thread.
//!
//! The crate has four rooms, in this order: `types, host, preview1, imports`. A room may use only those to its left.
//!
//! - `types`: error codes, results, and the access that a grant gives.
//! - `host`: descriptors, paths, streams, clocks and polling as Rust functions that know no guest memory.
//! - `preview1`: the ABI. It reads arguments from guest memory, calls `host`, and writes results.
//! - `imports`: the table of all functions, for the runtime.
//!
//! No room uses `std::fs`, ends the process, or holds unsafe code. Only the builder opens a path of the host.
//!
//! ```
//! use wrun_wasi::{Access, Grant, WasiCtx};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut builder = WasiCtx::builder();
//! builder.arg("program.wasm").arg("--help").env("LANG", "C");
//! builder.grant(&Grant {
//!     host: std::env::temp_dir(),
//!     guest: b"/tmp".to_vec(),
//!     access: Access::ReadOnly,
//! })?;
//! let ctx: WasiCtx = builder.build()?;
//! # drop(ctx);
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod host;
mod imports;
mod preview1;
mod types;

pub use host::{BuildError, Builder, Grant, GrantError, WasiCtx};
pub use imports::add_to_imports;
pub use preview1::proc::Exit;
pub use types::Access;
