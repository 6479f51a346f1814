;; Recursion of a chosen depth, with enough values in each frame that the compiler cannot remove it.
(module
  (func $down (export "down") (param $n i64) (result i64)
    (if (result i64) (i64.eqz (local.get $n))
      (then (i64.const 0))
      (else
        (i64.add
          (i64.const 1)
          (call $down (i64.sub (local.get $n) (i64.const 1))))))))
