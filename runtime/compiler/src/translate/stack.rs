//! The translator's model of the wasm stack: values, and the control frames around the current instruction.
//!
//! Input: the operands that instructions push and pop. Output: their IR values. In unreachable code nothing is pushed or
//! popped, and nested blocks are only counted.
//!
//! Must not hold: the module, the vmctx.

use cranelift_codegen::ir::{Block, BlockArg, Inst, Value};
use wasmparser::BlockType;

use super::Translator;

/// Values and control frames.
#[derive(Default)]
pub(super) struct Stack {
    /// Operands, the last one on top. Vectors have the type `I8X16`.
    pub(super) values: Vec<Value>,
    /// Control frames, the innermost one last. The first one is the function itself.
    pub(super) frames: Vec<Frame>,
    /// Handlers of exceptions around the instruction at hand, the innermost one last.
    pub(super) handlers: Vec<Handler>,
    /// While code is unreachable: the number of blocks begun since, which are not in `frames`.
    pub(super) skipped: Option<u32>,
}

/// A block, loop, `if`, `try_table`, `try`, or the function.
pub(super) struct Frame {
    /// Kind of the frame.
    pub(super) kind: FrameKind,
    /// Its type; `None` for the function itself, whose results are `results` of its signature.
    pub(super) ty: Option<BlockType>,
    /// Number of parameters.
    pub(super) params: usize,
    /// Number of results.
    pub(super) results: usize,
    /// The number of values below its parameters.
    pub(super) height: usize,
    /// The block after its `end`, with the results as parameters. `None` until there is a jump to it.
    pub(super) exit: Option<Block>,
    /// Number of instructions that jump to `exit`.
    pub(super) jumps: usize,
    /// How many handlers are around the instructions inside of it.
    pub(super) handlers: usize,
}

/// A `try_table`, or a `try` before its first `catch`.
#[derive(Default)]
pub(super) struct Handler {
    /// The block that looks at an exception, once a call can go there. Its parameters are those of [`Caught`].
    pub(super) landing: Option<Block>,
    /// The clauses of a `try_table`. Their labels count from outside of it.
    pub(super) clauses: Vec<wasmparser::Catch>,
}

/// An exception that was caught.
#[derive(Copy, Clone)]
pub(super) struct Caught {
    /// The reference to it.
    pub(super) reference: Value,
    /// The address of its fields (`vmlayout::exception`). Good until the next call.
    pub(super) fields: Value,
}

/// The part of a `try` behind its first `catch`.
#[derive(Copy, Clone)]
pub(super) struct CatchFrame {
    /// The exception, if the current clause is reachable.
    pub(super) caught: Option<Caught>,
    /// The first block of the clause. `None` once a `rethrow` in the clause has recorded there that the exception is kept.
    pub(super) unkept: Option<Block>,
    /// The block for exceptions that no clause so far has caught.
    pub(super) next: Option<(Block, Caught)>,
}

/// The instruction that began a frame.
#[derive(Copy, Clone)]
pub(super) enum FrameKind {
    /// `block`, or the function.
    Block,
    /// `loop`: branches go to this block, which has the parameters.
    Loop(Block),
    /// `if` whose `else` may still follow. The parameters for the `else` are at the height of the frame.
    If(Else),
    /// `if` after its `else`.
    Done,
    /// `try_table`.
    TryTable,
    /// `try` before its first `catch`.
    Try,
    /// `try` behind that.
    Catch(CatchFrame),
}

/// Target of an `if` with a zero condition, before its `else` was read.
#[derive(Copy, Clone)]
pub(super) enum Else {
    /// The exit, by this branch. It is redirected if there is an `else`.
    Exit(Inst),
    /// A block of its own.
    Block(Block),
}

impl Stack {
    /// Removes the contents and keeps the allocations.
    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.frames.clear();
        self.handlers.clear();
        self.skipped = None;
    }
}

impl Frame {
    /// Returns the number of values that a branch to this frame takes.
    pub(super) fn branch_arity(&self) -> usize {
        match self.kind {
            FrameKind::Loop(_) => self.params,
            _ => self.results,
        }
    }
}

impl Translator<'_> {
    /// Pushes a value. Vectors must have the type `I8X16`.
    pub(super) fn push(&mut self, value: Value) {
        self.stack.values.push(value);
    }

    /// Pops a value.
    pub(super) fn pop1(&mut self) -> Value {
        self.stack
            .values
            .pop()
            .expect("validated: the operand stack is deep enough")
    }

    /// Pops two values; the second one was on top.
    pub(super) fn pop2(&mut self) -> (Value, Value) {
        let second = self.pop1();
        (self.pop1(), second)
    }

    /// Pops three values; the third one was on top.
    pub(super) fn pop3(&mut self) -> (Value, Value, Value) {
        let third = self.pop1();
        let (first, second) = self.pop2();
        (first, second, third)
    }

    /// Returns the value on top.
    pub(super) fn peek1(&self) -> Value {
        *self
            .stack
            .values
            .last()
            .expect("validated: the operand stack is deep enough")
    }

    /// Returns the `n` values on top, in the order in which they were pushed.
    pub(super) fn peekn(&self, n: usize) -> &[Value] {
        &self.stack.values[self.stack.values.len() - n..]
    }

    /// Drops the `n` values on top.
    pub(super) fn popn(&mut self, n: usize) {
        let rest = self.stack.values.len() - n;
        self.stack.values.truncate(rest);
    }

    /// Returns the `n` values on top as arguments of a jump.
    pub(super) fn block_args(&self, n: usize) -> Vec<BlockArg> {
        self.peekn(n).iter().map(|value| BlockArg::Value(*value)).collect()
    }

    /// Returns true if the current instruction is reachable.
    pub(super) fn is_reachable(&self) -> bool {
        self.stack.skipped.is_none()
    }

    /// Marks the code up to the next `else` or `end` of the innermost frame as unreachable.
    pub(super) fn set_unreachable(&mut self) {
        self.stack.skipped = Some(0);
    }
}
