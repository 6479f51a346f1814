//! The types of wasm (spec 2.3), for both sides of the artifact.
//!
//! Input: types, or their codes in an artifact. Output: the other of the two, and the relation of subtypes. Must not hold: the
//! module that a type's number refers to.

use core::fmt;

/// A value type (spec 2.3.4).
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum ValType {
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// 128-bit vector.
    V128,
    /// Reference.
    Ref(RefType),
}

/// A reference type (spec 2.3.3).
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct RefType {
    /// True if null is a value.
    pub nullable: bool,
    /// Type of the objects to which values refer.
    pub heap: HeapType,
}

/// A heap type (spec 2.3.2). Only types that wrun runs are here.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum HeapType {
    /// Any function.
    Func,
    /// Any object of the host.
    Extern,
    /// Any exception.
    Exn,
    /// No function.
    NoFunc,
    /// No object of the host.
    NoExtern,
    /// No exception.
    NoExn,
    /// A function of the type with this number: the index of a signature in an artifact, an id of the engine elsewhere.
    Concrete(u32),
}

impl HeapType {
    /// Returns the most general type of the same kind.
    const fn top(self) -> Self {
        match self {
            Self::Func | Self::NoFunc | Self::Concrete(_) => Self::Func,
            Self::Extern | Self::NoExtern => Self::Extern,
            Self::Exn | Self::NoExn => Self::Exn,
        }
    }

    /// Returns true if this is a subtype of `other` (spec 3.3.3).
    pub fn matches(self, other: Self) -> bool {
        self == other
            || match self {
                Self::NoFunc | Self::NoExtern | Self::NoExn => self.top() == other.top(),
                Self::Concrete(_) => other == Self::Func,
                Self::Func | Self::Extern | Self::Exn => false,
            }
    }
}

impl RefType {
    /// Returns true if this is a subtype of `other` (spec 3.3.4).
    pub fn matches(self, other: Self) -> bool {
        (other.nullable || !self.nullable) && self.heap.matches(other.heap)
    }
}

/// The bits of a value type's code that hold the kind of type. The others hold the number of a concrete type.
const KIND: u32 = 0xff;
/// The bit of the kind that excludes null.
const NOT_NULL: u32 = 0x80;
/// Number of numbers for concrete types.
const NUMBERS: u32 = 1 << 24;

impl ValType {
    /// `funcref`: a nullable reference to any function.
    pub const FUNCREF: Self = Self::nullable(HeapType::Func);
    /// `externref`: a nullable reference to any object of the host.
    pub const EXTERNREF: Self = Self::nullable(HeapType::Extern);
    /// `exnref`: a nullable reference to any exception.
    pub const EXNREF: Self = Self::nullable(HeapType::Exn);

    /// Makes the type of references to `heap`, including null.
    pub const fn nullable(heap: HeapType) -> Self {
        Self::Ref(RefType { nullable: true, heap })
    }

    /// Returns the type with this code in an artifact.
    pub(crate) const fn from_code(code: u32) -> Option<Self> {
        let number = code >> 8;
        let heap = match code & KIND & !NOT_NULL {
            0x70 => HeapType::Func,
            0x6f => HeapType::Extern,
            0x69 => HeapType::Exn,
            0x73 => HeapType::NoFunc,
            0x72 => HeapType::NoExtern,
            0x74 => HeapType::NoExn,
            0x64 => HeapType::Concrete(number),
            0x7f if code == 0x7f => return Some(Self::I32),
            0x7e if code == 0x7e => return Some(Self::I64),
            0x7d if code == 0x7d => return Some(Self::F32),
            0x7c if code == 0x7c => return Some(Self::F64),
            0x7b if code == 0x7b => return Some(Self::V128),
            _ => return None,
        };
        if number != 0 && !matches!(heap, HeapType::Concrete(_)) {
            return None;
        }
        let nullable = code & NOT_NULL == 0;
        Some(Self::Ref(RefType { nullable, heap }))
    }

