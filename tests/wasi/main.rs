//! Tests of WASI through the built binary: the results and the errors of each function, and that nothing outside of the grants
//! is touched.
//!
//! ```text
//! guests       compiles the C programs of tests/guests/wasi and tests/support, once
//! tree         a scratch directory: a grant, a read-only grant, and files outside of both
//! script       calls of WASI functions as a table: one line for each call, with the expected output
//! text         makes guests in the text format for lists of calls with any arguments
//! live         a guest that pauses for inspection
//!
//! process      arguments, environment, clocks, random bytes, the end
//! descriptors  reading, writing, positions, flags, sizes, the table of descriptors
//! paths        the functions on paths
//! walk         random paths, compared with the kernel
//! times        times of files
//! directories  reading directories
//! devices      /dev, which has the null device
//! file_grants  single files
//! polling      poll_oneoff
//! streams      standard streams, terminals, FIFOs
//! sockets      the functions on sockets
//! unstable     the older interface, where it differs
//! arguments    wrong addresses, flags and numbers, for every function
//! exhaustion   descriptors: none leaks, and calls work if none is free
//!
//! signatures   names, types, layouts and numbers, against independent sources
//! sandbox      no path and no link leads out of a grant
//! read_only    nothing changes in read-only grants
//! race         the sandbox while another process exchanges directories and links
//! fuzz         the sandbox with random calls
//! ```
//!
//! Every test that touches files runs three times: normally, and with `openat2` denied by the kernel in the two usual ways.
//! `tree::each_way` does that.

mod guests;
mod live;
mod script;
#[path = "../cli/support/mod.rs"]
mod support;
mod text;
mod tree;

mod arguments;
mod descriptors;
mod devices;
mod directories;
mod exhaustion;
mod file_grants;
mod fuzz;
mod paths;
mod polling;
mod process;
mod race;
mod read_only;
mod sandbox;
mod signatures;
mod sockets;
mod streams;
mod times;
mod unstable;
mod walk;
