;; Throws and catches an exception with a payload, across one call, as often as the argument says.
(module
  (tag $t (param i32))
  (func $throw (param i32) (throw $t (local.get 0)))
  (func (export "throw") (param $n i32) (result i32) (local $sum i32)
    (loop $next
      (block $caught (result i32)
        (try_table (catch $t $caught) (call $throw (local.get $n)))
        (unreachable))
      (local.set $sum (i32.add (local.get $sum)))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum)))
