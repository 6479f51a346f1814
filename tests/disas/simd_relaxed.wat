;; Relaxed vector instructions, with the meaning that is fast on the CPU.
;;! cpu = v3
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
;;     v7 = fma v6, v5, v4
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   vfmadd213ps %xmm2, %xmm1, %xmm0
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
;;     v8 = fma v7, v5, v4
;;     v9 = bitcast.i8x16 little v8
;;     return v9
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   vfnmadd213pd %xmm2, %xmm1, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_2:
;; function u1:2(i64 vmctx, i8x16, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16, v2: i8x16):
;;     v3 = bitcast.f32x4 little v2
;;     v4 = bitcast.f32x4 little v1
;;     v5 = fcmp lt v3, v4
;;     v6 = bitcast.f32x4 little v5
;;     v7 = bitselect v6, v3, v4
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   vminps %xmm0, %xmm1, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_3:
;; function u1:3(i64 vmctx, i8x16, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16, v2: i8x16):
;;     v3 = bitcast.f64x2 little v2
;;     v4 = bitcast.f64x2 little v1
;;     v5 = fcmp lt v4, v3
;;     v6 = bitcast.f64x2 little v5
;;     v7 = bitselect v6, v3, v4
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   vmaxpd %xmm0, %xmm1, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_4:
;; function u1:4(i64 vmctx, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16):
;;     v2 = bitcast.f32x4 little v1
;;     v3 = x86_cvtt2dq.i32x4 v2
;;     v4 = bitcast.i8x16 little v3
;;     return v4
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   vcvttps2dq %xmm0, %xmm0
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
;;     v3 = x86_cvtt2dq.i64x2 v2
;;     v4 = vconst.i64x2 const0
;;     v5 = snarrow v3, v4  ; v4 = const0
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   vcvttpd2dq %xmm0, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_6:
;; function u1:6(i64 vmctx, i8x16, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16, v2: i8x16):
;;     v3 = x86_pshufb v1, v2
;;     return v3
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   vpshufb %xmm1, %xmm0, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_7:
;; function u1:7(i64 vmctx, i8x16, i8x16, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16, v2: i8x16, v3: i8x16):
;;     v4 = blendv v3, v1, v2
;;     return v4
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   vpblendvb %xmm2, %xmm0, %xmm1, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_8:
;; function u1:8(i64 vmctx, i8x16, i8x16, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16, v2: i8x16, v3: i8x16):
;;     v4 = bitcast.i16x8 little v3
;;     v5 = iconst.i16 15
;;     v6 = sshr v4, v5  ; v5 = 15
;;     v7 = bitcast.i8x16 little v6
;;     v8 = blendv v7, v1, v2
;;     return v8
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   vpsraw $0xf, %xmm2, %xmm5
;;   vpblendvb %xmm5, %xmm0, %xmm1, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_9:
;; function u1:9(i64 vmctx, i8x16, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16, v2: i8x16):
;;     v3 = bitcast.i16x8 little v2
;;     v4 = bitcast.i16x8 little v1
;;     v5 = x86_pmulhrsw v4, v3
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   vpmulhrsw %xmm1, %xmm0, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_10:
;; function u1:10(i64 vmctx, i8x16, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16, v2: i8x16):
;;     v3 = x86_pmaddubsw v1, v2
;;     v4 = bitcast.i8x16 little v3
;;     return v4
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   vpmaddubsw %xmm0, %xmm1, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_11:
;; function u1:11(i64 vmctx, i8x16, i8x16, i8x16) -> i8x16 tail {
;; block0(v0: i64, v1: i8x16, v2: i8x16, v3: i8x16):
;;     v4 = bitcast.i32x4 little v3
;;     v5 = x86_pmaddubsw v1, v2
;;     v6 = swiden_low v5
;;     v7 = swiden_high v5
;;     v8 = iadd_pairwise v6, v7
;;     v9 = iadd v8, v4
;;     v10 = bitcast.i8x16 little v9
;;     return v10
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   vpmaddubsw %xmm0, %xmm1, %xmm6
;;   vpmaddwd (%rip), %xmm6, %xmm6
;;   vpaddd %xmm2, %xmm6, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
