//! The run side of wrun: loads artifacts, instantiates them, and calls into them; with the feature `compiler` (on by default) it
//! also makes them from wasm.
//!
//! ```
//! # #[cfg(feature = "compiler")] {
//! use wrun_runtime::{Caller, Config, Engine, Error, Imports, Instance, Module, Store, Value};
//!
//! # fn main() -> Result<(), Error> {
//! let wasm = wat::parse_str(
//!     r#"(module
//!          (import "host" "double" (func $double (param i32) (result i32)))
//!          (func (export "quadruple") (param i32) (result i32)
//!            (call $double (call $double (local.get 0)))))"#,
//! )
//! .expect("valid text");
//!
//! let engine = Engine::new(&Config::new())?;
//! let module = Module::new(&engine, &wasm)?;
//!
//! let mut imports = Imports::new(&engine);
//! imports.func("host", "double", |mut caller: Caller<'_, u32>, n: i32| {
//!     *caller.data_mut() += 1;
//!     n * 2
//! });
//!
//! let mut store = Store::new(&engine, 0);
//! let instance = Instance::new(&mut store, &module, &imports)?;
//! let quadruple = instance.func(&mut store, "quadruple").expect("exported");
//! assert_eq!(quadruple.call(&mut store, &[Value::I32(5)])?, [Value::I32(20)]);
//! assert_eq!(*store.data(), 2);
//! # Ok(())
//! # }
//! # main().unwrap();
//! # }
//! ```
//!
//! A run goes through the rooms in this order: `load` maps an artifact, `instantiate` makes an instance of it, `call` enters and
//! leaves the guest, `trap` says why it ended. `sys` is the operating system, `engine` the one file that sees the compiler.

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
compile_error!("wrun runs on Linux on x86-64 only so far");

mod cache;
mod call;
mod caller;
mod config;
mod deadline;
mod engine;
mod error;
mod func;
mod global;
mod imports;
mod inspect;
mod instance;
mod instantiate;
mod load;
mod memory;
mod module;
mod store;
mod sys;
mod table;
mod trap;
mod value;
mod vm;

pub use cache::{Cache, CacheEntry, CacheError, CacheKey, CacheMode, CacheRest, FileIdentity, Pruned};
pub use call::{HostParam, HostResult, IntoHostFunc};
pub use caller::Caller;
pub use config::Config;
pub use deadline::{Deadline, DeadlineWatch};
pub use engine::Engine;
pub use error::{Error, ImportsError, IncompatibleImport, Miss, MissingImport, first_few};
pub use func::Func;
pub use global::Global;
pub use imports::{Imports, UnknownImports};
pub use inspect::{InspectedFunction, Inspection, inspect, is_artifact, verify_artifact, verify_cached};
pub use instance::{Extern, Instance};
pub use memory::Memory;
pub use module::{ExportType, ImportType, Module, Verify};
pub use store::{AsStore, Store};
pub use sys::process::{limit_files_by_error, start_process};
pub use table::Table;
pub use trap::{Backtrace, Frame, Location, Trap};
pub use value::{ExternRef, Value};
pub use wrun_artifact::TrapCode;
pub use wrun_artifact::config::{CpuFeatures, MemoryMode};
pub use wrun_artifact::elf::Stale;
pub use wrun_artifact::header::Checksums;
pub use wrun_artifact::types::{ExternType, FuncType, GlobalType, MemoryType, TableType, ValType};
#[cfg(feature = "compiler")]
pub use wrun_compiler::{CompileError, Proposal};
