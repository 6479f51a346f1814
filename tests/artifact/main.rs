//! Tests of the artifact: `readelf` and `objdump` can read it, its bytes depend only on the module and the settings, a damaged
//! one is refused, and the run side needs only these bytes.

mod damage;
mod determinism;
mod load;
mod stale;
mod subset;
mod tools;

use wrun_compiler::{Config, Options, compile};

/// Returns a module with something for every section: names, calls of each kind, a memory with data, a table, passive segments.
fn example() -> Vec<u8> {
    let text = r#"
        (module $example
          (type $binary (func (param i32 i32) (result i32)))
          (import "host" "log" (func $log (param i32)))
          (memory (export "memory") 2)
          (data (i32.const 70000) "some text")
          (data $passive "not yet there")
          (table $operations 4 funcref)
          (elem (i32.const 1) $add $sub)
          (global $calls (mut i32) (i32.const 0))
          (func $add (type $binary) (i32.add (local.get 0) (local.get 1)))
          (func $sub (type $binary) (i32.sub (local.get 0) (local.get 1)))
          (func $apply (export "apply") (param i32 i32 i32) (result i32)
            (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
            (call_indirect $operations (type $binary) (local.get 1) (local.get 2) (local.get 0)))
          (func $fib (export "fib") (param i32) (result i32)
            (if (result i32) (i32.lt_u (local.get 0) (i32.const 2))
              (then (local.get 0))
              (else (i32.add
                (call $fib (i32.sub (local.get 0) (i32.const 1)))
                (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
          (func $fill (export "fill") (param i32)
            (memory.init $passive (local.get 0) (i32.const 0) (i32.const 13))
            (call $log (i32.load (local.get 0))))
          (func $keep (export "keep") (param externref i32) (result i32 externref)
            (call $fib (local.get 1)) (local.get 0))
          (func $many (export "many") (result i32 i64 f64 i32 i64 i32 i32)
            i32.const 1 i64.const 2 f64.const 3 i32.const 4 i64.const 5 i32.const 6 i32.const 7))"#;
    wat::parse_str(text).expect("the example is well-formed")
}

/// Returns a module with many functions of different sizes that call one another.
fn many_functions(count: usize) -> Vec<u8> {
    let mut text = String::from("(module (memory 1)");
    for index in 0..count {
        text.push_str(&format!(
            "(func $f{index} (export \"f{index}\") (param i32 i64) (result i32) local.get 0 "
        ));
        for step in 0..index % 17 {
            text.push_str(&format!("i32.const {step} i32.mul i32.load offset={} ", index * 8));
        }
        let callee = (index * 7 + 3) % count;
        text.push_str(&format!(
            "i32.eqz if (result i32) i32.const {index} else i32.const 0 local.get 1 call $f{callee} end)"
        ));
    }
    text.push(')');
    wat::parse_str(text).expect("what is generated is well-formed")
}

fn artifact(wasm: &[u8], config: &Config) -> Vec<u8> {
    compile(wasm, config, &Options::default())
        .expect("the module is valid")
        .0
}
