;; Vectors of integers: arithmetic.
(module
  (func (param v128 v128) (result v128) (i8x16.add_sat_s (i32x4.mul (local.get 0) (local.get 1)) (local.get 1)))
  (func (param v128 v128) (result v128) (i64x2.mul (local.get 0) (local.get 1)))
  (func (param v128 i32) (result v128) (i8x16.shl (local.get 0) (local.get 1)))
  (func (param v128 v128) (result v128) (i32x4.dot_i16x8_s (local.get 0) (i16x8.neg (local.get 1))))
  (func (param v128 v128 v128) (result v128) (v128.bitselect (local.get 0) (v128.not (local.get 1)) (local.get 2)))
  (func (param v128) (result i32 i32) (i8x16.all_true (local.get 0)) (i32x4.bitmask (local.get 0))))

;; listing
;;
;; wasm_function_0:
;; function u1:0(i64 vmctx, i8x16, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16, v2: i8x16):
;;     v3 = bitcast.i32x4 little v2
;;     v4 = bitcast.i32x4 little v1
;;     v5 = imul v4, v3
;;     v6 = bitcast.i8x16 little v5
;;     v7 = sadd_sat v6, v2
;;     return v7
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   pmulld %xmm1, %xmm0
;;   paddsb %xmm1, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_1:
;; function u1:1(i64 vmctx, i8x16, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16, v2: i8x16):
;;     v3 = bitcast.i64x2 little v2
;;     v4 = bitcast.i64x2 little v1
;;     v5 = imul v4, v3
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movdqa %xmm1, %xmm2
;;   movdqa %xmm0, %xmm1
;;   psrlq $0x20, %xmm1
;;   pmuludq %xmm2, %xmm1
;;   movdqa %xmm2, %xmm7
;;   psrlq $0x20, %xmm7
;;   movdqa %xmm0, %xmm3
;;   pmuludq %xmm7, %xmm3
;;   paddq %xmm3, %xmm1
;;   psllq $0x20, %xmm1
;;   pmuludq %xmm2, %xmm0
;;   paddq %xmm1, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_2:
;; function u1:2(i64 vmctx, i8x16, i32) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16, v2: i32):
;;     v3 = ishl v1, v2
;;     return v3
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   andq $0x7, %rsi
;;   movd %esi, %xmm5
;;   psllw %xmm5, %xmm0
;;   leaq (%rip), %r9
;;   shlq $0x4, %rsi
;;   movdqu (%r9, %rsi), %xmm1
;;   pand %xmm1, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_3:
;; function u1:3(i64 vmctx, i8x16, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16, v2: i8x16):
;;     v3 = bitcast.i16x8 little v2
;;     v4 = ineg v3
;;     v5 = bitcast.i8x16 little v4
;;     v6 = bitcast.i16x8 little v1
;;     v7 = swiden_low v6
;;     v8 = swiden_low v4
;;     v9 = swiden_high v6
;;     v10 = swiden_high v4
;;     v11 = imul v7, v8
;;     v12 = imul v9, v10
;;     v13 = iadd_pairwise v11, v12
;;     v14 = bitcast.i8x16 little v13
;;     return v14
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   uninit  %xmm6
;;   pxor %xmm6, %xmm6
;;   psubw %xmm1, %xmm6
;;   pmaddwd %xmm6, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_4:
;; function u1:4(i64 vmctx, i8x16, i8x16, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16, v2: i8x16, v3: i8x16):
;;     v4 = bnot v2
;;     v5 = bitselect v3, v1, v4
;;     return v5
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   uninit  %xmm3
;;   pcmpeqd %xmm3, %xmm3
;;   pxor %xmm3, %xmm1
;;   pand %xmm2, %xmm0
;;   pandn %xmm1, %xmm2
;;   movdqa %xmm0, %xmm1
;;   movdqa %xmm2, %xmm0
;;   por %xmm1, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_5:
;; function u1:5(i64 vmctx, i8x16) -> i32, i32 tail {
;; block0(v0: i64, v1: i8x16):
;;     v2 = vall_true v1
;;     v3 = uextend.i32 v2
;;     v4 = bitcast.i32x4 little v1
;;     v5 = vhigh_bits.i32 v4
;;     return v3, v5
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   uninit  %xmm5
;;   pxor %xmm5, %xmm5
;;   movdqa %xmm0, %xmm1
;;   pcmpeqb %xmm5, %xmm1
;;   ptest %xmm1, %xmm1
;;   sete %r11b
;;   movzbl %r11b, %eax
;;   movmskps %xmm0, %ecx
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
