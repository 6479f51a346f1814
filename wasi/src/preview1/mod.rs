//! ABI of `wasi_snapshot_preview1` and of the older `wasi_unstable`. Each function reads its arguments from guest memory, calls
//! the room `host`, and writes its results. Each WASI function is a Rust function of the same name, in the file of its family.
//!
//! ```text
//! args      args_*, environ_*
//! clock     clock_*
//! fd        fd_*
//! path      path_*
//! poll      poll_oneoff
//! proc      proc_*, sched_yield
//! random    random_get
//! sock      sock_*
//!
//! memory    checked access to guest memory
//! iovec     the guest's arrays of ranges as slices of its memory
//! flags     flags, file types and rights
//! layout    structures, byte for byte
//! ```
//!
//! Guest memory is a plain slice for the duration of one call. The room `host` gets parts of it as byte slices, so that the
//! kernel copies directly from or to the guest. No argument of a guest is trusted. Wrong arguments never cause a panic or a
//! trap: a wrong address gives `FAULT`, a wrong flag gives `INVAL`.

pub(crate) mod args;
pub(crate) mod clock;
pub(crate) mod fd;
mod flags;
#[cfg(test)]
mod fuzz;
mod iovec;
mod layout;
mod memory;
pub(crate) mod path;
pub(crate) mod poll;
pub(crate) mod proc;
pub(crate) mod random;
pub(crate) mod sock;

/// Version of the interface. The two versions differ in three layouts and in the values of `whence`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Version {
    /// `wasi_unstable`.
    Preview0,
    /// `wasi_snapshot_preview1`.
    Preview1,
}
