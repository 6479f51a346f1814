//! Tables: modules with a few tables with 32-bit or 64-bit indices, segments and random sets of table instructions, so that each form of a table and each
//! result of the scan of the module occur. They run random instructions with random operands, and are compared with a model
//! whose tables are vectors.

use wrun_runtime::{
    Caller, Engine, Error, Func, Global, GlobalType, Imports, Instance, Module, Store, TrapCode, ValType, Value,
};

use crate::{seeds, settings};
use wrun_tests::Random;

/// A function by its number: function `n` returns `n`. The first one is imported, and the last one comes from a global.
type Item = Option<usize>;

/// Functions whose type is `() -> i32` have even numbers, those of type `(i32) -> i32` odd ones.
const FUNCS: usize = 6;

/// The reference in the imported global. The module must assume that it belongs to another instance.
const FOREIGN: usize = FUNCS;

/// One table instruction of the module, as a function that it exports.
#[derive(Copy, Clone, Debug)]
enum Op {
    Call(usize, usize),
    /// A call with a constant index.
    CallAt(usize, usize, usize),
    IsNull(usize),
    Size(usize),
    Set(usize, Item),
    Grow(usize, Item),
    Fill(usize, Item),
    Copy(usize, usize),
    Init(usize, usize),
    Drop(usize),
}

#[derive(Clone, Debug)]
struct Segment {
    items: Vec<Item>,
    /// Table and offset; `None` for a passive one.
    active: Option<(usize, usize)>,
    /// True if the offset is an imported global, so that it is not known at compile time.
    late: bool,
}

/// The contents of the tables and passive segments.
struct Model {
    tables: Vec<Vec<Item>>,
    segments: Vec<Vec<Item>>,
}

fn copied(from: &[Item], source: usize, to: &mut [Item], at: usize, len: usize) -> Result<i32, TrapCode> {
    let items = from.get(source..source + len).ok_or(TrapCode::TableOutOfBounds)?;
    let place = to.get_mut(at..at + len).ok_or(TrapCode::TableOutOfBounds)?;
    place.copy_from_slice(items);
    Ok(0)
}

impl Model {
    fn call(&self, table: usize, sig: usize, index: usize) -> Result<i32, TrapCode> {
        match self.tables[table].get(index) {
            None => Err(TrapCode::UndefinedElement),
            Some(None) => Err(TrapCode::UninitializedElement),
            Some(Some(func)) if func % 2 != sig => Err(TrapCode::IndirectCallTypeMismatch),
            Some(Some(func)) => Ok(*func as i32),
        }
    }

    /// Executes the instruction with the operands `a`, `b`, `c`, and returns its result (0 if it has none).
    fn run(&mut self, op: Op, a: usize, b: usize, c: usize) -> Result<i32, TrapCode> {
        let out = TrapCode::TableOutOfBounds;
        match op {
            Op::Call(table, sig) => self.call(table, sig, a),
            Op::CallAt(table, sig, index) => self.call(table, sig, index),
            Op::IsNull(table) => Ok(self.tables[table].get(a).ok_or(out)?.is_none().into()),
            Op::Size(table) => Ok(self.tables[table].len() as i32),
            Op::Set(table, item) => {
                *self.tables[table].get_mut(a).ok_or(out)? = item;
                Ok(0)
            }
            Op::Grow(table, item) => {
                let old = self.tables[table].len();
                if old + a > MAXIMUM {
                    return Ok(-1);
                }
                self.tables[table].resize(old + a, item);
                Ok(old as i32)
            }
            Op::Fill(table, item) => {
                self.tables[table].get_mut(a..a + b).ok_or(out)?.fill(item);
                Ok(0)
            }
            Op::Copy(to, from) => {
                let items = self.tables[from].clone();
                copied(&items, b, &mut self.tables[to], a, c)
            }
            Op::Init(table, segment) => copied(&self.segments[segment], b, &mut self.tables[table], a, c),
            Op::Drop(segment) => {
                self.segments[segment].clear();
                Ok(0)
            }
        }
    }
}

/// The largest size of a table in elements.
const MAXIMUM: usize = 40;

fn item(random: &mut Random, foreign: bool) -> Item {
    match random.below(8) {
        0 => None,
        1 if foreign => Some(FOREIGN),
        _ => Some(random.below(FUNCS)),
    }
}

fn reference(item: Item) -> String {
    match item {
        None => "(ref.null func)".to_owned(),
        Some(FOREIGN) => "(global.get $foreign)".to_owned(),
        Some(func) => format!("(ref.func {func})"),
    }
}

/// An operand from which on every instruction of the model is out of bounds.
const OUTSIDE: usize = 50;

