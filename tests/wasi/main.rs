//! WASI as guests see it, through the built binary: what each function gives, how each fails, and that nothing outside of the
//! grants is touched meanwhile.
//!
//! ```text
//! guests       compiles the C programs of tests/guests/wasi and tests/support, once
//! tree         a scratch world: a grant, a read-only grant, and what lies outside of both
//! script       calls of WASI functions as a table: one line for each call, with what it must print
//! text         a guest in the text format, made for a list of calls with any arguments whatever
//! live         a guest that is stopped in the middle, to be looked at
//!
//! process      arguments, environment, clocks, random bytes, the end
//! descriptors  reading, writing, positions, flags, sizes, the table of descriptors
//! paths        the functions on paths
//! walk         made-up paths, beside what the host says
//! times        times of files
//! directories  reading directories
//! devices      /dev, which has the null device
//! file_grants  single files
//! polling      poll_oneoff
//! streams      standard streams, terminals, FIFOs
//! sockets      the functions on sockets
//! unstable     the older interface, where it differs
//! arguments    wrong addresses, flags and numbers, for every function
//! exhaustion   descriptors: none is lost, and what works when there are none left
//!
//! signatures   names, types, layouts and numbers, against independent sources
//! sandbox      what stays outside, whatever paths and links say
//! read_only    what stays as it is
//! race         the same, while another process exchanges directories and links
//! fuzz         the same, with random calls
//! ```
//!
//! Every test that touches files runs three times: as it is, and with `openat2` denied by the kernel in the two ways that
//! exist out there. `tree::each_way` does that.

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
