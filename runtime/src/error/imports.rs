//! Missing and incompatible imports.
//!
//! Input: the imports of a module that could not be resolved. Output: an error with its wording. Must not hold: advice for
//! particular hosts.

use std::fmt;

use wrun_artifact::types::{ExternType, IndexType, PageSize};

/// An import without a definition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MissingImport {
    /// Name of the module that it is imported from.
    pub module: String,
    /// Name of the import in that module.
    pub name: String,
    /// Type that the importing module expects.
    pub ty: ExternType,
}

/// An import whose definition has another type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IncompatibleImport {
    /// Name of the module that it is imported from.
    pub module: String,
    /// Name of the import in that module.
    pub name: String,
    /// Type that the importing module expects.
    pub wanted: String,
    /// Type of the definition.
    pub given: String,
}

impl IncompatibleImport {
    /// Describes an import whose definition has the type `given`.
    pub(crate) fn new(module: &str, name: &str, wanted: &ExternType, given: &ExternType) -> Self {
        Self {
            module: module.to_owned(),
            name: name.to_owned(),
            wanted: describe(wanted),
            given: describe(given),
        }
    }
}

/// All imports that could not be resolved.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ImportsError {
    /// Imports without a definition.
    pub missing: Vec<MissingImport>,
    /// Imports whose definition has another type.
    pub incompatible: Vec<IncompatibleImport>,
}

impl ImportsError {
    /// Returns true if the message lists all imports, and not only the first of many.
    pub fn is_all_listed(&self) -> bool {
        self.missing.len() <= MOST_IMPORTS && self.incompatible.len() <= MOST_IMPORTS
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.incompatible.is_empty()
    }
}

/// Number of imports of each kind that a message lists. [`ImportsError`] holds all of them.
const MOST_IMPORTS: usize = 5;

/// Returns the first `most` items of a list for a message, and the number of the others.
pub fn first_few(most: usize, items: impl IntoIterator<Item = impl fmt::Display>) -> String {
    let mut items = items.into_iter();
    let shown: Vec<String> = items.by_ref().take(most).map(|item| item.to_string()).collect();
    let text = shown.join(", ");
    match items.count() {
        0 => text,
        others => format!("{text} and {others} more"),
    }
}

impl fmt::Display for ImportsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let missing = self.missing.iter().map(|import| {
            let MissingImport { module, name, ty } = import;
            fmt::from_fn(move |f| write!(f, "{module}.{name} {}", describe(ty)))
        });
        let incompatible = self.incompatible.iter().map(|import| {
            let IncompatibleImport {
                module,
                name,
                wanted,
                given,
            } = import;
            fmt::from_fn(move |f| write!(f, "{module}.{name} is {given}, but the module wants {wanted}"))
        });
        let mut separator = "";
        if !self.missing.is_empty() {
            write!(f, "unknown imports: {}", first_few(MOST_IMPORTS, missing))?;
            separator = "; ";
        }
        if !self.incompatible.is_empty() {
            write!(
                f,
                "{separator}incompatible import types: {}",
                first_few(MOST_IMPORTS, incompatible)
            )?;
        }
        Ok(())
    }
}

impl std::error::Error for ImportsError {}

/// Returns a type in words.
pub(crate) fn describe(ty: &ExternType) -> String {
    let limits = |min: u64, max: Option<u64>| match max {
        Some(max) => format!("{min} to {max}"),
        None => format!("at least {min}"),
    };
    let wide = |index| match index {
        IndexType::I32 => "",
        IndexType::I64 => "64-bit ",
    };
    match ty {
        ExternType::Func(ty) => format!("func {ty}"),
        ExternType::Tag(ty) => {
            let payload: Vec<_> = ty.params().iter().map(ToString::to_string).collect();
            format!("tag ({})", payload.join(", "))
        }
        ExternType::Table(ty) => format!("{}table of {} {}", wide(ty.index), limits(ty.min, ty.max), ty.element),
        ExternType::Memory(ty) => {
            let pages = match ty.page {
                PageSize::Default => "pages",
                PageSize::Byte => "pages of 1 byte",
            };
            format!("{}memory of {} {pages}", wide(ty.index), limits(ty.min, ty.max))
        }
        ExternType::Global(ty) => format!(
            "{} global {}",
            if ty.mutable { "mutable" } else { "immutable" },
            ty.content
        ),
    }
}
