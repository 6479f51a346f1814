//! Facts: everything about a module that the translation of a function body needs.
//!
//! Input: types, index spaces and the results of the scan over the whole module. Output: [`Facts`], which borrow nothing from
//! the wasm bytes, and their encoded form. Facts and a body are enough to compile a function to the same bytes, without reading
//! or validating the rest of the module again.
//!
//! No artifact has a section with facts yet, because functions are not compiled on demand yet. The decoder checks every index,
//! so that translation from decoded facts stays in bounds.

use std::collections::BTreeSet;

use crate::config::Config;
use crate::index::{
    DefinedFuncIndex, FuncIndex, GlobalIndex, Index, IndexVec, MemoryIndex, SigIndex, TableIndex, TagIndex, TypeIndex,
};
use crate::types::{FuncType, GlobalType, IndexType, MemoryType, PageSize, TableType, ValType};
use crate::vmlayout::{COUNTS, Counts, TableForm, VMLayout};

/// Everything that translation reads about a module, besides the body.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Facts {
    /// Sizes of the index spaces. The layout of the vmctx depends on them.
    pub counts: Counts,
    /// The type section, each type as its signature.
    pub types: IndexVec<TypeIndex, SigIndex>,
    /// Distinct function types, in order of first appearance.
    pub sigs: IndexVec<SigIndex, FuncType>,
    /// Signature of every function, imports first.
    pub funcs: IndexVec<FuncIndex, SigIndex>,
    /// Every table, imports first.
    pub tables: IndexVec<TableIndex, TableFacts>,
    /// Type of every memory, imports first.
    pub memories: IndexVec<MemoryIndex, MemoryType>,
    /// Every global, imports first.
    pub globals: IndexVec<GlobalIndex, GlobalFacts>,
    /// Signature of every tag, imports first.
    pub tags: IndexVec<TagIndex, SigIndex>,
    /// Imported functions that need a trampoline because a private table can hold them, by rising index.
    pub thunks: Vec<FuncIndex>,
    /// Context-free functions: neither they nor the functions that they call use the vmctx, so a caller may pass any value.
    pub context_free: BTreeSet<DefinedFuncIndex>,
}

/// Facts about one table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TableFacts {
    /// Its type.
    pub ty: TableType,
    /// The form of its entries.
    pub form: TableForm,
    /// Its length, if it cannot change: the table is not imported, not exported and never grown.
    pub fixed_len: Option<u32>,
    /// True if its contents are always exactly the image (private tables only).
    pub constant: bool,
    /// Initial contents from element 0, up to the last element that a segment with a constant offset writes. Empty for imported
    /// tables and for tables of `externref`, and if a segment is out of bounds, has an unknown offset or has to wait for
    /// others.
    pub image: Vec<Option<FuncIndex>>,
}

/// Facts about one global.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct GlobalFacts {
    /// Its type.
    pub ty: GlobalType,
    /// Its value as a slot of the raw call interface, if it is immutable and known at compile time.
    pub constant: Option<[u8; 16]>,
}

/// Error of encoded facts that [`Facts::encode`] cannot have written.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Damaged;

impl Facts {
    /// Returns the layout of the vmctx. `None` if it would exceed 1 GiB.
    pub fn layout(&self, config: &Config) -> Option<VMLayout> {
        VMLayout::new(self.counts, config)
    }

    /// Returns the type of a function.
    pub fn func_type(&self, func: FuncIndex) -> &FuncType {
        &self.sigs[self.funcs[func]]
    }

    /// Returns a defined function's index in the function index space.
    pub fn func_index(&self, func: DefinedFuncIndex) -> FuncIndex {
        FuncIndex::new(func.index() + self.counts.imported_funcs as usize)
    }

    /// Returns the defined function with this index, or `None` for an imported one.
    pub fn defined_func(&self, func: FuncIndex) -> Option<DefinedFuncIndex> {
        crate::vmlayout::defined(func, self.counts.imported_funcs)
    }

