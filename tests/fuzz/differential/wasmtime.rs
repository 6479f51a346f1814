//! The command `wasmtime` as an oracle: many modules in one script for `wasmtime wast`, which compares them with a record.

use std::process::Command;

use wrun_runtime::TrapCode;
use wrun_tests::Scratch;

use super::record::{Call, End, Record, Step, Val};
use super::ways::{FUEL, NOT_EXPORTED};

/// A script that waits for wasmtime.
pub(crate) struct Wasmtime {
    scratch: Scratch,
    /// Seeds, and the parts of the script.
    waiting: Vec<(u64, String)>,
}

/// Settings: all proposals that wrun runs, and a stack like that of wrun.
const SETTINGS: &str = "all-proposals=y,relaxed-simd-deterministic=y,max-wasm-stack=8388608,async-stack-size=16777216";

impl Wasmtime {
    /// Returns `None` if there is no wasmtime of the right version.
    pub(crate) fn find() -> Option<Self> {
        let version = Command::new("wasmtime").arg("--version").output();
        let right = version.is_ok_and(|output| output.stdout.starts_with(b"wasmtime 48."));
        right.then(|| Self {
            scratch: Scratch::new(),
            waiting: Vec::new(),
        })
    }

    /// Adds a module with the record of another engine. Returns the number of modules that wait. Does nothing for a module that
    /// could not be instantiated, and returns `None`.
    pub(crate) fn add(&mut self, seed: u64, wasm: &[u8], calls: &[Call], record: &Record) -> Option<usize> {
        let part = script(&format!("m{seed}"), wasm, calls, record)?;
        self.waiting.push((seed, part));
        Some(self.waiting.len())
    }

    /// Runs the scripts that wait. Returns the seeds of equal modules, and those of other ones with what wasmtime said.
    pub(crate) fn run(&mut self) -> Vec<(u64, Option<String>)> {
        let mut results = Vec::new();
        let mut waiting = std::mem::take(&mut self.waiting);
        while !waiting.is_empty() {
            let script: String = waiting.iter().map(|(_, part)| part.as_str()).collect();
            let path = self.scratch.write("script.wast", &script);
            let output = Command::new("wasmtime")
                .args(["wast", "-W", SETTINGS])
                .arg(&path)
                .output();
            let output = output.expect("there is a wasmtime");
            if output.status.success() {
                results.extend(waiting.drain(..).map(|(seed, _)| (seed, None)));
                break;
            }
            // It stops at the first difference, whose line it names.
            let message = String::from_utf8_lossy(&output.stderr).into_owned();
            let line = line_of(&message).unwrap_or(1);
            let mut lines = 0;
            let failed = waiting.iter().position(|(_, part)| {
                lines += part.lines().count();
                lines >= line
            });
            let rest = waiting.split_off(failed.unwrap_or(0) + 1);
            let directive = script.lines().nth(line - 1).unwrap_or_default();
            let directive: String = directive.chars().take(200).collect();
            let (seed, _) = waiting.pop().expect("the failed one");
            results.push((seed, Some(format!("{directive}: {}", message.replace('\n', " ")))));
            results.extend(waiting.into_iter().map(|(seed, _)| (seed, None)));
            waiting = rest;
        }
        results
    }
}

/// Finds the line number in `script.wast:LINE`.
fn line_of(message: &str) -> Option<usize> {
    let (_, after) = message.split_once("script.wast:")?;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// Writes the directives for a module. Each of them is one line.
fn script(name: &str, wasm: &[u8], calls: &[Call], record: &Record) -> Option<String> {
    if record.first() != Some(&(Step::Start, End::Values(Vec::new()))) {
        return None;
    }
    let bytes: String = wasm.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let mut script = Script {
        name,
        items: format!("(import \"{name}\" \"fuel\" (global $fuel (mut i32))) "),
        funcs: format!("(func (export \"refuel\") (global.set $fuel (i32.const {FUEL}))) "),
        checks: String::new(),
    };
    for (number, (step, end)) in record.iter().enumerate() {
        match (step, end) {
            (_, End::Limit(_)) => break,
            (Step::Start | Step::Table(_), _) => {}
            (Step::Call(call), end) => script.call(number, &calls[*call], end)?,
            (Step::Global(global), End::Values(values)) => {
                let action = format!("(get ${name} {})", quoted(global));
                script.check(&format!("(assert_return {action}{})", consts(values)));
            }
            (memory @ Step::Memory { .. }, End::Values(values)) => script.memory(number, memory, values)?,
            (Step::Global(_) | Step::Memory { .. }, _) => return None,
        }
    }
    let Script {
        items, funcs, checks, ..
    } = script;
    Some(format!(
        "(module ${name} binary \"{bytes}\")\n(register \"{name}\" ${name})\n(module $h{name} {items}{funcs})\n{checks}"
    ))
}

/// The directives for a module, and a module that helps it: it sets the fuel, hashes memories, and catches exceptions.
struct Script<'a> {
    name: &'a str,
    items: String,
    funcs: String,
    checks: String,
}

