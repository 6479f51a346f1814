;; Accesses to memories with 64-bit indices of which the whole reservation and a guard are there.
(module
  (memory i64 1)
  (func (param i64) (result i32) (i32.load (local.get 0)))
  (func (param i64 f64) (f64.store offset=16 (local.get 0) (local.get 1)))
  (func (param i64) (result i32) (i32.load offset=33554429 (local.get 0)))
  (func (param i64) (result i32) (i32.load offset=0x1000000000 (local.get 0)))
  (func (param i64) (result i64) (memory.grow (local.get 0)))
  (func (result i64) (memory.size)))

;; listing
;;
;; wasm_function_0:
;; function u1:0(i64 vmctx, i64) -> i32 tail {
;;     region0 = 131073 "memory"
;;
;; block0(v0: i64, v1: i64):
;;     v2 = iconst.i64 0x0010_0000_0000
;;     v3 = icmp ugt v1, v2  ; v2 = 0x0010_0000_0000
;;     v4 = iadd v0, v1
;;     v5 = iconst.i64 0
;;     v6 = iadd v4, v5  ; v5 = 0
;;     v7 = iconst.i64 0
;;     v8 = select_spectre_guard v3, v7, v6  ; v7 = 0
;;     v9 = load.i32 user2 little region0 v8
;;     return v9
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq %rdi, %r10
;;   uninit  %rdi
;;   xorq %rdi, %rdi
;;   leaq (%r10, %rsi), %r8
;;   cmpq (%rip), %rsi
;;   cmovaq %rdi, %r8
;;   movl (%r8), %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_1:
;; function u1:1(i64 vmctx, i64, f64) tail {
;;     region0 = 131073 "memory"
;;
;; block0(v0: i64, v1: i64, v2: f64):
;;     v3 = iconst.i64 0x0010_0000_0000
;;     v4 = icmp ugt v1, v3  ; v3 = 0x0010_0000_0000
;;     v5 = iadd v0, v1
;;     v6 = iconst.i64 16
;;     v7 = iadd v5, v6  ; v6 = 16
;;     v8 = iconst.i64 0
;;     v9 = select_spectre_guard v4, v8, v7  ; v8 = 0
;;     store user2 little region0 v2, v9
;;     return
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq %rdi, %r10
;;   uninit  %rdi
;;   xorq %rdi, %rdi
;;   leaq 0x10(%r10, %rsi), %r8
;;   cmpq (%rip), %rsi
;;   cmovaq %rdi, %r8
;;   movsd %xmm0, (%r8)
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
;;     v2 = load.i64 notrap aligned region1 v0-40
;;     v3 = umin v1, v2
;;     v4 = iconst.i64 0x0200_0001
;;     v5 = iadd v3, v4  ; v4 = 0x0200_0001
;;     v6 = icmp ugt v5, v2
;;     v7 = iadd v0, v3
;;     v8 = iconst.i64 0x01ff_fffd
;;     v9 = iadd v7, v8  ; v8 = 0x01ff_fffd
;;     v10 = iconst.i64 0
;;     v11 = select_spectre_guard v6, v10, v9  ; v10 = 0
;;     v12 = load.i32 user2 little region0 v11
;;     return v12
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq -0x28(%rdi), %r10
;;   cmpq %rsi, %r10
;;   cmovbq %r10, %rsi
;;   leaq 0x2000001(%rsi), %rax
;;   uninit  %r11
;;   xorq %r11, %r11
;;   leaq 0x1fffffd(%rdi, %rsi), %rcx
;;   cmpq %r10, %rax
;;   cmovaq %r11, %rcx
;;   movl (%rcx), %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_3:
;; function u1:3(i64 vmctx, i64) -> i32 tail {
;;     region0 = 131073 "memory"
;;
;; block0(v0: i64, v1: i64):
;;     v2 = iconst.i64 0
;;     v3 = load.i32 user2 little region0 v2  ; v2 = 0
;;     return v3
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   uninit  %rdx
;;   xorq %rdx, %rdx
;;   movl (%rdx), %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_4:
;; function u1:4(i64 vmctx, i64) -> i64 tail {
;;     sig0 = (i64 vmctx, i32, i64) -> i64 tail
;;     fn0 = colocated u6:0 sig0
;;
;; block0(v0: i64, v1: i64):
;;     v2 = iconst.i32 0
;;     v3 = call fn0(v0, v2, v1)  ; v2 = 0
;;     return v3
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq %rsi, %rdx
;;   uninit  %rsi
;;   xorl %esi, %esi
;;   call    User(userextname0)
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_5:
;; function u1:5(i64 vmctx) -> i64 tail {
;;     region0 = 65537 "memory definition"
;;
;; block0(v0: i64):
;;     v1 = load.i64 notrap aligned region0 v0-40
;;     v2 = iconst.i64 16
;;     v3 = ushr v1, v2  ; v2 = 16
;;     return v3
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq -0x28(%rdi), %rax
;;   shrq $0x10, %rax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
