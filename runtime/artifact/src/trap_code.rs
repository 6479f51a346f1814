//! Trap codes: the reasons of traps, in the words of the specification.

use core::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        /// The reason of a trap. The numbers are part of the artifact's format.
        #[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
        #[repr(u8)]
        pub enum TrapCode {
            $($(#[$doc])* $name = $code,)*
        }

        impl TrapCode {
            /// All codes, in order.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Returns the code with this number.
            pub const fn from_u8(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Returns the reason in the words of the spec's test suite.
            pub const fn reason(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

codes! {
    /// An `unreachable` instruction.
    Unreachable = 1, "unreachable";
    /// A load, store or bulk operation outside of a memory.
    MemoryOutOfBounds = 2, "out of bounds memory access";
    /// A table access or bulk operation outside of a table.
    TableOutOfBounds = 3, "out of bounds table access";
    /// `call_indirect` with an index outside of the table.
    UndefinedElement = 4, "undefined element";
    /// `call_indirect` of a null entry.
    UninitializedElement = 5, "uninitialized element";
    /// `call_indirect` of a function of another type.
    IndirectCallTypeMismatch = 6, "indirect call type mismatch";
    /// A result that its integer type cannot hold.
    IntegerOverflow = 7, "integer overflow";
    /// An integer division or remainder by zero.
    IntegerDivideByZero = 8, "integer divide by zero";
    /// A conversion of NaN to an integer.
    InvalidConversion = 9, "invalid conversion to integer";
    /// The guest's stack is used up.
    CallStackExhausted = 10, "call stack exhausted";
    /// The deadline has passed: the trap *interrupt*.
    Interrupt = 11, "interrupt";
    /// A call of an imported function that was replaced by a trap (`--unknown-imports trap`).
    UnknownImport = 12, "unknown import called";
    /// A call of a function that was left out of the artifact.
    FunctionMissing = 13, "call to a function that is not in the artifact";
    /// `throw_ref` of null.
    NullException = 14, "null exception reference";
    /// An atomic access to an address that is no multiple of its size.
    UnalignedAtomic = 15, "unaligned atomic";
    /// `memory.atomic.wait` in a memory that is not shared.
    ExpectedSharedMemory = 16, "expected shared memory";
    /// `call_ref` of null.
    NullFunction = 17, "null function reference";
    /// `ref.as_non_null` of null.
    NullReference = 18, "null reference";
}

impl TrapCode {
    /// Returns the number of this code in the artifact.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Returns true if a hardware fault with this code comes from an access to a memory, so that its address must lie inside a
    /// reservation.
    pub const fn is_memory_access(self) -> bool {
        matches!(self, Self::MemoryOutOfBounds)
    }
}

impl fmt::Display for TrapCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}
