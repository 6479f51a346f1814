//! Memory: modules with random loads, stores and bulk instructions at random static offsets. They run with random operands,
//! mostly near the end of the memory, and are compared with a model whose memory is a vector.

use wrun_runtime::{Engine, Error, Imports, Instance, Module, Store, TrapCode, Value};
use wrun_tests::Random;

use crate::{seeds, settings};

const PAGE: usize = 65536;

/// The largest size of the memory in pages.
const MAXIMUM: usize = 3;

/// The length of the passive data segment, whose bytes are 0, 1, 2, ….
const SEGMENT: usize = 40;

/// Loads: name, number of bytes, true for sign extension, true for a 64-bit result.
const LOADS: &[(&str, usize, bool, bool)] = &[
    ("i32.load", 4, false, false),
    ("i32.load8_s", 1, true, false),
    ("i32.load8_u", 1, false, false),
    ("i32.load16_s", 2, true, false),
    ("i32.load16_u", 2, false, false),
    ("i64.load", 8, false, true),
    ("i64.load8_s", 1, true, true),
    ("i64.load16_u", 2, false, true),
    ("i64.load32_s", 4, true, true),
    ("i64.load32_u", 4, false, true),
];

/// Stores of an `i64`: name, number of bytes.
const STORES: &[(&str, usize)] = &[
    ("i64.store", 8),
    ("i64.store8", 1),
    ("i64.store16", 2),
    ("i64.store32", 4),
];

/// One memory instruction of the module, as a function of (i32, i32, i32, i64) that it exports.
#[derive(Copy, Clone, Debug)]
enum Op {
    /// A load of [`LOADS`], with a static offset.
    Load(usize, u32),
    /// A store of [`STORES`], with a static offset.
    Store(usize, u32),
    Fill,
    Copy,
    Init,
    Grow,
    Size,
}

/// Executes the instruction on `memory`, and returns its result (0 if it has none).
fn model(memory: &mut Vec<u8>, op: Op, [a, b, c]: [u32; 3], value: i64) -> Result<i64, TrapCode> {
    let out = TrapCode::MemoryOutOfBounds;
    let range = |start: u32, offset: u32, len: usize| {
        let start = start as usize + offset as usize;
        start..start + len
    };
    match op {
        Op::Load(load, offset) => {
            let (_, len, signed, wide) = LOADS[load];
            let bytes = memory.get(range(a, offset, len)).ok_or(out)?;
            let mut number = [0; 8];
            number[..len].copy_from_slice(bytes);
            let unused = 64 - 8 * len as u32;
            let number = i64::from_le_bytes(number) << unused;
            let number = match signed {
                true => number >> unused,
                false => (number.cast_unsigned() >> unused).cast_signed(),
            };
            Ok(if wide { number } else { i64::from(number as i32) })
        }
        Op::Store(store, offset) => {
            let (_, len) = STORES[store];
            let place = memory.get_mut(range(a, offset, len)).ok_or(out)?;
            place.copy_from_slice(&value.to_le_bytes()[..len]);
            Ok(0)
        }
        Op::Fill => {
            memory.get_mut(range(a, 0, c as usize)).ok_or(out)?.fill(b as u8);
            Ok(0)
        }
        Op::Copy => {
            let (to, from) = (range(a, 0, c as usize), range(b, 0, c as usize));
            if to.end > memory.len() || from.end > memory.len() {
                return Err(out);
            }
            memory.copy_within(from, to.start);
            Ok(0)
        }
        Op::Init => {
            let from = range(b, 0, c as usize);
            let place = memory.get_mut(range(a, 0, c as usize)).ok_or(out)?;
            if from.end > SEGMENT {
                return Err(out);
            }
            for (byte, number) in place.iter_mut().zip(from) {
                *byte = number as u8;
            }
            Ok(0)
        }
        Op::Grow => {
            let old = memory.len() / PAGE;
            if old + a as usize > MAXIMUM {
                return Ok(-1);
            }
            memory.resize((old + a as usize) * PAGE, 0);
            Ok(old as i64)
        }
        Op::Size => Ok((memory.len() / PAGE) as i64),
    }
}

fn offset(random: &mut Random) -> u32 {
    match random.below(6) {
        0 | 1 => 0,
        2 | 3 => random.below(64) as u32,
        4 => PAGE as u32 - random.below(12) as u32,
        // Inside and outside of the range that a guard covers.
        _ => [1 << 25, (1 << 25) - 4, 1 << 31, u32::MAX][random.below(4)],
    }
}

