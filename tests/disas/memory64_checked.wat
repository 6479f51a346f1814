;; Accesses to a memory with 64-bit indices that are all compared with its length.
;;! memory = checked
(module
  (memory i64 1)
  (func (param i64) (result i32) (i32.load (local.get 0)))
  (func (param i64 f64) (f64.store offset=16 (local.get 0) (local.get 1)))
  (func (param i64) (result i32) (i32.load offset=0xffffffffffffffff (local.get 0))))

;; listing
;;
;; wasm_function_0:
;; function u1:0(i64 vmctx, i64) -> i32 tail {
;;     region0 = 131073 "memory"
;;     region1 = 65537 "memory definition"
;;
;; block0(v0: i64, v1: i64):
;;     v2 = load.i64 notrap aligned region1 v0-48
;;     v3 = load.i64 notrap aligned region1 v0-40
;;     v4 = umin v1, v3
;;     v5 = iconst.i64 4
;;     v6 = iadd v4, v5  ; v5 = 4
;;     v7 = icmp ugt v6, v3
;;     v8 = iadd v2, v4
;;     v9 = iconst.i64 0
;;     v10 = iadd v8, v9  ; v9 = 0
;;     v11 = iconst.i64 0
;;     v12 = select_spectre_guard v7, v11, v10  ; v11 = 0
;;     v13 = load.i32 user2 little region0 v12
;;     return v13
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq -0x30(%rdi), %r11
;;   movq -0x28(%rdi), %rax
;;   cmpq %rsi, %rax
;;   cmovbq %rax, %rsi
;;   leaq 4(%rsi), %rdx
;;   uninit  %rcx
;;   xorq %rcx, %rcx
;;   leaq (%r11, %rsi), %r11
;;   cmpq %rax, %rdx
;;   cmovaq %rcx, %r11
;;   movl (%r11), %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_1:
;; function u1:1(i64 vmctx, i64, f64) tail {
;;     region0 = 131073 "memory"
;;     region1 = 65537 "memory definition"
;;
;; block0(v0: i64, v1: i64, v2: f64):
;;     v3 = load.i64 notrap aligned region1 v0-48
;;     v4 = load.i64 notrap aligned region1 v0-40
;;     v5 = umin v1, v4
;;     v6 = iconst.i64 24
;;     v7 = iadd v5, v6  ; v6 = 24
;;     v8 = icmp ugt v7, v4
;;     v9 = iadd v3, v5
;;     v10 = iconst.i64 16
;;     v11 = iadd v9, v10  ; v10 = 16
;;     v12 = iconst.i64 0
;;     v13 = select_spectre_guard v8, v12, v11  ; v12 = 0
;;     store user2 little region0 v2, v13
;;     return
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq -0x30(%rdi), %r11
;;   movq -0x28(%rdi), %rax
;;   cmpq %rsi, %rax
;;   cmovbq %rax, %rsi
;;   leaq 0x18(%rsi), %rdx
;;   uninit  %rcx
;;   xorq %rcx, %rcx
;;   leaq 0x10(%r11, %rsi), %r11
;;   cmpq %rax, %rdx
;;   cmovaq %rcx, %r11
;;   movsd %xmm0, (%r11)
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_2:
;; function u1:2(i64 vmctx, i64) -> i32 tail {
;;     region0 = 131073 "memory"
;;     region1 = 65537 "memory definition"
;;
;; block0(v0: i64, v1: i64):
;;     v2 = load.i64 notrap aligned region1 v0-48
;;     v3 = iconst.i64 0
;;     v4 = load.i32 user2 little region0 v3  ; v3 = 0
;;     return v4
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq -0x30(%rdi), %rsi
;;   uninit  %rsi
;;   xorq %rsi, %rsi
;;   movl (%rsi), %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
