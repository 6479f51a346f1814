//! Constant expressions (spec 3.4.8.2).
//!
//! Input: an instance, the instructions of an expression. Output: its value. A stack of slots evaluates it. Must not hold:
//! validation.

use wrun_artifact::info::{ItemKind, Span, const_op};

use super::{InstanceData, StoreCore};
use crate::error::Error;
use crate::vm::{Slot, load_slot};

/// Evaluates a constant expression of the instance's module.
pub(crate) fn evaluate(instance: &InstanceData, core: &mut StoreCore, ops: Span) -> Result<Slot, Error> {
    let module = &instance.module;
    let damaged = || Error::damaged("a constant expression");
    let mut stack: Vec<Slot> = Vec::new();
    for row in ops.of(module.artifact().info().const_ops) {
        let immediate = Slot::from_le_bytes(row.slot);
        let value = match row.op {
            const_op::PUSH => immediate,
            const_op::GLOBAL => {
                let index = immediate as u32;
                let at = instance.global(index)?;
                let ty = module.artifact().info().item_type(ItemKind::Global, index);
                let Some(wrun_artifact::types::ExternType::Global(ty)) = ty else {
                    return Err(damaged());
                };
                // SAFETY: this is the global's address and its type. Globals before it are initialised (validation).
                unsafe { load_slot(at, ty.content) }
            }
            const_op::FUNC => instance.func_ref(core, immediate as u32)?.as_ptr() as Slot,
            op @ const_op::I32_ADD..=const_op::I64_MUL => {
                let (Some(b), Some(a)) = (stack.pop(), stack.pop()) else {
                    return Err(damaged());
                };
                arithmetic(op, a, b)
            }
            _ => return Err(damaged()),
        };
        stack.push(value);
    }
    stack.pop().filter(|_| stack.is_empty()).ok_or_else(damaged)
}

fn arithmetic(op: u8, a: Slot, b: Slot) -> Slot {
    let (a32, b32, a64, b64) = (a as u32, b as u32, a as u64, b as u64);
    match op {
        const_op::I32_ADD => a32.wrapping_add(b32).into(),
        const_op::I32_SUB => a32.wrapping_sub(b32).into(),
        const_op::I32_MUL => a32.wrapping_mul(b32).into(),
        const_op::I64_ADD => a64.wrapping_add(b64).into(),
        const_op::I64_SUB => a64.wrapping_sub(b64).into(),
        _ => a64.wrapping_mul(b64).into(),
    }
}
