;; Inspects the directories that it was granted, from descriptor 3 on.
(module
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $fd_prestat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_dir_name" (func $fd_prestat_dir_name (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))

  (memory (export "memory") 2)
  (data (i32.const 100) "\n")
  (data (i32.const 200) "file.txt")
  (data (i32.const 300) "made.txt")

  (func $write (param $address i32) (param $length i32)
    (i32.store (i32.const 0) (local.get $address))
    (i32.store (i32.const 4) (local.get $length))
    (if (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (then unreachable)))

  ;; Writes the name of each directory, one per line.
  (func $main (export "_start")
    (local $fd i32)
    (local.set $fd (i32.const 3))
    (block $end
      (loop $next
        ;; A prestat: tag at 16, length of the name at 20. After the last directory the result is BADF.
        (br_if $end (call $fd_prestat_get (local.get $fd) (i32.const 16)))
        (if (call $fd_prestat_dir_name (local.get $fd) (i32.const 65536) (i32.load (i32.const 20)))
          (then unreachable))
        (call $write (i32.const 65536) (i32.load (i32.const 20)))
        (call $write (i32.const 100) (i32.const 1))
        (local.set $fd (i32.add (local.get $fd) (i32.const 1)))
        (br $next))))

  ;; Returns the error number of opening file.txt for reading.
  (func (export "read") (param $fd i32) (result i32)
    (call $path_open
      (local.get $fd) (i32.const 0) (i32.const 200) (i32.const 8)
      (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 24)))

  ;; Returns the error number of creating made.txt and opening it for writing.
  (func (export "create") (param $fd i32) (result i32)
    (call $path_open
      (local.get $fd) (i32.const 0) (i32.const 300) (i32.const 8)
      (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 24))))
