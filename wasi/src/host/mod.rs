//! The half of WASI that faces the host: descriptors, directories and path resolution, streams, clocks, polling, random bytes
//! and sockets, as Rust functions. Buffers are slices, paths are bytes, and flags and file attributes have the host's types. No
//! function knows guest memory, so every version of WASI can use this room.
//!
//! ```text
//! table      descriptors: the guest's numbers and the files behind them
//! ctx        state of one guest, and the builder that makes it
//! grant      files and directories of the host that a guest gets
//! error      errors of grants and of the builder
//! path       names below a directory: resolution, opening, changes
//! listing    entries of a directory
//! virtual_dir  directories that only the guest sees: files granted one by one, /dev/null
//! stream     reading, writing, positions
//! stat       attributes of open files, flags and times
//! storage    sizes, allocation, synchronisation
//! clock, poll, random, sock, strings
//! ```
//!
//! A guest reaches the files it was granted and nothing else. Only `path::resolve` turns paths of the guest into descriptors,
//! and only `grant` opens paths of the user. wrun itself opens one path for a guest, `/dev/null`.

pub(crate) mod clock;
mod ctx;
mod error;
mod grant;
pub(crate) mod listing;
pub(crate) mod path;
pub(crate) mod poll;
pub(crate) mod random;
pub(crate) mod sock;
pub(crate) mod stat;
pub(crate) mod storage;
pub(crate) mod stream;
pub(crate) mod strings;
pub(crate) mod table;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod virtual_dir;

pub use ctx::{Builder, WasiCtx};
pub use error::{BuildError, GrantError};
pub use grant::Grant;
