//! References: functions that pass host objects in locals, operands, blocks, loops, calls, tables and globals, with a
//! collection at every opportunity. A model interprets the same program with the numbers of the objects. The host must log the
//! same numbers in the same order.

use wrun_runtime::{
    Caller, Config, Engine, Error, ExternRef, Func, FuncType, Imports, Instance, Module, Store, ValType, Value,
};

use crate::{seeds, settings};
use wrun_tests::Random;

/// Number of functions. Each function calls only later ones. The host calls the last one during a host call.
const FUNCS: usize = 5;
const GLOBALS: usize = 2;
const ELEMENTS: usize = 6;
/// Number of locals of the type i64 in each function, after the references.
const NUMBERS: usize = 4;

/// An instruction sequence that leaves one reference on the stack.
enum Expr {
    Null,
    New,
    Local(usize),
    Global(usize),
    Element(usize),
    /// Computes both values and selects the one that the host chooses.
    Select(Box<Self>, Box<Self>),
    /// Computes only the value that the host chooses.
    If(Box<Self>, Box<Self>),
    /// Logs its parameter and computes the next one, until the host ends the loop.
    Loop(Box<Self>, Box<Self>),
    Call(usize, Vec<Self>),
    /// Calls the host, which calls the last function.
    Reenter(Box<Self>),
}

enum Stmt {
    Log(Expr),
    SetLocal(usize, Expr),
    SetGlobal(usize, Expr),
    SetElement(usize, Expr),
    Fill(usize, Expr, usize),
    Copy(usize, usize, usize),
    /// Stores the results in locals.
    Call(usize, Vec<Expr>, Vec<usize>),
    /// Sets number `.0` to number `.0` + number `.1` + `.2`, and logs it if the host says so.
    Add(usize, usize, i64),
    If(Vec<Self>, Vec<Self>),
    Loop(Vec<Self>),
}

struct Function {
    params: usize,
    locals: usize,
    body: Vec<Stmt>,
    results: Vec<Expr>,
}

/// Makes functions.
struct Maker {
    random: Random,
    /// Numbers of parameters and results.
    types: Vec<(usize, usize)>,
}

impl Maker {
    fn exprs(&mut self, func: usize, locals: usize, count: usize, depth: usize) -> Vec<Expr> {
        (0..count).map(|_| self.expr(func, locals, depth)).collect()
    }

    /// Makes an expression in the function `func`, which has `locals` references in locals.
    fn expr(&mut self, func: usize, locals: usize, depth: usize) -> Expr {
        let choice = self.random.below(if depth == 0 { 9 } else { 18 });
        let inner = |maker: &mut Self| Box::new(maker.expr(func, locals, depth - 1));
        match choice {
            0 => Expr::Null,
            1 | 2 => Expr::New,
            3..=6 => Expr::Local(self.random.below(locals)),
            7 => Expr::Global(self.random.below(GLOBALS)),
            8 | 9 => Expr::Element(self.random.below(ELEMENTS)),
            10 | 11 => Expr::Select(inner(self), inner(self)),
            12 | 13 => Expr::If(inner(self), inner(self)),
            14 => Expr::Loop(inner(self), inner(self)),
            15 if func + 1 < FUNCS => Expr::Reenter(inner(self)),
            _ => {
                let callees: Vec<_> = (func + 1..FUNCS).filter(|callee| self.types[*callee].1 == 1).collect();
                if callees.is_empty() {
                    return Expr::New;
                }
                let callee = callees[self.random.below(callees.len())];
                Expr::Call(callee, self.exprs(func, locals, self.types[callee].0, depth - 1))
            }
        }
    }

    fn stmts(&mut self, func: usize, locals: usize, depth: usize) -> Vec<Stmt> {
        let count = 1 + self.random.below(5);
        (0..count).map(|_| self.stmt(func, locals, depth)).collect()
    }

