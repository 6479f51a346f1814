;; Serves one connection on each of its listeners, in order: it sends back everything until the other side closes its direction.
;; Its status is the number of connections served. The listeners are the descriptors after the directories.
(module
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $fd_prestat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_accept" (func $sock_accept (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_recv" (func $sock_recv (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_send" (func $sock_send (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_shutdown" (func $sock_shutdown (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))

  (memory (export "memory") 2)

  (func $serve (param $connection i32)
    (local $count i32)
    (loop $next
      ;; The only range: one page.
      (i32.store (i32.const 0) (i32.const 65536))
      (i32.store (i32.const 4) (i32.const 65536))
      (if (call $sock_recv (local.get $connection) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 8) (i32.const 12))
        (then unreachable))
      (local.set $count (i32.load (i32.const 8)))
      (if (local.get $count)
        (then
          (i32.store (i32.const 4) (local.get $count))
          (if (call $sock_send (local.get $connection) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 8))
            (then unreachable))
          (br_if $next (i32.eq (i32.load (i32.const 8)) (local.get $count)))
          unreachable)))
    (if (call $sock_shutdown (local.get $connection) (i32.const 2)) (then unreachable))
    (if (call $fd_close (local.get $connection)) (then unreachable)))

  (func $main (export "_start")
    (local $listener i32) (local $served i32) (local $errno i32)
    (local.set $listener (i32.const 3))
    (loop $directories
      (if (i32.eqz (call $fd_prestat_get (local.get $listener) (i32.const 0)))
        (then
          (local.set $listener (i32.add (local.get $listener) (i32.const 1)))
          (br $directories))))
    (loop $next
      (local.set $errno (call $sock_accept (local.get $listener) (i32.const 0) (i32.const 16)))
      (if (i32.eqz (local.get $errno))
        (then
          (call $serve (i32.load (i32.const 16)))
          (local.set $listener (i32.add (local.get $listener) (i32.const 1)))
          (local.set $served (i32.add (local.get $served) (i32.const 1)))
          (br $next))))
    ;; BADF: all listeners have been served.
    (if (i32.ne (local.get $errno) (i32.const 8)) (then unreachable))
    (call $proc_exit (local.get $served))))
