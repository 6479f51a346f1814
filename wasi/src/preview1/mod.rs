//! ABI of `wasi_snapshot_preview1`, and of the older `wasi_unstable`: each function reads its arguments from guest memory,
//! calls the host room, and writes its results. There is one Rust function for each WASI function, with its name, in the
//! file of its family.
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
//! Guest memory is a plain slice for the length of one call. The host room gets parts of it as byte slices, so that the
//! kernel copies straight from or to the guest. Nothing that a guest passes is trusted, and nothing is a panic or a trap:
//! wrong addresses are `FAULT`, wrong flags `INVAL`.

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

/// Generation of WASI's first interface. The two differ in three layouts and in the order of `whence`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Version {
    /// `wasi_unstable`.
    Preview0,
    /// `wasi_snapshot_preview1`.
    Preview1,
}
