;; Vectors: loads and stores.
(module (memory 1)
  (func (param i32 v128) (result v128) (v128.store offset=16 (local.get 0) (local.get 1)) (v128.load (local.get 0)))
  (func (param i32) (result v128) (v128.load8x8_s (local.get 0)))
  (func (param i32) (result v128) (v128.load32_splat (local.get 0)))
  (func (param i32) (result v128) (v128.load64_zero (local.get 0)))
  (func (param i32 v128) (result v128) (v128.load16_lane 5 (local.get 0) (local.get 1)))
  (func (param i32 v128) (v128.store8_lane 15 (local.get 0) (local.get 1))))

;; listing
;;
;; wasm_function_0:
;; function u1:0(i64 vmctx, i32, i8x16) -> i8x16 tail {
;;     region0 = 131073 "memory"
;;
;; block0(v0: i64, v1: i32, v2: i8x16):
;;     v3 = uextend.i64 v1
;;     v4 = iadd v0, v3
;;     store user2 little region0 v2, v4+16
;;     v5 = uextend.i64 v1
;;     v6 = iadd v0, v5
;;     v7 = load.i8x16 user2 little region0 v6
;;     return v7
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movl %esi, %esi
;;   movdqu %xmm0, 0x10(%rdi, %rsi)
;;   movdqu (%rdi, %rsi), %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_1:
;; function u1:1(i64 vmctx, i32) -> i8x16 tail {
;;     region0 = 131073 "memory"
;;
;; block0(v0: i64, v1: i32):
;;     v2 = uextend.i64 v1
;;     v3 = iadd v0, v2
;;     v4 = sload8x8 user2 little region0 v3
;;     v5 = bitcast.i8x16 little v4
;;     return v5
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movl %esi, %esi
;;   pmovsxbw (%rdi, %rsi), %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_2:
;; function u1:2(i64 vmctx, i32) -> i8x16 tail {
;;     region0 = 131073 "memory"
;;
;; block0(v0: i64, v1: i32):
;;     v2 = uextend.i64 v1
;;     v3 = iadd v0, v2
;;     v4 = load.i32 user2 little region0 v3
;;     v5 = splat.i32x4 v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movl %esi, %esi
;;   movss (%rdi, %rsi), %xmm0
;;   shufps $0x0, %xmm0, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_3:
;; function u1:3(i64 vmctx, i32) -> i8x16 tail {
;;     region0 = 131073 "memory"
;;
;; block0(v0: i64, v1: i32):
;;     v2 = uextend.i64 v1
;;     v3 = iadd v0, v2
;;     v4 = load.i64 user2 little region0 v3
;;     v5 = scalar_to_vector.i64x2 v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movl %esi, %esi
;;   movsd (%rdi, %rsi), %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_4:
;; function u1:4(i64 vmctx, i32, i8x16) -> i8x16 tail {
;;     region0 = 131073 "memory"
;;
;; block0(v0: i64, v1: i32, v2: i8x16):
;;     v3 = bitcast.i16x8 little v2
;;     v4 = uextend.i64 v1
;;     v5 = iadd v0, v4
;;     v6 = load.i16 user2 little region0 v5
;;     v7 = insertlane v3, v6, 5
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movl %esi, %esi
;;   pinsrw $0x5, (%rdi, %rsi), %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_5:
;; function u1:5(i64 vmctx, i32, i8x16) tail {
;;     region0 = 131073 "memory"
;;
;; block0(v0: i64, v1: i32, v2: i8x16):
;;     v3 = uextend.i64 v1
;;     v4 = iadd v0, v3
;;     v5 = extractlane v2, 15
;;     store user2 little region0 v5, v4
;;     return
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movl %esi, %esi
;;   pextrb $0xf, %xmm0, (%rdi, %rsi)
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