    /// Encodes the facts: numbers are little-endian and not aligned, and each list follows its length.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder(Vec::new());
        let Self {
            counts,
            types,
            sigs,
            funcs,
            tables,
            memories,
            globals,
            tags,
            thunks,
            context_free,
        } = self;
        for number in counts.to_array() {
            out.u32(number);
        }
        out.list(types.values(), |out, sig| out.u32(sig.as_u32()));
        out.list(sigs.values(), |out, ty| {
            for types in [ty.params(), ty.results()] {
                out.list(types.iter(), |out, ty| out.u32(ty.code()));
            }
        });
        out.list(funcs.values(), |out, sig| out.u32(sig.as_u32()));
        out.list(tables.values(), |out, table| {
            out.u32(table.ty.element.code());
            out.u8(table.ty.index as u8);
            out.limits(table.ty.min, table.ty.max);
            out.u8(table.form as u8);
            out.option(table.fixed_len, Encoder::u32);
            out.u8(u8::from(table.constant));
            out.list(table.image.iter(), |out, func| {
                out.option(*func, |out, func| out.u32(func.as_u32()));
            });
        });
        out.list(memories.values(), |out, ty| {
            out.u8(ty.index as u8);
            out.u8(ty.page.log2());
            out.limits(ty.min, ty.max);
        });
        out.list(globals.values(), |out, global| {
            out.u32(global.ty.content.code());
            out.u8(u8::from(global.ty.mutable));
            out.option(global.constant, |out, slot| out.0.extend_from_slice(&slot));
        });
        out.list(tags.values(), |out, sig| out.u32(sig.as_u32()));
        out.list(thunks.iter(), |out, func| out.u32(func.as_u32()));
        out.list(context_free.iter(), |out, func| out.u32(func.as_u32()));
        out.0
    }

    /// Decodes facts.
    ///
    /// # Errors
    /// [`Damaged`] if there are too few or too many bytes, or if a number in them is out of range or contradicts another.
    pub fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut input = Decoder(bytes);
        let mut counts = [0; COUNTS];
        for number in &mut counts {
            *number = input.u32()?;
        }
        let counts = Counts::from_array(counts);
        let types: IndexVec<TypeIndex, _> = input.list(|input| input.u32().map(SigIndex::from_u32))?;
        let sigs: IndexVec<SigIndex, _> = input.list(|input| {
            let params: Vec<_> = input.list(Decoder::val_type)?;
            let results: Vec<_> = input.list(Decoder::val_type)?;
            Ok(FuncType::new(params, results))
        })?;
        let funcs: IndexVec<FuncIndex, _> = input.list(|input| input.u32().map(SigIndex::from_u32))?;
        let tables = input.list(Decoder::table)?;
        let memories = input.list(|input| {
            let index = input.index_type()?;
            let page = PageSize::from_log2(input.u8()?).ok_or(Damaged)?;
            let (min, max) = input.limits()?;
            Ok(MemoryType { index, page, min, max })
        })?;
        let globals = input.list(|input| {
            let ty = GlobalType {
                content: input.val_type()?,
                mutable: input.flag()?,
            };
            let constant = input.option(|input| input.bytes().copied())?;
            Ok(GlobalFacts { ty, constant })
        })?;
        let tags: IndexVec<TagIndex, _> = input.list(|input| input.u32().map(SigIndex::from_u32))?;
        let thunks: Vec<_> = input.list(|input| input.u32().map(FuncIndex::from_u32))?;
        let context_free: Vec<_> = input.list(|input| input.u32().map(DefinedFuncIndex::from_u32))?;
        let facts = Self {
            counts,
            types,
            sigs,
            funcs,
            tables,
            memories,
            globals,
            tags,
            thunks,
            context_free: context_free.iter().copied().collect(),
        };
        let in_order = context_free.is_sorted_by(|a, b| a < b) && facts.thunks.is_sorted_by(|a, b| a < b);
        (input.0.is_empty() && in_order && facts.is_consistent())
            .then_some(facts)
            .ok_or(Damaged)
    }

    /// Returns true if every index is in range and no fact contradicts another.
    fn is_consistent(&self) -> bool {
        let Counts {
            imported_funcs,
            imported_tables,
            imported_memories,
            imported_globals,
            imported_tags,
            defined_tables,
            defined_memories,
            defined_globals,
            defined_tags,
            sigs,
        } = self.counts;
        let adds_up = |imported: u32, defined: u32, len: usize| {
            imported.checked_add(defined).map(|all| all as usize) == Some(len)
        };
        let is_known = |ty: &ValType| ty.concrete().is_none_or(|number| number < sigs);
        let sig_exists = |sig: &SigIndex| sig.index() < self.sigs.len();
        let func_exists = |func: &FuncIndex| func.index() < self.funcs.len();
        let defined_funcs = self.funcs.len().checked_sub(imported_funcs as usize);
        sigs as usize == self.sigs.len()
            && adds_up(imported_tables, defined_tables, self.tables.len())
            && adds_up(imported_memories, defined_memories, self.memories.len())
            && adds_up(imported_globals, defined_globals, self.globals.len())
            && adds_up(imported_tags, defined_tags, self.tags.len())
            && self
                .types
                .values()
                .chain(self.funcs.values())
                .chain(self.tags.values())
                .all(sig_exists)
            && self.tags.values().all(|sig| self.sigs[*sig].results().is_empty())
            && self
                .sigs
                .values()
                .flat_map(|ty| ty.params().iter().chain(ty.results()))
                .all(is_known)
            && self.tables.values().all(|table| is_known(&table.ty.element))
            && self.globals.values().all(|global| is_known(&global.ty.content))
            && self.thunks.iter().all(|func| func.as_u32() < imported_funcs)
            && self.tables.values().all(|table| {
                table.is_consistent()
                    && table.image.iter().flatten().all(func_exists)
                    // A private table refers to an import through its trampoline.
                    && (table.form != TableForm::Private || table.image.iter().flatten().all(|func| {
                        func.as_u32() >= imported_funcs || self.thunks.binary_search(func).is_ok()
                    }))
            })
            && self
                .globals
                .values()
                .all(|global| global.constant.is_none() || !global.ty.mutable)
            && defined_funcs.is_some_and(|count| self.context_free.iter().all(|func| func.index() < count))
    }
}

