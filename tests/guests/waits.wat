;; Functions that never end, or not soon: one export for each state in which a deadline may pass.
(module
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))

  (memory (export "memory") 1)

  (func $loop (export "loop")
    (loop $again (br $again)))

  ;; Fibonacci numbers by naive recursion.
  (func $recursion (export "recursion") (param $n i32) (result i32)
    (if (result i32) (i32.lt_u (local.get $n) (i32.const 2))
      (then (local.get $n))
      (else
        (i32.add
          (call $recursion (i32.sub (local.get $n) (i32.const 1)))
          (call $recursion (i32.sub (local.get $n) (i32.const 2)))))))

  ;; One subscription: the monotonic clock, an hour from now.
  (func $sleep (export "sleep") (result i32)
    (i32.store8 (i32.const 1008) (i32.const 0))
    (i32.store (i32.const 1016) (i32.const 1))
    (i64.store (i32.const 1024) (i64.const 3600000000000))
    (call $poll_oneoff (i32.const 1000) (i32.const 2000) (i32.const 1) (i32.const 3000)))

  ;; Returns the error number of reading from standard input.
  (func $read (export "read") (result i32)
    (i32.store (i32.const 0) (i32.const 100))
    (i32.store (i32.const 4) (i32.const 100))
    (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))

  (func $quick (export "quick") (result i32) (i32.const 42)))
