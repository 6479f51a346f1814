;; Writes its arguments and its environment as they are in memory: each string with its zero byte, and a `|` between the two
;; lists.
(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environ_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))

  (memory (export "memory") 16)
  (data (i32.const 32) "|")

  (func $check (param $errno i32)
    (if (local.get $errno) (then unreachable)))

  (func $write (param $address i32) (param $length i32)
    (i32.store (i32.const 0) (local.get $address))
    (i32.store (i32.const 4) (local.get $length))
    (call $check (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))

  (func $main (export "_start")
    ;; Count at 16, size at 20; pointers from 1024 on, strings from 65536 on.
    (call $check (call $args_sizes_get (i32.const 16) (i32.const 20)))
    (call $check (call $args_get (i32.const 1024) (i32.const 65536)))
    (call $write (i32.const 65536) (i32.load (i32.const 20)))
    (call $write (i32.const 32) (i32.const 1))
    (call $check (call $environ_sizes_get (i32.const 16) (i32.const 20)))
    (call $check (call $environ_get (i32.const 1024) (i32.const 65536)))
    (call $write (i32.const 65536) (i32.load (i32.const 20)))))
