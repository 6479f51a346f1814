;; The program of throw.wat in the legacy form of exceptions.
(module
  (tag $t (param i32))
  (func $throw (param i32) (throw $t (local.get 0)))
  (func (export "throw") (param $n i32) (result i32) (local $sum i32)
    (loop $next
      try (result i32)
        local.get $n
        call $throw
        unreachable
      catch $t
      end
      local.get $sum
      i32.add
      local.set $sum
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum)))
