//! Programs of `programs.rs` as text, in the flat form, which legacy `try` needs.

use std::fmt::Write as _;

use super::programs::{Block, Expr, Handlers, How, LOCALS, Program, Stmt, TAGS, Try};
use super::ways::FUEL;

/// The form of a program.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) struct Form {
    /// Legacy `try` rather than `try_table`.
    pub(crate) legacy: bool,
    /// Typed function references.
    pub(crate) references: bool,
}

/// A `try_table` whose body is being written.
struct Scope {
    id: usize,
    /// True if an inner `try` delegates to this one.
    is_target: bool,
}

struct Writer {
    form: Form,
    text: String,
    scopes: Vec<Scope>,
    is_target: bool,
    tries: usize,
}

/// Writes a module that exports the function `run`, the tags, the fuel and the trace, and `hash`, which hashes the memory.
pub(crate) fn module(program: &Program, form: Form) -> String {
    let count = program.0.len();
    let funcs: Vec<_> = (0..count).map(|func| format!("$f{func}")).collect();
    let funcs = funcs.join(" ");
    let mut text = format!(
        r#"(module (type $sig (func (param i64 i64) (result i64)))
(memory 1) (table $t funcref (elem {funcs}))
(global $fuel (export "fuel") (mut i32) (i32.const {FUEL}))
(global $trace (export "trace") (mut i64) (i64.const 0))
"#
    );
    if form.references {
        let items: String = (0..count).map(|func| format!("(ref.func $f{func})")).collect();
        text += &format!(
            "(table $typed {count} (ref null $sig)) (elem (table $typed) (i32.const 0) (ref null $sig) {items})\n"
        );
    }
    for (tag, types) in TAGS.iter().enumerate() {
        text += &format!("(tag $e{tag} (export \"e{tag}\") (param {types}))\n");
    }
    text += r#"(func (export "hash") (result i64) (local $at i32) (local $hash i64)
  (loop $next
    (local.set $hash (i64.mul (i64.xor (i64.rotl (local.get $hash) (i64.const 5)) (i64.load (local.get $at)))
      (i64.const 0x9e3779b97f4a7c15)))
    (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const 1040))))
  (local.get $hash))
"#;
    for (number, body) in program.0.iter().enumerate() {
        text += &function(number, body, form);
    }
    text.push(')');
    text
}

fn function(number: usize, body: &Block, form: Form) -> String {
    let mut writer = Writer {
        form,
        text: String::new(),
        scopes: Vec::new(),
        is_target: false,
        tries: 0,
    };
    writer.block(body);
    let export = if number == 0 { "(export \"run\")" } else { "" };
    let mut text = format!("(func $f{number} {export} (type $sig) (param i64 i64) (result i64)\n(local");
    text += &" i64".repeat(LOCALS - 2);
    text += ") (local $c0 i64) (local $c1 i64) (local $c2 i64)";
    for counter in 0..32 {
        let _ = write!(text, " (local $n{counter} i32)");
    }
    if !form.legacy {
        for id in 0..writer.tries {
            let _ = write!(text, " (local $x{id} exnref)");
        }
    }
    text += "\nglobal.get $fuel i32.eqz if unreachable end\nglobal.get $fuel i32.const 1 i32.sub global.set $fuel\n";
    // The body is a block, so that `delegate` can name the caller.
    let inner = &writer.text;
    if writer.is_target {
        text += &format!("block $f (result i64)\nblock $d (result exnref)\n{inner}br $f\nend\nthrow_ref\nend\n)\n");
    } else {
        text += &format!("block $f (result i64)\n{inner}end\n)\n");
    }
    text
}

impl Writer {
    fn push(&mut self, line: &str) {
        self.text += line;
        self.text.push('\n');
    }

    fn block(&mut self, Block(stmts, value): &Block) {
        self.stmts(stmts);
        self.expr(value);
    }

