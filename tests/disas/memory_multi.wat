;; Several memories: the first begins at the context, the others have a base in it.
(module
  (memory $a 1)
  (memory $b 1)
  (memory $c i64 1)
  (func (param i32) (result i32) (i32.load $a (local.get 0)))
  (func (param i32 i32) (i32.store $b (local.get 0) (local.get 1)))
  (func (param i32 i64) (memory.copy $b $c (local.get 0) (local.get 1) (i32.const 8)))
  (func (param i32) (i32.store $b (local.get 0) (i32.load $a (local.get 0))) (i32.store $b offset=4 (local.get 0) (i32.load $a (local.get 0)))))

;; listing
;;
;; wasm_function_0:
;; function u1:0(i64 vmctx, i32) -> i32 tail {
;;     region0 = 131073 "memory"
;;
;; block0(v0: i64, v1: i32):
;;     v2 = uextend.i64 v1
;;     v3 = iadd v0, v2
;;     v4 = load.i32 user2 little region0 v3
;;     return v4
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movl %esi, %esi
;;   movl (%rdi, %rsi), %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_1:
;; function u1:1(i64 vmctx, i32, i32) tail {
;;     region0 = 131074 "memory"
;;     region1 = 65538 "memory definition"
;;
;; block0(v0: i64, v1: i32, v2: i32):
;;     v3 = load.i64 notrap aligned readonly can_move region1 v0-64
;;     v4 = uextend.i64 v1
;;     v5 = iadd v3, v4
;;     store user2 little region0 v2, v5
;;     return
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq %rsi, %r8
;;   movq -0x40(%rdi), %rsi
;;   movq %r8, %rdi
;;   movl %edi, %edi
;;   movl %edx, (%rsi, %rdi)
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_2:
;; function u1:2(i64 vmctx, i32, i64) tail {
;;     sig0 = (i64 vmctx, i32, i32, i64, i64, i64) tail
;;     fn0 = colocated u6:2 sig0
;;
;; block0(v0: i64, v1: i32, v2: i64):
;;     v3 = iconst.i32 8
;;     v4 = uextend.i64 v1
;;     v5 = uextend.i64 v3  ; v3 = 8
;;     v6 = iconst.i32 1
;;     v7 = iconst.i32 2
;;     call fn0(v0, v6, v7, v4, v2, v5)  ; v6 = 1, v7 = 2
;;     return
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq %rdx, %r10
;;   movl $0x1, %r8d
;;   movl $0x2, %edx
;;   movl %esi, %ecx
;;   movl $0x8, %r9d
;;   movq %r8, %rsi
;;   movq %r10, %r8
;;   call    User(userextname0)
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_3:
;; function u1:3(i64 vmctx, i32) tail {
;;     region0 = 131073 "memory"
;;     region1 = 131074 "memory"
;;     region2 = 65538 "memory definition"
;;
;; block0(v0: i64, v1: i32):
;;     v2 = uextend.i64 v1
;;     v3 = iadd v0, v2
;;     v4 = load.i32 user2 little region0 v3
;;     v5 = load.i64 notrap aligned readonly can_move region2 v0-64
;;     v6 = uextend.i64 v1
;;     v7 = iadd v5, v6
;;     store user2 little region1 v4, v7
;;     v8 = uextend.i64 v1
;;     v9 = iadd v0, v8
;;     v10 = load.i32 user2 little region0 v9
;;     v11 = load.i64 notrap aligned readonly can_move region2 v0-64
;;     v12 = uextend.i64 v1
;;     v13 = iadd v11, v12
;;     store user2 little region1 v10, v13+4
;;     return
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq %rdi, %r8
;;   movl %esi, %esi
;;   movl (%r8, %rsi), %edi
;;   movq -0x40(%r8), %r8
;;   movl %edi, (%r8, %rsi)
;;   movl %edi, 4(%r8, %rsi)
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