impl Script<'_> {
    fn check(&mut self, directive: &str) {
        self.checks += directive;
        self.checks.push('\n');
    }

    /// Checks the end of a call. `None` if that is nothing that a module can do.
    fn call(&mut self, number: usize, call: &Call, end: &End) -> Option<()> {
        let name = self.name;
        self.check(&format!("(invoke $h{name} \"refuel\")"));
        match end {
            End::Exception(tag, payload) if tag != NOT_EXPORTED => {
                self.help(catcher(name, number, call, tag, payload));
                let payload = consts(payload);
                self.check(&format!("(assert_return (invoke $h{name} \"c{number}\"){payload})"));
            }
            // A script cannot pass a reference to an exception.
            end if call.args.contains(&Val::Exn(false)) => {
                self.help(caller(name, number, call));
                self.check(&directive(&format!("(invoke $h{name} \"d{number}\")"), end)?);
            }
            end => self.check(&directive(&invoke(name, call), end)?),
        }
        Some(())
    }

    fn help(&mut self, (items, funcs): (String, String)) {
        self.items += &items;
        self.funcs += &funcs;
    }

    fn memory(&mut self, number: usize, memory: &Step, values: &[Val]) -> Option<()> {
        let Step::Memory {
            name: memory,
            is_64_bit,
        } = memory
        else {
            return None;
        };
        let [Val::I64(pages), Val::I64(bytes), hash] = values else {
            return None;
        };
        if *bytes == 0 {
            // The record does not say how large a page would be, and an import must.
            return Some(());
        }
        let name = self.name;
        let (index, limit) = if *is_64_bit { ("i64", "i64 0") } else { ("i32", "0") };
        let page = if pages == bytes { " (pagesize 1)" } else { "" };
        let item = format!(
            "(import \"{name}\" {} (memory $m{number} {limit}{page})) ",
            quoted(memory)
        );
        self.help((item, hasher(number, index, *pages, *bytes)));
        self.check(&format!(
            "(assert_return (invoke $h{name} \"hash{number}\"){})",
            constant(hash)
        ));
        Some(())
    }
}

/// Writes an assertion about the end of a call.
fn directive(action: &str, end: &End) -> Option<String> {
    Some(match end {
        End::Values(values) => format!("(assert_return {action}{})", consts(values)),
        End::Trap(code) => format!("(assert_trap {action} \"{}\")", message(*code)),
        End::Exception(..) => format!("(assert_exception {action})"),
        End::Limit(_) | End::Wrong(_) => return None,
    })
}

/// Returns a reason as wasmtime says it.
fn message(code: TrapCode) -> &'static str {
    match code {
        TrapCode::UninitializedElement => "uninitialized element",
        TrapCode::UndefinedElement => "undefined element",
        code => code.reason(),
    }
}

/// Writes a name as the text format has it.
fn quoted(name: &str) -> String {
    let bytes: String = name.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    format!("\"{bytes}\"")
}

fn invoke(name: &str, call: &Call) -> String {
    format!("(invoke ${name} {}{})", quoted(&call.name), consts(&call.args))
}

fn types<T: ToString>(types: impl Iterator<Item = T>) -> String {
    types.map(|ty| ty.to_string()).collect::<Vec<_>>().join(" ")
}

