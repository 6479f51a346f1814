//! The info section: the facts about a module, as tables with a fixed layout that are read in place.
//!
//! Input: facts, or the bytes of a section. Output: the other of the two. Must not hold: the contents of other sections.
//!
//! ```text
//! Fixed { counts, start, where each table begins and how many rows it has } │ table │ table │ …
//! ```
//!
//! All numbers are little-endian and unaligned, so a row can be read at any address. Reading a damaged section never panics:
//! rows, ranges and strings outside it are `None` or empty.

mod lookup;
mod rows;

pub use rows::*;
use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::types::ValType;
use crate::vmlayout::{COUNTS, Counts};

macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident: $row:ty,)*) => {
        /// Contents of the info section.
        #[derive(Default, Debug)]
        pub struct InfoBuilder {
            /// Sizes of the index spaces.
            pub counts: Counts,
            /// The start function, in the function index space.
            pub start: Option<u32>,
            $($(#[$doc])* pub $name: Vec<$row>,)*
        }

        #[derive(Copy, Clone, Default, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
        #[repr(C)]
        struct Fixed {
            counts: [U32; COUNTS],
            start: U32,
            $($name: Span,)*
        }

        /// An info section, read in place.
        #[derive(Copy, Clone)]
        pub struct Info<'a> {
            counts: Counts,
            start: Option<u32>,
            $($(#[$doc])* pub $name: &'a [$row],)*
        }

        impl InfoBuilder {
            /// Returns the bytes of the section.
            ///
            /// # Panics
            /// Panics if the section would exceed 4 GiB. The linker keeps an artifact below 2 GiB.
            pub fn encode(&self) -> Vec<u8> {
                let offset = |at: usize| U32::new(u32::try_from(at).expect("bounded by the linker"));
                let mut bytes = vec![0; size_of::<Fixed>()];
                let mut fixed = Fixed {
                    counts: self.counts.to_array().map(U32::new),
                    start: U32::new(self.start.unwrap_or(NONE)),
                    ..Fixed::default()
                };
                $(
                    fixed.$name = Span { start: offset(bytes.len()), len: offset(self.$name.len()) };
                    bytes.extend_from_slice(self.$name.as_slice().as_bytes());
                )*
                bytes[..size_of::<Fixed>()].copy_from_slice(fixed.as_bytes());
                bytes
            }
        }

        impl<'a> Info<'a> {
            /// Reads the section that begins at `bytes`, without work per row. Returns `None` if a table lies outside the
            /// section.
            pub fn read(bytes: &'a [u8]) -> Option<Self> {
                let (fixed, _) = Fixed::ref_from_prefix(bytes).ok()?;
                Some(Self {
                    counts: Counts::from_array(fixed.counts.map(U32::get)),
                    start: (fixed.start.get() != NONE).then_some(fixed.start.get()),
                    $($name: {
                        let tail = bytes.get(fixed.$name.start.get() as usize..)?;
                        <[$row]>::ref_from_prefix_with_elems(tail, fixed.$name.len.get() as usize).ok()?.0
                    },)*
                })
            }
        }
    };
}

tables! {
    /// Pool of value types.
    valtypes: U32,
    /// Pool of string bytes. Names are UTF-8, which parsing has checked.
    strings: u8,
    /// Distinct function types, by signature index.
    sigs: SigRow,
    /// Imports, in order.
    imports: ImportRow,
    /// Functions with a body, in index order, with rising, disjoint code ranges.
    funcs: FuncRow,
    /// Defined tables.
    tables: TableRow,
    /// Defined memories.
    memories: MemoryRow,
    /// Runs of pages of the memories' initial contents.
    runs: RunRow,
    /// Defined globals.
    globals: GlobalRow,
    /// Defined tags.
    tags: TagRow,
    /// Pool of constant expressions.
    const_ops: ConstOp,
    /// Exports, sorted by name.
    exports: ExportRow,
    /// Element segments.
    elems: ElemRow,
    /// Pool of function indices, `NONE` for null.
    elem_items: U32,
    /// Pool of constant expressions that are elements: spans of `const_ops`.
    elem_exprs: Span,
    /// Data segments.
    data: DataRow,
    /// Signature index of each imported function.
    imported_func_sigs: U32,
    /// Offset in the text of each libcall's trampoline. `NONE` for libcalls that the module does not need.
    libcalls: U32,
}

impl InfoBuilder {
    /// Adds a string to the pool.
    pub fn string(&mut self, text: &str) -> Span {
        append(&mut self.strings, text.as_bytes())
    }

    /// Adds types to the pool.
    pub fn types(&mut self, types: &[ValType]) -> Span {
        append(
            &mut self.valtypes,
            &types.iter().map(|ty| U32::new(ty.code())).collect::<Vec<_>>(),
        )
    }
}

fn append<T: Clone>(pool: &mut Vec<T>, items: &[T]) -> Span {
    let start = pool.len();
    pool.extend_from_slice(items);
    Span::new(start, items.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_section_reads_back() {
        let bytes = InfoBuilder::default().encode();
        let info = Info::read(&bytes).expect("whole");
        assert_eq!(info.start(), None);
        assert!(info.export("memory").is_none());
    }

    #[test]
    fn rows_strings_and_lookups_survive_the_round_trip() {
        let mut builder = InfoBuilder::default();
        builder.counts.imported_funcs = 1;
        builder.start = Some(1);
        let params = builder.types(&[ValType::I32, ValType::F64]);
        builder.sigs.push(SigRow {
            params,
            ..SigRow::default()
        });
        builder.imported_func_sigs.push(U32::new(0));
        for (start, len) in [(0, 32), (32, 0), (64, 16)] {
            builder.funcs.push(FuncRow {
                sig: U32::new(0),
                start: U32::new(start),
                len: U32::new(len),
            });
        }
        for name in ["a", "memory"] {
            let name = builder.string(name);
            builder.exports.push(ExportRow {
                name,
                kind: U32::new(0),
                index: U32::new(2),
            });
        }
        let bytes = builder.encode();
        let info = Info::read(&bytes).expect("whole");
        assert_eq!(info.start(), Some(1));
        assert_eq!(info.func_type(0).expect("there").params(), [ValType::I32, ValType::F64]);
        assert_eq!(info.string(info.export("memory").expect("there").name), "memory");
        assert!(info.export("b").is_none());
        assert_eq!(info.sig_of(0), Some(0));
        assert_eq!(info.sig_of(4), None);
        assert_eq!(
            [0, 31, 32, 63, 64, 79].map(|at| info.func_at(at)),
            [Some(0), Some(0), Some(1), Some(1), Some(2), Some(2)]
        );
        assert_eq!(info.func_at(80), None);
    }

    #[test]
    fn a_truncated_section_is_refused() {
        let mut builder = InfoBuilder::default();
        builder.string("name");
        let bytes = builder.encode();
        for len in 0..bytes.len() {
            assert!(Info::read(&bytes[..len]).is_none(), "cut at {len}");
        }
    }
}
