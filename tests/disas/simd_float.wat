;; Vectors of floating-point numbers: arithmetic.
(module
  (func (param v128 v128) (result v128) (f32x4.div (f32x4.sqrt (local.get 0)) (local.get 1)))
  (func (param v128 v128) (result v128) (f64x2.max (local.get 0) (local.get 1)))
  (func (param v128 v128) (result v128) (f32x4.pmin (local.get 0) (f32x4.abs (local.get 1))))
  (func (param v128) (result v128) (f64x2.ceil (local.get 0))))

;; listing
;;
;; wasm_function_0:
;; function u1:0(i64 vmctx, i8x16, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16, v2: i8x16):
;;     v3 = bitcast.f32x4 little v1
;;     v4 = sqrt v3
;;     v5 = bitcast.i8x16 little v4
;;     v6 = bitcast.f32x4 little v2
;;     v7 = fdiv v4, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   sqrtps %xmm0, %xmm0
;;   divps %xmm1, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_1:
;; function u1:1(i64 vmctx, i8x16, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16, v2: i8x16):
;;     v3 = bitcast.f64x2 little v2
;;     v4 = bitcast.f64x2 little v1
;;     v5 = fmax v4, v3
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movdqa %xmm0, %xmm2
;;   maxpd %xmm1, %xmm0
;;   maxpd %xmm2, %xmm1
;;   movdqa %xmm0, %xmm7
;;   xorpd %xmm1, %xmm7
;;   orpd %xmm7, %xmm0
;;   movdqa %xmm0, %xmm1
;;   subpd %xmm7, %xmm1
;;   cmpunordpd %xmm0, %xmm0
;;   psrlq $0xd, %xmm0
;;   andnpd %xmm1, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_2:
;; function u1:2(i64 vmctx, i8x16, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16, v2: i8x16):
;;     v3 = bitcast.f32x4 little v2
;;     v4 = fabs v3
;;     v5 = bitcast.i8x16 little v4
;;     v6 = bitcast.f32x4 little v1
;;     v7 = fcmp lt v4, v6
;;     v8 = bitcast.f32x4 little v7
;;     v9 = bitselect v8, v4, v6
;;     v10 = bitcast.i8x16 little v9
;;     return v10
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   uninit  %xmm6
;;   pcmpeqd %xmm6, %xmm6
;;   psrld $0x1, %xmm6
;;   andps %xmm6, %xmm1
;;   movdqa %xmm0, %xmm2
;;   movdqa %xmm1, %xmm0
;;   minps %xmm2, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_3:
;; function u1:3(i64 vmctx, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16):
;;     v2 = bitcast.f64x2 little v1
;;     v3 = ceil v2
;;     v4 = bitcast.i8x16 little v3
;;     return v4
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   roundpd $0x2, %xmm0, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
