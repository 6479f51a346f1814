;; A memory with pages of one byte: it can end anywhere, so each access is compared with its length.
(module
  (memory 1 (pagesize 1))
  (func (param i32) (result i32) (i32.load (local.get 0)))
  (func (param i32) (result i32) (memory.grow (local.get 0)))
  (func (result i32) (memory.size)))

;; listing
;;
;; wasm_function_0:
;; function u1:0(i64 vmctx, i32) -> i32 tail {
;;     region0 = 131073 "memory"
;;     region1 = 65537 "memory definition"
;;
;; block0(v0: i64, v1: i32):
;;     v2 = uextend.i64 v1
;;     v3 = load.i64 notrap aligned region1 v0-40
;;     v4 = iconst.i64 4
;;     v5 = iadd v2, v4  ; v4 = 4
;;     v6 = icmp ugt v5, v3
;;     v7 = iadd v0, v2
;;     v8 = iconst.i64 0
;;     v9 = iadd v7, v8  ; v8 = 0
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
;;   leaq 4(%r10), %r11
;;   uninit  %r9
;;   xorq %r9, %r9
;;   leaq (%rdi, %r10), %r8
;;   cmpq -0x28(%rdi), %r11
;;   cmovaq %r9, %r8
;;   movl (%r8), %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_1:
;; function u1:1(i64 vmctx, i32) -> i32 tail {
;;     sig0 = (i64 vmctx, i32, i64) -> i64 tail
;;     fn0 = colocated u6:0 sig0
;;
;; block0(v0: i64, v1: i32):
;;     v2 = uextend.i64 v1
;;     v3 = iconst.i32 0
;;     v4 = call fn0(v0, v3, v2)  ; v3 = 0
;;     v5 = ireduce.i32 v4
;;     return v5
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq %rsi, %r9
;;   uninit  %rsi
;;   xorl %esi, %esi
;;   movl %r9d, %edx
;;   call    User(userextname0)
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_2:
;; function u1:2(i64 vmctx) -> i32 tail {
;;     region0 = 65537 "memory definition"
;;
;; block0(v0: i64):
;;     v1 = load.i64 notrap aligned region0 v0-40
;;     v2 = ireduce.i32 v1
;;     return v2
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq -0x28(%rdi), %rax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
