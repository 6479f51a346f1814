;; Floating-point arithmetic.
(module
  (func (param f32 f32) (result f32 f32)
    (f32.add (local.get 0) (f32.sqrt (local.get 1))) (f32.copysign (local.get 0) (local.get 1)))
  (func (param f64 f64) (result f64) (f64.min (local.get 0) (local.get 1)))
  (func (param f64) (result f64 f64) (f64.floor (local.get 0)) (f64.nearest (local.get 0)))
  (func (param f64) (result f64 f64) (f64.neg (local.get 0)) (f64.abs (f64.div (local.get 0) (f64.const 3))))
  (func (param f32 f32) (result i32 i32)
    (f32.eq (local.get 0) (local.get 1)) (f32.lt (local.get 0) (local.get 1))))

;; listing
;;
;; wasm_function_0:
;; function u1:0(i64 vmctx, f32, f32) -> f32, f32 tail {
;; block0(v0: i64, v1: f32, v2: f32):
;;     v3 = sqrt v2
;;     v4 = fadd v1, v3
;;     v5 = fcopysign v1, v2
;;     return v4, v5
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   uninit  %xmm3
;;   xorps %xmm3, %xmm3
;;   sqrtss %xmm1, %xmm3
;;   movdqa %xmm1, %xmm4
;;   movdqa %xmm0, %xmm2
;;   addss %xmm3, %xmm2
;;   movl $0x80000000, %edi
;;   movd %edi, %xmm3
;;   movdqa %xmm3, %xmm1
;;   andnps %xmm0, %xmm1
;;   movdqa %xmm4, %xmm0
;;   andps %xmm0, %xmm3
;;   orps %xmm3, %xmm1
;;   movdqa %xmm2, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_1:
;; function u1:1(i64 vmctx, f64, f64) -> f64 tail {
;; block0(v0: i64, v1: f64, v2: f64):
;;     v3 = fmin v1, v2
;;     return v3
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movdqa %xmm0, %xmm4
;;   movdqa %xmm1, %xmm0
;;   xmm min seq f64 %xmm4, %xmm0, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_2:
;; function u1:2(i64 vmctx, f64) -> f64, f64 tail {
;; block0(v0: i64, v1: f64):
;;     v2 = floor v1
;;     v3 = nearest v1
;;     return v2, v3
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   roundsd $0x1, %xmm0, %xmm3
;;   roundsd $0x0, %xmm0, %xmm1
;;   movdqa %xmm3, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_3:
;; function u1:3(i64 vmctx, f64) -> f64, f64 tail {
;; block0(v0: i64, v1: f64):
;;     v2 = fneg v1
;;     v3 = f64const 0x1.8000000000000p1
;;     v4 = fdiv v1, v3  ; v3 = 0x1.8000000000000p1
;;     v5 = fabs v4
;;     return v2, v5
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movabsq $0x8000000000000000, %rsi
;;   movq %rsi, %xmm2
;;   movdqa %xmm0, %xmm3
;;   xorpd %xmm2, %xmm3
;;   divsd (%rip), %xmm0
;;   movabsq $0x7fffffffffffffff, %rsi
;;   movq %rsi, %xmm2
;;   movdqa %xmm0, %xmm1
;;   andpd %xmm2, %xmm1
;;   movdqa %xmm3, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_4:
;; function u1:4(i64 vmctx, f32, f32) -> i32, i32 tail {
;; block0(v0: i64, v1: f32, v2: f32):
;;     v3 = fcmp eq v1, v2
;;     v4 = uextend.i32 v3
;;     v5 = fcmp lt v1, v2
;;     v6 = uextend.i32 v5
;;     return v4, v6
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   ucomiss %xmm1, %xmm0
;;   setnp %r9b
;;   sete %r10b
;;   andl %r10d, %r9d
;;   movzbl %r9b, %eax
;;   ucomiss %xmm0, %xmm1
;;   seta %r10b
;;   movzbl %r10b, %ecx
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
