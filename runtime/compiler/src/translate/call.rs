//! Call instructions (spec 4.4.8: `call`, `call_indirect`, `call_ref`, and the same in tail position, `return_call` and so on).
//!
//! Input: a function, or a table and an index. Output: a direct call if the callee is known, otherwise a call through the vmctx
//! or through a table's entry.
//!
//! An entry of a private table holds the number of the type in this module and an offset in this text. So the type is compared
//! with an immediate, and the callee gets the caller's own vmctx. An entry of a shared table also holds the callee's context.
//! In both cases, a mismatch of the type is handled out of line.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use wasmparser::Operator as Op;
use wrun_artifact::TrapCode;
use wrun_artifact::index::{FuncIndex, SigIndex, TableIndex, TypeIndex};
use wrun_artifact::vmlayout::{Libcall, TableForm, func_import, func_ref, private_entry, shared_entry};

use super::abi::POINTER;
use super::call_site::How;
use super::environ::Region;
use super::{Translator, trap};
use crate::code::Symbol;
use crate::error::Failure;

/// Facts known about the entry of a `call_indirect`.
enum Entry {
    /// The entry is this function, and its type is right.
    Known(FuncIndex),
    /// The call always traps.
    Traps(TrapCode),
    /// The type is right if the index is in bounds.
    Typed,
    /// Nothing is known.
    Unknown,
}

