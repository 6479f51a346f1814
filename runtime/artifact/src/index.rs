//! Types for the index spaces of a module, and a vector that is indexed by one of them.
//!
//! The types distinguish all items from defined items: `FuncIndex` counts the imports first (the spec's index space), and
//! `DefinedFuncIndex` counts only the functions that the module defines.

use core::fmt;
use core::marker::PhantomData;
use core::ops;

/// A dense index, which can be converted to and from a position.
pub trait Index: Copy + Eq + Ord + fmt::Debug {
    /// Returns the index at `position`.
    ///
    /// # Panics
    /// If `position` does not fit in 32 bits. Parsing limits every index space to much less.
    fn new(position: usize) -> Self;

    /// Returns the position of this index.
    fn index(self) -> usize;
}

macro_rules! newtypes {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(u32);

        impl $name {
            /// Returns the index with this number.
            pub const fn from_u32(number: u32) -> Self {
                Self(number)
            }

            /// Returns the number of this index.
            pub const fn as_u32(self) -> u32 {
                self.0
            }
        }

        impl Index for $name {
            fn new(position: usize) -> Self {
                Self(u32::try_from(position).expect("index spaces are bounded by parsing"))
            }

            fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

newtypes! {
    /// A type of the module's type section (spec 5.5.4 `typeidx`).
    TypeIndex;
    /// A distinct function type of the module: equal types of the type section have the same one. It is local to the module.
    SigIndex;
    /// A function, imports first (`funcidx`).
    FuncIndex;
    /// A function with a body in this module.
    DefinedFuncIndex;
    /// A table, imports first (`tableidx`).
    TableIndex;
    /// A table that this module defines.
    DefinedTableIndex;
    /// A memory, imports first (`memidx`).
    MemoryIndex;
    /// A memory that this module defines.
    DefinedMemoryIndex;
    /// A global, imports first (`globalidx`).
    GlobalIndex;
    /// A global that this module defines.
    DefinedGlobalIndex;
    /// A tag, imports first (`tagidx`).
    TagIndex;
    /// An element segment (`elemidx`).
    ElemIndex;
    /// A data segment (`dataidx`).
    DataIndex;
}

/// A vector indexed by one kind of index.
#[derive(Clone, PartialEq, Eq)]
pub struct IndexVec<K, V> {
    items: Vec<V>,
    key: PhantomData<K>,
}

impl<K: Index, V> IndexVec<K, V> {
    /// Makes an empty vector.
    pub const fn new() -> Self {
        Self {
            items: Vec::new(),
            key: PhantomData,
        }
    }

    /// Appends `value` and returns its index.
    pub fn push(&mut self, value: V) -> K {
        self.items.push(value);
        K::new(self.items.len() - 1)
    }

    /// Returns the number of items.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Returns true if there are no items.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Returns the item at `key`, if there is one.
    pub fn get(&self, key: K) -> Option<&V> {
        self.items.get(key.index())
    }

    /// Returns all items in index order.
    pub fn as_slice(&self) -> &[V] {
        &self.items
    }

    /// Returns the indices in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = K> + ExactSizeIterator + use<K, V> {
        (0..self.items.len()).map(K::new)
    }

    /// Returns an iterator over the items, in index order.
    pub fn values(&self) -> core::slice::Iter<'_, V> {
        self.items.iter()
    }

    /// Returns an iterator over indices and items, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (K, &V)> + ExactSizeIterator {
        self.items.iter().enumerate().map(|(i, v)| (K::new(i), v))
    }
}

impl<K: Index, V> Default for IndexVec<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Index, V> FromIterator<V> for IndexVec<K, V> {
    fn from_iter<I: IntoIterator<Item = V>>(items: I) -> Self {
        Self {
            items: items.into_iter().collect(),
            key: PhantomData,
        }
    }
}

impl<K: Index, V> ops::Index<K> for IndexVec<K, V> {
    type Output = V;

    fn index(&self, key: K) -> &V {
        &self.items[key.index()]
    }
}

impl<K: Index, V> ops::IndexMut<K> for IndexVec<K, V> {
    fn index_mut(&mut self, key: K) -> &mut V {
        &mut self.items[key.index()]
    }
}

impl<K, V: fmt::Debug> fmt::Debug for IndexVec<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.items.fmt(f)
    }
}
