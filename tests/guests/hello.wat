;; The smallest WASI program with output: writes one line to standard output and ends with status 0.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))

  (memory (export "memory") 1)
  ;; An iovec (address, length), the text, and room for the number of bytes written.
  (data (i32.const 0) "\10\00\00\00" "\0d\00\00\00")
  (data (i32.const 16) "hello, world\n")

  (func $main (export "_start")
    ;; fd_write(stdout, iovecs at 0, one of them, count to 8) returns 0 or an error number.
    (if (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))
      (then (call $proc_exit (i32.const 1))))))
