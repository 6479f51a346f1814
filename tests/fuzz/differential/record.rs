//! Records of runs: what the calls of a module gave, and the state that they left. Records of two engines are compared.

use std::fmt;

use wrun_runtime::{FuncType, TrapCode};

/// A value that every engine can have. A function or exception counts only as null or not null.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Val {
    I32(i32),
    I64(i64),
    F32(u32),
    F64(u64),
    V128(u128),
    Func(bool),
    /// The number that the host object holds.
    Extern(Option<u32>),
    Exn(bool),
}

/// The end of a call.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum End {
    Values(Vec<Val>),
    Trap(TrapCode),
    /// The name under which the module exports the tag, and the payload.
    Exception(String, Vec<Val>),
    /// A limit of the engine, for example of its stack. The rest of the record says nothing.
    Limit(String),
    /// An error that no module may cause.
    Wrong(String),
}

/// A call of an exported function.
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) ty: FuncType,
    pub(crate) args: Vec<Val>,
}

/// One thing that was observed: a call, or something of the state at the end.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Step {
    Start,
    /// The number of the call.
    Call(usize),
    Global(String),
    /// The size in pages of 64 KiB or one byte and in bytes, and a hash of the contents.
    Memory {
        name: String,
        is_64_bit: bool,
    },
    /// The size, and the elements.
    Table(String),
}

pub(crate) type Record = Vec<(Step, End)>;

/// The result of a comparison.
pub(crate) enum Verdict {
    Same,
    /// One of the engines reached a limit.
    Limit,
    Different(String),
}

/// Compares two records, up to the first limit. `same` decides if two ends are equal.
pub(crate) fn compare(one: &Record, other: &Record, same: impl Fn(&End, &End) -> bool) -> Verdict {
    for ((step, one), (other_step, other)) in one.iter().zip(other) {
        assert_eq!(step, other_step, "both records have the same steps");
        match (one, other) {
            (End::Limit(_), _) | (_, End::Limit(_)) => return Verdict::Limit,
            _ if same(one, other) && !matches!(one, End::Wrong(_)) => {}
            _ => return Verdict::Different(format!("{step:?}: {one} and {other}")),
        }
    }
    match one.len() == other.len() {
        true => Verdict::Same,
        false => Verdict::Different("one of them ended early".to_owned()),
    }
}

/// Hashes bytes, eight at a time. Other engines compute the same in wasm or JavaScript.
pub(crate) fn hash(bytes: &[u8]) -> i64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let step = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let hash = words.iter().fold(0, |hash, word| step(hash, u64::from_le_bytes(*word)));
    rest.iter()
        .fold(hash, |hash, byte| step(hash, u64::from(*byte)))
        .cast_signed()
}

impl fmt::Display for Val {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::I32(value) => write!(f, "i32:{value}"),
            Self::I64(value) => write!(f, "i64:{value}"),
            Self::F32(bits) => write!(f, "f32:{bits:#x}"),
            Self::F64(bits) => write!(f, "f64:{bits:#x}"),
            Self::V128(bits) => write!(f, "v128:{bits:#x}"),
            other => write!(f, "{other:?}"),
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list =
            |f: &mut fmt::Formatter<'_>, values: &[Val]| values.iter().try_for_each(|value| write!(f, " {value}"));
        match self {
            Self::Values(values) => {
                f.write_str("values")?;
                list(f, values)
            }
            Self::Trap(code) => write!(f, "trap {code}"),
            Self::Exception(tag, payload) => {
                write!(f, "exception {tag}")?;
                list(f, payload)
            }
            Self::Limit(text) => write!(f, "limit {text}"),
            Self::Wrong(text) => write!(f, "wrong {text}"),
        }
    }
}
