//! The types of wasm (spec 2.3), for both sides of the artifact.

use core::fmt;

/// A value type (spec 2.3.4). The discriminants are the bytes of the binary format (spec 5.3).
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
#[repr(u8)]
pub enum ValType {
    /// 32-bit integer.
    I32 = 0x7f,
    /// 64-bit integer.
    I64 = 0x7e,
    /// 32-bit float.
    F32 = 0x7d,
    /// 64-bit float.
    F64 = 0x7c,
    /// 128-bit vector.
    V128 = 0x7b,
    /// Nullable reference to a function.
    FuncRef = 0x70,
    /// Nullable reference to an object of the host.
    ExternRef = 0x6f,
    /// Nullable reference to an exception.
    ExnRef = 0x69,
}

impl ValType {
    /// Returns the type with this byte in the binary format.
    pub(crate) const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            0x7f => Self::I32,
            0x7e => Self::I64,
            0x7d => Self::F32,
            0x7c => Self::F64,
            0x7b => Self::V128,
            0x70 => Self::FuncRef,
            0x6f => Self::ExternRef,
            0x69 => Self::ExnRef,
            _ => return None,
        })
    }

    /// Returns the byte of this type in the binary format.
    pub const fn byte(self) -> u8 {
        self as u8
    }

    /// Returns the size in bytes of a value as compiled code stores it. References have 8 bytes.
    pub const fn size(self) -> u32 {
        match self {
            Self::I32 | Self::F32 => 4,
            Self::I64 | Self::F64 | Self::FuncRef | Self::ExternRef | Self::ExnRef => 8,
            Self::V128 => 16,
        }
    }

    /// Returns true for reference types.
    pub const fn is_ref(self) -> bool {
        matches!(self, Self::FuncRef | Self::ExternRef | Self::ExnRef)
    }

    /// Returns true if values are references to objects that a store keeps as long as a guest can reach them: things of the host,
    /// and exceptions.
    pub const fn is_object(self) -> bool {
        matches!(self, Self::ExternRef | Self::ExnRef)
    }
}

impl fmt::Display for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::V128 => "v128",
            Self::FuncRef => "funcref",
            Self::ExternRef => "externref",
            Self::ExnRef => "exnref",
        })
    }
}

/// A function type (spec 2.3.7).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct FuncType {
    params: Box<[ValType]>,
    results: Box<[ValType]>,
}

impl FuncType {
    /// Makes the type of functions from `params` to `results`.
    pub fn new(params: impl Into<Box<[ValType]>>, results: impl Into<Box<[ValType]>>) -> Self {
        Self {
            params: params.into(),
            results: results.into(),
        }
    }

    /// Returns the parameter types.
    pub fn params(&self) -> &[ValType] {
        &self.params
    }

    /// Returns the result types.
    pub fn results(&self) -> &[ValType] {
        &self.results
    }
}

impl fmt::Display for FuncType {
    /// Writes the type for messages: `(i32, i64) -> (f32)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, types: &[ValType]| {
            f.write_str("(")?;
            for (i, ty) in types.iter().enumerate() {
                write!(f, "{}{ty}", if i == 0 { "" } else { ", " })?;
            }
            f.write_str(")")
        };
        list(f, &self.params)?;
        f.write_str(" -> ")?;
        list(f, &self.results)
    }
}

/// The type of the indices into a memory or table (spec 3.0, 2.3.8 `addrtype`). wrun does not support 64-bit indices yet.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(u8)]
pub enum IndexType {
    /// `i32`.
    #[default]
    I32 = 0,
    /// `i64`.
    I64 = 1,
}

impl IndexType {
    /// Returns the type with this number in an artifact.
    pub const fn from_u8(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::I32),
            1 => Some(Self::I64),
            _ => None,
        }
    }

    /// Returns the type of its values.
    pub const fn val_type(self) -> ValType {
        match self {
            Self::I32 => ValType::I32,
            Self::I64 => ValType::I64,
        }
    }

    /// Returns an index as an unsigned number. `slot` holds it in the low bytes. The bytes above are ignored.
    pub const fn zero_extend(self, slot: u64) -> u64 {
        match self {
            Self::I32 => slot & u32::MAX as u64,
            Self::I64 => slot,
        }
    }
}

/// A table type (spec 2.3.11): element type and limits, counted in elements.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub struct TableType {
    /// Type of the indices.
    pub index: IndexType,
    /// A reference type.
    pub element: ValType,
    /// Initial size.
    pub min: u64,
    /// Largest size, if declared.
    pub max: Option<u64>,
}

/// A memory type (spec 2.3.10): limits, counted in pages of 64 KiB.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub struct MemoryType {
    /// Type of the indices.
    pub index: IndexType,
    /// Initial size.
    pub min: u64,
    /// Largest size, if declared.
    pub max: Option<u64>,
}

/// A global type (spec 2.3.12).
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub struct GlobalType {
    /// The type of its value.
    pub content: ValType,
    /// True if it can be written.
    pub mutable: bool,
}

/// The type of an import or export (spec 2.3.13).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ExternType {
    /// A function.
    Func(FuncType),
    /// A table.
    Table(TableType),
    /// A memory.
    Memory(MemoryType),
    /// A global.
    Global(GlobalType),
    /// A tag of exceptions: the parameters are the payload, and there are no results.
    Tag(FuncType),
}

/// The size of a wasm page in bytes (spec 4.2.8).
pub const PAGE_SIZE: u64 = 65536;

/// The largest number of pages that a 32-bit memory can have.
pub const MAX_PAGES: u64 = 65536;
