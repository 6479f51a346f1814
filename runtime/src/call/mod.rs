//! Calls between host and guest. `entry` enters the guest, `hostcall` calls the host, `libcall` serves compiled code, `throw`
//! finds the handlers of exceptions, `collect` drops unreachable objects.
//!
//! Input: code, a context, values in slots. Output: results in slots, or the error that ended the call.
//!
//! Must not hold: system calls, the meaning of a deadline.
//!
//! # Safety
//! The files of this room may use `unsafe`: they jump between two languages that know nothing of each other's frames. No Rust
//! frame with a destructor is ever skipped: a host function's wrapper lets everything drop before it jumps to the landing.
#![allow(unsafe_code, reason = "calls into and out of compiled code")]

mod caller;
mod collect;
mod entry;
mod exception;
mod hostcall;
mod libcall;
mod throw;
mod typed;

pub use caller::Caller;
pub(crate) use collect::{collect, collect_if_always, collect_if_due};
pub(crate) use entry::call_guest;
pub(crate) use exception::{exception, insert_exception};
pub(crate) use hostcall::{host_call, host_entry};
pub(crate) use libcall::LIBCALLS;
pub use typed::{HostParam, HostResult, IntoHostFunc, ValueList};
pub(crate) use typed::{MOST_VALUES, hand_over, list_of_one, sealed, wrap};