    /// Returns the code of this type in an artifact: the byte of the binary format (spec 5.3). Its highest bit is set if the type
    /// excludes null. The number of a concrete type is in the bits above the byte.
    ///
    /// # Panics
    /// Panics if the number of a concrete type has more than 24 bits. Parsing bounds the number of types.
    pub const fn code(self) -> u32 {
        let RefType { nullable, heap } = match self {
            Self::I32 => return 0x7f,
            Self::I64 => return 0x7e,
            Self::F32 => return 0x7d,
            Self::F64 => return 0x7c,
            Self::V128 => return 0x7b,
            Self::Ref(ty) => ty,
        };
        let kind = match heap {
            HeapType::Func => 0x70,
            HeapType::Extern => 0x6f,
            HeapType::Exn => 0x69,
            HeapType::NoFunc => 0x73,
            HeapType::NoExtern => 0x72,
            HeapType::NoExn => 0x74,
            HeapType::Concrete(number) => {
                assert!(number < NUMBERS, "the number of types is bounded by parsing");
                number << 8 | 0x64
            }
        };
        if nullable { kind } else { kind | NOT_NULL }
    }

    /// Returns the size in bytes with which compiled code stores a value (references are pointers).
    pub const fn size(self) -> u32 {
        match self {
            Self::I32 | Self::F32 => 4,
            Self::I64 | Self::F64 | Self::Ref(_) => 8,
            Self::V128 => 16,
        }
    }

    /// Returns true if values are references.
    pub const fn is_ref(self) -> bool {
        matches!(self, Self::Ref(_))
    }

    /// Returns true if values are references to functions.
    pub const fn is_func(self) -> bool {
        matches!(self, Self::Ref(ty) if matches!(ty.heap.top(), HeapType::Func))
    }

    /// Returns true if values are references to objects that a store keeps as long as a guest can reach them: host objects and
    /// exceptions.
    pub const fn is_object(self) -> bool {
        matches!(self, Self::Ref(ty) if matches!(ty.heap.top(), HeapType::Extern | HeapType::Exn))
    }

    /// Returns true if values are references to exceptions.
    pub const fn is_exn(self) -> bool {
        matches!(self, Self::Ref(ty) if matches!(ty.heap.top(), HeapType::Exn))
    }

    /// Returns true if null is a value.
    pub const fn is_nullable(self) -> bool {
        matches!(self, Self::Ref(ty) if ty.nullable)
    }

    /// Returns true if this is a subtype of `other` (spec 3.3.5).
    pub fn matches(self, other: Self) -> bool {
        match (self, other) {
            (Self::Ref(a), Self::Ref(b)) => a.matches(b),
            _ => self == other,
        }
    }

    /// Returns the number of a concrete type.
    pub const fn concrete(self) -> Option<u32> {
        match self {
            Self::Ref(RefType {
                heap: HeapType::Concrete(number),
                ..
            }) => Some(number),
            _ => None,
        }
    }

    /// Returns this type with another number, if it is a concrete type.
    ///
    /// # Errors
    /// Fails with the error of `renumber`.
    pub fn renumbered<E>(self, renumber: impl FnOnce(u32) -> Result<u32, E>) -> Result<Self, E> {
        Ok(match (self, self.concrete()) {
            (Self::Ref(RefType { nullable, .. }), Some(number)) => Self::Ref(RefType {
                nullable,
                heap: HeapType::Concrete(renumber(number)?),
            }),
            _ => self,
        })
    }
}

impl fmt::Display for ValType {
    /// Writes the type as in the text format.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::I32 => f.write_str("i32"),
            Self::I64 => f.write_str("i64"),
            Self::F32 => f.write_str("f32"),
            Self::F64 => f.write_str("f64"),
            Self::V128 => f.write_str("v128"),
            Self::Ref(ty) => ty.fmt(f),
        }
    }
}

