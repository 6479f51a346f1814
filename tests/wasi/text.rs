//! Makes guests in the text format for lists of calls with any arguments, including those that a C program can hardly pass. The
//! guest makes the calls one after the other, and writes all results to standard output at the end.

use std::fmt::Write;

use crate::signatures::{Type, parameters};
use crate::support::Ended;
use crate::tree::Tree;

/// Size of the guest's memory in bytes. Calls may use all of it.
pub(crate) const MEMORY: u32 = 4 << 16;

/// Address of the results of the calls, which are stored there at the end. Until then they are in globals, which no call can
/// overwrite.
const RESULTS: u32 = 3 << 16;

/// Initial contents of the guest's memory: addresses and bytes. They are written again before each `poll_oneoff`, because a
/// subscription that another call has overwritten could wait forever.
pub(crate) type Data = Vec<(u32, Vec<u8>)>;

/// Number of calls in one function of the guest.
const CHUNK: usize = 50;

/// A call: a function of preview1, and its arguments.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) function: &'static str,
    pub(crate) args: Vec<u64>,
}

/// Makes a call of a function.
pub(crate) fn call<const N: usize>(function: &'static str, args: [u64; N]) -> Call {
    Call {
        function,
        args: args.to_vec(),
    }
}

/// Returns the text of a guest. `data` is the initial contents of its memory. `end` is code that runs before the results are
/// written.
pub(crate) fn module(data: &[(u32, Vec<u8>)], calls: &[Call], end: &str) -> String {
    assert!(
        calls.len() * 4 < (MEMORY - RESULTS) as usize,
        "there is no room for so many results"
    );
    let mut functions: Vec<&str> = calls.iter().map(|call| call.function).collect();
    functions.extend(["fd_write", "fd_read", "fd_close"]);
    functions.sort_unstable();
    functions.dedup();
    let mut text = "(module\n".to_owned();
    for name in functions {
        text += &import("wasi_snapshot_preview1", name);
    }
    writeln!(text, "(memory (export \"memory\") {})", MEMORY >> 16).expect("a string can be written");
    let mut inits = String::new();
    for (number, (at, bytes)) in data.iter().enumerate() {
        let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
        let len = bytes.len();
        writeln!(text, "(data $data{number} \"{escaped}\")").expect("a string can be written");
        writeln!(
            inits,
            "(memory.init $data{number} (i32.const {at}) (i32.const 0) (i32.const {len}))"
        )
        .expect("a string can be written");
    }
    writeln!(text, "(func $data\n{inits})").expect("a string can be written");
    text += &"(global (mut i32) (i32.const 0))\n".repeat(calls.len());
    // Several short functions compile faster than a long one.
    for (number, chunk) in calls.chunks(CHUNK).enumerate() {
        let (mut made, mut kept) = (String::new(), String::new());
        for (at, call) in chunk.iter().enumerate() {
            let global = number * CHUNK + at;
            let result = RESULTS as usize + 4 * global;
            let (name, args) = (call.function, constants(call));
            if name == "poll_oneoff" {
                made += "(call $data)\n";
            }
            writeln!(made, "(global.set {global} (call ${name}{args}))").expect("a string can be written");
            writeln!(kept, "(i32.store (i32.const {result}) (global.get {global}))").expect("a string can be written");
        }
        writeln!(text, "(func $calls{number}\n{made})\n(func $results{number}\n{kept})")
            .expect("a string can be written");
    }
    let of_each_chunk = |function: &str| {
        let numbers = 0..calls.len().div_ceil(CHUNK);
        numbers
            .map(|number| format!("(call ${function}{number})\n"))
            .collect::<String>()
    };
    let (all_calls, all_results) = (of_each_chunk("calls"), of_each_chunk("results"));
    let size = calls.len() * 4;
    // The `ciovec` of the results lies behind them.
    let (ptr, len) = (MEMORY - 16, MEMORY - 12);
    write!(
        text,
        "(func $_start (export \"_start\")
         (call $data)
         {all_calls}
         {end}
         {all_results}
         (i32.store (i32.const {ptr}) (i32.const {RESULTS}))
         (i32.store (i32.const {len}) (i32.const {size}))
         (if (call $fd_write (i32.const 1) (i32.const {ptr}) (i32.const 1) (i32.const {ptr})) (then unreachable))))"
    )
    .expect("a string can be written");
    text
}

/// Returns the arguments of a call as instructions.
fn constants(call: &Call) -> String {
    let types = parameters(call.function);
    assert_eq!(types.len(), call.args.len(), "{call:?}");
    let instruction = |(ty, arg): (&Type, &u64)| match ty {
        Type::I32 => format!(" (i32.const {})", *arg as u32),
        Type::I64 => format!(" (i64.const {arg})"),
    };
    types.iter().zip(&call.args).map(instruction).collect()
}

/// Returns the declaration of an import.
pub(crate) fn import(module: &str, name: &str) -> String {
    let types: String = parameters(name)
        .iter()
        .map(|ty| match ty {
            Type::I32 => " i32",
            Type::I64 => " i64",
        })
        .collect();
    let result = if name == "proc_exit" { "" } else { " (result i32)" };
    format!("(import \"{module}\" \"{name}\" (func ${name} (param{types}){result}))\n")
}

/// Makes calls in a guest, and returns their results.
#[track_caller]
pub(crate) fn results(tree: &Tree, options: &[&str], data: &[(u32, Vec<u8>)], calls: &[Call]) -> Vec<u32> {
    let ended = run(tree, options, data, calls).status(0).quiet();
    assert_eq!(ended.stdout.len(), calls.len() * 4);
    let numbers = ended.stdout.chunks(4);
    numbers
        .map(|bytes| u32::from_le_bytes(bytes.try_into().expect("there are four")))
        .collect()
}

/// Runs a guest that makes calls.
pub(crate) fn run(tree: &Tree, options: &[&str], data: &[(u32, Vec<u8>)], calls: &[Call]) -> Ended {
    let mut words = options.to_vec();
    words.push("-");
    tree.wrun(words).stdin(module(data, calls, "")).run()
}
