//! Memory: modules with random loads, stores and bulk instructions at random static offsets, on a memory with 32-bit or 64-bit
//! indices and pages of either size, which is the first or the second of its module. They run with random operands, mostly near the
//! end of the memory, and are compared with a model whose memory is a vector.

use wrun_runtime::{Engine, Error, Imports, Instance, Module, Store, TrapCode, Value};
use wrun_tests::Random;

use crate::{seeds, settings};

const PAGE: usize = 65536;

/// The largest size of the memory in bytes.
const MAXIMUM: usize = 3 * PAGE;

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

/// A memory's type and place.
#[derive(Copy, Clone, Debug)]
struct Kind {
    /// True for 64-bit indices.
    wide: bool,
    /// The size of a page in bytes.
    page: usize,
    /// True if another memory comes before it.
    second: bool,
}

/// One memory instruction of the module, as a function of four `i64` that it exports. For a memory with 32-bit indices their low
/// halves count.
#[derive(Copy, Clone, Debug)]
enum Op {
    /// A load of [`LOADS`], with a static offset.
    Load(usize, u64),
    /// A store of [`STORES`], with a static offset.
    Store(usize, u64),
    Fill,
    Copy,
    Init,
    Grow,
    Size,
}

/// Executes the instruction on `memory`, and returns its result (0 if it has none).
fn model(memory: &mut Vec<u8>, kind: Kind, op: Op, operands: [u64; 3], value: i64) -> Result<i64, TrapCode> {
    let out = TrapCode::MemoryOutOfBounds;
    let [a, b, c] = operands.map(|operand| {
        if kind.wide {
            operand
        } else {
            operand & u64::from(u32::MAX)
        }
    });
    let (b_narrow, c_narrow) = (u64::from(b as u32), u64::from(c as u32));
    // A range beyond all memories stands for one whose end overflows.
    let range = |start: u64, offset: u64, len: u64| {
        let end = start.checked_add(offset).and_then(|start| start.checked_add(len));
        match end {
            Some(end) if end <= MAXIMUM as u64 => (end - len) as usize..end as usize,
            _ => MAXIMUM + 1..MAXIMUM + 1,
        }
    };
    match op {
        Op::Load(load, offset) => {
            let (_, len, signed, wide) = LOADS[load];
            let bytes = memory.get(range(a, offset, len as u64)).ok_or(out)?;
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
            let place = memory.get_mut(range(a, offset, len as u64)).ok_or(out)?;
            place.copy_from_slice(&value.to_le_bytes()[..len]);
            Ok(0)
        }
        Op::Fill => {
            memory.get_mut(range(a, 0, c)).ok_or(out)?.fill(b as u8);
            Ok(0)
        }
        Op::Copy => {
            let (to, from) = (range(a, 0, c), range(b, 0, c));
            if to.end > memory.len() || from.end > memory.len() {
                return Err(out);
            }
            memory.copy_within(from, to.start);
            Ok(0)
        }
        Op::Init => {
            let from = range(b_narrow, 0, c_narrow);
            let place = memory.get_mut(range(a, 0, c_narrow)).ok_or(out)?;
            if from.end > SEGMENT {
                return Err(out);
            }
            for (byte, number) in place.iter_mut().zip(from) {
                *byte = number as u8;
            }
            Ok(0)
        }
        Op::Grow => {
            let old = memory.len() / kind.page;
            let most = (MAXIMUM / kind.page) as u64;
            let Some(new) = (old as u64).checked_add(a).filter(|new| *new <= most) else {
                return Ok(-1);
            };
            memory.resize(new as usize * kind.page, 0);
            Ok(old as i64)
        }
        Op::Size => Ok((memory.len() / kind.page) as i64),
    }
}

fn offset(random: &mut Random, kind: Kind) -> u64 {
    match random.below(6) {
        0 | 1 => 0,
        2 | 3 => random.below(64) as u64,
        4 => PAGE as u64 - random.below(12) as u64,
        // Inside and outside of the range that a guard covers.
        _ if !kind.wide || random.once_in(2) => [1 << 25, (1 << 25) - 4, 1 << 31, u32::MAX.into()][random.below(4)],
        _ => [1 << 32, 1 << 36, u64::MAX - 3, 1 << 63][random.below(4)],
    }
}

fn op(random: &mut Random, kind: Kind) -> Op {
    match random.below(12) {
        0..=4 => Op::Load(random.below(LOADS.len()), offset(random, kind)),
        5..=7 => Op::Store(random.below(STORES.len()), offset(random, kind)),
        8 => Op::Fill,
        9 => Op::Copy,
        10 => Op::Init,
        _ if random.once_in(2) => Op::Grow,
        _ => Op::Size,
    }
}

