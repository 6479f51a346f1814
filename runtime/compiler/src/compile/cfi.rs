//! Call frame instructions: how to find a function's caller, from what its prologue did.
//!
//! In: the code generator's list of what the prologue did, and where. Out: DWARF instructions (DWARF 5, 6.4.2), counting
//! from the state that the CIE of `wrun_artifact::unwind` sets up. Epilogues are not described: nothing unwinds from there.

use cranelift_codegen::Reg;
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::isa::unwind::UnwindInst;

/// The data alignment factor of the CIE: offsets are stored divided by it.
const DATA_ALIGNMENT: i64 = -8;

/// DWARF's number of `rbp`.
const RBP: u16 = 6;

/// Appends the instructions for a prologue to `out`.
pub(crate) fn instructions(
    isa: &dyn TargetIsa,
    prologue: &[(u32, UnwindInst)],
    out: &mut Vec<u8>,
) -> Result<(), String> {
    let mut at = 0;
    // From the CFA down to the place of the saved registers.
    let mut saved_below_cfa = 0;
    for (offset, inst) in prologue {
        advance(out, offset - at);
        at = *offset;
        match inst {
            UnwindInst::PushFrameRegs {
                offset_upward_to_caller_sp,
            } => {
                out.push(DW_CFA_DEF_CFA_OFFSET);
                uleb(out, u64::from(*offset_upward_to_caller_sp));
                saved_at(out, RBP, -i64::from(*offset_upward_to_caller_sp))?;
            }
            UnwindInst::DefineNewFrame {
                offset_upward_to_caller_sp,
                offset_downward_to_clobbers,
            } => {
                out.push(DW_CFA_DEF_CFA_REGISTER);
                uleb(out, u64::from(RBP));
                saved_below_cfa = i64::from(*offset_upward_to_caller_sp) + i64::from(*offset_downward_to_clobbers);
            }
            UnwindInst::SaveReg { clobber_offset, reg } => {
                let register = isa
                    .map_regalloc_reg_to_dwarf(Reg::from(*reg))
                    .map_err(|error| format!("a saved register without a DWARF number: {error}"))?;
                saved_at(out, register, i64::from(*clobber_offset) - saved_below_cfa)?;
            }
            // The CFA is found through `rbp`.
            UnwindInst::StackAlloc { .. } => {}
            other => return Err(format!("a prologue that x86-64 does not have: {other:?}")),
        }
    }
    Ok(())
}

const DW_CFA_ADVANCE_LOC: u8 = 0x40;
const DW_CFA_OFFSET: u8 = 0x80;
const DW_CFA_ADVANCE_LOC1: u8 = 0x02;
const DW_CFA_ADVANCE_LOC2: u8 = 0x03;
const DW_CFA_ADVANCE_LOC4: u8 = 0x04;
const DW_CFA_DEF_CFA_REGISTER: u8 = 0x0d;
const DW_CFA_DEF_CFA_OFFSET: u8 = 0x0e;

/// What follows holds from `distance` bytes further on.
fn advance(out: &mut Vec<u8>, distance: u32) {
    match distance {
        0 => {}
        1..0x40 => out.push(DW_CFA_ADVANCE_LOC | distance.to_le_bytes()[0]),
        0x40..0x100 => out.extend_from_slice(&[DW_CFA_ADVANCE_LOC1, distance.to_le_bytes()[0]]),
        0x100..0x1_0000 => {
            out.push(DW_CFA_ADVANCE_LOC2);
            out.extend_from_slice(&distance.to_le_bytes()[..2]);
        }
        _ => {
            out.push(DW_CFA_ADVANCE_LOC4);
            out.extend_from_slice(&distance.to_le_bytes());
        }
    }
}

/// The caller's value of `register` lies at CFA + `offset`.
fn saved_at(out: &mut Vec<u8>, register: u16, offset: i64) -> Result<(), String> {
    let number = u8::try_from(register).ok().filter(|number| *number < 0x40);
    let factored = u64::try_from(offset / DATA_ALIGNMENT)
        .ok()
        .filter(|_| offset % DATA_ALIGNMENT == 0);
    let (Some(number), Some(factored)) = (number, factored) else {
        return Err(format!("register {register} saved at CFA{offset:+}"));
    };
    out.push(DW_CFA_OFFSET | number);
    uleb(out, factored);
    Ok(())
}

fn uleb(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

#[cfg(test)]
mod tests {
    use wrun_artifact::Config;

    use super::*;

    #[test]
    fn a_prologue_becomes_the_instructions_that_gcc_would_write() {
        let isa = crate::code::isa::target(&Config::native(), true).expect("this CPU will do");
        let prologue = [
            (
                1,
                UnwindInst::PushFrameRegs {
                    offset_upward_to_caller_sp: 16,
                },
            ),
            (
                4,
                UnwindInst::DefineNewFrame {
                    offset_upward_to_caller_sp: 16,
                    offset_downward_to_clobbers: 0x400,
                },
            ),
        ];
        let mut out = Vec::new();
        instructions(&*isa, &prologue, &mut out).expect("a prologue of x86-64");
        assert_eq!(out, [0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, 6]);
    }

    #[test]
    fn long_distances_and_offsets_take_the_longer_forms() {
        let mut out = Vec::new();
        for distance in [0, 0x3f, 0x40, 0xff, 0x100, 0xffff, 0x1_0000] {
            advance(&mut out, distance);
        }
        let expected = [0x7f, 2, 0x40, 2, 0xff, 3, 0, 1, 3, 0xff, 0xff, 4, 0, 0, 1, 0];
        assert_eq!(out, expected);

        out.clear();
        saved_at(&mut out, 12, -1024).expect("a multiple of 8");
        assert_eq!(out, [0x8c, 0x80, 0x01]);
        assert!(saved_at(&mut out, 12, -1023).is_err());
        assert!(saved_at(&mut out, 12, 8).is_err());
        assert!(saved_at(&mut out, 64, -8).is_err());
    }
}
