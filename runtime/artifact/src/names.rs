//! The names section: names of the module and of its functions, for backtraces.
//!
//! ```text
//! module: u32, u32 │ count: u32 │ ends: [u32; count + 1]
//! ```
//!
//! The strings themselves are in `.strtab`, which the ELF symbols use too. From offset 1 on, it has the names of the functions
//! in the order of the function index space (imports included), each followed by a 0. The name of function i and its 0 are at
//! `ends[i]..ends[i + 1]`, an empty range for a function without a name. `module` has the offset and the length of the module's
//! name; the length is 0 if there is none.

use zerocopy::FromBytes;
use zerocopy::IntoBytes;
use zerocopy::little_endian::U32;

/// Error: names and symbols take more than 4 GiB.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct TooLong;

/// Collects names, and the strings of symbols: first the functions in index order, then everything else.
#[derive(Debug)]
pub struct NamesBuilder {
    strings: Vec<u8>,
    ends: Vec<U32>,
    module: [U32; 2],
}

impl NamesBuilder {
    /// Makes a builder without names.
    pub fn new() -> Self {
        Self {
            strings: vec![0],
            ends: vec![U32::new(1)],
            module: [U32::new(0); 2],
        }
    }

    /// Adds the name of the next function of the function index space.
    ///
    /// # Errors
    /// [`TooLong`] if the strings would exceed 4 GiB.
    pub fn func(&mut self, name: Option<&str>) -> Result<(), TooLong> {
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            self.string(name)?;
        }
        self.ends
            .push(U32::new(u32::try_from(self.strings.len()).map_err(|_| TooLong)?));
        Ok(())
    }

    /// Sets the module's name, after those of all functions.
    ///
    /// # Errors
    /// [`TooLong`] if the strings would exceed 4 GiB.
    pub fn module(&mut self, name: &str) -> Result<(), TooLong> {
        let start = self.string(name)?;
        self.module = [
            U32::new(start),
            U32::new(u32::try_from(name.len()).map_err(|_| TooLong)?),
        ];
        Ok(())
    }

    /// Adds a string after the names of all functions, and returns its offset.
    ///
    /// # Errors
    /// [`TooLong`] if the strings would exceed 4 GiB.
    pub fn string(&mut self, text: &str) -> Result<u32, TooLong> {
        let start = u32::try_from(self.strings.len()).map_err(|_| TooLong)?;
        self.strings.extend_from_slice(text.as_bytes());
        self.strings.push(0);
        Ok(start)
    }

    /// Returns the offset of a function's name in the strings, if it has a name.
    pub fn func_string(&self, func: usize) -> Option<u32> {
        let start = self.ends.get(func)?.get();
        (start < self.ends.get(func + 1)?.get()).then_some(start)
    }

    /// Appends the names section to `out`.
    ///
    /// # Errors
    /// [`TooLong`] if the strings would exceed 4 GiB.
    pub fn names(&self, out: &mut Vec<u8>) -> Result<(), TooLong> {
        let count = u32::try_from(self.ends.len() - 1).map_err(|_| TooLong)?;
        out.extend_from_slice(self.module.as_bytes());
        out.extend_from_slice(&count.to_le_bytes());
        out.extend_from_slice(self.ends.as_bytes());
        Ok(())
    }

    /// Returns the bytes of the string table.
    pub fn strings(&self) -> &[u8] {
        &self.strings
    }
}

impl Default for NamesBuilder {
    fn default() -> Self {
        Self::new()
    }
}

/// The names, looked up in place.
#[derive(Copy, Clone, Debug, Default)]
pub struct Names<'a> {
    module: (u32, u32),
    ends: &'a [U32],
    strings: &'a [u8],
}

impl<'a> Names<'a> {
    /// Reads a names section and its string table. There are no names if the section is damaged.
    pub fn read(section: &'a [u8], strings: &'a [u8]) -> Self {
        Self::try_read(section, strings).unwrap_or_default()
    }

    fn try_read(section: &'a [u8], strings: &'a [u8]) -> Option<Self> {
        let ([start, len, count], rest) = <[U32; 3]>::ref_from_prefix(section).ok()?;
        let (ends, _) = <[U32]>::ref_from_prefix_with_elems(rest, (count.get() as usize).checked_add(1)?).ok()?;
        Some(Self {
            module: (start.get(), len.get()),
            ends,
            strings,
        })
    }

    /// Returns the name of a function, by its number in the function index space.
    pub fn func(&self, func: u32) -> Option<&'a str> {
        let start = self.ends.get(func as usize)?.get();
        let end = self.ends.get((func as usize).checked_add(1)?)?.get();
        self.string(start, end.checked_sub(1)?)
    }

    /// Returns the name of the module.
    pub fn module(&self) -> Option<&'a str> {
        let (start, len) = self.module;
        self.string(start, start.checked_add(len)?)
    }

    fn string(&self, start: u32, end: u32) -> Option<&'a str> {
        let bytes = self.strings.get(start as usize..end as usize)?;
        core::str::from_utf8(bytes).ok().filter(|name| !name.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(names: &[Option<&str>], module: Option<&str>) -> (Vec<u8>, Vec<u8>) {
        let mut builder = NamesBuilder::new();
        for name in names {
            builder.func(*name).expect("short");
        }
        builder.string("another string").expect("short");
        if let Some(module) = module {
            builder.module(module).expect("short");
        }
        let mut section = Vec::new();
        builder.names(&mut section).expect("short");
        (section, builder.strings().to_vec())
    }

    #[test]
    fn names_survive_the_round_trip() {
        let given = [None, Some("main"), Some(""), Some("größe"), Some("with\0zero"), None];
        let (section, strings) = encode(&given, Some("app"));
        let names = Names::read(&section, &strings);
        let found: Vec<_> = (0..7).map(|func| names.func(func)).collect();
        assert_eq!(
            found,
            [None, Some("main"), None, Some("größe"), Some("with\0zero"), None, None]
        );
        assert_eq!(names.module(), Some("app"));
    }

    #[test]
    fn a_module_without_names_has_none() {
        let (section, strings) = encode(&[], None);
        let names = Names::read(&section, &strings);
        assert_eq!(
            (names.func(0), names.func(u32::MAX), names.module()),
            (None, None, None)
        );
    }

    #[test]
    fn symbols_share_the_strings_of_functions() {
        let mut builder = NamesBuilder::new();
        builder.func(None).expect("short");
        builder.func(Some("main")).expect("short");
        assert_eq!([0, 1, 2].map(|func| builder.func_string(func)), [None, Some(1), None]);
    }

    #[test]
    fn damaged_bytes_do_not_panic() {
        let (section, strings) = encode(&[Some("a"), None, Some("größe")], Some("app"));
        for at in 0..section.len() {
            let mut damaged = section.clone();
            damaged[at] ^= 0xff;
            for section in [&damaged[..], &section[..at]] {
                for strings in [&strings[..], &strings[..at.min(strings.len())]] {
                    let names = Names::read(section, strings);
                    for func in [0, 1, 2, 3, u32::MAX] {
                        let _ = (names.func(func), names.module());
                    }
                }
            }
        }
    }
}
