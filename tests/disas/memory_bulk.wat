;; Instructions on whole memories and ranges: calls of the runtime, with indices widened to 64 bits.
(module (memory 1) (data "passive")
  (func (param i32) (result i32 i32) (memory.size) (memory.grow (local.get 0)))
  (func (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
  (func (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func (param i32 i32 i32) (memory.init 0 (local.get 0) (local.get 1) (local.get 2)) (data.drop 0)))

;; listing
;;
;; wasm_function_0:
;; function u1:0(i64 vmctx, i32) -> i32, i32 tail {
;;     region0 = 65537 "memory definition"
;;     sig0 = (i64 vmctx, i32, i64) -> i64 tail
;;     fn0 = colocated u6:0 sig0
;;
;; block0(v0: i64, v1: i32):
;;     v2 = load.i64 notrap aligned region0 v0-40
;;     v3 = iconst.i64 16
;;     v4 = ushr v2, v3  ; v3 = 16
;;     v5 = ireduce.i32 v4
;;     v6 = uextend.i64 v1
;;     v7 = iconst.i32 0
;;     v8 = call fn0(v0, v7, v6)  ; v7 = 0
;;     v9 = ireduce.i32 v8
;;     return v5, v9
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;;   subq $0x10, %rsp
;;   movq %r12, (%rsp)
;; block0:
;;   movq %rsi, %r9
;;   movq -0x28(%rdi), %rax
;;   movq %rax, %r12
;;   uninit  %rsi
;;   xorl %esi, %esi
;;   movq %r9, %rax
;;   movl %eax, %edx
;;   call    User(userextname0)
;;   movq %rax, %rcx
;;   movq %r12, %rax
;;   shrq $0x10, %rax
;;   movq (%rsp), %r12
;;   addq $0x10, %rsp
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_1:
;; function u1:1(i64 vmctx, i32, i32, i32) tail {
;;     sig0 = (i64 vmctx, i32, i64, i32, i64) tail
;;     fn0 = colocated u6:1 sig0
;;
;; block0(v0: i64, v1: i32, v2: i32, v3: i32):
;;     v4 = uextend.i64 v1
;;     v5 = uextend.i64 v3
;;     v6 = iconst.i32 0
;;     call fn0(v0, v6, v4, v2, v5)  ; v6 = 0
;;     return
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq %rsi, %rax
;;   movq %rdx, %r9
;;   uninit  %rsi
;;   xorl %esi, %esi
;;   movl %eax, %edx
;;   movl %ecx, %r8d
;;   movq %r9, %rcx
;;   call    User(userextname0)
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_2:
;; function u1:2(i64 vmctx, i32, i32, i32) tail {
;;     sig0 = (i64 vmctx, i32, i32, i64, i64, i64) tail
;;     fn0 = colocated u6:2 sig0
;;
;; block0(v0: i64, v1: i32, v2: i32, v3: i32):
;;     v4 = uextend.i64 v1
;;     v5 = uextend.i64 v2
;;     v6 = uextend.i64 v3
;;     v7 = iconst.i32 0
;;     v8 = iconst.i32 0
;;     call fn0(v0, v7, v8, v4, v5, v6)  ; v7 = 0, v8 = 0
;;     return
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq %rdx, %rax
;;   movq %rcx, %r9
;;   uninit  %rdx
;;   xorl %edx, %edx
;;   movl %esi, %ecx
;;   movl %eax, %r8d
;;   movq %r9, %rax
;;   movl %eax, %r9d
;;   movq %rdx, %rsi
;;   call    User(userextname0)
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_3:
;; function u1:3(i64 vmctx, i32, i32, i32) tail {
;;     sig0 = (i64 vmctx, i32, i32, i64, i32, i32) tail
;;     sig1 = (i64 vmctx, i32) tail
;;     fn0 = colocated u6:3 sig0
;;     fn1 = colocated u6:4 sig1
;;
;; block0(v0: i64, v1: i32, v2: i32, v3: i32):
;;     v4 = uextend.i64 v1
;;     v5 = iconst.i32 0
;;     v6 = iconst.i32 0
;;     call fn0(v0, v5, v6, v4, v2, v3)  ; v5 = 0, v6 = 0
;;     v7 = iconst.i32 0
;;     call fn1(v0, v7)  ; v7 = 0
;;     return
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;;   subq $0x10, %rsp
;;   movq %r12, (%rsp)
;;   movq %r13, 8(%rsp)
;; block0:
;;   movq %rcx, %r9
;;   movq %rdi, %r12
;;   uninit  %rdi
;;   xorl %edi, %edi
;;   movq %rdi, %r13
;;   movl %esi, %ecx
;;   movq %rdx, %r8
;;   movq %r13, %rdx
;;   movq %r13, %rsi
;;   movq %r12, %rdi
;;   call    User(userextname0)
;;   movq %r13, %rsi
;;   movq %r12, %rdi
;;   call    User(userextname1)
;;   movq (%rsp), %r12
;;   movq 8(%rsp), %r13
;;   addq $0x10, %rsp
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
