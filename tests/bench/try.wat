;; Calls a function as often as the argument says, without a handler and with one that nothing reaches.
(module
  (tag $t (param i32))
  (func $work (param i32) (result i32) (local $i i32) (local $x i32)
    (local.set $x (local.get 0))
    (local.set $i (i32.const 20))
    (loop $l
      (local.set $x (i32.add (i32.mul (local.get $x) (i32.const 1664525)) (i32.const 1013904223)))
      (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
    (if (i32.eq (local.get $x) (i32.const 12345)) (then (throw $t (i32.const 1))))
    (local.get $x))
  (func (export "plain") (param $n i32) (result i32) (local $sum i32)
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (call $work (local.get $n))))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))
  (func (export "try") (param $n i32) (result i32) (local $sum i32)
    (block $caught (result i32)
      (loop $next
        (try_table (catch $t $caught)
          (local.set $sum (i32.add (local.get $sum) (call $work (local.get $n)))))
        (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (local.get $sum))))
