//! Programs with exceptions, from one description in two forms: legacy `try`, and `try_table` with exception references.
//!
//! Input: random numbers. Output: the description, which `emit.rs` writes as text in one of the forms. Functions change locals and a
//! global before they throw, so that a handler that restores a wrong value gives another result.

use wrun_tests::Random;

/// Number of functions. Each function calls only later ones.
const FUNCS: usize = 5;

/// The tags, by the types of their payloads.
pub(crate) const TAGS: [&str; 4] = ["i32", "i64 f64", "", "i64 i64 i32"];

/// Number of `i64` locals of each function, of which the first two are its parameters.
pub(crate) const LOCALS: usize = 5;

/// An instruction sequence that leaves one `i64`.
pub(crate) enum Expr {
    Const(i64),
    Local(usize),
    /// A part of the payload that this function caught last, as `i64`.
    Caught(usize),
    Trace,
    Binary(&'static str, Box<Self>, Box<Self>),
    /// The address counts modulo 1024.
    Load(Box<Self>),
    Call(How, usize, Box<Self>, Box<Self>),
    Try(Box<Try>),
}

/// A way to call a function.
#[derive(Copy, Clone)]
pub(crate) enum How {
    Direct,
    Indirect,
    /// By a function reference, if the form has them, and else directly.
    Reference,
    /// By a reference from a table, checked for null, if the form has them, and else indirectly.
    Element,
}

pub(crate) enum Stmt {
    Set(usize, Expr),
    Trace(Expr),
    Store(Expr, Expr),
    If(Expr, Vec<Self>, Vec<Self>),
    /// Runs 1 to 3 times. The first number is that of the counter.
    Loop(usize, u32, Vec<Self>),
    Throw(usize, Vec<Expr>),
    /// Throws what the handler of this `try` caught.
    Rethrow(usize),
    /// Leaves this `try` with a result.
    Leave(usize, Expr),
    Return(Expr),
    TailCall(How, usize, Expr, Expr),
    Unreachable,
    /// A division that traps if the expression is 0.
    Divide(Expr),
}

pub(crate) struct Block(pub(crate) Vec<Stmt>, pub(crate) Expr);

/// A `try` that leaves one `i64`.
pub(crate) struct Try {
    /// Its number, which labels have.
    pub(crate) id: usize,
    pub(crate) body: Block,
    pub(crate) handlers: Handlers,
}

pub(crate) enum Handlers {
    /// Handlers for tags, and one for all others.
    Catch(Vec<(usize, Block)>, Option<Block>),
    /// Hands exceptions on to an enclosing `try`, or to the caller.
    Delegate(Option<usize>),
}

pub(crate) struct Program(pub(crate) Vec<Block>);

/// The place of a `try` that encloses what is being made.
#[derive(Copy, Clone)]
struct Scope {
    id: usize,
    in_handler: bool,
}

struct Maker<'a> {
    random: &'a mut Random,
    func: usize,
    scopes: Vec<Scope>,
    next_try: usize,
    loops: usize,
    /// Number of statements that may still be made in the function.
    budget: usize,
}

/// Makes a program.
pub(crate) fn program(random: &mut Random) -> Program {
    let func = |func| {
        let mut maker = Maker {
            random: &mut *random,
            func,
            scopes: Vec::new(),
            next_try: 0,
            loops: 0,
            budget: 15,
        };
        maker.block(3)
    };
    Program((0..FUNCS).map(func).collect())
}