impl Translator<'_> {
    /// Translates an instruction of this family. Returns false for other instructions.
    pub(super) fn call_operator(&mut self, op: &Op<'_>) -> Result<bool, Failure> {
        match op {
            Op::Call { function_index } => self.call(How::Call, FuncIndex::from_u32(*function_index)),
            Op::ReturnCall { function_index } => self.call(How::Tail, FuncIndex::from_u32(*function_index)),
            Op::CallIndirect {
                type_index,
                table_index,
            } => self.call_indirect(How::Call, *type_index, TableIndex::from_u32(*table_index))?,
            Op::ReturnCallIndirect {
                type_index,
                table_index,
            } => self.call_indirect(How::Tail, *type_index, TableIndex::from_u32(*table_index))?,
            Op::CallRef { type_index } => self.call_ref(How::Call, *type_index),
            Op::ReturnCallRef { type_index } => self.call_ref(How::Tail, *type_index),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Calls the function of the reference on the operand stack. Validation has checked its type.
    fn call_ref(&mut self, how: How, ty: u32) {
        let sig = self.env.facts.types[TypeIndex::from_u32(ty)];
        let reference = self.pop1();
        // For a null reference, this faults on the null page.
        let null = trap::to_clif(TrapCode::NullFunction);
        let flags = self.variable(Region::Function).with_trap_code(Some(null));
        let found = self.builder.ins().load(POINTER, flags, reference, func_ref::CODE);
        let (unresolved, next) = (self.cold_block(), self.builder.create_block());
        let code = self.builder.append_block_param(next, POINTER);
        self.builder.ins().brif(found, next, &[found.into()], unresolved, &[]);

        self.builder.seal_block(unresolved);
        self.builder.switch_to_block(unresolved);
        let sig_number = self.index_const(sig.as_u32());
        let resolved = self.libcall(Libcall::ResolveRef, &[reference, sig_number]);
        self.builder.ins().jump(next, &[resolved.expect("has a result").into()]);

        self.builder.seal_block(next);
        self.builder.switch_to_block(next);
        let flags = self.variable(Region::Function);
        let context = self.builder.ins().load(POINTER, flags, reference, func_ref::VMCTX);
        let callee = self.code_at(sig, code);
        self.call_guest(how, sig, callee, context);
    }

    fn call(&mut self, how: How, func: FuncIndex) {
        let facts = self.env.facts;
        let sig = facts.funcs[func];
        match facts.defined_func(func) {
            Some(defined) => {
                // Unlike the vmctx, a constant need not be kept across calls.
                let context = match facts.context_free.contains(&defined) {
                    true => self.builder.ins().iconst(POINTER, 0),
                    false => self.vmctx,
                };
                let callee = self.code_of(sig, Symbol::Func(defined));
                self.call_guest(how, sig, callee, context);
            }
            None => {
                let import = self.env.layout.imported_func(func);
                let code = self.fixed_pointer(import + func_import::CODE);
                let context = self.fixed_pointer(import + func_import::VMCTX);
                let callee = self.code_at(sig, code);
                self.call_guest(how, sig, callee, context);
            }
        }
    }

    fn call_indirect(&mut self, how: How, ty: u32, table: TableIndex) -> Result<(), Failure> {
        let sig = self.env.facts.types[TypeIndex::from_u32(ty)];
        let index = self.pop1();
        match self.env.facts.tables[table].form {
            TableForm::Private => self.call_private(how, sig, table, index),
            TableForm::Shared => self.call_shared(how, sig, table, index),
            TableForm::Extern => return Err(Failure::bug("call_indirect through a table of externref")),
        }
        Ok(())
    }

    fn call_private(&mut self, how: How, sig: SigIndex, table: TableIndex, index: Value) {
        let callee = self.private_callee(sig, table, index);
        match callee {
            Entry::Known(func) => return self.call(how, func),
            Entry::Traps(code) => {
                self.trap(code);
                return self.set_unreachable();
            }
            Entry::Typed | Entry::Unknown => {}
        }
        let entry = self.table_entry(table, index);
        // The first access traps if the index is out of bounds.
        let mut flags = self.entry_flags(table, TrapCode::UndefinedElement);
        if let Entry::Unknown = callee {
            let found = self.builder.ins().load(types::I32, flags, entry, private_entry::SIG);
            self.check_private(sig, found);
            flags = self.checked_entry_flags(table);
        }
        let offset = self.builder.ins().load(types::I32, flags, entry, private_entry::OFFSET);
        let offset = self.widen(offset);
        let text = self.text_start(sig);
        let code = self.builder.ins().iadd(text, offset);
        let callee = self.code_at(sig, code);
        self.call_guest(how, sig, callee, self.vmctx);
    }

    /// Returns the facts from the scan of the module about the entry of a private table for a call with the type `sig`.
    fn private_callee(&mut self, sig: SigIndex, table: TableIndex, index: Value) -> Entry {
        let facts = &self.env.facts.tables[table];
        let (true, Some(length)) = (facts.constant, facts.fixed_len) else {
            return Entry::Unknown;
        };
        if let Some(index) = self.known_int(index) {
            if index >= u64::from(length) {
                return Entry::Traps(TrapCode::UndefinedElement);
            }
            // Elements after the image are null.
            return match facts.image.get(index as usize).copied().flatten() {
                None => Entry::Traps(TrapCode::UninitializedElement),
                Some(func) if self.env.facts.funcs[func] == sig => Entry::Known(func),
                Some(_) => Entry::Traps(TrapCode::IndirectCallTypeMismatch),
            };
        }
        if self.only_sig(table) == Some(sig) {
            Entry::Typed
        } else {
            Entry::Unknown
        }
    }

    /// Returns the type that all elements of a table have, if its contents never change.
    fn only_sig(&mut self, table: TableIndex) -> Option<SigIndex> {
        /// Larger tables are not searched, because every function that calls through the table does this search.
        const MAX_LENGTH: usize = 4096;
        if let Some(known) = self.known.only_sigs.get(&table) {
            return *known;
        }
        let facts = &self.env.facts.tables[table];
        let sig_at = |index: usize| facts.image[index].map(|func| self.env.facts.funcs[func]);
        let covered = facts.fixed_len.map(|length| length as usize) == Some(facts.image.len());
        let found = match facts.image.len() {
            length @ 1..=MAX_LENGTH if covered => {
                sig_at(0).filter(|first| (1..length).all(|index| sig_at(index) == Some(*first)))
            }
            _ => None,
        };
        self.known.only_sigs.insert(table, found);
        found
    }

    /// Traps unless `found`, the number of the type in an entry of a private table, is that of `sig`.
    fn check_private(&mut self, sig: SigIndex, found: Value) {
        let expected = self.index_const(sig.as_u32() + 1);
        let matches = self.builder.ins().icmp(IntCC::Equal, found, expected);
        let (mismatch, next) = (self.cold_block(), self.builder.create_block());
        self.builder.ins().brif(matches, next, &[], mismatch, &[]);

        self.builder.seal_block(mismatch);
        self.builder.switch_to_block(mismatch);
        self.builder
            .ins()
            .trapz(found, trap::to_clif(TrapCode::UninitializedElement));
        self.builder
            .ins()
            .trap(trap::to_clif(TrapCode::IndirectCallTypeMismatch));

        self.builder.seal_block(next);
        self.builder.switch_to_block(next);
    }

    fn call_shared(&mut self, how: How, sig: SigIndex, table: TableIndex, index: Value) {
        let entry = self.table_entry(table, index);
        let flags = self.entry_flags(table, TrapCode::UndefinedElement);
        let found = self.builder.ins().load(types::I32, flags, entry, shared_entry::SIG);
        let id_flags = self.constant(Region::Fixed).with_aligned();
        let at = self.env.layout.sig(sig);
        let expected = self.builder.ins().load(types::I32, id_flags, self.vmctx, at);
        let matches = self.builder.ins().icmp(IntCC::Equal, found, expected);
        let (mismatch, next) = (self.cold_block(), self.builder.create_block());
        let callee = self.builder.append_block_param(next, POINTER);
        self.builder.ins().brif(matches, next, &[entry.into()], mismatch, &[]);

        self.builder.seal_block(mismatch);
        self.builder.switch_to_block(mismatch);
        let (table_number, sig_number) = (self.index_const(table.as_u32()), self.index_const(sig.as_u32()));
        let index = self.table_index_to_i64(table, index);
        let resolved = self.libcall(Libcall::ResolveIndirect, &[table_number, index, sig_number]);
        let resolved = resolved.expect("has a result");
        self.builder.ins().jump(next, &[resolved.into()]);

        self.builder.seal_block(next);
        self.builder.switch_to_block(next);
        let flags = self.checked_entry_flags(table);
        let code = self.builder.ins().load(POINTER, flags, callee, shared_entry::CODE);
        let context = self.builder.ins().load(POINTER, flags, callee, shared_entry::VMCTX);
        let callee = self.code_at(sig, code);
        self.call_guest(how, sig, callee, context);
    }
}
