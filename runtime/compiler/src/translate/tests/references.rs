//! Checks that references to host objects are in the stack maps of all calls before their last use.

use super::*;

/// The functions that the cases call. `$x` is the call whose stack map is checked, and `$use` uses a reference after it.
const COMMON: &str = r#"
    (type $get (func (result externref)))
    (table $refs 1 externref)
    (table $funcs 1 funcref)
    (global $g (mut externref) (ref.null extern))
    (func $x)
    (func $use (param externref))
    (func $get (type $get) (global.get $g))
    (func $pair (result externref i64 externref) (global.get $g) (i64.const 1) (global.get $g))
    (elem (table $funcs) (i32.const 0) func $get)
    (export "funcs" (table $funcs))
"#;

/// Returns the numbers of stack map entries of the calls of `$x`: those that take only the vmctx and return nothing.
fn entries_of_x(case: &str) -> Vec<usize> {
    let functions = translate(&format!("(module {COMMON} {case})"));
    let function = functions.last().expect("the case");
    instructions(function)
        .filter(|inst| {
            let data = &function.dfg.insts[*inst];
            data.opcode() == Opcode::Call
                && function.dfg.inst_args(*inst).len() == 1
                && function.dfg.inst_results(*inst).is_empty()
        })
        .map(|inst| function.dfg.user_stack_map_entries(inst).unwrap_or_default().len())
        .collect()
}

#[test]
fn each_source_of_a_reference_is_in_the_stack_map_of_the_call_that_it_outlives() {
    let cases = [
        (
            "a parameter",
            "(func (param externref) (call $x) (call $use (local.get 0)))",
        ),
        (
            "a parameter between others",
            "(func (param i64 v128 externref f32) (call $x) (call $use (local.get 2)))",
        ),
        (
            "a local that a loop changes",
            "(func (local externref)
               (loop (call $x) (call $use (local.get 0)) (local.set 0 (call $get)) (br 0)))",
        ),
        ("a result", "(func (call $get) (call $x) (call $use))"),
        (
            "two of three results",
            "(func (call $pair) (call $x) (call $use) drop (call $use))",
        ),
        (
            "an indirect call's result",
            "(func (call_indirect $funcs (type $get) (i32.const 0)) (call $x) (call $use))",
        ),
        (
            "a table's element",
            "(func (table.get $refs (i32.const 0)) (call $x) (call $use))",
        ),
        ("a global", "(func (global.get $g) (call $x) (call $use))"),
        (
            "a selected one",
            "(func (param i32)
               (select (result externref) (ref.null extern) (ref.null extern) (local.get 0))
               (call $x) (call $use))",
        ),
        (
            "a block's result",
            "(func (param i32)
               (if (result externref) (local.get 0) (then (ref.null extern)) (else (ref.null extern)))
               (call $x) (call $use))",
        ),
        (
            "a result of a block with several",
            "(func (param i32)
               (if (result i32 externref) (local.get 0)
                 (then (i32.const 1) (ref.null extern)) (else (i32.const 2) (ref.null extern)))
               (call $x) (call $use) drop)",
        ),
        (
            "a loop's parameter",
            "(func (param i32) (ref.null extern)
               (loop (param externref) (call $x) (call $use) (ref.null extern) (br_if 0 (local.get 0)) drop))",
        ),
    ];
    for (what, case) in cases {
        let expected = if what == "two of three results" { 2 } else { 1 };
        assert_eq!(entries_of_x(case), [expected], "{what}");
    }
}

#[test]
fn references_that_are_not_used_after_a_call_are_in_no_stack_map() {
    for case in [
        "(func (param externref) (call $use (local.get 0)) (call $x))",
        "(func (drop (call $get)) (call $x))",
        "(func (param externref) (local.set 0 (ref.null extern)) (call $x))",
    ] {
        assert_eq!(entries_of_x(case), [0], "{case}");
    }
}

#[test]
fn functions_without_references_to_host_objects_have_no_stack_maps() {
    for case in [
        "(func (param i64 funcref) (call $x) (drop (local.get 1)) (drop (local.get 0)))",
        "(func (ref.func $get) (call $x) (drop))",
    ] {
        let functions = translate(&format!("(module {COMMON} {case})"));
        let function = functions.last().expect("the case");
        assert_eq!(function.sized_stack_slots.len(), 0, "{case}");
    }
}
