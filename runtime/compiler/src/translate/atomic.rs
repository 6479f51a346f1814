//! Atomic instructions (the threads proposal) on memories that are not shared.
//!
//! Input: operands and the static parts of an instruction. Output: loads, stores and arithmetic. Must not hold: shared memories,
//! which parsing refuses.
//!
//! Only one thread can access such a memory, so plain loads and stores are sufficient. The only difference from plain
//! instructions is that an address that is not a multiple of the size traps.
//! parsing refuses.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use wasmparser::{MemArg, Operator as Op};
use wrun_artifact::TrapCode;
use wrun_artifact::index::MemoryIndex;

use super::memory::Address;
use super::{Translator, trap};

/// Operation of a read-modify-write instruction: it computes the new value from the old one and the operand.
#[derive(Copy, Clone)]
enum Modify {
    Add,
    Sub,
    And,
    Or,
    Xor,
    Exchange,
}

/// Kind of an atomic access.
#[derive(Copy, Clone)]
enum Kind {
    Load,
    Store,
    Modify(Modify),
    Compare,
}

/// Returns the parts of an access: the static part, the type of the operands, the type in memory, and the kind.
fn decode<'o>(op: &'o Op<'_>) -> Option<(&'o MemArg, Type, Type, Kind)> {
    use types::{I8, I16, I32, I64};
    macro_rules! accesses {
        ($($kind:expr => $($name:ident: $ty:ident as $access:ident),*;)*) => {
            match op {
                $($(Op::$name { memarg } => Some((memarg, $ty, $access, $kind)),)*)*
                _ => None,
            }
        };
    }
    accesses! {
        Kind::Load =>
        I32AtomicLoad: I32 as I32, I64AtomicLoad: I64 as I64, I32AtomicLoad8U: I32 as I8, I32AtomicLoad16U: I32 as I16,
        I64AtomicLoad8U: I64 as I8, I64AtomicLoad16U: I64 as I16, I64AtomicLoad32U: I64 as I32;
        Kind::Store =>
        I32AtomicStore: I32 as I32, I64AtomicStore: I64 as I64, I32AtomicStore8: I32 as I8, I32AtomicStore16: I32 as I16,
        I64AtomicStore8: I64 as I8, I64AtomicStore16: I64 as I16, I64AtomicStore32: I64 as I32;
        Kind::Modify(Modify::Add) =>
        I32AtomicRmwAdd: I32 as I32, I64AtomicRmwAdd: I64 as I64, I32AtomicRmw8AddU: I32 as I8, I32AtomicRmw16AddU: I32 as I16,
        I64AtomicRmw8AddU: I64 as I8, I64AtomicRmw16AddU: I64 as I16, I64AtomicRmw32AddU: I64 as I32;
        Kind::Modify(Modify::Sub) =>
        I32AtomicRmwSub: I32 as I32, I64AtomicRmwSub: I64 as I64, I32AtomicRmw8SubU: I32 as I8, I32AtomicRmw16SubU: I32 as I16,
        I64AtomicRmw8SubU: I64 as I8, I64AtomicRmw16SubU: I64 as I16, I64AtomicRmw32SubU: I64 as I32;
        Kind::Modify(Modify::And) =>
        I32AtomicRmwAnd: I32 as I32, I64AtomicRmwAnd: I64 as I64, I32AtomicRmw8AndU: I32 as I8, I32AtomicRmw16AndU: I32 as I16,
        I64AtomicRmw8AndU: I64 as I8, I64AtomicRmw16AndU: I64 as I16, I64AtomicRmw32AndU: I64 as I32;
        Kind::Modify(Modify::Or) =>
        I32AtomicRmwOr: I32 as I32, I64AtomicRmwOr: I64 as I64, I32AtomicRmw8OrU: I32 as I8, I32AtomicRmw16OrU: I32 as I16,
        I64AtomicRmw8OrU: I64 as I8, I64AtomicRmw16OrU: I64 as I16, I64AtomicRmw32OrU: I64 as I32;
        Kind::Modify(Modify::Xor) =>
        I32AtomicRmwXor: I32 as I32, I64AtomicRmwXor: I64 as I64, I32AtomicRmw8XorU: I32 as I8, I32AtomicRmw16XorU: I32 as I16,
        I64AtomicRmw8XorU: I64 as I8, I64AtomicRmw16XorU: I64 as I16, I64AtomicRmw32XorU: I64 as I32;
        Kind::Modify(Modify::Exchange) =>
        I32AtomicRmwXchg: I32 as I32, I64AtomicRmwXchg: I64 as I64, I32AtomicRmw8XchgU: I32 as I8, I32AtomicRmw16XchgU: I32 as I16,
        I64AtomicRmw8XchgU: I64 as I8, I64AtomicRmw16XchgU: I64 as I16, I64AtomicRmw32XchgU: I64 as I32;
        Kind::Compare =>
        I32AtomicRmwCmpxchg: I32 as I32, I64AtomicRmwCmpxchg: I64 as I64, I32AtomicRmw8CmpxchgU: I32 as I8, I32AtomicRmw16CmpxchgU: I32 as I16,
        I64AtomicRmw8CmpxchgU: I64 as I8, I64AtomicRmw16CmpxchgU: I64 as I16, I64AtomicRmw32CmpxchgU: I64 as I32;
    }
}