    fn stmts(&mut self, stmts: &[Stmt]) {
        for stmt in stmts {
            self.stmt(stmt);
        }
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Set(local, value) => {
                self.expr(value);
                self.push(&format!("local.set {local}"));
            }
            Stmt::Trace(value) => {
                self.push("global.get $trace i64.const 7 i64.rotl");
                self.expr(value);
                self.push("i64.xor global.set $trace");
            }
            Stmt::Store(address, value) => {
                self.address(address);
                self.expr(value);
                self.push("i64.store");
            }
            Stmt::If(condition, then, otherwise) => {
                self.expr(condition);
                self.push("i64.const 3 i64.and i64.eqz if");
                self.stmts(then);
                self.push("else");
                self.stmts(otherwise);
                self.push("end");
            }
            Stmt::Loop(counter, times, body) => {
                self.push(&format!("i32.const {times} local.set $n{counter} loop $l{counter}"));
                self.stmts(body);
                self.push(&format!(
                    "local.get $n{counter} i32.const 1 i32.sub local.tee $n{counter} br_if $l{counter} end"
                ));
            }
            Stmt::Throw(tag, payload) => {
                for (ty, part) in TAGS[*tag].split_whitespace().zip(payload) {
                    self.expr(part);
                    match ty {
                        "i32" => self.push("i32.wrap_i64"),
                        "f64" => self.push("f64.convert_i64_s"),
                        _ => {}
                    }
                }
                self.push(&format!("throw $e{tag}"));
            }
            Stmt::Rethrow(id) if self.form.legacy => self.push(&format!("rethrow $t{id}")),
            Stmt::Rethrow(id) => self.push(&format!("local.get $x{id} throw_ref")),
            Stmt::Leave(id, value) => {
                self.expr(value);
                self.push(&format!("br $t{id}"));
            }
            Stmt::Return(value) => {
                self.expr(value);
                self.push("return");
            }
            Stmt::TailCall(how, callee, one, other) => self.call("return_call", *how, *callee, one, other),
            Stmt::Unreachable => self.push("unreachable"),
            Stmt::Divide(value) => {
                self.push("i64.const 100");
                self.expr(value);
                self.push("i64.div_u local.set 2");
            }
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Const(value) => self.push(&format!("i64.const {value}")),
            Expr::Local(local) => self.push(&format!("local.get {local}")),
            Expr::Caught(part) => self.push(&format!("local.get $c{part}")),
            Expr::Trace => self.push("global.get $trace"),
            Expr::Binary(op, one, other) => {
                self.expr(one);
                self.expr(other);
                self.push(&format!("i64.{op}"));
            }
            Expr::Load(address) => {
                self.address(address);
                self.push("i64.load");
            }
            Expr::Call(how, callee, one, other) => self.call("call", *how, *callee, one, other),
            Expr::Try(attempt) => self.attempt(attempt),
        }
    }

    fn address(&mut self, address: &Expr) {
        self.expr(address);
        self.push("i32.wrap_i64 i32.const 1023 i32.and");
    }

    fn call(&mut self, call: &str, how: How, callee: usize, one: &Expr, other: &Expr) {
        self.expr(one);
        self.expr(other);
        let references = self.form.references;
        self.push(&match how {
            How::Reference if references => format!("ref.func $f{callee} {call}_ref $sig"),
            How::Element if references => {
                format!("i32.const {callee} table.get $typed ref.as_non_null {call}_ref $sig")
            }
            How::Direct | How::Reference => format!("{call} $f{callee}"),
            How::Indirect | How::Element => format!("i32.const {callee} {call}_indirect $t (type $sig)"),
        });
    }

    fn attempt(&mut self, attempt: &Try) {
        self.tries = self.tries.max(attempt.id + 1);
        match self.form.legacy {
            true => self.legacy(attempt),
            false => self.table(attempt),
        }
    }

    fn legacy(&mut self, Try { id, body, handlers }: &Try) {
        self.push(&format!("try $t{id} (result i64)"));
        self.block(body);
        match handlers {
            Handlers::Delegate(None) => self.push("delegate $f"),
            Handlers::Delegate(Some(target)) => self.push(&format!("delegate $t{target}")),
            Handlers::Catch(catches, all) => {
                for (tag, block) in catches {
                    self.push(&format!("catch $e{tag}"));
                    self.take_payload(*tag);
                    self.block(block);
                }
                if let Some(block) = all {
                    self.push("catch_all");
                    self.block(block);
                }
                self.push("end");
            }
        }
    }

    /// Moves the payload from the stack to locals.
    fn take_payload(&mut self, tag: usize) {
        for (part, ty) in TAGS[tag]
            .split_whitespace()
            .enumerate()
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
        {
            match ty {
                "i32" => self.push("i64.extend_i32_s"),
                "f64" => self.push("i64.reinterpret_f64"),
                _ => {}
            }
            self.push(&format!("local.set $c{part}"));
        }
    }

    /// Writes a `try_table`. The block `$t` is all of it, `$h` a handler, and `$d` the body as a target of `delegate`: what arrives
    /// there is thrown again.
    fn table(&mut self, Try { id, body, handlers }: &Try) {
        self.push(&format!("block $t{id} (result i64)"));
        let clauses = match handlers {
            Handlers::Delegate(target) => format!("(catch_all_ref {})", self.landing(*target)),
            Handlers::Catch(catches, all) => {
                if all.is_some() {
                    self.push(&format!("block $all{id} (result exnref)"));
                }
                for (number, (tag, _)) in catches.iter().enumerate().rev() {
                    self.push(&format!("block $h{id}_{number} (result {} exnref)", TAGS[*tag]));
                }
                let catch =
                    |(number, (tag, _)): (usize, &(usize, Block))| format!("(catch_ref $e{tag} $h{id}_{number})");
                let mut clauses: String = catches.iter().enumerate().map(catch).collect();
                if all.is_some() {
                    clauses += &format!("(catch_all_ref $all{id})");
                }
                clauses
            }
        };
        self.push(&format!("try_table (result i64) {clauses}"));
        self.table_body(*id, body);
        self.push("end");
        if let Handlers::Catch(catches, all) = handlers {
            self.push(&format!("br $t{id}"));
            for (tag, block) in catches {
                self.push(&format!("end local.set $x{id}"));
                self.take_payload(*tag);
                self.block(block);
                self.push(&format!("br $t{id}"));
            }
            if let Some(block) = all {
                self.push(&format!("end local.set $x{id}"));
                self.block(block);
            }
        }
        self.push("end");
    }

    fn table_body(&mut self, id: usize, body: &Block) {
        self.scopes.push(Scope { id, is_target: false });
        let before = std::mem::take(&mut self.text);
        self.block(body);
        let inner = std::mem::replace(&mut self.text, before);
        if self.scopes.pop().is_some_and(|scope| scope.is_target) {
            self.push(&format!("block $b{id} (result i64)\nblock $d{id} (result exnref)"));
            self.text += &inner;
            self.push(&format!("br $b{id}\nend\nthrow_ref\nend"));
        } else {
            self.text += &inner;
        }
    }

    /// Returns the label to which `delegate` takes an exception.
    fn landing(&mut self, target: Option<usize>) -> String {
        // Outer ones have smaller numbers. A handler of the target is outside of its body, so that a body further out is taken.
        let at = target.and_then(|target| self.scopes.iter().rposition(|scope| scope.id <= target));
        match at {
            Some(at) => {
                self.scopes[at].is_target = true;
                format!("$d{}", self.scopes[at].id)
            }
            None => {
                self.is_target = true;
                "$d".to_owned()
            }
        }
    }
}
