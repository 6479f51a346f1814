;; Atomic instructions on a memory that is not shared: plain accesses behind a check of the alignment.

(module
  (memory 1)
  (func $load (param i32) (result i32) (i32.atomic.load offset=4 (local.get 0)))
  (func $load_narrow (param i32) (result i64) (i64.atomic.load16_u (local.get 0)))
  (func $store (param i32 i64) (i64.atomic.store (local.get 0) (local.get 1)))
  (func $add (param i32 i32) (result i32) (i32.atomic.rmw8.add_u (local.get 0) (local.get 1)))
  (func $exchange (param i32 i64) (result i64) (i64.atomic.rmw.xchg (local.get 0) (local.get 1)))
  (func $compare (param i32 i32 i32) (result i32) (i32.atomic.rmw.cmpxchg (local.get 0) (local.get 1) (local.get 2)))
  (func $notify (param i32) (result i32) (memory.atomic.notify (local.get 0) (i32.const 1)))
  (func $wait (param i32) (result i32) (memory.atomic.wait32 (local.get 0) (i32.const 1) (i64.const 1)))
  (func $fence (atomic.fence)))

;; listing
;;
;; wasm_function_0:
;; function u1:0(i64 vmctx, i32) -> i32 tail {
;;     region0 = 131073 "memory"
;;
;; block0(v0: i64, v1: i32):
;;     v2 = uextend.i64 v1
;;     v3 = iconst.i64 4
;;     v4 = iadd v2, v3  ; v3 = 4
;;     v5 = iconst.i64 3
;;     v6 = band v4, v5  ; v5 = 3
;;     trapnz v6, user15
;;     v7 = uextend.i64 v1
;;     v8 = iadd v0, v7
;;     v9 = load.i32 user2 little region0 v8+4
;;     return v9
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movl %esi, %esi
;;   leaq 4(%rsi), %r8
;;   testq $0x3, %r8
;;   jnz #trap=user15
;;   movl 4(%rdi, %rsi), %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_1:
;; function u1:1(i64 vmctx, i32) -> i64 tail {
;;     region0 = 131073 "memory"
;;
;; block0(v0: i64, v1: i32):
;;     v2 = uextend.i64 v1
;;     v3 = iconst.i64 0
;;     v4 = iadd v2, v3  ; v3 = 0
;;     v5 = iconst.i64 1
;;     v6 = band v4, v5  ; v5 = 1
;;     trapnz v6, user15
;;     v7 = uextend.i64 v1
;;     v8 = iadd v0, v7
;;     v9 = load.i16 user2 little region0 v8
;;     v10 = uextend.i64 v9
;;     return v10
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movl %esi, %esi
;;   testq $0x1, %rsi
;;   jnz #trap=user15
;;   movzwq (%rdi, %rsi), %rax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_2:
;; function u1:2(i64 vmctx, i32, i64) tail {
;;     region0 = 131073 "memory"
;;
;; block0(v0: i64, v1: i32, v2: i64):
;;     v3 = uextend.i64 v1
;;     v4 = iconst.i64 0
;;     v5 = iadd v3, v4  ; v4 = 0
;;     v6 = iconst.i64 7
;;     v7 = band v5, v6  ; v6 = 7
;;     trapnz v7, user15
;;     v8 = uextend.i64 v1
;;     v9 = iadd v0, v8
;;     store user2 little region0 v2, v9
;;     return
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movl %esi, %esi
;;   testq $0x7, %rsi
;;   jnz #trap=user15
;;   movq %rdx, (%rdi, %rsi)
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_3:
;; function u1:3(i64 vmctx, i32, i32) -> i32 tail {
;;     region0 = 131073 "memory"
;;
;; block0(v0: i64, v1: i32, v2: i32):
;;     v3 = uextend.i64 v1
;;     v4 = iadd v0, v3
;;     v5 = load.i8 user2 little region0 v4
;;     v6 = ireduce.i8 v2
;;     v7 = iadd v5, v6
;;     store user2 little region0 v7, v4
;;     v8 = uextend.i32 v5
;;     return v8
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movl %esi, %r8d
;;   movzbq (%rdi, %r8), %r9
;;   movq %r9, %r10
;;   addl %edx, %r10d
;;   movb %r10b, (%rdi, %r8)
;;   movzbl %r9b, %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_4:
;; function u1:4(i64 vmctx, i32, i64) -> i64 tail {
;;     region0 = 131073 "memory"
;;
;; block0(v0: i64, v1: i32, v2: i64):
;;     v3 = uextend.i64 v1
;;     v4 = iconst.i64 0
;;     v5 = iadd v3, v4  ; v4 = 0
;;     v6 = iconst.i64 7
;;     v7 = band v5, v6  ; v6 = 7
;;     trapnz v7, user15
;;     v8 = uextend.i64 v1
;;     v9 = iadd v0, v8
;;     v10 = load.i64 user2 little region0 v9
;;     store user2 little region0 v2, v9
;;     return v10
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movl %esi, %esi
;;   testq $0x7, %rsi
;;   jnz #trap=user15
;;   movq (%rdi, %rsi), %rax
;;   movq %rdx, (%rdi, %rsi)
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_5:
;; function u1:5(i64 vmctx, i32, i32, i32) -> i32 tail {
;;     region0 = 131073 "memory"
;;
;; block0(v0: i64, v1: i32, v2: i32, v3: i32):
;;     v4 = uextend.i64 v1
;;     v5 = iconst.i64 0
;;     v6 = iadd v4, v5  ; v5 = 0
;;     v7 = iconst.i64 3
;;     v8 = band v6, v7  ; v7 = 3
;;     trapnz v8, user15
;;     v9 = uextend.i64 v1
;;     v10 = iadd v0, v9
;;     v11 = load.i32 user2 little region0 v10
;;     v12 = icmp eq v11, v2
;;     v13 = select v12, v3, v11
;;     store user2 little region0 v13, v10
;;     return v11
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movl %esi, %r8d
;;   testq $0x3, %r8
;;   jnz #trap=user15
;;   movl (%rdi, %r8), %eax
;;   cmpl %edx, %eax
;;   movq %rax, %r10
;;   cmovel %ecx, %r10d
;;   movl %r10d, (%rdi, %r8)
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_6:
;; function u1:6(i64 vmctx, i32) -> i32 tail {
;;     region0 = 131073 "memory"
;;
;; block0(v0: i64, v1: i32):
;;     v2 = iconst.i32 1
;;     v3 = uextend.i64 v1
;;     v4 = iconst.i64 0
;;     v5 = iadd v3, v4  ; v4 = 0
;;     v6 = iconst.i64 3
;;     v7 = band v5, v6  ; v6 = 3
;;     trapnz v7, user15
;;     v8 = uextend.i64 v1
;;     v9 = iadd v0, v8
;;     v10 = load.i32 user2 little region0 v9
;;     v11 = iconst.i32 0
;;     return v11  ; v11 = 0
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movl %esi, %esi
;;   testq $0x3, %rsi
;;   jnz #trap=user15
;;   movl (%rdi, %rsi), %r8d
;;   uninit  %rax
;;   xorl %eax, %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_7:
;; function u1:7(i64 vmctx, i32) -> i32 tail {
;; block0(v0: i64, v1: i32):
;;     v2 = iconst.i32 1
;;     v3 = iconst.i64 1
;;     trap user16
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   ud2
;;
;; wasm_function_8:
;; function u1:8(i64 vmctx) tail {
;; block0(v0: i64):
;;     return
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
