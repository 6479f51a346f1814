;; Vectors: comparisons.
(module
  (func (param v128 v128) (result v128) (i8x16.eq (local.get 0) (local.get 1)))
  (func (param v128 v128) (result v128) (i16x8.lt_u (local.get 0) (local.get 1)))
  (func (param v128 v128) (result v128) (i64x2.ge_s (local.get 0) (local.get 1)))
  (func (param v128 v128) (result v128) (f32x4.gt (local.get 0) (local.get 1))))

;; listing
;;
;; wasm_function_0:
;; function u1:0(i64 vmctx, i8x16, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16, v2: i8x16):
;;     v3 = icmp eq v1, v2
;;     return v3
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   pcmpeqb %xmm1, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_1:
;; function u1:1(i64 vmctx, i8x16, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16, v2: i8x16):
;;     v3 = bitcast.i16x8 little v2
;;     v4 = bitcast.i16x8 little v1
;;     v5 = icmp ult v4, v3
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   pminuw %xmm1, %xmm0
;;   pcmpeqw %xmm1, %xmm0
;;   uninit  %xmm1
;;   pcmpeqd %xmm1, %xmm1
;;   pxor %xmm1, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_2:
;; function u1:2(i64 vmctx, i8x16, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16, v2: i8x16):
;;     v3 = bitcast.i64x2 little v2
;;     v4 = bitcast.i64x2 little v1
;;     v5 = icmp sge v4, v3
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   pcmpgtq %xmm0, %xmm1
;;   uninit  %xmm6
;;   pcmpeqd %xmm6, %xmm6
;;   movdqa %xmm1, %xmm0
;;   pxor %xmm6, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_3:
;; function u1:3(i64 vmctx, i8x16, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16, v2: i8x16):
;;     v3 = bitcast.f32x4 little v2
;;     v4 = bitcast.f32x4 little v1
;;     v5 = fcmp gt v4, v3
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movdqa %xmm0, %xmm4
;;   movdqa %xmm1, %xmm0
;;   cmpltps %xmm4, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
