//! The run side of wrun: loads artifacts, instantiates them, and calls their functions. With the feature `compiler` (on by
//! default) it also compiles wasm to artifacts.
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
//! A run goes through these rooms: `load` maps an artifact, `instantiate` makes an instance of it, `call` enters and leaves the
//! guest, `trap` finds the cause of its end. `sys` holds the operating system, `pipeline` is the only room that sees the compiler
//! and the cache, `api` holds the public handles. Each room uses only rooms before it in this list: `sys`, `config`, `vm`,
//! `error`, `load`, `state`, `trap`, `call`, `instantiate`, `cache`, `pipeline`, `api`.

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
compile_error!("wrun runs on Linux on x86-64 only so far");

mod api;
mod cache;
mod call;
mod config;
mod error;
mod instantiate;
mod load;
mod pipeline;
mod state;
mod sys;
mod trap;
mod vm;

#[cfg(feature = "compiler")]
pub use api::Declarations;
pub use api::{
    AsStore, Declares, Engine, ExportType, Extern, Func, Global, ImportType, Imports, Instance, Memory, Module, Verify,
};
pub use api::{
    InspectedFunction, Inspection, Store, Table, Tag, TypedFunc, UnknownImports, Value, inspect, is_artifact,
    verify_artifact, verify_cached,
};
pub use cache::{Cache, CacheEntry, CacheError, CacheKey, CacheMode, CacheRest, FileIdentity, Pruned};
pub use call::{Caller, HostParam, HostResult, IntoHostFunc, ValueList};
pub use config::Config;
pub use error::{Backtrace, Exception, Frame, Location, Trap};
pub use error::{Error, ImportsError, IncompatibleImport, Miss, MissingImport, first_few};
pub use sys::deadline::{Deadline, DeadlineWatch};
pub use sys::process::start_process;
pub use vm::ExternRef;
pub use wrun_artifact::TrapCode;
pub use wrun_artifact::config::{CpuFeatures, MemoryMode};
pub use wrun_artifact::elf::Stale;
pub use wrun_artifact::header::Checksums;
pub use wrun_artifact::types::{ExternType, FuncType, GlobalType, IndexType, MemoryType, PageSize, TableType, ValType};
#[cfg(feature = "compiler")]
pub use wrun_compiler::{CompileError, DescribedFunction, Description, ExceptionForm, Linkage, Proposal, describe};
