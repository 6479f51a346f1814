;; One export for each trap, with the name of the trap. Some trap in a function `inner`.
(module
  (type $nothing (func))
  (type $number (func (result i32)))

  (memory (export "memory") 1)
  (table $table 4 funcref)
  (elem (table $table) (i32.const 0) func $one)

  (func $one (type $number) (i32.const 1))

  (func $inner unreachable)
  (func $unreachable (export "unreachable") (call $inner))

  (func $memory (export "memory out of bounds") (result i32) (i32.load (i32.const 65533)))
  (func $far (export "far out of bounds") (result i32) (i32.load offset=0x7fffffff (i32.const -1)))
  (func $fill (export "fill out of bounds") (memory.fill (i32.const 65530) (i32.const 0) (i32.const 7)))
  (func $table_get (export "table out of bounds") (result i32) (ref.is_null (table.get $table (i32.const 4))))
  (func $undefined (export "undefined element") (call_indirect $table (type $nothing) (i32.const 4)))
  (func $null (export "uninitialized element") (call_indirect $table (type $nothing) (i32.const 1)))
  (func $mismatch (export "type mismatch") (call_indirect $table (type $nothing) (i32.const 0)))
  (func $zero (export "divide by zero") (param i32) (result i32) (i32.div_s (i32.const 1) (local.get 0)))
  (func $overflow (export "integer overflow") (param i32) (result i32)
    (i32.div_s (i32.const 0x80000000) (local.get 0)))
  (func $nan (export "invalid conversion") (param f64) (result i32) (i32.trunc_f64_s (local.get 0)))
  (func $range (export "conversion overflow") (param f64) (result i32) (i32.trunc_f64_s (local.get 0)))
  (func $endless (export "endless") (result i32) (i32.add (i32.const 1) (call $endless))))
