//! Converts between wrun's trap codes and Cranelift's. Cranelift reserves codes for the checks of its own instructions.

use core::num::NonZeroU8;

use cranelift_codegen::ir;
use wrun_artifact::TrapCode;

/// Returns Cranelift's code for `code`.
pub(crate) const fn to_clif(code: TrapCode) -> ir::TrapCode {
    ir::TrapCode::unwrap_user(code.code())
}

/// Returns wrun's code for Cranelift's. `None` for codes that translation never uses.
pub(crate) fn from_clif(code: ir::TrapCode) -> Option<TrapCode> {
    const RESERVED: [(ir::TrapCode, TrapCode); 5] = [
        (ir::TrapCode::STACK_OVERFLOW, TrapCode::CallStackExhausted),
        (ir::TrapCode::HEAP_OUT_OF_BOUNDS, TrapCode::MemoryOutOfBounds),
        (ir::TrapCode::INTEGER_OVERFLOW, TrapCode::IntegerOverflow),
        (ir::TrapCode::INTEGER_DIVISION_BY_ZERO, TrapCode::IntegerDivideByZero),
        (ir::TrapCode::BAD_CONVERSION_TO_INTEGER, TrapCode::InvalidConversion),
    ];
    let reserved = RESERVED
        .iter()
        .find(|(theirs, _)| *theirs == code)
        .map(|(_, ours)| *ours);
    reserved.or_else(|| TrapCode::from_u8(NonZeroU8::get(code.as_raw())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_survives_the_round_trip() {
        for code in TrapCode::ALL {
            assert_eq!(from_clif(to_clif(*code)), Some(*code));
        }
    }

    #[test]
    fn codes_that_the_code_generator_uses_by_itself_have_a_reason() {
        for code in ir::TrapCode::non_user_traps() {
            assert!(from_clif(*code).is_some(), "{code}");
        }
        assert_eq!(from_clif(ir::TrapCode::unwrap_user(200)), None);
    }
}
