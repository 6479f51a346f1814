;; Vectors: lanes, shuffles and constants.
(module
  (func (param i32) (result v128) (i16x8.splat (local.get 0)))
  (func (param v128) (result i32 i64) (i8x16.extract_lane_s 3 (local.get 0)) (i64x2.extract_lane 1 (local.get 0)))
  (func (param v128 f32) (result v128) (f32x4.replace_lane 2 (local.get 0) (local.get 1)))
  (func (param v128 v128) (result v128) (i8x16.swizzle (local.get 0) (local.get 1)))
  (func (param v128 v128) (result v128)
    (i8x16.shuffle 0 17 2 19 4 21 6 23 8 25 10 27 12 29 14 31 (local.get 0) (local.get 1)))
  (func (result v128) (v128.const i32x4 1 2 3 4)))

;; listing
;;
;; wasm_function_0:
;; function u1:0(i64 vmctx, i32) -> i8x16 tail {
;; block0(v0: i64, v1: i32):
;;     v2 = ireduce.i16 v1
;;     v3 = splat.i16x8 v2
;;     v4 = bitcast.i8x16 little v3
;;     return v4
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movd %esi, %xmm2
;;   pshuflw $0x0, %xmm2, %xmm4
;;   pshufd $0x0, %xmm4, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_1:
;; function u1:1(i64 vmctx, i8x16) -> i32, i64 tail {
;; block0(v0: i64, v1: i8x16):
;;     v2 = extractlane v1, 3
;;     v3 = sextend.i32 v2
;;     v4 = bitcast.i64x2 little v1
;;     v5 = extractlane v4, 1
;;     return v3, v5
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   pextrb $0x3, %xmm0, %esi
;;   movsbl %sil, %eax
;;   pextrq $0x1, %xmm0, %rcx
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_2:
;; function u1:2(i64 vmctx, i8x16, f32) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16, v2: f32):
;;     v3 = bitcast.f32x4 little v1
;;     v4 = insertlane v3, v2, 2
;;     v5 = bitcast.i8x16 little v4
;;     return v5
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   insertps $0x20, %xmm1, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_3:
;; function u1:3(i64 vmctx, i8x16, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16, v2: i8x16):
;;     v3 = swizzle v1, v2
;;     return v3
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   paddusb (%rip), %xmm1
;;   pshufb %xmm1, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_4:
;; function u1:4(i64 vmctx, i8x16, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16, v2: i8x16):
;;     v3 = shuffle v1, v2, 0x1f0e1d0c1b0a19081706150413021100
;;     return v3
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   pshufb (%rip), %xmm0
;;   pshufb (%rip), %xmm1
;;   por %xmm1, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_5:
;; function u1:5(i64 vmctx) -> i8x16 tail {
;;     const0 = 0x00000004000000030000000200000001
;;
;; block0(v0: i64):
;;     v1 = vconst.i8x16 const0
;;     return v1  ; v1 = const0
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movdqu (%rip), %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
