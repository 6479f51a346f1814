;; Arithmetic on 128 bits.
(module
  (func $add128 (param i64 i64 i64 i64) (result i64 i64)
    (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  (func $sub128 (param i64 i64 i64 i64) (result i64 i64)
    (i64.sub128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  (func $mul_wide_s (param i64 i64) (result i64 i64)
    (i64.mul_wide_s (local.get 0) (local.get 1)))
  (func $mul_wide_u (param i64 i64) (result i64 i64)
    (i64.mul_wide_u (local.get 0) (local.get 1))))

;; listing
;;
;; wasm_function_0:
;; function u1:0(i64 vmctx, i64, i64, i64, i64) -> i64, i64 tail {
;; block0(v0: i64, v1: i64, v2: i64, v3: i64, v4: i64):
;;     v5 = iconcat v3, v4
;;     v6 = iconcat v1, v2
;;     v7 = iadd v6, v5
;;     v8, v9 = isplit v7
;;     return v8, v9
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq %rsi, %rax
;;   addq %rcx, %rax
;;   movq %rdx, %rcx
;;   adcq %r8, %rcx
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_1:
;; function u1:1(i64 vmctx, i64, i64, i64, i64) -> i64, i64 tail {
;; block0(v0: i64, v1: i64, v2: i64, v3: i64, v4: i64):
;;     v5 = iconcat v3, v4
;;     v6 = iconcat v1, v2
;;     v7 = isub v6, v5
;;     v8, v9 = isplit v7
;;     return v8, v9
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq %rsi, %rax
;;   subq %rcx, %rax
;;   movq %rdx, %rcx
;;   sbbq %r8, %rcx
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_2:
;; function u1:2(i64 vmctx, i64, i64) -> i64, i64 tail {
;; block0(v0: i64, v1: i64, v2: i64):
;;     v3 = sextend.i128 v1
;;     v4 = sextend.i128 v2
;;     v5 = imul v3, v4
;;     v6, v7 = isplit v5
;;     return v6, v7
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq %rsi, %rax
;;   imulq %rdx ;; implicit: %rax, %rdx
;;   movq %rdx, %rcx
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_3:
;; function u1:3(i64 vmctx, i64, i64) -> i64, i64 tail {
;; block0(v0: i64, v1: i64, v2: i64):
;;     v3 = uextend.i128 v1
;;     v4 = uextend.i128 v2
;;     v5 = imul v3, v4
;;     v6, v7 = isplit v5
;;     return v6, v7
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq %rsi, %rax
;;   mulq %rdx ;; implicit: %rax, %rdx
;;   movq %rdx, %rcx
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
