;; Relaxed vector instructions with the meaning that is the same on every CPU, and NaNs in canonical form.
;;! cpu = v3
;;! deterministic = true
(module
  (func $madd (param v128 v128 v128) (result v128) (f32x4.relaxed_madd (local.get 0) (local.get 1) (local.get 2)))
  (func $nmadd (param v128 v128 v128) (result v128) (f64x2.relaxed_nmadd (local.get 0) (local.get 1) (local.get 2)))
  (func $min (param v128 v128) (result v128) (f32x4.relaxed_min (local.get 0) (local.get 1)))
  (func $max (param v128 v128) (result v128) (f64x2.relaxed_max (local.get 0) (local.get 1)))
  (func $trunc_f32 (param v128) (result v128) (i32x4.relaxed_trunc_f32x4_s (local.get 0)))
  (func $trunc_f64 (param v128) (result v128) (i32x4.relaxed_trunc_f64x2_s_zero (local.get 0)))
  (func $swizzle (param v128 v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 1)))
  (func $select8 (param v128 v128 v128) (result v128) (i8x16.relaxed_laneselect (local.get 0) (local.get 1) (local.get 2)))
  (func $select16 (param v128 v128 v128) (result v128) (i16x8.relaxed_laneselect (local.get 0) (local.get 1) (local.get 2)))
  (func $q15mulr (param v128 v128) (result v128) (i16x8.relaxed_q15mulr_s (local.get 0) (local.get 1)))
  (func $dot (param v128 v128) (result v128) (i16x8.relaxed_dot_i8x16_i7x16_s (local.get 0) (local.get 1)))
  (func $dot_add (param v128 v128 v128) (result v128)
    (i32x4.relaxed_dot_i8x16_i7x16_add_s (local.get 0) (local.get 1) (local.get 2))))

