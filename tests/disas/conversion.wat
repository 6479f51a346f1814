;; Conversions between number types. Truncations trap, with a reason of their own for each cause.
(module
  (func (param i64 i32) (result i32 i64 i64)
    (i32.wrap_i64 (local.get 0)) (i64.extend_i32_s (local.get 1)) (i64.extend_i32_u (local.get 1)))
  (func (param f64) (result i32) (i32.trunc_f64_s (local.get 0)))
  (func (param f32) (result i64) (i64.trunc_f32_u (local.get 0)))
  (func (param i32 i64) (result f32 f64) (f32.convert_i32_s (local.get 0)) (f64.convert_i64_u (local.get 1)))
  (func (param f32 f64) (result f64 f32) (f64.promote_f32 (local.get 0)) (f32.demote_f64 (local.get 1)))
  (func (param f32 i64) (result i32 f64) (i32.reinterpret_f32 (local.get 0)) (f64.reinterpret_i64 (local.get 1))))

;; listing
;;
;; wasm_function_0:
;; function u1:0(i64 vmctx, i64, i32) -> i32, i64, i64 tail {
;; block0(v0: i64, v1: i64, v2: i32):
;;     v3 = ireduce.i32 v1
;;     v4 = sextend.i64 v2
;;     v5 = uextend.i64 v2
;;     return v3, v4, v5
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movslq %edx, %rcx
;;   movl %edx, %edx
;;   movq %rsi, %rax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_1:
;; function u1:1(i64 vmctx, f64) -> i32 tail {
;; block0(v0: i64, v1: f64):
;;     v2 = fcvt_to_sint.i32 v1
;;     return v2
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   cvt_float64_to_sint32_seq %xmm0, %eax, %rsi, %xmm3
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_2:
;; function u1:2(i64 vmctx, f32) -> i64 tail {
;; block0(v0: i64, v1: f32):
;;     v2 = fcvt_to_uint.i64 v1
;;     return v2
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   cvt_float32_to_uint64_seq %xmm0, %rax, %rsi, %xmm3, %xmm4
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_3:
;; function u1:3(i64 vmctx, i32, i64) -> f32, f64 tail {
;; block0(v0: i64, v1: i32, v2: i64):
;;     v3 = fcvt_from_sint.f32 v1
;;     v4 = fcvt_from_uint.f64 v2
;;     return v3, v4
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   uninit  %xmm0
;;   xorps %xmm0, %xmm0
;;   cvtsi2ssl %esi, %xmm0
;;   u64_to_f64_seq %rdx, %xmm1, %rdi, %r8
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_4:
;; function u1:4(i64 vmctx, f32, f64) -> f64, f32 tail {
;; block0(v0: i64, v1: f32, v2: f64):
;;     v3 = fpromote.f64 v1
;;     v4 = fdemote.f32 v2
;;     return v3, v4
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movdqa %xmm1, %xmm2
;;   movdqa %xmm0, %xmm1
;;   uninit  %xmm0
;;   xorpd %xmm0, %xmm0
;;   cvtss2sd %xmm1, %xmm0
;;   uninit  %xmm1
;;   xorps %xmm1, %xmm1
;;   cvtsd2ss %xmm2, %xmm1
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_5:
;; function u1:5(i64 vmctx, f32, i64) -> i32, f64 tail {
;; block0(v0: i64, v1: f32, v2: i64):
;;     v3 = bitcast.i32 v1
;;     v4 = bitcast.f64 v2
;;     return v3, v4
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movd %xmm0, %eax
;;   movq %rsi, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
