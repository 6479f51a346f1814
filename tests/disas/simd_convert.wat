;; Vectors: conversions.
(module
  (func (param v128) (result v128) (i32x4.trunc_sat_f32x4_s (local.get 0)))
  (func (param v128) (result v128) (f32x4.convert_i32x4_u (local.get 0)))
  (func (param v128 v128) (result v128) (i8x16.narrow_i16x8_u (local.get 0) (local.get 1)))
  (func (param v128) (result v128) (i32x4.extend_high_i16x8_s (local.get 0)))
  (func (param v128) (result v128) (f64x2.promote_low_f32x4 (local.get 0))))

;; listing
;;
;; wasm_function_0:
;; function u1:0(i64 vmctx, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16):
;;     v2 = bitcast.f32x4 little v1
;;     v3 = fcvt_to_sint_sat.i32x4 v2
;;     v4 = bitcast.i8x16 little v3
;;     return v4
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movdqa %xmm0, %xmm4
;;   cmpeqps %xmm0, %xmm4
;;   andps %xmm4, %xmm0
;;   pxor %xmm0, %xmm4
;;   cvttps2dq %xmm0, %xmm1
;;   movdqa %xmm1, %xmm0
;;   pand %xmm4, %xmm0
;;   psrad $0x1f, %xmm0
;;   pxor %xmm1, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_1:
;; function u1:1(i64 vmctx, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16):
;;     v2 = bitcast.i32x4 little v1
;;     v3 = fcvt_from_uint.f32x4 v2
;;     v4 = bitcast.i8x16 little v3
;;     return v4
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movdqa %xmm0, %xmm3
;;   pslld $0x10, %xmm3
;;   psrld $0x10, %xmm3
;;   psubd %xmm3, %xmm0
;;   cvtdq2ps %xmm3, %xmm1
;;   psrld $0x1, %xmm0
;;   cvtdq2ps %xmm0, %xmm0
;;   addps %xmm0, %xmm0
;;   addps %xmm1, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_2:
;; function u1:2(i64 vmctx, i8x16, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16, v2: i8x16):
;;     v3 = bitcast.i16x8 little v2
;;     v4 = bitcast.i16x8 little v1
;;     v5 = unarrow v4, v3
;;     return v5
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   packuswb %xmm1, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_3:
;; function u1:3(i64 vmctx, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16):
;;     v2 = bitcast.i16x8 little v1
;;     v3 = swiden_high v2
;;     v4 = bitcast.i8x16 little v3
;;     return v4
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   palignr $0x8, %xmm0, %xmm0
;;   pmovsxwd %xmm0, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_4:
;; function u1:4(i64 vmctx, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16):
;;     v2 = bitcast.f32x4 little v1
;;     v3 = fvpromote_low v2
;;     v4 = bitcast.i8x16 little v3
;;     return v4
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   cvtps2pd %xmm0, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
