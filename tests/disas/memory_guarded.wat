;; Accesses to a guarded memory: no base is loaded for memory 0, and nothing is checked up to the end of the guard.
(module (memory 1)
  (func (param i32) (result i32 i64)
    (i32.load offset=8 (local.get 0)) (i64.load32_s (local.get 0)))
  (func (param i32) (result i32 i32) (i32.load8_s (local.get 0)) (i32.load16_u offset=1 (local.get 0)))
  (func (param i32 i64) (i64.store8 (local.get 0) (local.get 1)) (i64.store (local.get 0) (local.get 1)))
  (func (param i32 f64) (result f32) (f64.store offset=16 (local.get 0) (local.get 1)) (f32.load (local.get 0)))
  ;; Beyond the guard.
  (func (param i32) (result i32) (i32.load offset=0x2000000 (local.get 0))))

;; listing
;;
;; wasm_function_0:
;; function u1:0(i64 vmctx, i32) -> i32, i64 tail {
;;     region0 = 131073 "memory"
;;
;; block0(v0: i64, v1: i32):
;;     v2 = uextend.i64 v1
;;     v3 = iadd v0, v2
;;     v4 = load.i32 user2 little region0 v3+8
;;     v5 = uextend.i64 v1
;;     v6 = iadd v0, v5
;;     v7 = sload32 user2 little region0 v6
;;     return v4, v7
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movl %esi, %esi
;;   movl 8(%rdi, %rsi), %eax
;;   movslq (%rdi, %rsi), %rcx
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_1:
;; function u1:1(i64 vmctx, i32) -> i32, i32 tail {
;;     region0 = 131073 "memory"
;;
;; block0(v0: i64, v1: i32):
;;     v2 = uextend.i64 v1
;;     v3 = iadd v0, v2
;;     v4 = sload8.i32 user2 little region0 v3
;;     v5 = uextend.i64 v1
;;     v6 = iadd v0, v5
;;     v7 = uload16.i32 user2 little region0 v6+1
;;     return v4, v7
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movl %esi, %esi
;;   movsbq (%rdi, %rsi), %rax
;;   movzwq 1(%rdi, %rsi), %rcx
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
;;     v4 = iadd v0, v3
;;     istore8 user2 little region0 v2, v4
;;     v5 = uextend.i64 v1
;;     v6 = iadd v0, v5
;;     store user2 little region0 v2, v6
;;     return
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movl %esi, %esi
;;   movb %dl, (%rdi, %rsi)
;;   movq %rdx, (%rdi, %rsi)
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_3:
;; function u1:3(i64 vmctx, i32, f64) -> f32 tail {
;;     region0 = 131073 "memory"
;;
;; block0(v0: i64, v1: i32, v2: f64):
;;     v3 = uextend.i64 v1
;;     v4 = iadd v0, v3
;;     store user2 little region0 v2, v4+16
;;     v5 = uextend.i64 v1
;;     v6 = iadd v0, v5
;;     v7 = load.f32 user2 little region0 v6
;;     return v7
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movl %esi, %esi
;;   movsd %xmm0, 0x10(%rdi, %rsi)
;;   movss (%rdi, %rsi), %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_4:
;; function u1:4(i64 vmctx, i32) -> i32 tail {
;;     region0 = 131073 "memory"
;;     region1 = 65537 "memory definition"
;;
;; block0(v0: i64, v1: i32):
;;     v2 = uextend.i64 v1
;;     v3 = load.i64 notrap aligned region1 v0-40
;;     v4 = iconst.i64 0x0200_0004
;;     v5 = iadd v2, v4  ; v4 = 0x0200_0004
;;     v6 = icmp ugt v5, v3
;;     v7 = iadd v0, v2
;;     v8 = iconst.i64 0x0200_0000
;;     v9 = iadd v7, v8  ; v8 = 0x0200_0000
;;     v10 = iconst.i64 0
;;     v11 = select_spectre_guard v6, v10, v9  ; v10 = 0
;;     v12 = load.i32 user2 little region0 v11
;;     return v12
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movl %esi, %r10d
;;   leaq 0x2000004(%r10), %r11
;;   uninit  %r9
;;   xorq %r9, %r9
;;   leaq 0x2000000(%rdi, %r10), %r8
;;   cmpq -0x28(%rdi), %r11
;;   cmovaq %r9, %r8
;;   movl (%r8), %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
