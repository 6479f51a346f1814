;; The parts of the older interface that differ from preview1: the values of `whence`, and the layouts of a filestat and of a
;; subscription. Descriptor 3 is a directory with the file `file`, which is ten bytes long and has two names. Each export
;; returns values that a test compares.
(module
  (import "wasi_unstable" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_unstable" "fd_seek" (func $fd_seek (param i32 i64 i32 i32) (result i32)))
  (import "wasi_unstable" "fd_filestat_get" (func $fd_filestat_get (param i32 i32) (result i32)))
  (import "wasi_unstable" "path_filestat_get" (func $path_filestat_get (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_unstable" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))

  (memory (export "memory") 1)
  (data (i32.const 0) "file")

  ;; Opens the file as descriptor 5, or traps.
  (func $open
    (if (call $path_open
          (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4)
          (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 8))
      (then unreachable))
    (if (i32.ne (i32.load (i32.const 8)) (i32.const 5)) (then unreachable)))

  ;; Returns the error of a seek from position 4, and the new position.
  (func $seek (export "seek") (param $whence i32) (result i32 i64)
    (call $open)
    ;; SET is 2 here.
    (if (call $fd_seek (i32.const 5) (i64.const 4) (i32.const 2) (i32.const 16)) (then unreachable))
    (call $fd_seek (i32.const 5) (i64.const 3) (local.get $whence) (i32.const 16))
    (i64.load (i32.const 16)))

  ;; Returns type, number of names (32 bits), size and last modification, and 0 unless bytes beyond the structure were written.
  (func $fields (result i32 i32 i64 i64 i32)
    (i32.load8_u (i32.const 80))
    (i32.load (i32.const 84))
    (i64.load (i32.const 88))
    (i64.load (i32.const 104))
    (i64.ne (i64.load (i32.const 120)) (i64.const -1)))

  (func (export "filestat of a descriptor") (result i32 i32 i64 i64 i32)
    (call $open)
    (i64.store (i32.const 120) (i64.const -1))
    (if (call $fd_filestat_get (i32.const 5) (i32.const 64)) (then unreachable))
    (call $fields))

  (func (export "filestat of a path") (result i32 i32 i64 i64 i32)
    (i64.store (i32.const 120) (i64.const -1))
    (if (call $path_filestat_get (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 64))
      (then unreachable))
    (call $fields))

  ;; Two subscriptions of 56 bytes: a monotonic clock after ten milliseconds, and a descriptor that does not exist. Returns the
  ;; error, the number of events, and the error and type of the first one.
  (func (export "poll") (result i32 i32 i32 i32)
    (i64.store (i32.const 1000) (i64.const 7))
    ;; At 1016 is the identifier that preview1 does not have. It may be any number.
    (i64.store (i32.const 1016) (i64.const -1))
    (i32.store (i32.const 1024) (i32.const 1))
    (i64.store (i32.const 1032) (i64.const 10000000))
    (i64.store (i32.const 1056) (i64.const 8))
    (i32.store8 (i32.const 1064) (i32.const 1))
    (i32.store (i32.const 1072) (i32.const 99))
    (call $poll_oneoff (i32.const 1000) (i32.const 2000) (i32.const 2) (i32.const 3000))
    (i32.load (i32.const 3000))
    (i32.load16_u (i32.const 2008))
    (i32.load8_u (i32.const 2010)))

  ;; The clock alone. Returns the error, the number of events, and the user data of the first one.
  (func (export "sleep") (result i32 i32 i64)
    (i64.store (i32.const 1000) (i64.const 7))
    (i64.store (i32.const 1016) (i64.const -1))
    (i32.store (i32.const 1024) (i32.const 1))
    (i64.store (i32.const 1032) (i64.const 10000000))
    (call $poll_oneoff (i32.const 1000) (i32.const 2000) (i32.const 1) (i32.const 3000))
    (i32.load (i32.const 3000))
    (i64.load (i32.const 2000))))
