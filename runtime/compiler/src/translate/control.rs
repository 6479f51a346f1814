//! Control instructions except calls (spec 4.4.8), locals, and the parametric instructions (4.4.4, 4.4.5).
//!
//! Input: the structured control flow of wasm. Output: blocks and branches. The block after an `end` exists only if there is a
//! branch to it. Operands that a branch takes along are its arguments.
//!
//! Must not hold: the vmctx.

use std::collections::HashMap;

use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, JumpTableData, Value};
use cranelift_frontend::Variable;
use wasmparser::{BlockType, BrTable, Operator as Op};
use wrun_artifact::TrapCode;
use wrun_artifact::index::TypeIndex;
use wrun_artifact::types::{FuncType, ValType};

use super::abi::{self, ir_type};
use super::stack::{Else, Frame, FrameKind};
use super::{Translator, trap, unknown};
use crate::error::Failure;
use crate::parse::is_supported;

/// The largest number of targets of a `br_table`. Jump tables of the code generator cannot be longer.
const MAX_BR_TABLE_TARGETS: u32 = 65_520;

impl Translator<'_> {
    /// Translates an instruction of this family. Returns false for other instructions.
    pub(super) fn control_operator(&mut self, op: &Op<'_>) -> Result<bool, Failure> {
        match op {
            Op::LocalGet { local_index } => {
                let value = self.builder.use_var(Variable::from_u32(*local_index));
                self.push(value);
            }
            Op::LocalSet { local_index } => {
                let value = self.pop1();
                self.builder.def_var(Variable::from_u32(*local_index), value);
            }
            Op::LocalTee { local_index } => {
                let value = self.peek1();
                self.builder.def_var(Variable::from_u32(*local_index), value);
            }
            Op::Block { blockty } => {
                self.push_frame(FrameKind::Block, *blockty)?;
            }
            Op::Loop { blockty } => self.begin_loop(*blockty)?,
            Op::If { blockty } => self.begin_if(*blockty)?,
            Op::Else => self.begin_else(),
            Op::End => self.end(),
            Op::Br { relative_depth } => {
                let (target, arguments) = self.branch_target(*relative_depth);
                self.builder.ins().jump(target, &arguments);
                self.set_unreachable();
            }
            Op::BrIf { relative_depth } => self.branch_if(*relative_depth),
            Op::BrTable { targets } => {
                self.branch_table(targets)?;
                self.set_unreachable();
            }
            Op::Return => {
                let results = self.stack.frames[0].results;
                let first = self.stack.values.len() - results;
                self.builder.ins().return_(&self.stack.values[first..]);
                self.set_unreachable();
            }
            Op::Unreachable => {
                self.trap(TrapCode::Unreachable);
                self.set_unreachable();
            }
            Op::Nop => {}
            Op::Drop => {
                self.pop1();
            }
            Op::Select => {
                self.select();
            }
            Op::TypedSelect { ty } => {
                let ty = abi::val_type(*ty).ok_or_else(|| Failure::bug("a select of a type that was not validated"))?;
                let value = self.select();
                self.track(ty, value);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn select(&mut self) -> Value {
        let (first, second, condition) = self.pop3();
        let condition = self.truth(condition);
        let value = self.builder.ins().select(condition, first, second);
        self.push(value);
        value
    }

    /// Skips an unreachable instruction. Only the nesting of blocks is tracked, because an `else` or `end` can make code
    /// reachable again.
    ///
    /// # Errors
    /// An instruction that wrun does not know, which might open a block.
    pub(super) fn skip(&mut self, op: &Op<'_>) -> Result<(), Failure> {
        let depth = self.stack.skipped.expect("only called where code is unreachable");
        match op {
            Op::Block { .. } | Op::Loop { .. } | Op::If { .. } | Op::TryTable { .. } | Op::Try { .. } => {
                self.stack.skipped = Some(depth + 1);
            }
            Op::Else if depth == 0 => self.begin_else(),
            Op::Catch { .. } | Op::CatchAll if depth == 0 => {
                self.exception_operator(op)?;
            }
            Op::End if depth == 0 => self.end(),
            Op::Delegate { relative_depth } if depth == 0 => self.delegate(*relative_depth),
            Op::End | Op::Delegate { .. } => self.stack.skipped = Some(depth - 1),
            op if is_supported(op) => {}
            op => return Err(unknown(op)),
        }
        Ok(())
    }

    /// Emits an unconditional trap. The code after it is unreachable, and its block is marked as cold.
    pub(super) fn trap(&mut self, code: TrapCode) {
        self.builder.ins().trap(trap::to_clif(code));
        let block = self.builder.current_block().expect("translation is always in a block");
        if self.builder.func.layout.entry_block() != Some(block) {
            self.builder.set_cold_block(block);
        }
    }

    /// Pushes the frame of the function itself.
    pub(super) fn begin_function(&mut self) {
        let results = self.builder.func.signature.returns.len();
        self.stack.frames.push(Frame {
            kind: FrameKind::Block,
            ty: None,
            params: 0,
            results,
            height: 0,
            exit: None,
            jumps: 0,
            handlers: self.stack.handlers.len(),
        });
    }

    /// Pushes the frame of a block whose parameters are on the stack.
    pub(super) fn push_frame(&mut self, kind: FrameKind, ty: BlockType) -> Result<&mut Frame, Failure> {
        let (params, results) = self.arity(ty)?;
        self.stack.frames.push(Frame {
            kind,
            ty: Some(ty),
            params,
            results,
            height: self.stack.values.len() - params,
            exit: None,
            jumps: 0,
            handlers: self.stack.handlers.len(),
        });
        Ok(self.stack.frames.last_mut().expect("just pushed"))
    }

    fn begin_loop(&mut self, ty: BlockType) -> Result<(), Failure> {
        let header = self.builder.create_block();
        let (params, _) = self.arity(ty)?;
        if let BlockType::FuncType(index) = ty {
            self.append_params(header, self.block_type(index).params());
        }
        let arguments = self.block_args(params);
        self.builder.ins().jump(header, &arguments);
        self.push_frame(FrameKind::Loop(header), ty)?;
        self.popn(params);
        // More branches to the header may follow, so it is sealed at the end of the loop.
        self.builder.switch_to_block(header);
        self.push_block_params(header);
        Ok(())
    }

    fn begin_if(&mut self, ty: BlockType) -> Result<(), Failure> {
        let condition = self.pop1();
        let condition = self.truth(condition);
        let then = self.builder.create_block();
        let (params, results) = self.arity(ty)?;
        if (params, results) == (0, 0) {
            // There may be no `else`. If there is one, this branch is redirected.
            let exit = self.builder.create_block();
            let branch = self.builder.ins().brif(condition, then, &[], exit, &[]);
            let frame = self.push_frame(FrameKind::If(Else::Exit(branch)), ty)?;
            frame.exit = Some(exit);
            frame.jumps = 1;
        } else {
            let otherwise = self.builder.create_block();
            self.builder.ins().brif(condition, then, &[], otherwise, &[]);
            self.builder.seal_block(otherwise);
            self.push_frame(FrameKind::If(Else::Block(otherwise)), ty)?;
            // The parameters at the height of the frame stay there for the `else`. These copies are for the `then` part.
            let first = self.stack.values.len() - params;
            self.stack.values.extend_from_within(first..);
        }
        self.builder.seal_block(then);
        self.builder.switch_to_block(then);
        Ok(())
    }

    fn begin_else(&mut self) {
        self.leave_to_exit();
        let frame = self
            .stack
            .frames
            .last_mut()
            .expect("validated: `else` belongs to an `if`");
        let FrameKind::If(otherwise) = frame.kind else {
            unreachable!("validated: `else` belongs to an `if`");
        };
        frame.kind = FrameKind::Done;
        self.stack.values.truncate(frame.height + frame.params);
        self.stack.skipped = None;
        let block = match otherwise {
            Else::Block(block) => block,
            Else::Exit(branch) => {
                frame.jumps -= 1;
                let exit = frame.exit.expect("created with the `if`");
                let block = self.builder.create_block();
                self.builder.change_jump_destination(branch, exit, block);
                self.builder.seal_block(block);
                block
            }
        };
        self.builder.switch_to_block(block);
    }

    /// Jumps to the exit of the innermost frame, if the code here is reachable.
    pub(super) fn leave_to_exit(&mut self) {
        if self.is_reachable() {
            let (exit, arguments) = self.exit_of(self.stack.frames.len() - 1);
            self.builder.ins().jump(exit, &arguments);
        }
    }

    pub(super) fn end(&mut self) {
        self.end_protected();
        if let FrameKind::If(Else::Block(_)) = self.innermost().kind {
            // A missing `else` returns the parameters.
            self.begin_else();
        }
        if self.stack.frames.len() == 1 {
            self.end_function();
            return;
        }
        if self.innermost().jumps > 0 {
            self.leave_to_exit();
        }
        let frame = self.stack.frames.pop().expect("validated: `end` belongs to a frame");
        if let FrameKind::Loop(header) = frame.kind {
            self.builder.seal_block(header);
        }
        if let (Some(exit), 1..) = (frame.exit, frame.jumps) {
            self.builder.seal_block(exit);
            self.builder.switch_to_block(exit);
            self.stack.values.truncate(frame.height);
            self.push_block_params(exit);
            self.stack.skipped = None;
        } else if self.is_reachable() {
            let results = self.stack.values.len() - frame.results;
            self.stack.values.drain(frame.height..results);
        } else {
            self.stack.values.truncate(frame.height);
        }
    }

    fn end_function(&mut self) {
        if self.innermost().jumps > 0 {
            self.leave_to_exit();
        }
        let frame = self.stack.frames.pop().expect("the function's frame");
        if let (Some(exit), 1..) = (frame.exit, frame.jumps) {
            self.builder.seal_block(exit);
            self.builder.switch_to_block(exit);
            self.stack.values.clear();
            self.push_block_params(exit);
            self.builder.ins().return_(&self.stack.values);
        } else if self.is_reachable() {
            let first = self.stack.values.len() - frame.results;
            self.builder.ins().return_(&self.stack.values[first..]);
        }
    }

    fn branch_if(&mut self, depth: u32) {
        let condition = self.pop1();
        let condition = self.truth(condition);
        let (target, arguments) = self.branch_target(depth);
        let next = self.builder.create_block();
        self.builder.ins().brif(condition, target, &arguments, next, &[]);
        self.builder.seal_block(next);
        self.builder.switch_to_block(next);
    }

    fn branch_table(&mut self, targets: &BrTable<'_>) -> Result<(), Failure> {
        if targets.len() > MAX_BR_TABLE_TARGETS {
            return Err(Failure::Limit(format!(
                "a br_table with {} targets exceeds the limit of {MAX_BR_TABLE_TARGETS}: build the program with smaller switches",
                targets.len()
            )));
        }
        let index = self.pop1();
        // A branch with operands goes through an extra block, one per target and not per entry.
        let mut on_the_way: HashMap<u32, Block> = HashMap::new();
        let mut order = Vec::new();
        let mut calls = Vec::with_capacity(targets.len() as usize + 1);
        for depth in targets.targets().chain([Ok(targets.default())]) {
            let depth = depth.map_err(super::unvalidated)?;
            let block = match on_the_way.get(&depth) {
                Some(block) => *block,
                None => {
                    let block = if self.frame_at(depth).branch_arity() == 0 {
                        self.branch_target(depth).0
                    } else {
                        let block = self.builder.create_block();
                        order.push((depth, block));
                        block
                    };
                    on_the_way.insert(depth, block);
                    block
                }
            };
            calls.push(self.builder.func.dfg.block_call(block, &[]));
        }
        let default = calls.pop().expect("the default is there");
        let table = self.builder.create_jump_table(JumpTableData::new(default, &calls));
        self.builder.ins().br_table(index, table);
        for (depth, block) in order {
            self.builder.seal_block(block);
            self.builder.switch_to_block(block);
            let (target, arguments) = self.branch_target(depth);
            self.builder.ins().jump(target, &arguments);
        }
        Ok(())
    }

    /// The target of a branch, and the operands that it takes along (which stay on the stack).
    pub(super) fn branch_target(&mut self, depth: u32) -> (Block, Vec<BlockArg>) {
        let position = self.stack.frames.len() - 1 - depth as usize;
        match self.stack.frames[position].kind {
            FrameKind::Loop(header) => (header, self.block_args(self.stack.frames[position].params)),
            _ => self.exit_of(position),
        }
    }

    /// Returns the exit of a frame as the target of a further jump, and the results on the stack as its arguments.
    fn exit_of(&mut self, position: usize) -> (Block, Vec<BlockArg>) {
        let frame = &mut self.stack.frames[position];
        frame.jumps += 1;
        let (results, ty) = (frame.results, frame.ty);
        let exit = match frame.exit {
            Some(exit) => exit,
            None => {
                let exit = self.builder.create_block();
                frame.exit = Some(exit);
                self.append_results(exit, ty);
                exit
            }
        };
        (exit, self.block_args(results))
    }

    /// Appends the results of a frame's type to the parameters of `block`.
    fn append_results(&mut self, block: Block, ty: Option<BlockType>) {
        match ty {
            // These are returned at once, without a call in between, so they need no stack map.
            None => self.builder.append_block_params_for_function_returns(block),
            Some(BlockType::Empty) => {}
            Some(BlockType::Type(ty)) => {
                let ty = abi::val_type(ty).expect("looked at when the frame was pushed");
                self.append_params(block, &[ty]);
            }
            Some(BlockType::FuncType(index)) => self.append_params(block, self.block_type(index).results()),
        }
    }

    /// Appends a parameter of each of these types to `block`.
    fn append_params(&mut self, block: Block, types: &[ValType]) {
        for ty in types {
            let value = self.builder.append_block_param(block, ir_type(*ty));
            self.track(*ty, value);
        }
    }

    /// Returns the numbers of parameters and results of a block type.
    fn arity(&self, ty: BlockType) -> Result<(usize, usize), Failure> {
        Ok(match ty {
            BlockType::Empty => (0, 0),
            BlockType::Type(ty) => {
                abi::val_type(ty).ok_or_else(|| Failure::bug("a block of a type that was not validated"))?;
                (0, 1)
            }
            BlockType::FuncType(index) => {
                let ty = self.block_type(index);
                (ty.params().len(), ty.results().len())
            }
        })
    }

    fn push_block_params(&mut self, block: Block) {
        self.stack.values.extend_from_slice(self.builder.block_params(block));
    }

    pub(super) fn innermost(&self) -> &Frame {
        self.stack
            .frames
            .last()
            .expect("translation ends with the function's frame")
    }

    pub(super) fn frame_at(&self, depth: u32) -> &Frame {
        &self.stack.frames[self.stack.frames.len() - 1 - depth as usize]
    }
}

impl<'a> Translator<'a> {
    fn block_type(&self, index: u32) -> &'a FuncType {
        let facts = self.env.facts;
        &facts.sigs[facts.types[TypeIndex::from_u32(index)]]
    }
}