;; listing
;;
;; wasm_function_0:
;; function u1:0(i64 vmctx, i8x16, i8x16, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16, v2: i8x16, v3: i8x16):
;;     v4 = bitcast.f32x4 little v3
;;     v5 = bitcast.f32x4 little v2
;;     v6 = bitcast.f32x4 little v1
;;     v7 = fmul v6, v5
;;     v8 = fadd v7, v4
;;     v9 = bitcast.i8x16 little v8
;;     return v9
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   vmulps %xmm1, %xmm0, %xmm1
;;   vcmpunordps %xmm1, %xmm1, %xmm3
;;   vmovups (%rip), %xmm0
;;   vpblendvb %xmm3, %xmm0, %xmm1, %xmm1
;;   vaddps %xmm2, %xmm1, %xmm1
;;   vcmpunordps %xmm1, %xmm1, %xmm2
;;   vpblendvb %xmm2, %xmm0, %xmm1, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_1:
;; function u1:1(i64 vmctx, i8x16, i8x16, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16, v2: i8x16, v3: i8x16):
;;     v4 = bitcast.f64x2 little v3
;;     v5 = bitcast.f64x2 little v2
;;     v6 = bitcast.f64x2 little v1
;;     v7 = fneg v6
;;     v8 = fmul v7, v5
;;     v9 = fadd v8, v4
;;     v10 = bitcast.i8x16 little v9
;;     return v10
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   uninit  %xmm3
;;   vpcmpeqd %xmm3, %xmm3, %xmm3
;;   vpsllq $0x3f, %xmm3, %xmm3
;;   vxorpd %xmm3, %xmm0, %xmm0
;;   vmulpd %xmm1, %xmm0, %xmm1
;;   vcmpunordpd %xmm1, %xmm1, %xmm3
;;   vmovupd (%rip), %xmm0
;;   vpblendvb %xmm3, %xmm0, %xmm1, %xmm1
;;   vaddpd %xmm2, %xmm1, %xmm1
;;   vcmpunordpd %xmm1, %xmm1, %xmm2
;;   vpblendvb %xmm2, %xmm0, %xmm1, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_2:
;; function u1:2(i64 vmctx, i8x16, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16, v2: i8x16):
;;     v3 = bitcast.f32x4 little v2
;;     v4 = bitcast.f32x4 little v1
;;     v5 = fmin v4, v3
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   vminps %xmm1, %xmm0, %xmm6
;;   vminps %xmm0, %xmm1, %xmm1
;;   vorps %xmm1, %xmm6, %xmm0
;;   vcmpunordps %xmm1, %xmm0, %xmm1
;;   vorps %xmm1, %xmm0, %xmm0
;;   vpsrld $0xa, %xmm1, %xmm1
;;   vandnps %xmm0, %xmm1, %xmm0
;;   vcmpunordps %xmm0, %xmm0, %xmm1
;;   vmovups (%rip), %xmm2
;;   vpblendvb %xmm1, %xmm2, %xmm0, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_3:
;; function u1:3(i64 vmctx, i8x16, i8x16) -> i8x16 tail {
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
;;   vmaxpd %xmm1, %xmm0, %xmm6
;;   vmaxpd %xmm0, %xmm1, %xmm0
;;   vxorpd %xmm0, %xmm6, %xmm0
;;   vorpd %xmm0, %xmm6, %xmm1
;;   vsubpd %xmm0, %xmm1, %xmm0
;;   vcmpunordpd %xmm1, %xmm1, %xmm1
;;   vpsrlq $0xd, %xmm1, %xmm1
;;   vandnpd %xmm0, %xmm1, %xmm0
;;   vcmpunordpd %xmm0, %xmm0, %xmm1
;;   vmovupd (%rip), %xmm2
;;   vpblendvb %xmm1, %xmm2, %xmm0, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_4:
;; function u1:4(i64 vmctx, i8x16) -> i8x16 tail {
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
;;   vcmpeqps %xmm0, %xmm0, %xmm2
;;   vandps %xmm2, %xmm0, %xmm4
;;   vpxor %xmm4, %xmm2, %xmm6
;;   vcvttps2dq %xmm4, %xmm0
;;   vpand %xmm6, %xmm0, %xmm1
;;   vpsrad $0x1f, %xmm1, %xmm1
;;   vpxor %xmm0, %xmm1, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_5:
;; function u1:5(i64 vmctx, i8x16) -> i8x16 tail {
;;     const0 = 0x00000000000000000000000000000000
;;
;; block0(v0: i64, v1: i8x16):
;;     v2 = bitcast.f64x2 little v1
;;     v3 = fcvt_to_sint_sat.i64x2 v2
;;     v4 = vconst.i64x2 const0
;;     v5 = snarrow v3, v4  ; v4 = const0
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   vcmpeqpd %xmm0, %xmm0, %xmm2
;;   vandps (%rip), %xmm2, %xmm4
;;   vminpd %xmm4, %xmm0, %xmm6
;;   vcvttpd2dq %xmm6, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_6:
;; function u1:6(i64 vmctx, i8x16, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16, v2: i8x16):
;;     v3 = swizzle v1, v2
;;     return v3
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   vpaddusb (%rip), %xmm1, %xmm3
;;   vpshufb %xmm3, %xmm0, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_7:
;; function u1:7(i64 vmctx, i8x16, i8x16, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16, v2: i8x16, v3: i8x16):
;;     v4 = bitselect v3, v1, v2
;;     return v4
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   vpand %xmm2, %xmm0, %xmm4
;;   vpandn %xmm1, %xmm2, %xmm6
;;   vpor %xmm4, %xmm6, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_8:
;; function u1:8(i64 vmctx, i8x16, i8x16, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16, v2: i8x16, v3: i8x16):
;;     v4 = bitselect v3, v1, v2
;;     return v4
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   vpand %xmm2, %xmm0, %xmm4
;;   vpandn %xmm1, %xmm2, %xmm6
;;   vpor %xmm4, %xmm6, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_9:
;; function u1:9(i64 vmctx, i8x16, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16, v2: i8x16):
;;     v3 = bitcast.i16x8 little v2
;;     v4 = bitcast.i16x8 little v1
;;     v5 = sqmul_round_sat v4, v3
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   vpmulhrsw %xmm1, %xmm0, %xmm3
;;   vpcmpeqw (%rip), %xmm3, %xmm5
;;   vpxor %xmm5, %xmm3, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_10:
;; function u1:10(i64 vmctx, i8x16, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16, v2: i8x16):
;;     v3 = bitcast.i16x8 little v2
;;     v4 = bitcast.i16x8 little v1
;;     v5 = iconst.i16 8
;;     v6 = ishl v4, v5  ; v5 = 8
;;     v7 = iconst.i16 8
;;     v8 = sshr v6, v7  ; v7 = 8
;;     v9 = iconst.i16 8
;;     v10 = ishl v3, v9  ; v9 = 8
;;     v11 = iconst.i16 8
;;     v12 = sshr v10, v11  ; v11 = 8
;;     v13 = iconst.i16 8
;;     v14 = sshr v4, v13  ; v13 = 8
;;     v15 = iconst.i16 8
;;     v16 = sshr v3, v15  ; v15 = 8
;;     v17 = imul v8, v12
;;     v18 = imul v14, v16
;;     v19 = sadd_sat v17, v18
;;     v20 = bitcast.i8x16 little v19
;;     return v20
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   vpsllw $0x8, %xmm0, %xmm2
;;   vpsraw $0x8, %xmm2, %xmm2
;;   vpsllw $0x8, %xmm1, %xmm3
;;   vpsraw $0x8, %xmm3, %xmm3
;;   vpmullw %xmm3, %xmm2, %xmm2
;;   vpsraw $0x8, %xmm0, %xmm0
;;   vpsraw $0x8, %xmm1, %xmm1
;;   vpmullw %xmm1, %xmm0, %xmm0
;;   vpaddsw %xmm0, %xmm2, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_11:
;; function u1:11(i64 vmctx, i8x16, i8x16, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16, v2: i8x16, v3: i8x16):
;;     v4 = bitcast.i32x4 little v3
;;     v5 = bitcast.i16x8 little v2
;;     v6 = bitcast.i16x8 little v1
;;     v7 = iconst.i16 8
;;     v8 = ishl v6, v7  ; v7 = 8
;;     v9 = iconst.i16 8
;;     v10 = sshr v8, v9  ; v9 = 8
;;     v11 = iconst.i16 8
;;     v12 = ishl v5, v11  ; v11 = 8
;;     v13 = iconst.i16 8
;;     v14 = sshr v12, v13  ; v13 = 8
;;     v15 = iconst.i16 8
;;     v16 = sshr v6, v15  ; v15 = 8
;;     v17 = iconst.i16 8
;;     v18 = sshr v5, v17  ; v17 = 8
;;     v19 = imul v10, v14
;;     v20 = imul v16, v18
;;     v21 = sadd_sat v19, v20
;;     v22 = swiden_low v21
;;     v23 = swiden_high v21
;;     v24 = iadd_pairwise v22, v23
;;     v25 = iadd v24, v4
;;     v26 = bitcast.i8x16 little v25
;;     return v26
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   vpsllw $0x8, %xmm0, %xmm3
;;   vpsraw $0x8, %xmm3, %xmm3
;;   vpsllw $0x8, %xmm1, %xmm4
;;   vpsraw $0x8, %xmm4, %xmm4
;;   vpmullw %xmm4, %xmm3, %xmm3
;;   vpsraw $0x8, %xmm0, %xmm0
;;   vpsraw $0x8, %xmm1, %xmm1
;;   vpmullw %xmm1, %xmm0, %xmm0
;;   vpaddsw %xmm0, %xmm3, %xmm0
;;   vpmaddwd (%rip), %xmm0, %xmm0
;;   vpaddd %xmm2, %xmm0, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
