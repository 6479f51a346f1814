//! Errors of the compiler, with their messages.

use core::fmt;

/// A WebAssembly proposal that wrun does not support yet, by the name of its repository.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Proposal(pub &'static str);

/// Reason why a module was not compiled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CompileError {
    /// The bytes do not begin like a wasm module. Holds a guess at what they are instead, for example `an ELF file`.
    NotWasm(Option<&'static str>),
    /// The bytes are a component and not a core module.
    Component,
    /// The bytes end in the middle of the module.
    Truncated {
        /// Place, in bytes from the beginning of the file.
        offset: u64,
    },
    /// The module is malformed or invalid.
    Invalid {
        /// Place, in bytes from the beginning of the file.
        offset: u64,
        /// The fault, in the words of the validator.
        reason: String,
    },
    /// The module is valid only with proposals that wrun does not support yet.
    Unsupported {
        /// The proposals.
        proposals: Vec<Proposal>,
        /// Place of the first use, in bytes from the beginning of the file.
        offset: u64,
        /// True if the use is in the body of a function, false if it is in a section before the code.
        in_code: bool,
    },
    /// The module exceeds a limit of the compiler or of the artifact.
    Limit(String),
    /// The CPU to compile for lacks required features. Holds their names.
    Cpu(String),
    /// A function could not be compiled: a limit of the code generator was hit, or wrun has a bug.
    Function {
        /// The function, in the function index space.
        index: u32,
        /// Its name, if the module gives one.
        name: Option<String>,
        /// The cause.
        reason: String,
        /// True for wrun's own fault (a panic or a broken invariant), false for a limit.
        bug: bool,
    },
    /// wrun has a bug that does not concern a single function.
    Bug(String),
    /// The interrupt flag of the options became true while compiling.
    Interrupted,
}

/// Reason why one function or trampoline was not compiled. The pipeline adds the function's name and makes a [`CompileError`]
/// of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Failure {
    /// A limit of wrun or of the code generator.
    Limit(String),
    /// A bug in wrun: a panic or a broken invariant.
    Bug(String),
}

impl Failure {
    /// Makes the failure of a bug in wrun.
    pub(crate) fn bug(reason: impl Into<String>) -> Self {
        Self::Bug(reason.into())
    }
}

impl CompileError {
    /// Returns true if the reason is the module itself, and not the machine, the deadline or a bug in wrun. Then another module
    /// may compile.
    pub fn is_about_the_module(&self) -> bool {
        match self {
            Self::NotWasm(_)
            | Self::Component
            | Self::Truncated { .. }
            | Self::Invalid { .. }
            | Self::Unsupported { .. }
            | Self::Limit(_) => true,
            Self::Function { bug, .. } => !bug,
            Self::Cpu(_) | Self::Bug(_) | Self::Interrupted => false,
        }
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotWasm(None) => f.write_str("not a wasm module: it does not begin with `\\0asm`"),
            Self::NotWasm(Some(guess)) => write!(f, "not a wasm module: this looks like {guess}"),
            Self::Component => f.write_str("this is a component, and wrun runs core modules with WASI preview 1"),
            Self::Truncated { offset } => {
                write!(
                    f,
                    "the wasm module is truncated: it ends in the middle, at offset {offset:#x}"
                )
            }
            Self::Invalid { offset, reason } => write!(f, "invalid wasm module: {reason} (at offset {offset:#x})"),
            Self::Unsupported { proposals, offset, .. } => {
                let names: Vec<_> = proposals.iter().map(|proposal| proposal.0).collect();
                write!(
                    f,
                    "the module needs {} (first at offset {offset:#x}), which wrun does not support yet",
                    names.join(" and ")
                )
            }
            Self::Limit(what) => write!(f, "the module is too large for wrun: {what}"),
            Self::Cpu(missing) => write!(
                f,
                "this CPU lacks {missing}: wrun needs an x86-64-v2 processor (2009 or later), or a virtual machine that shows these features"
            ),
            Self::Function {
                index,
                name,
                reason,
                bug,
            } => {
                if *bug {
                    f.write_str("this is a bug in wrun, please report it: ")?;
                }
                write!(f, "cannot compile function {index}")?;
                if let Some(name) = name {
                    write!(f, " `{name}`")?;
                }
                write!(f, ": {reason}")
            }
            Self::Bug(what) => write!(f, "this is a bug in wrun, please report it: {what}"),
            Self::Interrupted => f.write_str("the deadline passed while compiling"),
        }
    }
}

impl core::error::Error for CompileError {}
