;; Direct calls: the callee gets the vmctx, or nothing if it needs none; an import is called with its own.
(module (import "" "f" (func $import (param i32) (result i32))) (memory 1)
  (func (param i32) (result i32) (call $import (local.get 0)))
  (func (param i32) (result i32) (call $uses (call $free (local.get 0))))
  (func $free (param i32) (result i32) (local.get 0))
  (func $uses (param i32) (result i32) (i32.load (local.get 0)))
  ;; More results than there are registers for.
  (func (result i64) (call $many) i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add)
  (func $many (result i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
    i64.const 1 i64.const 2 i64.const 3 i64.const 4 i64.const 5 i64.const 6 i64.const 7 i64.const 8 i64.const 9 i64.const 10))

;; listing
;;
;; wasm_function_1:
;; function u1:0(i64 vmctx, i32) -> i32 tail {
;;     region0 = 0 "vmctx"
;;     sig0 = (i64 vmctx, i32) -> i32 tail
;;
;; block0(v0: i64, v1: i32):
;;     v2 = load.i64 notrap aligned readonly can_move region0 v0-64
;;     v3 = load.i64 notrap aligned readonly can_move region0 v0-56
;;     v4 = call_indirect sig0, v2(v3, v1)
;;     return v4
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq -0x40(%rdi), %r8
;;   movq -0x38(%rdi), %rdi
;;   call    *%r8
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_2:
;; function u1:1(i64 vmctx, i32) -> i32 tail {
;;     sig0 = (i64 vmctx, i32) -> i32 tail
;;     fn0 = colocated u1:2 sig0
;;     fn1 = colocated u1:3 sig0
;;
;; block0(v0: i64, v1: i32):
;;     v2 = iconst.i64 0
;;     v3 = call fn0(v2, v1)  ; v2 = 0
;;     v4 = call fn1(v0, v3)
;;     return v4
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;;   subq $0x10, %rsp
;;   movq %r12, (%rsp)
;; block0:
;;   movq %rdi, %r12
;;   uninit  %rdi
;;   xorq %rdi, %rdi
;;   call    User(userextname0)
;;   movq %rax, %rsi
;;   movq %r12, %rdi
;;   call    User(userextname1)
;;   movq (%rsp), %r12
;;   addq $0x10, %rsp
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_3:
;; function u1:2(i64 vmctx, i32) -> i32 tail {
;; block0(v0: i64, v1: i32):
;;     return v1
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq %rsi, %rax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_4:
;; function u1:3(i64 vmctx, i32) -> i32 tail {
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
;; wasm_function_5:
;; function u1:4(i64 vmctx) -> i64 tail {
;;     sig0 = (i64 vmctx) -> i64, i64, i64, i64, i64, i64, i64, i64, i64, i64 tail
;;     fn0 = colocated u1:5 sig0
;;
;; block0(v0: i64):
;;     v1 = iconst.i64 0
;;     v2, v3, v4, v5, v6, v7, v8, v9, v10, v11 = call fn0(v1)  ; v1 = 0
;;     v12 = iadd v10, v11
;;     v13 = iadd v9, v12
;;     v14 = iadd v8, v13
;;     v15 = iadd v7, v14
;;     v16 = iadd v6, v15
;;     v17 = iadd v5, v16
;;     v18 = iadd v4, v17
;;     v19 = iadd v3, v18
;;     v20 = iadd v2, v19
;;     return v20
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;;   subq $0x20, %rsp
;;   movq %rbx, 0x10(%rsp)
;;   movq %r12, 0x18(%rsp)
;; block0:
;;   uninit  %rsi
;;   xorq %rsi, %rsi
;;   leaq (%rsp), %rdi
;;   call    User(userextname0)
;;   leaq (%r12, %rbx), %r11
;;   leaq (%r10, %r11), %r10
;;   leaq (%r9, %r10), %r9
;;   leaq (%r8, %r9), %r8
;;   leaq (%rdi, %r8), %rdi
;;   leaq (%rsi, %rdi), %rsi
;;   leaq (%rdx, %rsi), %rdx
;;   leaq (%rcx, %rdx), %rcx
;;   leaq (%rax, %rcx), %rax
;;   movq 0x10(%rsp), %rbx
;;   movq 0x18(%rsp), %r12
;;   addq $0x20, %rsp
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_6:
;; function u1:5(i64 vmctx) -> i64, i64, i64, i64, i64, i64, i64, i64, i64, i64 tail {
;; block0(v0: i64):
;;     v1 = iconst.i64 1
;;     v2 = iconst.i64 2
;;     v3 = iconst.i64 3
;;     v4 = iconst.i64 4
;;     v5 = iconst.i64 5
;;     v6 = iconst.i64 6
;;     v7 = iconst.i64 7
;;     v8 = iconst.i64 8
;;     v9 = iconst.i64 9
;;     v10 = iconst.i64 10
;;     return v1, v2, v3, v4, v5, v6, v7, v8, v9, v10  ; v1 = 1, v2 = 2, v3 = 3, v4 = 4, v5 = 5, v6 = 6, v7 = 7, v8 = 8, v9 = 9, v10 = 10
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;;   subq $0x20, %rsp
;;   movq %rbx, (%rsp)
;;   movq %r12, 8(%rsp)
;;   movq %r13, 0x10(%rsp)
;; block0:
;;   movq %rdi, %r13
;;   movl $0x1, %eax
;;   movl $0x2, %ecx
;;   movl $0x3, %edx
;;   movl $0x4, %esi
;;   movl $0x5, %edi
;;   movl $0x6, %r8d
;;   movl $0x7, %r9d
;;   movl $0x8, %r10d
;;   movl $0x9, %r11d
;;   movl $0xa, %r12d
;;   movq %r13, %rbx
;;   movq %r11, (%rbx)
;;   movq %r12, 8(%rbx)
;;   movq (%rsp), %rbx
;;   movq 8(%rsp), %r12
;;   movq 0x10(%rsp), %r13
;;   addq $0x20, %rsp
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
