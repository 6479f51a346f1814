;; Sign extension inside of a register.
(module
  (func (param i32) (result i32 i32) (i32.extend8_s (local.get 0)) (i32.extend16_s (local.get 0)))
  (func (param i64) (result i64 i64 i64)
    (i64.extend8_s (local.get 0)) (i64.extend16_s (local.get 0)) (i64.extend32_s (local.get 0))))

;; listing
;;
;; wasm_function_0:
;; function u1:0(i64 vmctx, i32) -> i32, i32 tail {
;; block0(v0: i64, v1: i32):
;;     v2 = ireduce.i8 v1
;;     v3 = sextend.i32 v2
;;     v4 = ireduce.i16 v1
;;     v5 = sextend.i32 v4
;;     return v3, v5
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movsbl %sil, %eax
;;   movswl %si, %ecx
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_1:
;; function u1:1(i64 vmctx, i64) -> i64, i64, i64 tail {
;; block0(v0: i64, v1: i64):
;;     v2 = ireduce.i8 v1
;;     v3 = sextend.i64 v2
;;     v4 = ireduce.i16 v1
;;     v5 = sextend.i64 v4
;;     v6 = ireduce.i32 v1
;;     v7 = sextend.i64 v6
;;     return v3, v5, v7
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movsbq %sil, %rax
;;   movswq %si, %rcx
;;   movslq %esi, %rdx
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
