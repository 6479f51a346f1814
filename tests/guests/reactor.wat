;; A library (reactor): `_initialize` is called once, then its functions.
(module
  (global $count (mut i32) (i32.const 0))
  (func $_initialize (export "_initialize")
    (global.set $count (i32.add (global.get $count) (i32.const 100))))
  (func $count (export "count") (result i32)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (global.get $count)))