/// Returns the operand with this number as an index of a table. From [`OUTSIDE`] on, a 64-bit index has low bits that would be in
/// bounds.
fn index(wide: bool, operand: usize) -> String {
    let high = (1_u64 << 32) - OUTSIDE as u64;
    match wide {
        false => format!("(local.get {operand})"),
        true => format!(
            "(i64.add (i64.extend_i32_u (local.get {operand}))
               (select (i64.const {high}) (i64.const 0) (i32.ge_u (local.get {operand}) (i32.const {OUTSIDE}))))"
        ),
    }
}

/// Returns the text of an instruction. `wide` says which tables have 64-bit indices.
fn instruction(op: Op, wide: &[bool]) -> String {
    let call = |table, sig, index: &str| {
        let argument = if sig == 1 { "(i32.const 7)" } else { "" };
        format!("(call_indirect {table} (type {sig}) {argument} {index})")
    };
    let narrow = |table: usize, text: String| match wide[table] {
        false => text,
        true => format!("(i32.wrap_i64 {text})"),
    };
    let at = |table: usize, operand| index(wide[table], operand);
    match op {
        Op::Call(table, sig) => call(table, sig, &at(table, 0)),
        Op::CallAt(table, sig, index) => {
            let ty = if wide[table] { "i64" } else { "i32" };
            call(table, sig, &format!("({ty}.const {index})"))
        }
        Op::IsNull(table) => format!("(ref.is_null (table.get {table} {}))", at(table, 0)),
        Op::Size(table) => narrow(table, format!("(table.size {table})")),
        Op::Set(table, item) => format!("(table.set {table} {} {}) (i32.const 0)", at(table, 0), reference(item)),
        Op::Grow(table, item) => narrow(
            table,
            format!("(table.grow {table} {} {})", reference(item), at(table, 0)),
        ),
        Op::Fill(table, item) => {
            let (to, len) = (at(table, 0), at(table, 1));
            format!("(table.fill {table} {to} {} {len}) (i32.const 0)", reference(item))
        }
        Op::Copy(to, from) => {
            let len = index(wide[to] && wide[from], 2);
            format!(
                "(table.copy {to} {from} {} {} {len}) (i32.const 0)",
                at(to, 0),
                at(from, 1)
            )
        }
        Op::Init(table, segment) => {
            let (source, len) = (index(false, 1), index(false, 2));
            format!(
                "(table.init {table} {segment} {} {source} {len}) (i32.const 0)",
                at(table, 0)
            )
        }
        Op::Drop(segment) => format!("(elem.drop {segment}) (i32.const 0)"),
    }
}

/// A module, its tables' sizes, its segments and its instructions.
struct Program {
    text: String,
    sizes: Vec<usize>,
    segments: Vec<Segment>,
    ops: Vec<Op>,
    offset: usize,
}

fn program(random: &mut Random) -> Program {
    let sizes: Vec<usize> = (0..1 + random.below(4)).map(|_| random.below(12)).collect();
    let tables = sizes.len();
    let wide: Vec<bool> = (0..tables).map(|_| random.once_in(2)).collect();
    let offset = random.below(6);
    let segments: Vec<Segment> = (0..random.below(6))
        .map(|_| {
            let foreign = random.once_in(3);
            let items: Vec<Item> = (0..random.below(8)).map(|_| item(random, foreign)).collect();
            let table = random.below(tables);
            let late = random.once_in(4);
            let room = (sizes[table] + 1).saturating_sub(items.len());
            let at = match late {
                true => offset,
                // Most segments fit their table, because otherwise instantiation would fail.
                false if room > 0 && !random.once_in(20) => random.below(room),
                false => random.below(16),
            };
            let active = (!random.once_in(3)).then_some((table, at));
            Segment { items, active, late }
        })
        .collect();
    let (writes, copies) = (random.once_in(2), random.once_in(2));
    let mut ops = Vec::new();
    for _ in 0..8 + random.below(16) {
        let (table, sig) = (random.below(tables), random.below(2));
        let value = item(random, true);
        ops.push(match random.below(12) {
            0 | 1 => Op::Call(table, sig),
            2 => Op::CallAt(table, sig, random.below(12)),
            3 => Op::IsNull(table),
            4 => Op::Size(table),
            5 if writes => Op::Set(table, value),
            6 if writes => Op::Grow(table, value),
            7 if writes => Op::Fill(table, value),
            8 | 9 if copies => Op::Copy(table, random.below(tables)),
            10 if !segments.is_empty() => Op::Init(table, random.below(segments.len())),
            11 if !segments.is_empty() => Op::Drop(random.below(segments.len())),
            _ => Op::Call(table, sig),
        });
    }

    let mut text = String::from(
        r#"(module (type (func (result i32))) (type (func (param i32) (result i32)))
        (import "host" "func" (func (type 0))) (import "host" "foreign" (global $foreign funcref))
        (import "host" "offset" (global $offset i32)) (import "host" "offset64" (global $offset64 i64))"#,
    );
    for func in 1..FUNCS {
        text += &format!("(func (type {}) (i32.const {func}))\n", func % 2);
    }
    for (table, size) in sizes.iter().enumerate() {
        let export = if random.once_in(4) {
            format!("(export \"table{table}\")")
        } else {
            String::new()
        };
        let ty = if wide[table] { "i64" } else { "i32" };
        text += &format!("(table {export} {ty} {size} {MAXIMUM} funcref)\n");
    }
    for segment in &segments {
        let active = match segment.active {
            None => String::new(),
            Some((table, _)) if segment.late && wide[table] => format!("(table {table}) (global.get $offset64)"),
            Some((table, _)) if segment.late => format!("(table {table}) (global.get $offset)"),
            Some((table, at)) if wide[table] => format!("(table {table}) (i64.const {at})"),
            Some((table, at)) => format!("(table {table}) (i32.const {at})"),
        };
        let items: String = segment.items.iter().map(|item| reference(*item)).collect();
        text += &format!("(elem {active} funcref {items})\n");
    }
    let declared: Vec<_> = (0..FUNCS).map(|func| func.to_string()).collect();
    text += &format!("(elem declare func {})\n", declared.join(" "));
    for (number, op) in ops.iter().enumerate() {
        let body = instruction(*op, &wide);
        text += &format!("(func (export \"{number}\") (param i32 i32 i32) (result i32) {body})\n");
    }
    text.push(')');
    Program {
        text,
        sizes,
        segments,
        ops,
        offset,
    }
}

