;; A guarded memory of somebody else: its base is loaded, and never again.
(module (memory (import "" "m") 1)
  (func (param i32) (result i32) (i32.add (i32.load (local.get 0)) (i32.load offset=4 (local.get 0)))))

;; listing
;;
;; wasm_function_0:
;; function u1:0(i64 vmctx, i32) -> i32 tail {
;;     region0 = 131072 "memory"
;;     region1 = 0 "vmctx"
;;     region2 = 65536 "memory definition"
;;
;; block0(v0: i64, v1: i32):
;;     v2 = load.i64 notrap aligned readonly can_move region1 v0-40
;;     v3 = load.i64 notrap aligned readonly can_move region2 v2
;;     v4 = uextend.i64 v1
;;     v5 = iadd v3, v4
;;     v6 = load.i32 user2 little region0 v5
;;     v7 = load.i64 notrap aligned readonly can_move region1 v0-40
;;     v8 = load.i64 notrap aligned readonly can_move region2 v7
;;     v9 = uextend.i64 v1
;;     v10 = iadd v8, v9
;;     v11 = load.i32 user2 little region0 v10+4
;;     v12 = iadd v6, v11
;;     return v12
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq -0x28(%rdi), %rdi
;;   movq (%rdi), %rdi
;;   movl %esi, %r8d
;;   movl (%rdi, %r8), %eax
;;   addl 4(%rdi, %r8), %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