impl fmt::Display for RefType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = match self.heap {
            HeapType::Func => "funcref",
            HeapType::Extern => "externref",
            HeapType::Exn => "exnref",
            HeapType::NoFunc => "nullfuncref",
            HeapType::NoExtern => "nullexternref",
            HeapType::NoExn => "nullexnref",
            HeapType::Concrete(_) => "",
        };
        if self.nullable && !short.is_empty() {
            return f.write_str(short);
        }
        f.write_str(if self.nullable { "(ref null " } else { "(ref " })?;
        match self.heap {
            HeapType::Func => f.write_str("func)"),
            HeapType::Extern => f.write_str("extern)"),
            HeapType::Exn => f.write_str("exn)"),
            HeapType::NoFunc => f.write_str("nofunc)"),
            HeapType::NoExtern => f.write_str("noextern)"),
            HeapType::NoExn => f.write_str("noexn)"),
            HeapType::Concrete(number) => write!(f, "{number})"),
        }
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

    /// Returns this type with other numbers in the concrete types.
    ///
    /// # Errors
    /// Fails with the first error of `renumber`.
    pub fn renumbered<E>(&self, mut renumber: impl FnMut(u32) -> Result<u32, E>) -> Result<Self, E> {
        let mut list =
            |types: &[ValType]| -> Result<Vec<_>, E> { types.iter().map(|ty| ty.renumbered(&mut renumber)).collect() };
        Ok(Self::new(list(&self.params)?, list(&self.results)?))
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

/// The type of the indices into a memory or table (spec 3.0, 2.3.8 `addrtype`).
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

    /// Returns the largest number of bytes that wrun allows in a memory with these indices.
    pub const fn most_bytes(self) -> u64 {
        match self {
            Self::I32 => 1 << 32,
            Self::I64 => 1 << 36,
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
    /// Type of the elements, a reference type.
    pub element: ValType,
    /// Initial size.
    pub min: u64,
    /// Largest size, if declared.
    pub max: Option<u64>,
}

/// A memory type (spec 2.3.10): limits, counted in pages.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub struct MemoryType {
    /// Type of the indices.
    pub index: IndexType,
    /// The size of a page.
    pub page: PageSize,
    /// Initial size.
    pub min: u64,
    /// Largest size, if declared.
    pub max: Option<u64>,
}

/// A global type (spec 2.3.12).
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub struct GlobalType {
    /// Type of the value.
    pub content: ValType,
    /// True if the global can be written.
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

/// The size of a page of a memory (the custom-page-sizes proposal). The discriminants are the binary logarithms.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug, Default)]
#[repr(u8)]
pub enum PageSize {
    /// 1 byte.
    Byte = 0,
    /// 64 KiB, the only one in the specification (4.2.8).
    #[default]
    Default = 16,
}

impl PageSize {
    /// Returns the size with this binary logarithm.
    pub const fn from_log2(log2: u8) -> Option<Self> {
        match log2 {
            0 => Some(Self::Byte),
            16 => Some(Self::Default),
            _ => None,
        }
    }

    /// Returns the binary logarithm.
    pub const fn log2(self) -> u8 {
        self as u8
    }

    /// Returns the size in bytes.
    pub const fn bytes(self) -> u64 {
        1 << self.log2()
    }
}

impl MemoryType {
    /// Returns the largest number of pages that wrun allows in a memory with these indices and pages.
    pub const fn most_pages(&self) -> u64 {
        match (self.index, self.page) {
            // The size in pages must fit in an `i32`.
            (IndexType::I32, PageSize::Byte) => u32::MAX as u64,
            (index, page) => index.most_bytes() >> page.log2(),
        }
    }

    /// Returns the number of bytes in a number of pages, or `None` if it does not fit.
    pub const fn bytes(&self, pages: u64) -> Option<u64> {
        pages.checked_mul(self.page.bytes())
    }
}
