//! Calls (spec 4.4.8, `call` and `call_indirect`).
//!
//! In: a function, or a table and an index. Out: a direct call where the callee is known, else a call through the vmctx
//! or through a table's entry.
//!
//! A private table's entry holds the number of the type in this module and where in this text the code begins, so the
//! type is compared with an immediate and the callee gets the caller's own vmctx. A shared table's entry holds what a
//! call between instances needs. In both, an entry that is not of the type asked for is dealt with out of line.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Inst, InstBuilder, Value, types};
use wasmparser::Operator as Op;
use wrun_artifact::TrapCode;
use wrun_artifact::index::{FuncIndex, SigIndex, TableIndex, TypeIndex};
use wrun_artifact::vmlayout::{Libcall, TableForm, func_import, private_entry, shared_entry};

use super::abi::POINTER;
use super::environ::Region;
use super::{Translator, trap};
use crate::code::Symbol;
use crate::error::Failure;

/// What is known of the entry that a `call_indirect` finds.
enum Callee {
    /// It is this function, of the type asked for.
    Known(FuncIndex),
    /// The call always traps.
    Traps(TrapCode),
    /// It has the type asked for, if the index is in bounds.
    Typed,
    /// Nothing.
    Unknown,
}

impl Translator<'_> {
    /// Translates an instruction of this family; says whether it is one.
    pub(super) fn call_operator(&mut self, op: &Op<'_>) -> Result<bool, Failure> {
        match op {
            Op::Call { function_index } => self.call(FuncIndex::from_u32(*function_index)),
            Op::CallIndirect {
                type_index,
                table_index,
            } => {
                let sig = self.env.module.types[TypeIndex::from_u32(*type_index)];
                self.call_indirect(sig, TableIndex::from_u32(*table_index))?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn call(&mut self, func: FuncIndex) {
        let module = self.env.module;
        let sig = module.funcs[func];
        match module.defined_func(func) {
            Some(defined) => {
                let callee = self.function(Symbol::Func(defined), sig);
                // A constant need not be kept across calls, as the vmctx must.
                let context = match self.env.facts.context_free.contains(&defined) {
                    true => self.builder.ins().iconst(POINTER, 0),
                    false => self.vmctx,
                };
                self.collect_arguments(sig, context);
                let call = self.builder.ins().call(callee, &self.arguments);
                self.finish_call(sig, call);
            }
            None => {
                let import = module.layout.imported_func(func);
                let code = self.fixed_pointer(import + func_import::CODE);
                let context = self.fixed_pointer(import + func_import::VMCTX);
                self.call_code(sig, code, context);
            }
        }
    }

    fn call_indirect(&mut self, sig: SigIndex, table: TableIndex) -> Result<(), Failure> {
        let index = self.pop1();
        match self.env.facts.tables[table].form {
            TableForm::Private => self.call_private(sig, table, index),
            TableForm::Shared => self.call_shared(sig, table, index),
            TableForm::Extern => return Err(Failure::bug("call_indirect through a table of externref")),
        }
        Ok(())
    }

    fn call_private(&mut self, sig: SigIndex, table: TableIndex, index: Value) {
        let callee = self.private_callee(sig, table, index);
        match callee {
            Callee::Known(func) => return self.call(func),
            Callee::Traps(code) => {
                self.trap(code);
                return self.set_unreachable();
            }
            Callee::Typed | Callee::Unknown => {}
        }
        let entry = self.table_entry(table, index);
        // The first access traps where the index is out of bounds.
        let mut flags = self.entry_flags(table, TrapCode::UndefinedElement);
        if let Callee::Unknown = callee {
            let found = self.builder.ins().load(types::I32, flags, entry, private_entry::SIG);
            self.check_private(sig, found);
            flags = self.checked_entry_flags(table);
        }
        let offset = self.builder.ins().load(types::I32, flags, entry, private_entry::OFFSET);
        let offset = self.widen(offset);
        let text = self.text_start(sig);
        let code = self.builder.ins().iadd(text, offset);
        self.call_code(sig, code, self.vmctx);
    }

    /// What the scan of the module says of a private table's entries for a call with the type `sig`.
    fn private_callee(&mut self, sig: SigIndex, table: TableIndex, index: Value) -> Callee {
        let facts = &self.env.facts.tables[table];
        let (true, Some(length)) = (facts.constant, facts.fixed_len) else {
            return Callee::Unknown;
        };
        if let Some(index) = self.known_int(index) {
            if index >= u64::from(length) {
                return Callee::Traps(TrapCode::UndefinedElement);
            }
            // Beyond the image, elements are null.
            return match facts.image.get(index as usize).copied().flatten() {
                None => Callee::Traps(TrapCode::UninitializedElement),
                Some(func) if self.env.module.funcs[func] == sig => Callee::Known(func),
                Some(_) => Callee::Traps(TrapCode::IndirectCallTypeMismatch),
            };
        }
        if self.only_sig(table) == Some(sig) {
            Callee::Typed
        } else {
            Callee::Unknown
        }
    }

    /// The type that all elements of a table have, whose contents are its image for ever.
    fn only_sig(&mut self, table: TableIndex) -> Option<SigIndex> {
        /// Larger tables are not looked through: this is done in every function that calls through the table.
        const MAX_LENGTH: usize = 4096;
        if let Some(known) = self.known.only_sigs.get(&table) {
            return *known;
        }
        let facts = &self.env.facts.tables[table];
        let sig_at = |index: usize| facts.image[index].map(|func| self.env.module.funcs[func]);
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

    /// Traps unless `found`, the type's number in a private entry, stands for `sig`.
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

    fn call_shared(&mut self, sig: SigIndex, table: TableIndex, index: Value) {
        let entry = self.table_entry(table, index);
        let flags = self.entry_flags(table, TrapCode::UndefinedElement);
        let found = self.builder.ins().load(types::I32, flags, entry, shared_entry::SIG);
        let id_flags = self.constant(Region::Fixed).with_aligned();
        let at = self.env.module.layout.sig(sig);
        let expected = self.builder.ins().load(types::I32, id_flags, self.vmctx, at);
        let matches = self.builder.ins().icmp(IntCC::Equal, found, expected);
        let (mismatch, next) = (self.cold_block(), self.builder.create_block());
        let callee = self.builder.append_block_param(next, POINTER);
        self.builder.ins().brif(matches, next, &[entry.into()], mismatch, &[]);

        self.builder.seal_block(mismatch);
        self.builder.switch_to_block(mismatch);
        let (table_number, sig_number) = (self.index_const(table.as_u32()), self.index_const(sig.as_u32()));
        let resolved = self.libcall(Libcall::ResolveIndirect, &[table_number, index, sig_number]);
        let resolved = resolved.expect("has a result");
        self.builder.ins().jump(next, &[resolved.into()]);

        self.builder.seal_block(next);
        self.builder.switch_to_block(next);
        let flags = self.checked_entry_flags(table);
        let code = self.builder.ins().load(POINTER, flags, callee, shared_entry::CODE);
        let context = self.builder.ins().load(POINTER, flags, callee, shared_entry::VMCTX);
        self.call_code(sig, code, context);
    }

    /// Calls `code` with the arguments on the stack.
    fn call_code(&mut self, sig: SigIndex, code: Value, context: Value) {
        let signature = self.signature(sig);
        self.collect_arguments(sig, context);
        let call = self.builder.ins().call_indirect(signature, code, &self.arguments);
        self.finish_call(sig, call);
    }

    /// The context, then the arguments on the stack.
    fn collect_arguments(&mut self, sig: SigIndex, context: Value) {
        let params = self.env.module.sigs[sig].params().len();
        let first = self.stack.values.len() - params;
        self.arguments.clear();
        self.arguments.push(context);
        self.arguments.extend_from_slice(&self.stack.values[first..]);
    }

    /// Replaces the arguments on the stack by the results.
    fn finish_call(&mut self, sig: SigIndex, call: Inst) {
        let ty = &self.env.module.sigs[sig];
        self.popn(ty.params().len());
        let first = self.stack.values.len();
        self.stack.values.extend_from_slice(self.builder.inst_results(call));
        for (ty, i) in ty.results().iter().zip(first..) {
            self.track(*ty, self.stack.values[i]);
        }
    }
}