impl Maker<'_> {
    fn block(&mut self, depth: usize) -> Block {
        let count = 1 + self.random.below(4);
        let stmts = (0..count).filter_map(|_| self.stmt(depth)).collect();
        Block(stmts, self.expr(depth.min(2)))
    }

    fn stmts(&mut self, depth: usize) -> Vec<Stmt> {
        (0..1 + self.random.below(3)).filter_map(|_| self.stmt(depth)).collect()
    }

    fn stmt(&mut self, depth: usize) -> Option<Stmt> {
        self.budget = self.budget.checked_sub(1)?;
        Some(match self.random.below(if depth == 0 { 13 } else { 22 }) {
            0..=2 => Stmt::Set(self.random.below(LOCALS), self.expr(depth.min(2))),
            3 | 4 => Stmt::Trace(self.expr(depth.min(2))),
            5 => Stmt::Store(self.expr(0), self.expr(1)),
            6..=11 => {
                let end = self.end();
                match self.random.once_in(6) {
                    true => end,
                    false => Stmt::If(self.expr(1), vec![end], Vec::new()),
                }
            }
            12 => Stmt::Set(self.random.below(LOCALS), self.call(0)),
            13 => Stmt::If(self.expr(1), self.stmts(depth - 1), self.stmts(depth - 1)),
            14 | 15 => {
                self.loops += 1;
                let counter = self.loops - 1;
                Stmt::Loop(counter, 1 + self.random.below(3) as u32, self.stmts(depth - 1))
            }
            _ => Stmt::Set(self.random.below(LOCALS), self.attempt(depth - 1)),
        })
    }

    /// Makes a statement that ends its block.
    fn end(&mut self) -> Stmt {
        let handlers: Vec<usize> = self
            .scopes
            .iter()
            .filter(|scope| scope.in_handler)
            .map(|scope| scope.id)
            .collect();
        match self.random.below(20) {
            0..=8 => {
                let tag = self.random.below(TAGS.len());
                let parts = TAGS[tag].split_whitespace().count();
                Stmt::Throw(tag, (0..parts).map(|_| self.expr(1)).collect())
            }
            9..=13 if !handlers.is_empty() => Stmt::Rethrow(handlers[self.random.below(handlers.len())]),
            14 | 15 if !self.scopes.is_empty() => {
                let id = self.scopes[self.random.below(self.scopes.len())].id;
                Stmt::Leave(id, self.expr(1))
            }
            16 => Stmt::Return(self.expr(1)),
            17 if self.func + 1 < FUNCS => {
                let (how, callee) = self.callee();
                Stmt::TailCall(how, callee, self.expr(0), self.expr(0))
            }
            18 if self.random.once_in(3) => Stmt::Unreachable,
            19 => Stmt::Divide(self.expr(0)),
            _ => Stmt::Throw(2, Vec::new()),
        }
    }

    fn expr(&mut self, depth: usize) -> Expr {
        match self.random.below(if depth == 0 { 6 } else { 14 }) {
            0 => Expr::Const([0, 1, -1, 1 << 40, 0x1234_5678_9abc_def0][self.random.below(5)]),
            1 => Expr::Const(self.random.below(100) as i64),
            2..=4 => Expr::Local(self.random.below(LOCALS)),
            5 => [Expr::Trace, Expr::Caught(0), Expr::Caught(1), Expr::Caught(2)]
                .into_iter()
                .nth(self.random.below(4))
                .expect("one of them"),
            6 => Expr::Load(Box::new(self.expr(depth - 1))),
            7 | 8 => self.call(depth - 1),
            9 if depth > 1 => self.attempt(depth - 1),
            _ => {
                let op = ["add", "sub", "mul", "xor", "and", "rotl"][self.random.below(6)];
                let one = self.expr(depth - 1);
                Expr::Binary(op, Box::new(one), Box::new(self.expr(depth - 1)))
            }
        }
    }

    fn callee(&mut self) -> (How, usize) {
        let how = [How::Direct, How::Indirect, How::Reference, How::Element][self.random.below(4)];
        (how, self.func + 1 + self.random.below(FUNCS - self.func - 1))
    }

    fn call(&mut self, depth: usize) -> Expr {
        if self.func + 1 == FUNCS {
            return Expr::Local(0);
        }
        let (how, callee) = self.callee();
        Expr::Call(how, callee, Box::new(self.expr(depth)), Box::new(self.expr(0)))
    }

    fn attempt(&mut self, depth: usize) -> Expr {
        if self.budget < 2 {
            return Expr::Local(1);
        }
        let id = self.next_try;
        self.next_try += 1;
        let delegate = self.random.once_in(5);
        let target = self.random.below(self.scopes.len() + 1);
        let target = self.scopes.get(target).map(|scope| scope.id);
        self.scopes.push(Scope { id, in_handler: false });
        let body = self.block(depth);
        self.scopes.pop();
        let handlers = if delegate {
            Handlers::Delegate(target)
        } else {
            self.scopes.push(Scope { id, in_handler: true });
            let first = self.random.below(TAGS.len());
            let tags = (first..first + self.random.below(TAGS.len())).map(|tag| tag % TAGS.len());
            let catches = tags.map(|tag| (tag, self.block(depth))).collect();
            let all = self.random.once_in(2).then(|| self.block(depth));
            self.scopes.pop();
            Handlers::Catch(catches, all)
        };
        Expr::Try(Box::new(Try { id, body, handlers }))
    }
}
