//! WASI's half that faces the host: descriptors, directories and path resolution, streams, clocks, polling, random bytes and
//! sockets, as Rust functions. Buffers are slices, paths are bytes, flags and facts are the host's own types. No function
//! knows guest memory, so that every version of WASI can stand on this room.
//!
//! ```text
//! table      descriptors: the guest's numbers and the files behind them
//! ctx        state of one guest, and the builder that makes it
//! grant      files and directories of the host that a guest gets
//! error      reasons why a guest cannot be given something
//! path       names below a directory: resolution, opening, changes
//! listing    entries of a directory
//! virtual_dir  directories that only the guest has: files granted one by one, /dev/null
//! stream     reading, writing, positions
//! stat       facts about open files, flags and times
//! storage    sizes, allocation, synchronisation
//! clock, poll, random, sock, strings
//! ```
//!
//! A guest reaches the files it was granted and nothing else: `path::resolve` is the only module that turns a guest's paths
//! into descriptors, and `grant` the only one that opens a path of the user. The one path that wrun itself opens for a guest
//! is `/dev/null`.

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