impl TableFacts {
    fn is_consistent(&self) -> bool {
        self.ty.element.is_ref()
            && self.ty.element.is_object() == (self.form == TableForm::Extern)
            && self.fixed_len.is_none_or(|len| u64::from(len) == self.ty.min)
            && self.image.len() as u64 <= self.ty.min
            && (!self.constant || self.form == TableForm::Private)
    }
}

struct Encoder(Vec<u8>);

impl Encoder {
    fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn limits(&mut self, min: u64, max: Option<u64>) {
        self.u64(min);
        self.option(max, Self::u64);
    }

    fn option<T>(&mut self, value: Option<T>, encode: impl FnOnce(&mut Self, T)) {
        self.u8(u8::from(value.is_some()));
        if let Some(value) = value {
            encode(self, value);
        }
    }

    /// # Panics
    /// If there are 2^32 items or more, which the validator's limits exclude.
    fn list<T>(&mut self, items: impl ExactSizeIterator<Item = T>, encode: impl Fn(&mut Self, T)) {
        self.u32(u32::try_from(items.len()).expect("bounded by validation"));
        for item in items {
            encode(self, item);
        }
    }
}

struct Decoder<'a>(&'a [u8]);

impl<'a> Decoder<'a> {
    fn bytes<const N: usize>(&mut self) -> Result<&'a [u8; N], Damaged> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(Damaged)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn u8(&mut self) -> Result<u8, Damaged> {
        let [byte] = *self.bytes()?;
        Ok(byte)
    }

    fn u32(&mut self) -> Result<u32, Damaged> {
        self.bytes().copied().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Damaged> {
        self.bytes().copied().map(u64::from_le_bytes)
    }

    fn flag(&mut self) -> Result<bool, Damaged> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Damaged),
        }
    }

    fn val_type(&mut self) -> Result<ValType, Damaged> {
        ValType::from_code(self.u32()?).ok_or(Damaged)
    }

    fn index_type(&mut self) -> Result<IndexType, Damaged> {
        IndexType::from_u8(self.u8()?).ok_or(Damaged)
    }

    fn limits(&mut self) -> Result<(u64, Option<u64>), Damaged> {
        Ok((self.u64()?, self.option(Self::u64)?))
    }

    fn table(&mut self) -> Result<TableFacts, Damaged> {
        let element = self.val_type()?;
        let index = self.index_type()?;
        let (min, max) = self.limits()?;
        Ok(TableFacts {
            ty: TableType {
                index,
                element,
                min,
                max,
            },
            form: TableForm::from_u8(self.u8()?).ok_or(Damaged)?,
            fixed_len: self.option(Self::u32)?,
            constant: self.flag()?,
            image: self.list(|input| input.option(|input| input.u32().map(FuncIndex::from_u32)))?,
        })
    }

    fn option<T>(&mut self, decode: impl FnOnce(&mut Self) -> Result<T, Damaged>) -> Result<Option<T>, Damaged> {
        match self.flag()? {
            true => decode(self).map(Some),
            false => Ok(None),
        }
    }

    fn list<T, L: FromIterator<T>>(
        &mut self,
        mut decode: impl FnMut(&mut Self) -> Result<T, Damaged>,
    ) -> Result<L, Damaged> {
        // The length may be damaged, so no memory is reserved for it.
        let len = self.u32()?;
        (0..len).map(|_| decode(self)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns facts with an entry of every kind.
    fn facts() -> Facts {
        let sig = SigIndex::from_u32;
        let func = FuncIndex::from_u32;
        let table = |element, form, constant: bool, image: Vec<_>| TableFacts {
            ty: TableType {
                index: IndexType::I32,
                element,
                min: 3,
                max: Some(9),
            },
            form,
            fixed_len: constant.then_some(3),
            constant,
            image,
        };
        Facts {
            counts: Counts {
                imported_funcs: 2,
                imported_tables: 1,
                imported_memories: 0,
                imported_globals: 1,
                defined_tables: 2,
                defined_memories: 1,
                defined_globals: 1,
                imported_tags: 1,
                defined_tags: 1,
                sigs: 2,
            },
            types: [sig(1), sig(0), sig(1)].into_iter().collect(),
            sigs: [
                FuncType::new([], [ValType::F32, ValType::V128]),
                FuncType::new([ValType::EXTERNREF], []),
            ]
            .into_iter()
            .collect(),
            funcs: [sig(0), sig(1), sig(1), sig(0)].into_iter().collect(),
            tables: [
                table(ValType::EXTERNREF, TableForm::Extern, false, vec![]),
                table(ValType::FUNCREF, TableForm::Shared, false, vec![Some(func(0))]),
                table(
                    ValType::FUNCREF,
                    TableForm::Private,
                    true,
                    vec![None, Some(func(1)), Some(func(3))],
                ),
            ]
            .into_iter()
            .collect(),
            memories: [MemoryType {
                index: IndexType::I64,
                page: PageSize::Byte,
                min: 1 << 40,
                max: None,
            }]
            .into_iter()
            .collect(),
            globals: [(true, None), (false, Some([7; 16]))]
                .map(|(mutable, constant)| GlobalFacts {
                    ty: GlobalType {
                        content: ValType::F64,
                        mutable,
                    },
                    constant,
                })
                .into_iter()
                .collect(),
            tags: [sig(1), sig(1)].into_iter().collect(),
            thunks: vec![func(1)],
            context_free: [0, 1].map(DefinedFuncIndex::from_u32).into(),
        }
    }

    #[test]
    fn facts_come_back_as_they_were() {
        for facts in [Facts::default(), facts()] {
            assert_eq!(Facts::decode(&facts.encode()).as_ref(), Ok(&facts));
        }
    }

    #[test]
    fn bytes_that_end_early_or_go_on_are_refused() {
        let bytes = facts().encode();
        for len in 0..bytes.len() {
            assert_eq!(Facts::decode(&bytes[..len]), Err(Damaged), "{len}");
        }
        assert_eq!(Facts::decode(&[&bytes[..], &[0]].concat()), Err(Damaged));
    }

    #[test]
    fn what_decodes_after_damage_is_consistent() {
        let bytes = facts().encode();
        let mut refused = 0;
        for at in 0..bytes.len() {
            for mask in [0x01, 0x80, 0xff] {
                let mut bytes = bytes.clone();
                bytes[at] ^= mask;
                match Facts::decode(&bytes) {
                    Err(Damaged) => refused += 1,
                    Ok(facts) => {
                        assert!(facts.is_consistent(), "{at} {mask:#x}");
                        assert_eq!(facts.encode(), bytes, "{at} {mask:#x}");
                    }
                }
            }
        }
        // Some numbers, such as limits and constants, may have any value. Most others may not.
        assert!(refused > 2 * bytes.len(), "{refused} of {}", 3 * bytes.len());
    }

    #[test]
    fn facts_that_contradict_each_other_are_refused() {
        type Break = fn(&mut Facts);
        let breaks: &[(&str, Break)] = &[
            ("a function of no type", |facts| {
                facts.funcs[FuncIndex::new(0)] = SigIndex::new(2)
            }),
            ("a type of no signature", |facts| {
                facts.types[TypeIndex::new(0)] = SigIndex::new(2)
            }),
            ("an image with a function that is not there", |facts| {
                facts.tables[TableIndex::new(1)].image[0] = Some(FuncIndex::new(4));
            }),
            ("an import in a private table without a trampoline", |facts| {
                facts.thunks.clear()
            }),
            ("a trampoline for no import", |facts| {
                facts.thunks.push(FuncIndex::new(2))
            }),
            ("a constant that may change", |facts| {
                facts.globals[GlobalIndex::new(1)].ty.mutable = true;
            }),
            ("a length that is not the table's", |facts| {
                facts.tables[TableIndex::new(2)].fixed_len = Some(2);
            }),
            ("a constant table that others can write", |facts| {
                facts.tables[TableIndex::new(1)].constant = true;
            }),
            ("a function without context that is not there", |facts| {
                facts.context_free.insert(DefinedFuncIndex::new(2));
            }),
            ("a tag too many", |facts| {
                facts.tags.push(SigIndex::new(1));
            }),
            ("a tag with results", |facts| {
                facts.tags[TagIndex::new(0)] = SigIndex::new(0)
            }),
            ("a memory too few", |facts| facts.counts.defined_memories = 2),
            ("a table of numbers", |facts| {
                facts.tables[TableIndex::new(0)].ty.element = ValType::I64;
            }),
        ];
        for (what, damage) in breaks {
            let mut facts = facts();
            damage(&mut facts);
            assert_eq!(Facts::decode(&facts.encode()), Err(Damaged), "{what}");
        }
    }
}
