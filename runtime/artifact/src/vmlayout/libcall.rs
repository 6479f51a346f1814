//! Libcalls: the helpers of the runtime that compiled code calls.
//!
//! Input: none. Output: their numbers, names and signatures. Must not hold: the helpers themselves.

use super::POINTER;
use crate::types::ValType;

macro_rules! libcalls {
    ($($(#[$doc:meta])* $name:ident = $number:literal ($($param:ident),*) $(-> $result:ident)?;)*) => {
        /// A helper of the runtime that compiled code calls. Each has its own trampoline in the text. Compiled code calls the
        /// trampoline in the guest's convention as `(vmctx, parameters…)`, and the trampoline calls the runtime in the platform's
        /// convention with the same values. A helper that traps does not return.
        #[derive(Copy, Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
        #[repr(u32)]
        pub enum Libcall {
            $($(#[$doc])* $name = $number,)*
        }

        impl Libcall {
            /// Every libcall, in the order of the table to which the vmctx points.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Returns the types of the parameters after the vmctx, and of the result.
            pub const fn signature(self) -> (&'static [ValType], Option<ValType>) {
                match self {
                    $(Self::$name => (&[$(ValType::$param),*], result_type!($($result)?)),)*
                }
            }

            /// Returns the name that symbols show.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }
        }
    };
}

macro_rules! result_type {
    () => {
        None
    };
    ($result:ident) => {
        Some(ValType::$result)
    };
}

libcalls! {
    /// (memory, delta in pages) → old size in pages, or -1.
    MemoryGrow = 0 (I32, I64) -> I64;
    /// (memory, destination, byte, length).
    MemoryFill = 1 (I32, I64, I32, I64);
    /// (destination memory, source memory, destination, source, length).
    MemoryCopy = 2 (I32, I32, I64, I64, I64);
    /// (memory, data segment, destination, source, length).
    MemoryInit = 3 (I32, I32, I64, I32, I32);
    /// (data segment).
    DataDrop = 4 (I32);
    /// (table, delta, reference) → old size, or -1.
    TableGrow = 5 (I32, I64, I64) -> I64;
    /// (table, destination, reference, length).
    TableFill = 6 (I32, I64, I64, I64);
    /// (destination table, source table, destination, source, length).
    TableCopy = 7 (I32, I32, I64, I64, I64);
    /// (table, element segment, destination, source, length).
    TableInit = 8 (I32, I32, I64, I32, I32);
    /// (element segment).
    ElemDrop = 9 (I32);
    /// (table, index) → reference. For tables of functions. Checks the index.
    TableGet = 10 (I32, I64) -> I64;
    /// (table, index, reference). For shared tables. Checks the index.
    TableSet = 11 (I32, I64, I64);
    /// (function) → reference.
    RefFunc = 12 (I32) -> I64;
    /// (table, index, signature) → address of the filled entry with this type. Called if the type in an entry of a shared table
    /// is not the expected one. Traps unless the entry only had to be filled. The index is in bounds.
    ResolveIndirect = 13 (I32, I64, I32) -> I64;
    /// (tag's number in the store, address of the payload's slots). Throws a new exception. Does not return.
    Throw = 14 (I64, I64);
    /// (reference to an exception). Throws it again. Traps on null. Does not return.
    ThrowRef = 15 (I64);
    /// (reference to a function, its signature) → address of its code. Called if the reference has no code: it is a host function
    /// that no guest has called so far.
    ResolveRef = 16 (I64, I32) -> I64;
}

impl Libcall {
    /// Returns the offset of the helper's address in the table to which the vmctx points.
    pub const fn offset(self) -> i32 {
        self as i32 * POINTER
    }
}