fn op(random: &mut Random) -> Op {
    match random.below(12) {
        0..=4 => Op::Load(random.below(LOADS.len()), offset(random)),
        5..=7 => Op::Store(random.below(STORES.len()), offset(random)),
        8 => Op::Fill,
        9 => Op::Copy,
        10 => Op::Init,
        _ if random.once_in(2) => Op::Grow,
        _ => Op::Size,
    }
}

fn instruction(op: Op) -> String {
    let three = "(local.get 0) (local.get 1) (local.get 2)";
    match op {
        Op::Load(load, offset) => {
            let (name, _, _, wide) = LOADS[load];
            let load = format!("({name} offset={offset} (local.get 0))");
            if wide {
                load
            } else {
                format!("(i64.extend_i32_s {load})")
            }
        }
        Op::Store(store, offset) => {
            let name = STORES[store].0;
            format!("({name} offset={offset} (local.get 0) (local.get 3)) (i64.const 0)")
        }
        Op::Fill => format!("(memory.fill {three}) (i64.const 0)"),
        Op::Copy => format!("(memory.copy {three}) (i64.const 0)"),
        Op::Init => format!("(memory.init 0 {three}) (i64.const 0)"),
        Op::Grow => "(i64.extend_i32_s (memory.grow (local.get 0)))".to_owned(),
        Op::Size => "(i64.extend_i32_s (memory.size))".to_owned(),
    }
}

/// Returns an operand: small, near the end of the memory, or any number.
fn operand(random: &mut Random, len: usize) -> u32 {
    match random.below(8) {
        0..=2 => random.below(100) as u32,
        3..=5 => (len as u32).wrapping_add(random.below(32) as u32).wrapping_sub(24),
        6 => random.below(len + 1) as u32,
        _ => [u32::MAX, 1 << 31, u32::MAX - 7, 1 << 25][random.below(4)],
    }
}

fn run(seed: u64) {
    let mut random = Random::new(seed);
    let ops: Vec<Op> = (0..4 + random.below(12)).map(|_| op(&mut random)).collect();
    let pages = random.below(3);
    let data: String = (0..SEGMENT).map(|byte| format!("\\{byte:02x}")).collect();
    let mut text = format!("(module (memory {pages} {MAXIMUM}) (data \"{data}\")\n");
    for (number, op) in ops.iter().enumerate() {
        let body = instruction(*op);
        text += &format!("(func (export \"{number}\") (param i32 i32 i32 i64) (result i64) {body})\n");
    }
    // The same instructions in one function, so that the code generator can combine them.
    let bodies: String = ops
        .iter()
        .map(|op| {
            format!(
                "(local.set 4 (i64.xor (local.get 4) (block (result i64) {})))",
                instruction(*op)
            )
        })
        .collect();
    text +=
        &format!("(func (export \"all\") (param i32 i32 i32 i64) (result i64) (local i64) {bodies} (local.get 4)))");

    let engine = Engine::new(&settings(seed)).expect("an engine");
    let wasm = wat::parse_str(&text).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    let module = Module::new(&engine, &wasm).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &Imports::new(&engine)).expect("an instance");
    let mut memory = vec![0; pages * PAGE];
    for step in 0..100 {
        let number = random.below(ops.len() + 1);
        let args = [0; 3].map(|_| operand(&mut random, memory.len()));
        let value = (random.below(1 << 30) as i64) << random.below(34);
        let name = if number < ops.len() {
            number.to_string()
        } else {
            "all".to_owned()
        };
        let func = instance.func(&mut store, &name).expect("exported");
        let [a, b, c] = args.map(|arg| Value::I32(arg.cast_signed()));
        let got = func
            .call(&mut store, &[a, b, c, Value::I64(value)])
            .map_err(|error| match error {
                Error::Trap(trap) => trap.code(),
                other => panic!("no trap: {other}"),
            });
        let run = if number < ops.len() {
            &ops[number..=number]
        } else {
            &ops[..]
        };
        let wanted = run
            .iter()
            .try_fold(0, |sum, op| Ok(sum ^ model(&mut memory, *op, args, value)?))
            .map(|result| vec![Value::I64(result)]);
        assert_eq!(got, wanted, "seed {seed}, step {step}: {run:?} with {args:?} in {text}");
    }
}

#[test]
fn memories_do_what_vectors_do() {
    seeds(150).for_each(run);
}