    fn stmt(&mut self, func: usize, locals: usize, depth: usize) -> Stmt {
        let below = |maker: &mut Self, end| maker.random.below(end);
        let expr = |maker: &mut Self| maker.expr(func, locals, 2);
        match self.random.below(if depth == 0 { 13 } else { 17 }) {
            0..=2 => Stmt::Log(expr(self)),
            3..=5 => Stmt::SetLocal(below(self, locals), expr(self)),
            6 => Stmt::SetGlobal(below(self, GLOBALS), expr(self)),
            7 => Stmt::SetElement(below(self, ELEMENTS), expr(self)),
            8 => Stmt::Fill(below(self, 3), expr(self), below(self, 4)),
            9 => Stmt::Copy(below(self, 3), below(self, 3), below(self, 4)),
            10 | 11 => Stmt::Add(
                below(self, NUMBERS),
                below(self, NUMBERS),
                self.random.next().cast_signed(),
            ),
            13 | 14 => Stmt::If(self.stmts(func, locals, depth - 1), self.stmts(func, locals, depth - 1)),
            15 => Stmt::Loop(self.stmts(func, locals, depth - 1)),
            _ if func + 1 < FUNCS => {
                let callee = func + 1 + self.random.below(FUNCS - func - 1);
                let (params, results) = self.types[callee];
                let args = self.exprs(func, locals, params, 1);
                Stmt::Call(callee, args, (0..results).map(|_| below(self, locals)).collect())
            }
            _ => Stmt::Log(expr(self)),
        }
    }

    fn program(mut self) -> Vec<Function> {
        (0..FUNCS)
            .map(|func| {
                let (params, results) = self.types[func];
                let locals = params + 1 + self.random.below(4);
                Function {
                    params,
                    locals,
                    body: self.stmts(func, locals, 2),
                    results: self.exprs(func, locals, results, 2),
                }
            })
            .collect()
    }
}

/// Returns the text of an expression.
fn expr(expr: &Expr) -> String {
    match expr {
        Expr::Null => "(ref.null extern)".into(),
        Expr::New => "(call $new)".into(),
        Expr::Local(local) => format!("(local.get {local})"),
        Expr::Global(global) => format!("(global.get {global})"),
        Expr::Element(index) => format!("(table.get $t (i32.const {index}))"),
        Expr::Select(a, b) => format!(
            "(select (result externref) {} {} (call $bit))",
            self::expr(a),
            self::expr(b)
        ),
        Expr::If(a, b) => format!(
            "(if (result externref) (call $bit) (then {}) (else {}))",
            self::expr(a),
            self::expr(b)
        ),
        Expr::Loop(first, next) => format!(
            "{} (loop (param externref) (result externref) (call $log) {} (br_if 0 (call $bit)))",
            self::expr(first),
            self::expr(next)
        ),
        Expr::Call(callee, args) => format!("(call $f{callee} {})", exprs(args)),
        Expr::Reenter(argument) => format!("(call $reenter {})", self::expr(argument)),
    }
}

fn exprs(all: &[Expr]) -> String {
    all.iter().map(expr).collect()
}

fn stmts(all: &[Stmt], references: usize) -> String {
    let text = |stmt: &Stmt| match stmt {
        Stmt::Log(value) => format!("(call $log {})\n", expr(value)),
        Stmt::SetLocal(local, value) => format!("(local.set {local} {})\n", expr(value)),
        Stmt::SetGlobal(global, value) => format!("(global.set {global} {})\n", expr(value)),
        Stmt::SetElement(index, value) => format!("(table.set $t (i32.const {index}) {})\n", expr(value)),
        Stmt::Fill(at, value, len) => format!("(table.fill $t (i32.const {at}) {} (i32.const {len}))\n", expr(value)),
        Stmt::Copy(to, from, len) => {
            format!("(table.copy $t $t (i32.const {to}) (i32.const {from}) (i32.const {len}))\n")
        }
        Stmt::Call(callee, args, results) => {
            let results: String = results
                .iter()
                .rev()
                .map(|local| format!("(local.set {local})"))
                .collect();
            format!("(call $f{callee} {}) {results}\n", exprs(args))
        }
        Stmt::Add(to, from, number) => {
            let (to, from) = (references + to, references + from);
            format!(
                "(local.set {to} (i64.add (i64.add (local.get {to}) (local.get {from})) (i64.const {number})))
                 (if (call $bit) (then (call $number (local.get {to}))))\n"
            )
        }
        Stmt::If(then, otherwise) => format!(
            "(if (call $bit) (then {}) (else {}))\n",
            stmts(then, references),
            stmts(otherwise, references)
        ),
        Stmt::Loop(body) => format!("(loop {} (br_if 0 (call $bit)))\n", stmts(body, references)),
    };
    all.iter().map(text).collect()
}