/// Returns an import, and a function that calls it with the arguments.
fn caller(name: &str, number: usize, call: &Call) -> (String, String) {
    let params = types(call.args.iter().map(type_of));
    let results = types(call.ty.results().iter());
    let name_of_call = quoted(&call.name);
    let item = format!("(import \"{name}\" {name_of_call} (func $f{number} (param {params}) (result {results}))) ");
    let args = consts(&call.args);
    let func = format!("(func (export \"d{number}\") (result {results}) {args} call $f{number}) ");
    (item, func)
}

/// Returns imports, and a function that calls one of them and returns the payload of the exception that it throws.
fn catcher(name: &str, number: usize, call: &Call, tag: &str, payload: &[Val]) -> (String, String) {
    let payload = types(payload.iter().map(type_of));
    let (mut item, mut func) = caller(name, number, call);
    item += &format!(
        "(import \"{name}\" {} (tag $t{number} (param {payload}))) ",
        quoted(tag)
    );
    let drops = " drop".repeat(call.ty.results().len());
    let args = consts(&call.args);
    func += &format!(
        "(func (export \"c{number}\") (result {payload}) (block $h (result {payload}) \
         (try_table (catch $t{number} $h) {args} call $f{number}{drops}) unreachable)) "
    );
    (item, func)
}

/// Returns a function that hashes a memory as `record::hash` does. It returns 1 if the size is another.
fn hasher(number: usize, index: &str, pages: i64, bytes: i64) -> String {
    let words = bytes & !7;
    let step = |load: &str, size: usize, end: i64| {
        format!(
            "(block $end (loop $next (br_if $end ({index}.eq (local.get $at) ({index}.const {end}))) \
             (local.set $hash (i64.mul (i64.xor (i64.rotl (local.get $hash) (i64.const 5)) \
             ({load} $m{number} (local.get $at))) (i64.const 0x9e3779b97f4a7c15))) \
             (local.set $at ({index}.add (local.get $at) ({index}.const {size}))) (br $next)))"
        )
    };
    let (words, rest) = (step("i64.load", 8, words), step("i64.load8_u", 1, bytes));
    format!(
        "(func (export \"hash{number}\") (result i64) (local $at {index}) (local $hash i64) \
         (if ({index}.ne (memory.size $m{number}) ({index}.const {pages})) (then (return (i64.const 1)))) \
         {words} {rest} (local.get $hash)) "
    )
}

const fn type_of(val: &Val) -> &'static str {
    match val {
        Val::I32(_) => "i32",
        Val::I64(_) => "i64",
        Val::F32(_) => "f32",
        Val::F64(_) => "f64",
        Val::V128(_) => "v128",
        Val::Func(_) => "funcref",
        Val::Extern(_) => "externref",
        Val::Exn(_) => "exnref",
    }
}

fn consts(values: &[Val]) -> String {
    values.iter().map(constant).collect()
}

/// Writes a constant, or what a result has to be.
fn constant(val: &Val) -> String {
    match val {
        Val::I32(value) => format!(" (i32.const {value})"),
        Val::I64(value) => format!(" (i64.const {value})"),
        Val::F32(bits) => format!(
            " (f32.const {})",
            float((*bits).into(), f32::from_bits(*bits).into(), 8, 23)
        ),
        Val::F64(bits) => format!(" (f64.const {})", float(*bits, f64::from_bits(*bits), 11, 52)),
        Val::V128(bits) => format!(" (v128.const i64x2 {} {})", *bits as u64, (*bits >> 64) as u64),
        Val::Func(true) => " (ref.func)".to_owned(),
        Val::Func(false) => " (ref.null func)".to_owned(),
        Val::Extern(Some(number)) => format!(" (ref.extern {number})"),
        Val::Extern(None) => " (ref.null extern)".to_owned(),
        Val::Exn(true) => " (ref.exn)".to_owned(),
        Val::Exn(false) => " (ref.null exn)".to_owned(),
    }
}

/// Writes a float as text that has its bits.
fn float(bits: u64, value: f64, exponent: u32, fraction: u32) -> String {
    let sign = if bits >> (exponent + fraction) == 1 { "-" } else { "" };
    match value {
        value if value.is_nan() => format!("{sign}nan:{:#x}", bits & ((1 << fraction) - 1)),
        value if value.is_infinite() => format!("{sign}inf"),
        value => format!("{value:e}"),
    }
}
