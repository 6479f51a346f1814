//! `fd_*`: functions on descriptors that are open. Bytes are moved in `io`, positions in `seek`, what is known of a file in
//! `stat`, storage in `sync`, the table in `close` and `prestat`. Directory entries have a module of their own, `readdir`.
//! No path is looked at here.

pub(crate) mod close;
pub(crate) mod io;
pub(crate) mod prestat;
pub(crate) mod seek;
pub(crate) mod stat;
pub(crate) mod sync;