fn module(program: &[Function]) -> String {
    let mut text = format!(
        "(module
           (import \"host\" \"new\" (func $new (result externref)))
           (import \"host\" \"log\" (func $log (param externref)))
           (import \"host\" \"reenter\" (func $reenter (param externref) (result externref)))
           (import \"host\" \"bit\" (func $bit (result i32)))
           (import \"host\" \"number\" (func $number (param i64)))
           (table $t {ELEMENTS} externref)\n"
    );
    text += &"(global (mut externref) (ref.null extern))\n".repeat(GLOBALS);
    for (number, function) in program.iter().enumerate() {
        let references = |kind: &str, count: usize| format!("({kind} {})", "externref ".repeat(count));
        text += &format!(
            "(func $f{number} (export \"{number}\") {} {} {} (local {})\n{}{})\n",
            references("param", function.params),
            references("result", function.results.len()),
            references("local", function.locals - function.params),
            "i64 ".repeat(NUMBERS),
            stmts(&function.body, function.locals),
            exprs(&function.results),
        );
    }
    text + ")"
}

/// An object's number, or -1 for null.
type Number = i64;

/// Interprets a program.
struct Model<'p> {
    program: &'p [Function],
    bits: Random,
    next: Number,
    globals: [Number; GLOBALS],
    table: [Number; ELEMENTS],
    log: Vec<Number>,
    steps: u32,
}

/// Error: the program takes too long.
struct TooLong;

impl Model<'_> {
    fn bit(&mut self) -> bool {
        self.bits.once_in(2)
    }

    fn expr(&mut self, locals: &[Number], expr: &Expr) -> Result<Number, TooLong> {
        self.steps = self.steps.checked_sub(1).ok_or(TooLong)?;
        Ok(match expr {
            Expr::Null => -1,
            Expr::New => {
                self.next += 1;
                self.next - 1
            }
            Expr::Local(local) => locals[*local],
            Expr::Global(global) => self.globals[*global],
            Expr::Element(index) => self.table[*index],
            Expr::Select(a, b) => {
                let (a, b) = (self.expr(locals, a)?, self.expr(locals, b)?);
                if self.bit() { a } else { b }
            }
            Expr::If(a, b) => {
                let chosen = if self.bit() { a } else { b };
                self.expr(locals, chosen)?
            }
            Expr::Loop(first, next) => {
                let mut value = self.expr(locals, first)?;
                loop {
                    self.log.push(value);
                    value = self.expr(locals, next)?;
                    if !self.bit() {
                        return Ok(value);
                    }
                }
            }
            Expr::Call(callee, args) => {
                let args = self.exprs(locals, args)?;
                self.call(*callee, args)?[0]
            }
            Expr::Reenter(argument) => {
                let argument = self.expr(locals, argument)?;
                self.call(FUNCS - 1, vec![argument])?[0]
            }
        })
    }

    fn exprs(&mut self, locals: &[Number], exprs: &[Expr]) -> Result<Vec<Number>, TooLong> {
        exprs.iter().map(|expr| self.expr(locals, expr)).collect()
    }

    fn stmts(&mut self, locals: &mut [Number], numbers: &mut [i64], stmts: &[Stmt]) -> Result<(), TooLong> {
        for stmt in stmts {
            match stmt {
                Stmt::Log(value) => {
                    let value = self.expr(locals, value)?;
                    self.log.push(value);
                }
                Stmt::SetLocal(local, value) => locals[*local] = self.expr(locals, value)?,
                Stmt::SetGlobal(global, value) => self.globals[*global] = self.expr(locals, value)?,
                Stmt::SetElement(index, value) => self.table[*index] = self.expr(locals, value)?,
                Stmt::Fill(at, value, len) => {
                    let value = self.expr(locals, value)?;
                    self.table[*at..at + len].fill(value);
                }
                Stmt::Copy(to, from, len) => self.table.copy_within(*from..from + len, *to),
                Stmt::Call(callee, args, results) => {
                    let args = self.exprs(locals, args)?;
                    let values = self.call(*callee, args)?;
                    for (local, value) in results.iter().zip(values).rev() {
                        locals[*local] = value;
                    }
                }
                Stmt::Add(to, from, number) => {
                    numbers[*to] = numbers[*to].wrapping_add(numbers[*from]).wrapping_add(*number);
                    if self.bit() {
                        self.log.push(numbers[*to]);
                    }
                }
                Stmt::If(then, otherwise) => {
                    let chosen = if self.bit() { then } else { otherwise };
                    self.stmts(locals, numbers, chosen)?;
                }
                Stmt::Loop(body) => loop {
                    self.stmts(locals, numbers, body)?;
                    if !self.bit() {
                        break;
                    }
                },
            }
        }
        Ok(())
    }

    fn call(&mut self, func: usize, mut locals: Vec<Number>) -> Result<Vec<Number>, TooLong> {
        let function = &self.program[func];
        locals.resize(function.locals, -1);
        self.stmts(&mut locals, &mut [0; NUMBERS], &function.body)?;
        self.exprs(&locals, &function.results)
    }
}

/// The state of the host.
struct Host {
    bits: Random,
    next: Number,
    log: Vec<Number>,
    inner: Option<Func>,
}

impl Host {
    fn object(&mut self) -> Value {
        self.next += 1;
        Value::ExternRef(Some(ExternRef::new(self.next - 1)))
    }
}

fn number(value: &Value) -> Number {
    match value {
        Value::ExternRef(Some(object)) => *object.downcast_ref().expect("an object of the host"),
        _ => -1,
    }
}

fn imports(engine: &Engine) -> Imports<Host> {
    const REF: ValType = ValType::EXTERNREF;
    let mut imports = Imports::new(engine);
    imports
        .func_untyped(
            "host",
            "new",
            FuncType::new([], [REF]),
            |mut caller: Caller<'_, Host>, _, results| {
                results[0] = caller.data_mut().object();
                Ok(())
            },
        )
        .func_untyped(
            "host",
            "log",
            FuncType::new([REF], []),
            |mut caller: Caller<'_, Host>, params, _| {
                caller.data_mut().log.push(number(&params[0]));
                Ok(())
            },
        )
        .func_untyped(
            "host",
            "reenter",
            FuncType::new([REF], [REF]),
            |mut caller: Caller<'_, Host>, params, results| {
                let inner = caller.data().inner.expect("set before the call");
                results.clone_from_slice(&inner.call(&mut caller, params)?);
                Ok(())
            },
        )
        .func("host", "bit", |mut caller: Caller<'_, Host>| {
            i32::from(caller.data_mut().bits.once_in(2))
        })
        .func("host", "number", |mut caller: Caller<'_, Host>, number: i64| {
            caller.data_mut().log.push(number)
        });
    imports
}

