;;! memory = checked
;; The same accesses to a memory that is not guarded: each end is compared with the length.
(module (memory 1)
  (func (param i32) (result i32) (i32.load offset=8 (local.get 0)))
  (func (param i32 i64) (i64.store8 (local.get 0) (local.get 1)) (i64.store offset=0xffffffff (local.get 0) (local.get 1))))

;; listing
;;
;; wasm_function_0:
;; function u1:0(i64 vmctx, i32) -> i32 tail {
;;     region0 = 131073 "memory"
;;     region1 = 65537 "memory definition"
;;
;; block0(v0: i64, v1: i32):
;;     v2 = load.i64 notrap aligned region1 v0-48
;;     v3 = uextend.i64 v1
;;     v4 = load.i64 notrap aligned region1 v0-40
;;     v5 = iconst.i64 12
;;     v6 = iadd v3, v5  ; v5 = 12
;;     v7 = icmp ugt v6, v4
;;     v8 = iadd v2, v3
;;     v9 = iconst.i64 8
;;     v10 = iadd v8, v9  ; v9 = 8
;;     v11 = iconst.i64 0
;;     v12 = select_spectre_guard v7, v11, v10  ; v11 = 0
;;     v13 = load.i32 user2 little region0 v12
;;     return v13
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq -0x30(%rdi), %r10
;;   movl %esi, %eax
;;   leaq 0xc(%rax), %rcx
;;   uninit  %r11
;;   xorq %r11, %r11
;;   leaq 8(%r10, %rax), %r9
;;   cmpq -0x28(%rdi), %rcx
;;   cmovaq %r11, %r9
;;   movl (%r9), %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_1:
;; function u1:1(i64 vmctx, i32, i64) tail {
;;     region0 = 131073 "memory"
;;     region1 = 65537 "memory definition"
;;
;; block0(v0: i64, v1: i32, v2: i64):
;;     v3 = load.i64 notrap aligned region1 v0-48
;;     v4 = uextend.i64 v1
;;     v5 = load.i64 notrap aligned region1 v0-40
;;     v6 = iconst.i64 1
;;     v7 = iadd v4, v6  ; v6 = 1
;;     v8 = icmp ugt v7, v5
;;     v9 = iadd v3, v4
;;     v10 = iconst.i64 0
;;     v11 = iadd v9, v10  ; v10 = 0
;;     v12 = iconst.i64 0
;;     v13 = select_spectre_guard v8, v12, v11  ; v12 = 0
;;     istore8 user2 little region0 v2, v13
;;     v14 = load.i64 notrap aligned region1 v0-48
;;     v15 = uextend.i64 v1
;;     v16 = load.i64 notrap aligned region1 v0-40
;;     v17 = iconst.i64 0x0001_0000_0007
;;     v18 = iadd v15, v17  ; v17 = 0x0001_0000_0007
;;     v19 = icmp ugt v18, v16
;;     v20 = iadd v14, v15
;;     v21 = iconst.i64 0xffff_ffff
;;     v22 = iadd v20, v21  ; v21 = 0xffff_ffff
;;     v23 = iconst.i64 0
;;     v24 = select_spectre_guard v19, v23, v22  ; v23 = 0
;;     store user2 little region0 v2, v24
;;     return
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq -0x30(%rdi), %r9
;;   movq -0x28(%rdi), %rax
;;   movl %esi, %esi
;;   leaq 1(%rsi), %r8
;;   uninit  %rcx
;;   xorq %rcx, %rcx
;;   leaq (%r9, %rsi), %rdi
;;   cmpq %rax, %r8
;;   movq %rdi, %r8
;;   cmovaq %rcx, %r8
;;   movb %dl, (%r8)
;;   movabsq $0x100000007, %r8
;;   leaq (%rsi, %r8), %rsi
;;   movl $0xffffffff, %r8d
;;   leaq (%rdi, %r8), %rdi
;;   cmpq %rax, %rsi
;;   cmovaq %rcx, %rdi
;;   movq %rdx, (%rdi)
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