fn instruction(kind: Kind, op: Op) -> String {
    let narrow = |number: u32| format!("(i32.wrap_i64 (local.get {number}))");
    let index = |number: u32| match kind.wide {
        true => format!("(local.get {number})"),
        false => narrow(number),
    };
    let result = |text: String| match kind.wide {
        true => text,
        false => format!("(i64.extend_i32_s {text})"),
    };
    let (a, b, c) = (index(0), index(1), index(2));
    match op {
        Op::Load(load, offset) => {
            let (name, _, _, wide) = LOADS[load];
            let load = format!("({name} $m offset={offset} {a})");
            if wide {
                load
            } else {
                format!("(i64.extend_i32_s {load})")
            }
        }
        Op::Store(store, offset) => {
            let name = STORES[store].0;
            format!("({name} $m offset={offset} {a} (local.get 3)) (i64.const 0)")
        }
        Op::Fill => format!("(memory.fill $m {a} {} {c}) (i64.const 0)", narrow(1)),
        Op::Copy => format!("(memory.copy $m $m {a} {b} {c}) (i64.const 0)"),
        Op::Init => format!("(memory.init $m $d {a} {} {}) (i64.const 0)", narrow(1), narrow(2)),
        Op::Grow => result(format!("(memory.grow $m {a})")),
        Op::Size => result("(memory.size $m)".to_owned()),
    }
}

/// Returns an operand: small, near the end of the memory, or any number.
fn operand(random: &mut Random, len: usize) -> u64 {
    let low = match random.below(8) {
        0..=2 => random.below(100) as u64,
        3..=5 => (len as u64).wrapping_add(random.below(32) as u64).wrapping_sub(24),
        6 => random.below(len + 1) as u64,
        _ => [u32::MAX.into(), 1 << 31, u64::MAX - 7, 1 << 25][random.below(4)],
    };
    match random.below(8) {
        0 => low.wrapping_add([1 << 32, 1 << 36, 1 << 63, 1 << 48][random.below(4)]),
        _ => low,
    }
}

fn run(seed: u64) {
    let mut random = Random::new(seed);
    let kind = Kind {
        wide: random.once_in(2),
        page: if random.once_in(2) { 1 } else { PAGE },
        second: random.once_in(2),
    };
    let ops: Vec<Op> = (0..4 + random.below(12)).map(|_| op(&mut random, kind)).collect();
    let length = match kind.page {
        PAGE => random.below(3) * PAGE,
        _ => [0, 7, 4096, 4099, PAGE - 1][random.below(5)],
    };
    let data: String = (0..SEGMENT).map(|byte| format!("\\{byte:02x}")).collect();
    let mut text = format!(
        "(module {} (memory $m {} {} {} (pagesize {})) (data $d \"{data}\")\n",
        if kind.second { "(memory 1)" } else { "" },
        if kind.wide { "i64" } else { "i32" },
        length / kind.page,
        MAXIMUM / kind.page,
        kind.page
    );
    for (number, op) in ops.iter().enumerate() {
        let body = instruction(kind, *op);
        text += &format!("(func (export \"{number}\") (param i64 i64 i64 i64) (result i64) {body})\n");
    }
    // The same instructions in one function, so that the code generator can combine them.
    let bodies: String = ops
        .iter()
        .map(|op| {
            format!(
                "(local.set 4 (i64.xor (local.get 4) (block (result i64) {})))",
                instruction(kind, *op)
            )
        })
        .collect();
    text +=
        &format!("(func (export \"all\") (param i64 i64 i64 i64) (result i64) (local i64) {bodies} (local.get 4)))");

    let engine = Engine::new(&settings(seed)).expect("an engine");
    let wasm = wat::parse_str(&text).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    let module = Module::new(&engine, &wasm).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &Imports::new(&engine)).expect("an instance");
    let mut memory = vec![0; length];
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
        let [a, b, c] = args.map(|arg| Value::I64(arg.cast_signed()));
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
            .try_fold(0, |sum, op| Ok(sum ^ model(&mut memory, kind, *op, args, value)?))
            .map(|result| vec![Value::I64(result)]);
        assert_eq!(got, wanted, "seed {seed}, step {step}: {run:?} with {args:?} in {text}");
    }
}

#[test]
fn memories_do_what_vectors_do() {
    seeds(150).for_each(run);
}