/// Runs a program with one config. Returns the log, which ends with the results.
fn run(seed: u64, text: &str, params: usize, config: &Config) -> Result<Vec<Number>, Error> {
    let engine = Engine::new(config)?;
    let wasm = wat::parse_str(text).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    let module = Module::new(&engine, &wasm)?;
    let host = Host {
        bits: Random::new(seed),
        next: 0,
        log: Vec::new(),
        inner: None,
    };
    let mut store = Store::new(&engine, host);
    let instance = Instance::new(&mut store, &module, &imports(&engine))?;
    let func = |store: &mut Store<Host>, number: usize| instance.func(store, &number.to_string()).expect("exported");
    store.data_mut().inner = Some(func(&mut store, FUNCS - 1));
    let args: Vec<_> = (0..params).map(|_| store.data_mut().object()).collect();
    let first = func(&mut store, 0);
    let results = first.call(&mut store, &args)?;
    drop(args);
    let mut log = store.into_data().log;
    log.extend(results.iter().map(number));
    Ok(log)
}

/// Compares one program with the model. Returns false if it takes too long.
fn compare(seed: u64) -> bool {
    let mut random = Random::new(seed ^ 0x5eed);
    let mut types: Vec<_> = (0..FUNCS).map(|_| (random.below(10), random.below(5))).collect();
    types[FUNCS - 1] = (1, 1);
    let params = types[0].0;
    let program = Maker { random, types }.program();
    let mut model = Model {
        program: &program,
        bits: Random::new(seed),
        next: params as Number,
        globals: [-1; GLOBALS],
        table: [-1; ELEMENTS],
        log: Vec::new(),
        steps: 3000,
    };
    let Ok(results) = model.call(0, (0..params as Number).collect()) else {
        return false;
    };
    let expected = [model.log, results].concat();
    let text = module(&program);
    for always in [true, false] {
        // Each program runs with and without the analysis that may remove loads and stores.
        let mut config = settings(seed);
        config
            .collect_always(always)
            .alias_analysis(seed.is_multiple_of(2) == always);
        match run(seed, &text, params, &config) {
            Ok(log) => assert!(
                log == expected,
                "seed {seed}, always {always}: {log:?}, not {expected:?}, in {text}"
            ),
            Err(error) => panic!("seed {seed}, always {always}: {error} in {text}"),
        }
    }
    true
}

#[test]
fn guests_get_back_the_objects_that_they_kept() {
    let seeds = seeds(100);
    let all = seeds.end - seeds.start;
    let compared = seeds.filter(|seed| compare(*seed)).count();
    assert!(
        all < 50 || compared > 50,
        "hardly any program is short enough: {compared} of {all}"
    );
}