impl Translator<'_> {
    /// Translates an instruction of this family. Returns false for other instructions.
    pub(super) fn atomic_operator(&mut self, op: &Op<'_>) -> bool {
        if let Some((memarg, ty, access, kind)) = decode(op) {
            match kind {
                Kind::Load => self.atomic_load(memarg, ty, access),
                Kind::Store => self.atomic_store(memarg, access),
                Kind::Modify(modify) => self.atomic_modify(memarg, ty, access, modify),
                Kind::Compare => self.atomic_compare(memarg, ty, access),
            }
            return true;
        }
        match op {
            Op::AtomicFence => {}
            Op::MemoryAtomicNotify { memarg } => {
                let (index, _) = self.pop2();
                // No thread can wait in a memory that is not shared, but the address must be valid.
                let at = self.atomic_address(memarg, index, 4);
                self.builder.ins().load(types::I32, at.flags, at.base, at.offset);
                let woken = self.i32_const(0);
                self.push(woken);
            }
            Op::MemoryAtomicWait32 { .. } | Op::MemoryAtomicWait64 { .. } => {
                self.trap(TrapCode::ExpectedSharedMemory);
                self.set_unreachable();
            }
            _ => return false,
        }
        true
    }

    /// Returns the address of an access of `size` bytes. Traps if the address is not a multiple of `size`.
    fn atomic_address(&mut self, memarg: &MemArg, index: Value, size: u32) -> Address {
        if size > 1 {
            let memory = MemoryIndex::from_u32(memarg.memory);
            let wide = self.index_to_i64(self.env.facts.memories[memory].index, index);
            // The sum wraps at 2^64. This is a multiple of the size, so the low bits are right also after a wrap.
            let address = self.builder.ins().iadd_imm_u(wide, memarg.offset.cast_signed());
            let rest = self.builder.ins().band_imm_u(address, i64::from(size) - 1);
            self.builder
                .ins()
                .trapnz(rest, trap::to_clif(TrapCode::UnalignedAtomic));
        }
        self.address(memarg, index, size)
    }

    /// Loads a value of type `access` and extends it with zeros to `ty`.
    fn load_zero_extended(&mut self, at: Address, ty: Type, access: Type) -> Value {
        let value = self.builder.ins().load(access, at.flags, at.base, at.offset);
        self.extend(value, ty)
    }

    fn extend(&mut self, value: Value, ty: Type) -> Value {
        match self.type_of(value) == ty {
            true => value,
            false => self.builder.ins().uextend(ty, value),
        }
    }

    fn wrap(&mut self, value: Value, access: Type) -> Value {
        match self.type_of(value) == access {
            true => value,
            false => self.builder.ins().ireduce(access, value),
        }
    }

    fn atomic_load(&mut self, memarg: &MemArg, ty: Type, access: Type) {
        let index = self.pop1();
        let at = self.atomic_address(memarg, index, access.bytes());
        let value = self.load_zero_extended(at, ty, access);
        self.push(value);
    }

    fn atomic_store(&mut self, memarg: &MemArg, access: Type) {
        let (index, value) = self.pop2();
        let at = self.atomic_address(memarg, index, access.bytes());
        let value = self.wrap(value, access);
        self.builder.ins().store(at.flags, value, at.base, at.offset);
    }

    fn atomic_modify(&mut self, memarg: &MemArg, ty: Type, access: Type, modify: Modify) {
        let (index, operand) = self.pop2();
        let at = self.atomic_address(memarg, index, access.bytes());
        let old = self.builder.ins().load(access, at.flags, at.base, at.offset);
        let operand = self.wrap(operand, access);
        let new = match modify {
            Modify::Add => self.builder.ins().iadd(old, operand),
            Modify::Sub => self.builder.ins().isub(old, operand),
            Modify::And => self.builder.ins().band(old, operand),
            Modify::Or => self.builder.ins().bor(old, operand),
            Modify::Xor => self.builder.ins().bxor(old, operand),
            Modify::Exchange => operand,
        };
        self.builder.ins().store(at.flags, new, at.base, at.offset);
        let old = self.extend(old, ty);
        self.push(old);
    }

    fn atomic_compare(&mut self, memarg: &MemArg, ty: Type, access: Type) {
        let (index, expected, replacement) = self.pop3();
        let at = self.atomic_address(memarg, index, access.bytes());
        let old = self.builder.ins().load(access, at.flags, at.base, at.offset);
        let (expected, replacement) = (self.wrap(expected, access), self.wrap(replacement, access));
        let is_expected = self.builder.ins().icmp(IntCC::Equal, old, expected);
        let new = self.builder.ins().select(is_expected, replacement, old);
        self.builder.ins().store(at.flags, new, at.base, at.offset);
        let old = self.extend(old, ty);
        self.push(old);
    }
}
