//! Exceptions (spec 4.4.8: `throw`, `throw_ref`, `try_table`), and the legacy form (`try`, `catch`, `catch_all`, `delegate`, `rethrow`).
//!
//! A call inside of a `try_table` or `try` names a *landing* as its handler: a block that gets the exception, compares its tag with
//! the clauses one after the other, and hands it on to the landing around it, in this function or, through the runtime, in a
//! caller. Both forms differ only in what a clause is: a branch, or a piece of code. A `throw` is a call of the runtime, which does
//! not return; so code in which nothing is thrown does no work for exceptions.
//!
//! In: the instructions, and the handlers around the one at hand. Out: landings, and calls of the runtime. May not enter: how a
//! handler is found.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    Block, BlockArg, InstBuilder, InstructionData, Opcode, StackSlotData, StackSlotKind, Value, ValueDef, types,
};
use wasmparser::{Catch, Operator as Op, TryTable};
use wrun_artifact::TrapCode;
use wrun_artifact::index::TagIndex;
use wrun_artifact::vmlayout::{Libcall, SLOT, exception};

use super::Translator;
use super::abi::{POINTER, ir_type};
use super::environ::Region;
use super::stack::{CatchFrame, Caught, FrameKind, Handler};
use crate::error::Failure;

impl Translator<'_> {
    /// Translates an instruction of this family; says whether it is one.
    pub(super) fn exception_operator(&mut self, op: &Op<'_>) -> Result<bool, Failure> {
        match op {
            Op::TryTable { try_table } => self.begin_try_table(try_table)?,
            Op::Try { blockty } => {
                self.stack.handlers.push(Handler::default());
                self.push_frame(FrameKind::Try, *blockty)?;
            }
            Op::Catch { tag_index } => self.begin_catch(Some(TagIndex::from_u32(*tag_index))),
            Op::CatchAll => self.begin_catch(None),
            Op::Delegate { relative_depth } => self.delegate(*relative_depth),
            Op::Throw { tag_index } => self.throw(TagIndex::from_u32(*tag_index)),
            Op::ThrowRef => {
                let reference = self.pop1();
                let landing = self.landing();
                self.throw_again(reference, landing);
                self.set_unreachable();
            }
            Op::Rethrow { relative_depth } => self.rethrow(*relative_depth)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The block to go on in when a call at this place throws: the innermost landing of this function.
    pub(super) fn landing(&mut self) -> Option<Block> {
        let innermost = self.stack.handlers.len().checked_sub(1)?;
        Some(self.landing_of(innermost))
    }

    fn landing_of(&mut self, handler: usize) -> Block {
        if let Some(landing) = self.stack.handlers[handler].landing {
            return landing;
        }
        let landing = self.cold_block();
        let reference = self.builder.append_block_param(landing, POINTER);
        self.builder.append_block_param(landing, POINTER);
        self.track_object(reference);
        self.stack.handlers[handler].landing = Some(landing);
        landing
    }

    fn begin_try_table(&mut self, try_table: &TryTable) -> Result<(), Failure> {
        if try_table.catches.is_empty() {
            self.push_frame(FrameKind::Block, try_table.ty)?;
            return Ok(());
        }
        self.stack.handlers.push(Handler {
            landing: None,
            clauses: try_table.catches.clone(),
        });
        self.push_frame(FrameKind::TryTable, try_table.ty)?;
        Ok(())
    }

    /// Goes on with the next clause of the innermost `try`: one for exceptions with this tag, or for all.
    fn begin_catch(&mut self, tag: Option<TagIndex>) {
        let pending = self.leave_protected();
        let height = self.innermost().height;
        self.stack.values.truncate(height);
        let mut catch = CatchFrame {
            caught: None,
            next: None,
        };
        if let Some((block, caught)) = pending {
            self.builder.switch_to_block(block);
            self.stack.skipped = None;
            if let Some(tag) = tag {
                catch.next = Some((self.compare_tag(caught, tag), caught));
            }
            // A `rethrow` further on makes this 1.
            let kept = self.builder.ins().iconst(types::I64, 0);
            self.set_kept(caught, kept);
            catch.caught = Some((caught, kept));
            if let Some(tag) = tag {
                self.push_payload(caught, tag);
            }
        } else {
            self.set_unreachable();
        }
        self.stack.frames.last_mut().expect("the frame of the `try`").kind = FrameKind::Catch(catch);
    }

    /// Ends the part of the innermost frame in which its handler is in force, or the clause before: gives the block that looks at
    /// exceptions, if there can be any. What follows is unreachable then.
    fn leave_protected(&mut self) -> Option<(Block, Caught)> {
        self.leave_to_exit();
        let frame = self
            .stack
            .frames
            .last_mut()
            .expect("validated: a clause belongs to a frame");
        match frame.kind {
            FrameKind::Try | FrameKind::TryTable => {
                frame.handlers -= 1;
                let handler = self.stack.handlers.pop().expect("pushed with the frame");
                self.open(handler.landing)
            }
            FrameKind::Catch(CatchFrame { next, .. }) => next,
            _ => None,
        }
    }

    /// Completes a landing's predecessors.
    fn open(&mut self, landing: Option<Block>) -> Option<(Block, Caught)> {
        let landing = landing?;
        self.builder.seal_block(landing);
        let parameters = self.builder.block_params(landing);
        let caught = Caught {
            reference: parameters[0],
            fields: parameters[1],
        };
        Some((landing, caught))
    }

    /// Before the `end` of a frame with a handler, or of the last clause of a `try`: emits what becomes of exceptions that were
    /// thrown inside.
    pub(super) fn end_protected(&mut self) {
        match self.innermost().kind {
            FrameKind::TryTable => {
                let handlers = &mut self.stack.handlers;
                let clauses = core::mem::take(&mut handlers.last_mut().expect("pushed with the frame").clauses);
                if handlers.last().is_some_and(|handler| handler.landing.is_none()) {
                    handlers.pop();
                    return;
                }
                if let Some((landing, caught)) = self.leave_protected() {
                    self.builder.switch_to_block(landing);
                    self.clauses(&clauses, caught);
                }
                self.set_unreachable();
            }
            FrameKind::Try
                if self
                    .stack
                    .handlers
                    .last()
                    .is_some_and(|handler| handler.landing.is_none()) =>
            {
                self.stack.handlers.pop();
            }
            FrameKind::Catch(CatchFrame { next: None, .. }) => {}
            FrameKind::Try | FrameKind::Catch(_) => {
                if let Some((block, caught)) = self.leave_protected() {
                    self.builder.switch_to_block(block);
                    let outer = self.landing();
                    self.hand_on(caught, outer);
                }
                self.set_unreachable();
            }
            _ => {}
        }
    }

    /// Ends the innermost `try`: its exceptions go to the handler that is in force at this label, which counts from outside of it.
    pub(super) fn delegate(&mut self, depth: u32) {
        let handlers = self.frame_at(depth + 1).handlers;
        if let Some((block, caught)) = self.leave_protected() {
            self.builder.switch_to_block(block);
            let target = handlers.checked_sub(1).map(|handler| self.landing_of(handler));
            self.hand_on(caught, target);
        }
        self.set_unreachable();
        self.stack.frames.last_mut().expect("the frame of the `try`").kind = FrameKind::Block;
        self.end();
    }

    /// Compares an exception with the clauses of a `try_table`, whose frame is still there.
    fn clauses(&mut self, clauses: &[Catch], caught: Caught) {
        let height = self.stack.values.len();
        for clause in clauses {
            let (tag, is_kept, label) = match *clause {
                Catch::One { tag, label } => (Some(tag), false, label),
                Catch::OneRef { tag, label } => (Some(tag), true, label),
                Catch::All { label } => (None, false, label),
                Catch::AllRef { label } => (None, true, label),
            };
            let tag = tag.map(TagIndex::from_u32);
            let next = tag.map(|tag| self.compare_tag(caught, tag));
            if let Some(tag) = tag {
                self.push_payload(caught, tag);
            }
            if is_kept {
                let kept = self.builder.ins().iconst(types::I64, 1);
                self.set_kept(caught, kept);
                self.push(caught.reference);
            }
            let (target, arguments) = self.branch_target(label + 1);
            self.builder.ins().jump(target, &arguments);
            self.stack.values.truncate(height);
            match next {
                Some(next) => self.builder.switch_to_block(next),
                None => return,
            }
        }
        let outer = self.landing();
        self.hand_on(caught, outer);
    }

    /// Branches on the tag of an exception: goes on where it is this one, and gives the block for the others.
    fn compare_tag(&mut self, caught: Caught, tag: TagIndex) -> Block {
        let flags = self.variable(Region::Exception).with_aligned();
        let found = self
            .builder
            .ins()
            .load(types::I64, flags, caught.fields, exception::TAG);
        let expected = self.tag_number(tag);
        let is_this = self.builder.ins().icmp(IntCC::Equal, found, expected);
        let (matches, next) = (self.cold_block(), self.cold_block());
        self.builder.ins().brif(is_this, matches, &[], next, &[]);
        self.builder.seal_block(matches);
        self.builder.seal_block(next);
        self.builder.switch_to_block(matches);
        next
    }

    /// The number of a tag in the store.
    fn tag_number(&mut self, tag: TagIndex) -> Value {
        let flags = self.constant(Region::Fixed).with_aligned();
        let offset = self.env.layout.tag(tag);
        self.builder.ins().load(types::I64, flags, self.vmctx, offset)
    }

    fn push_payload(&mut self, caught: Caught, tag: TagIndex) {
        let facts = self.env.facts;
        for (ty, index) in facts.sigs[facts.tags[tag]].params().iter().zip(0..) {
            let flags = self.variable(Region::Exception).with_aligned();
            let offset = exception::PAYLOAD + index * SLOT;
            let value = self.builder.ins().load(ir_type(*ty), flags, caught.fields, offset);
            self.track(*ty, value);
            self.push(value);
        }
    }

    /// Says whether the guest keeps a reference to the exception.
    fn set_kept(&mut self, caught: Caught, kept: Value) {
        let flags = self.variable(Region::Exception).with_aligned();
        self.builder.ins().store(flags, kept, caught.fields, exception::IS_KEPT);
    }

    /// Goes on at a landing of this function, or in a caller.
    fn hand_on(&mut self, caught: Caught, landing: Option<Block>) {
        match landing {
            Some(landing) => {
                let arguments = [BlockArg::Value(caught.reference), BlockArg::Value(caught.fields)];
                self.builder.ins().jump(landing, &arguments);
            }
            None => self.throw_again(caught.reference, None),
        }
    }

    fn throw(&mut self, tag: TagIndex) {
        let facts = self.env.facts;
        let count = facts.sigs[facts.tags[tag]].params().len();
        let payload = match u32::try_from(count).expect("bounded by validation") {
            0 => self.builder.ins().iconst(POINTER, 0),
            count => {
                let data = StackSlotData::new(StackSlotKind::ExplicitSlot, count * SLOT.unsigned_abs(), 4);
                let slot = self.builder.create_sized_stack_slot(data);
                self.builder.ins().stack_addr(POINTER, slot, 0)
            }
        };
        let first = self.stack.values.len() - count;
        for index in 0..count {
            let value = self.stack.values[first + index];
            let flags = self.variable(Region::Exception).with_aligned();
            let offset = i32::try_from(index).expect("bounded by validation") * SLOT;
            self.builder.ins().store(flags, value, payload, offset);
        }
        self.popn(count);
        let tag = self.tag_number(tag);
        let landing = self.landing();
        self.libcall_to(landing, Libcall::Throw, &[tag, payload]);
        self.trap(TrapCode::Unreachable);
        self.set_unreachable();
    }

    /// Throws an exception again, to this landing or to the caller. What follows is never reached, and there is an instruction that
    /// says so.
    fn throw_again(&mut self, reference: Value, landing: Option<Block>) {
        self.libcall_to(landing, Libcall::ThrowRef, &[reference]);
        self.trap(TrapCode::Unreachable);
    }

    fn rethrow(&mut self, depth: u32) -> Result<(), Failure> {
        let FrameKind::Catch(CatchFrame {
            caught: Some((caught, kept)),
            ..
        }) = self.frame_at(depth).kind
        else {
            return Err(Failure::bug("a rethrow outside of a clause that can be reached"));
        };
        let dfg = &mut self.builder.func.dfg;
        if let ValueDef::Result(inst, _) = dfg.value_def(kept) {
            dfg.insts[inst] = InstructionData::UnaryImm {
                opcode: Opcode::Iconst,
                imm: 1.into(),
            };
        }
        let landing = self.landing();
        self.throw_again(caught.reference, landing);
        self.set_unreachable();
        Ok(())
    }
}
