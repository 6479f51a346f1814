//! Reasons for which a module is not compiled: one closed list, with the wording.

use core::fmt;

/// A WebAssembly proposal that wrun does not run yet, by the name that its repository has.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Proposal(pub &'static str);

/// Why there is no artifact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CompileError {
    /// The bytes do not begin as a wasm module does. Holds a guess at what they are instead, for example `an ELF file`.
    NotWasm(Option<&'static str>),
    /// A component, not a core module.
    Component,
    /// The bytes end inside of the module.
    Truncated {
        /// Place, in bytes from the beginning of the file.
        offset: u64,
    },
    /// The module is malformed or invalid.
    Invalid {
        /// Place, in bytes from the beginning of the file.
        offset: u64,
        /// The fault, as the validator words it.
        reason: String,
    },
    /// The module is valid only with proposals that wrun does not run yet.
    Unsupported {
        /// The proposals.
        proposals: Vec<Proposal>,
        /// Place of the first use, in bytes from the beginning of the file.
        offset: u64,
        /// True if the body of a function shows it, false if a section before the code does.
        in_code: bool,
    },
    /// The module exceeds a limit of the compiler or of the artifact.
    Limit(String),
    /// The CPU to compile for lacks features that are needed (their names).
    Cpu(String),
    /// A function could not be compiled: a limit of the code generator was hit, or wrun has a bug.
    Function {
        /// The function, in the function index space.
        index: u32,
        /// Its name, where the module gives one.
        name: Option<String>,
        /// The cause.
        reason: String,
        /// True for wrun's own fault (a panic or a broken invariant), false for a limit.
        bug: bool,
    },
    /// Something that is not part of any function of the module went wrong, by wrun's own fault.
    Bug(String),
    /// The deadline passed while compiling.
    Interrupted,
}

/// Why one function or trampoline has no code. The pipeline adds its name and makes a [`CompileError`] of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Failure {
    /// A limit of wrun or of the code generator.
    Limit(String),
    /// A bug in wrun: a panic or a broken invariant.
    Bug(String),
}

impl Failure {
    /// A bug in wrun.
    pub(crate) fn bug(reason: impl Into<String>) -> Self {
        Self::Bug(reason.into())
    }
}

impl CompileError {
    /// True if another module may be compiled: the reason is this one, not the machine, the deadline or a bug of wrun's.
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