fn trap(error: Error) -> TrapCode {
    match error {
        Error::Trap(trap) => trap.code(),
        other => panic!("no trap: {other}"),
    }
}

/// Returns the model after instantiation, or the trap of instantiation.
fn instantiated(program: &Program) -> Result<Model, TrapCode> {
    let mut model = Model {
        tables: program.sizes.iter().map(|size| vec![None; *size]).collect(),
        segments: Vec::new(),
    };
    for segment in &program.segments {
        let mut items = segment.items.clone();
        if let Some((table, at)) = segment.active {
            copied(&items, 0, &mut model.tables[table], at, items.len())?;
            items.clear();
        }
        model.segments.push(items);
    }
    Ok(model)
}

/// Runs one program. Returns true if instantiation succeeded.
fn run(seed: u64) -> bool {
    let mut random = Random::new(seed);
    let program = program(&mut random);
    let engine = Engine::new(&settings(seed)).expect("an engine");
    let wasm = wat::parse_str(&program.text).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    let module = Module::new(&engine, &wasm).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    let mut store = Store::new(&engine, ());
    let foreign = Func::wrap(&mut store, |_: Caller<'_, ()>| FOREIGN as i32);
    let constant = |content| GlobalType {
        content,
        mutable: false,
    };
    let foreign = Value::FuncRef(Some(foreign));
    let foreign = Global::new(&mut store, constant(ValType::FUNCREF), foreign).expect("of its type");
    let offset64 = Value::I64(program.offset as i64);
    let offset64 = Global::new(&mut store, constant(ValType::I64), offset64).expect("of its type");
    let offset = Value::I32(program.offset as i32);
    let offset = Global::new(&mut store, constant(ValType::I32), offset).expect("of its type");
    let mut imports = Imports::new(&engine);
    imports
        .func("host", "func", |_: Caller<'_, ()>| 0)
        .define("host", "foreign", foreign)
        .define("host", "offset64", offset64)
        .define("host", "offset", offset);

    let instance = Instance::new(&mut store, &module, &imports).map_err(trap);
    let (instance, mut model) = match (instance, instantiated(&program)) {
        (Ok(instance), Ok(model)) => (instance, model),
        (got, wanted) => {
            assert_eq!(
                got.err(),
                wanted.err(),
                "seed {seed}: instantiation of {}",
                program.text
            );
            return false;
        }
    };
    for step in 0..200 {
        let number = random.below(program.ops.len());
        let op = program.ops[number];
        let [a, b, c] = [0; 3].map(|_| {
            let end = if random.once_in(10) { 60 } else { 10 };
            random.below(end)
        });
        let func = instance.func(&mut store, &number.to_string()).expect("exported");
        let operands = [a, b, c].map(|operand| Value::I32(operand as i32));
        let got = func.call(&mut store, &operands).map_err(trap);
        let wanted = model.run(op, a, b, c).map(|value| vec![Value::I32(value)]);
        assert_eq!(
            got, wanted,
            "seed {seed}, step {step}: {op:?} with {a} {b} {c} in {}",
            program.text
        );
    }
    true
}

#[test]
fn tables_do_what_vectors_do() {
    let seeds = seeds(150);
    let all = seeds.end - seeds.start;
    let instances = seeds.filter(|seed| run(*seed)).count();
    assert!(
        all < 50 || instances > 20,
        "hardly any program could be run: {instances} of {all}"
    );
}
