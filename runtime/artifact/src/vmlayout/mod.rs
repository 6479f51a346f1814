//! All offsets that compiled code knows. Each is defined only here.
//!
//! Input: the counts of a module. Output: offsets. Must not hold: the structures themselves.
//!
//! Compiled code gets one pointer, the *vmctx*. The instance's context lies **below** it, so all offsets into it are negative. If
//! the module defines memory 0 and memories are guarded, the memory begins **at** the vmctx. An access is then `[vmctx + index +
//! offset]`, and no base is loaded:
//!
//! ```text
//!        imported things …  tables  globals  memories  fixed fields │ memory 0 (guarded, defined) …
//!        ◀───────────── VMLayout::size() bytes ─────────────────────┤
//!                                                                 vmctx
//! ```
//!
//! Tests in `wrun-runtime` compare the structures of the run side with the constants here.

mod layout;
mod libcall;

pub use layout::{COUNTS, Counts, VMLayout, defined};
pub use libcall::Libcall;

/// Size of a pointer in bytes.
pub const POINTER: i32 = 8;

/// Size of a slot of the raw call interface: a value in little-endian order, with zeros in the unused bytes. It is aligned to its
/// size.
pub const SLOT: i32 = 16;

/// Fixed fields, relative to the vmctx.
pub mod vmctx {
    /// `*mut VMStore`.
    pub const STORE: i32 = -8;
    /// `*const [*const u8]`: the addresses of the libcalls, in the order of [`super::Libcall`].
    pub const LIBCALLS: i32 = -16;
    /// The runtime's data about the instance. Compiled code does not read it.
    pub const INSTANCE: i32 = -24;
    /// Free for the runtime.
    pub const RESERVED: i32 = -32;
    /// Offset of the first field that depends on the module. More fields follow downwards.
    pub const FIXED_END: i32 = -32;
}

/// `VMStore`: data that running code shares with the runtime. Each store has one.
pub mod store {
    /// Frame pointer of the trampoline through which the guest has last called the host. The word at this address is the guest's
    /// frame pointer, and the next word is the return address into the guest.
    pub const EXIT_FP: i32 = 0;
    /// Lowest stack pointer with which the guest may call the host. Below it, the host would have too little stack.
    pub const STACK_LIMIT: i32 = 8;
}

/// `VMHostContext`: the context of a host function, passed in place of the vmctx.
pub mod host_context {
    /// Address of the host function: typed or untyped, depending on the trampoline that calls it.
    pub const FUNC: i32 = 0;
    /// `*mut VMStore`.
    pub const STORE: i32 = 8;
}

/// `VMFuncRef`: the target of a `funcref` value. Null is 0.
pub mod func_ref {
    /// Address of the function's code, in the guest's calling convention.
    pub const CODE: i32 = 0;
    /// Context to call it with: a vmctx or a host context.
    pub const VMCTX: i32 = 8;
    /// Id of its type (`u32`), unique in the engine and never 0.
    pub const SIG: i32 = 16;
    /// Size in bytes.
    pub const SIZE: i32 = 24;
}

/// An imported function in the vmctx.
pub mod func_import {
    /// Address of the function's code, in the guest's calling convention.
    pub const CODE: i32 = 0;
    /// Context to call it with.
    pub const VMCTX: i32 = 8;
    /// Size in bytes.
    pub const SIZE: i32 = 16;
}

/// `VMMemoryDefinition`.
pub mod memory {
    /// Address of the first byte.
    pub const BASE: i32 = 0;
    /// Current length in bytes (`u64`).
    pub const LENGTH: i32 = 8;
    /// Size in bytes.
    pub const SIZE: i32 = 16;
}

/// `VMTableDefinition`.
pub mod table {
    /// Address of the first entry.
    pub const BASE: i32 = 0;
    /// Current length in entries (`u64`).
    pub const LENGTH: i32 = 8;
    /// Size in bytes.
    pub const SIZE: i32 = 16;
}

/// An entry of a private table of functions: no function of another instance can enter it.
pub mod private_entry {
    /// `u32`: 0 for null, else the module's own signature index plus 1.
    pub const SIG: i32 = 0;
    /// `u32`: offset of the function's code from the beginning of the text.
    pub const OFFSET: i32 = 4;
    /// Size in bytes.
    pub const SIZE: i32 = 8;
}

/// An entry of a shared table of functions. All zero means null, or not filled yet from the table's initial contents.
pub mod shared_entry {
    /// Address of the function's code.
    pub const CODE: i32 = 0;
    /// Context to call it with.
    pub const VMCTX: i32 = 8;
    /// `u32`: the id of its type in the engine, 0 for null or not filled.
    pub const SIG: i32 = 16;
    /// The `funcref` itself: 0 not filled, 1 written with null, else the reference.
    pub const REFERENCE: i32 = 24;
    /// Size in bytes.
    pub const SIZE: i32 = 32;
    /// The value of `REFERENCE` of an entry that was written with null.
    pub const WRITTEN_NULL: i64 = 1;
}

/// Size of a tag's number in the context.
pub const TAG_SIZE: i32 = 8;

/// An exception in the form that a handler reads. The payload's values follow in slots.
pub mod exception {
    /// `u64`: the number of its tag in the store.
    pub const TAG: i32 = 0;
    /// `u64`: not 0 if a guest may keep a reference to the exception. The handler that makes such a reference sets it. Without
    /// it, the runtime uses the exception's memory for the next one that is thrown.
    pub const IS_KEPT: i32 = 8;
    /// The first value of the payload: a slot.
    pub const PAYLOAD: i32 = 16;
}

/// Size of an entry of a table of `externref` or `exnref`: the reference itself, 0 for null.
pub const EXTERN_ENTRY_SIZE: i32 = 8;

/// The form of a table's entries.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum TableForm {
    /// [`private_entry`].
    Private = 0,
    /// [`shared_entry`].
    Shared = 1,
    /// References to host objects or to exceptions, 8 bytes each.
    Extern = 2,
}

impl TableForm {
    /// Returns the form with this number in [`crate::info::TableRow`].
    pub const fn from_u8(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Private),
            1 => Some(Self::Shared),
            2 => Some(Self::Extern),
            _ => None,
        }
    }

    /// Returns the size of an entry in bytes.
    pub const fn entry_size(self) -> i32 {
        match self {
            Self::Private => private_entry::SIZE,
            Self::Shared => shared_entry::SIZE,
            Self::Extern => EXTERN_ENTRY_SIZE,
        }
    }
}
