//! Checks that need only a module's imports and exports: they find the export that a run calls, and compare the imports with
//! wrun's functions.
//!
//! Input: the options, and a module or the declarations of its file. Output: the entry and the imports, or the refusal. A
//! module that is not in the cache is checked before it is compiled, so that a refusal takes milliseconds. Every module is
//! checked after it was loaded.

use std::fmt;

use wrun_runtime::{Declarations, Declares, ExternType, Imports, ImportsError, Linkage, Value, first_few};
use wrun_wasi::WasiCtx;

use super::invoke;
use crate::flags::UnknownImports;
use crate::options::Options;
use crate::report::Failure;
use crate::report::import_hints::{self, Traits};

/// Export that a run calls.
#[derive(Debug)]
pub(super) enum Entry {
    /// A command's `_start`.
    Command,
    /// The export that `--invoke` names, with these arguments, after `_initialize` if there is one.
    Invoked {
        initialize: bool,
        name: String,
        arguments: Vec<Value>,
    },
}

/// Refuses a module whose declarations show that it cannot be run.
pub(crate) fn check(options: &Options, declared: &Declarations) -> Result<(), Failure> {
    check_imports(options, declared)?;
    entry(options, declared, declared.linkage())?;
    Ok(())
}

/// Refuses a module whose imports are missing. This check does not depend on the export to be called.
pub(crate) fn check_imports(options: &Options, declared: &Declarations) -> Result<(), Failure> {
    match imports(options, declared).check(declared) {
        Ok(()) => Ok(()),
        Err(error) => Err(refuse_imports(options, declared, declared.linkage(), &error)),
    }
}

/// Returns the export that a run calls in a module, with its arguments, and the imports.
pub(super) fn prepare(options: &Options, module: &impl Declares) -> Result<(Entry, Imports<WasiCtx>), Failure> {
    let imports = imports(options, module);
    match entry(options, module, Linkage::None) {
        Ok(entry) => Ok((entry, imports)),
        // A module for another host often has another entry too. The hint about its imports is more useful.
        Err(failure) => Err(match imports.check(module) {
            Ok(()) => failure,
            Err(error) => unsatisfied(options, module, &error),
        }),
    }
}

/// Returns the refusal of a compiled module whose imports did not fit.
pub(super) fn unsatisfied(options: &Options, module: &impl Declares, error: &ImportsError) -> Failure {
    refuse_imports(options, module, Linkage::None, error)
}

fn refuse_imports(options: &Options, module: &impl Declares, linkage: Linkage, error: &ImportsError) -> Failure {
    let traits = Traits {
        has_entry: entry(options, module, linkage).is_ok(),
        has_start: module.export("_start").is_some(),
        linkage,
    };
    options.reporter().imports(error, traits)
}

/// Returns the imports: WASI, and replacements for unknown imports if the options ask for them.
fn imports(options: &Options, module: &impl Declares) -> Imports<WasiCtx> {
    let mut imports = Imports::of(module);
    wrun_wasi::add_to_imports(&mut imports, |wasi: &mut WasiCtx| wasi);
    match options.unknown_imports {
        UnknownImports::Error => {}
        UnknownImports::Trap => {
            imports.define_unknown(module, wrun_runtime::UnknownImports::Trap);
        }
        UnknownImports::Zero => {
            imports.define_unknown(module, wrun_runtime::UnknownImports::Zero);
        }
    }
    imports
}

/// Chooses the export to call, and checks it before the guest runs.
fn entry(options: &Options, module: &impl Declares, linkage: Linkage) -> Result<Entry, Failure> {
    let report = options.reporter();
    let Some(name) = &options.invoke else {
        let start = exported_procedure(options, module, "_start")?;
        let initialize = exported_procedure(options, module, "_initialize")?;
        return match (start, initialize) {
            (true, false) => Ok(Entry::Command),
            (true, true) => Err(report.cannot_run(
                "it exports both `_start` (a command's) and `_initialize` (a library's): it can be only one of them; \
                 --invoke calls one function after `_initialize`",
            )),
            (false, _) => Err(report.cannot_run(&no_start(module, initialize, linkage))),
        };
    };
    match module.export(name) {
        Some(ExternType::Func(ty)) => Ok(Entry::Invoked {
            initialize: name != "_initialize" && exported_procedure(options, module, "_initialize")?,
            name: name.clone(),
            arguments: invoke::arguments(name, &ty, &options.argv[1..])
                .map_err(|reason| Failure::usage(&format!("--invoke: {reason}")))?,
        }),
        Some(_) => Err(Failure::usage(&format!(
            "--invoke: `{name}` is exported, but it is not a function; {}",
            exported(module)
        ))),
        None => Err(Failure::usage(&format!(
            "--invoke: there is no export `{name}`; {}",
            exported(module)
        ))),
    }
}

/// Returns true if `name` is exported as a function without parameters and results. Another export with this name is an error.
fn exported_procedure(options: &Options, module: &impl Declares, name: &str) -> Result<bool, Failure> {
    let report = options.reporter();
    match module.export(name) {
        None => Ok(false),
        Some(ExternType::Func(ty)) if ty.params().is_empty() && ty.results().is_empty() => Ok(true),
        Some(ExternType::Func(ty)) => {
            Err(report.cannot_run(&format!("its `{name}` has the type {ty}, but WASI wants () -> ()")))
        }
        Some(_) => Err(report.cannot_run(&format!("its export `{name}` is not a function"))),
    }
}

/// Returns the reason why a module without `_start` cannot be run.
fn no_start(module: &impl Declares, initialize: bool, linkage: Linkage) -> String {
    let kind = match linkage {
        Linkage::Object => return import_hints::OBJECT.to_owned(),
        _ if initialize => "a library (a reactor: it has `_initialize` and no `_start`)",
        _ => "not a program (it exports no `_start`)",
    };
    format!("it is {kind}: call one function with --invoke; {}", exported(module))
}

/// Lists the exported functions of a module for a message, only the first few if there are many.
fn exported(module: &impl Declares) -> String {
    const MOST: usize = 20;
    let mut functions = module
        .exports()
        .filter_map(|export| match export.ty {
            ExternType::Func(ty) if export.name != "_initialize" => {
                Some(fmt::from_fn(move |f| write!(f, "`{}` {ty}", export.name)))
            }
            _ => None,
        })
        .peekable();
    if functions.peek().is_none() {
        return "it exports no function".to_owned();
    }
    format!("it exports {}", first_few(MOST, functions))
}
