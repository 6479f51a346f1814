//! Exceptions (spec 4.4.8: `throw`, `throw_ref`, `try_table`), and the legacy form (`try`, `catch`, `catch_all`, `delegate`, `rethrow`).
//!
//! Input: an instruction, and the handlers around it. Output: landings, and calls of the runtime. Must not hold: how a handler is
//! found.
//!
//! A call inside a `try_table` or `try` has a *landing* as its handler. A landing is a block that gets the exception and compares
//! its tag with one clause after the other. If no clause fits, it passes the exception to the landing around it in this function
//! or, through the runtime, to a caller. The two forms differ only in their clauses: a clause is either a branch or a piece of
//! code. A `throw` calls the runtime and does not return. So code that throws nothing does no work for exceptions.

use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, StackSlot, StackSlotData, StackSlotKind, Value, types};
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
    /// Translates an instruction of this family. Returns false for other instructions.
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

    /// Returns the block where execution continues if a call at this place throws: the innermost landing of this function.
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

    /// Begins the next clause of the innermost `try`: for exceptions with this tag, or for all.
    fn begin_catch(&mut self, tag: Option<TagIndex>) {
        let pending = self.leave_protected();
        let height = self.innermost().height;
        self.stack.values.truncate(height);
        let mut catch = CatchFrame {
            caught: None,
            unkept: None,
            next: None,
        };
        if let Some((block, caught)) = pending {
            self.builder.switch_to_block(block);
            self.stack.skipped = None;
            if let Some(tag) = tag {
                catch.next = Some((self.compare_tag(caught, tag), caught));
            }
            // A later `rethrow` inserts instructions at the beginning of this block.
            self.builder.ensure_inserted_block();
            catch.caught = Some(caught);
            catch.unkept = self.builder.current_block();
            if let Some(tag) = tag {
                self.push_payload(caught, tag);
            }
        } else {
            self.set_unreachable();
        }
        self.stack.frames.last_mut().expect("the frame of the `try`").kind = FrameKind::Catch(catch);
    }

    /// Ends the protected part of the innermost frame, or the clause before. Returns the block that handles exceptions, if there
    /// can be any. The code after it is unreachable at first.
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

    /// Seals a landing and returns it with its parameters.
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

    /// Emits the handling of exceptions from inside the frame. Called before the `end` of a frame with a handler, or of the last
    /// clause of a `try`.
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

    /// Ends the innermost `try`. Its exceptions go to the handler of the frame with this label, counted from outside the `try`.
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

    /// Compares an exception with the clauses of a `try_table`. Its frame still exists.
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
                self.keep(caught);
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

    /// Branches on the tag of an exception. Translation continues where the tag is this one. Returns the block for the other
    /// tags.
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

    /// Returns the number of a tag in the store.
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

    /// Records that the guest keeps a reference to the exception. Nothing takes this back, because there may be other references.
    fn keep(&mut self, caught: Caught) {
        let flags = self.variable(Region::Exception).with_aligned();
        let kept = self.builder.ins().iconst(types::I64, 1);
        self.builder.ins().store(flags, kept, caught.fields, exception::IS_KEPT);
    }

    /// Does the same at the beginning of a block that is already translated.
    fn keep_from(&mut self, block: Block, caught: Caught) {
        let flags = self.variable(Region::Exception).with_aligned();
        let mut cursor = FuncCursor::new(self.builder.func).at_first_insertion_point(block);
        let kept = cursor.ins().iconst(types::I64, 1);
        cursor.ins().store(flags, kept, caught.fields, exception::IS_KEPT);
    }

    /// Passes an exception to a landing of this function, or to a caller.
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
                let slot = self.payload_slot(count * SLOT.unsigned_abs());
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

    /// Returns the part of the frame that holds a payload until it is thrown. All throws of the function share it.
    fn payload_slot(&mut self, size: u32) -> StackSlot {
        let slot = match self.known.payload {
            Some(slot) => slot,
            None => {
                let data = StackSlotData::new(StackSlotKind::ExplicitSlot, size, 4);
                self.builder.create_sized_stack_slot(data)
            }
        };
        self.known.payload = Some(slot);
        let data = &mut self.builder.func.sized_stack_slots[slot];
        data.size = data.size.max(size);
        slot
    }

    /// Throws an exception again, to this landing or to the caller. The code after it is unreachable, and a trap instruction
    /// marks this.
    fn throw_again(&mut self, reference: Value, landing: Option<Block>) {
        self.libcall_to(landing, Libcall::ThrowRef, &[reference]);
        self.trap(TrapCode::Unreachable);
    }

    fn rethrow(&mut self, depth: u32) -> Result<(), Failure> {
        let position = self.stack.frames.len() - 1 - depth as usize;
        let FrameKind::Catch(CatchFrame {
            caught: Some(caught),
            unkept,
            ..
        }) = &mut self.stack.frames[position].kind
        else {
            return Err(Failure::bug("a rethrow outside of a clause that can be reached"));
        };
        let (caught, unkept) = (*caught, unkept.take());
        if let Some(block) = unkept {
            self.keep_from(block, caught);
        }
        let landing = self.landing();
        self.throw_again(caught.reference, landing);
        self.set_unreachable();
        Ok(())
    }
}
