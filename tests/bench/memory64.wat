;; The sieve of Eratosthenes over a memory with 64-bit indices, as often as the argument says. Returns the number of primes below
;; 4,000,000.
(module
  (memory i64 62)
  (func (export "sieve") (param $rounds i32) (result i32)
    (local $i i64) (local $j i64) (local $count i32) (local $limit i64)
    (local.set $limit (i64.const 4000000))
    (loop $round
      (local.set $count (i32.const 0))
      (memory.fill (i64.const 0) (i32.const 1) (local.get $limit))
      (local.set $i (i64.const 2))
      (loop $number
        (if (i32.load8_u (local.get $i))
          (then
            (local.set $count (i32.add (local.get $count) (i32.const 1)))
            (local.set $j (i64.mul (local.get $i) (local.get $i)))
            (block $done
              (loop $multiple
                (br_if $done (i64.ge_u (local.get $j) (local.get $limit)))
                (i32.store8 (local.get $j) (i32.const 0))
                (local.set $j (i64.add (local.get $j) (local.get $i)))
                (br $multiple)))))
        (br_if $number (i64.lt_u (local.tee $i (i64.add (local.get $i) (i64.const 1))) (local.get $limit))))
      (br_if $round (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
    (local.get $count)))
