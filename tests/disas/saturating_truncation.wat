;; Truncations that saturate instead of trapping.
(module
  (func (param f64) (result i32) (i32.trunc_sat_f64_s (local.get 0)))
  (func (param f32) (result i64) (i64.trunc_sat_f32_u (local.get 0))))

;; listing
;;
;; wasm_function_0:
;; function u1:0(i64 vmctx, f64) -> i32 tail {
;; block0(v0: i64, v1: f64):
;;     v2 = fcvt_to_sint_sat.i32 v1
;;     return v2
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   cvt_float64_to_sint32_sat_seq %xmm0, %eax, %rsi, %xmm3
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_1:
;; function u1:1(i64 vmctx, f32) -> i64 tail {
;; block0(v0: i64, v1: f32):
;;     v2 = fcvt_to_uint_sat.i64 v1
;;     return v2
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   cvt_float32_to_uint64_sat_seq %xmm0, %rax, %rsi, %xmm3, %xmm4
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
