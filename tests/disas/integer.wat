;; Integer arithmetic: what traps checks its operands itself, the rest is one instruction each.
(module
  (func (param i32 i32) (result i32 i32 i32)
    (i32.add (local.get 0) (local.get 1)) (i32.sub (local.get 0) (local.get 1)) (i32.mul (local.get 0) (local.get 1)))
  (func (param i64 i64) (result i64)
    (i64.xor (i64.and (local.get 0) (local.get 1)) (i64.or (local.get 0) (i64.const -7))))
  (func (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func (param i64 i64) (result i64) (i64.rem_s (local.get 0) (local.get 1)))
  (func (param i32 i32) (result i32) (i32.rem_u (i32.div_u (local.get 0) (local.get 1)) (i32.const 10)))
  (func (param i32 i32) (result i32 i32 i32)
    (i32.shl (local.get 0) (local.get 1)) (i32.shr_s (local.get 0) (local.get 1)) (i32.rotl (local.get 0) (local.get 1)))
  (func (param i64) (result i64 i64 i64) (i64.clz (local.get 0)) (i64.ctz (local.get 0)) (i64.popcnt (local.get 0)))
  (func (param i32 i64) (result i32 i32)
    (i32.eqz (local.get 0)) (i64.gt_u (local.get 1) (i64.const 9))))

;; listing
;;
;; wasm_function_0:
;; function u1:0(i64 vmctx, i32, i32) -> i32, i32, i32 tail {
;; block0(v0: i64, v1: i32, v2: i32):
;;     v3 = iadd v1, v2
;;     v4 = isub v1, v2
;;     v5 = imul v1, v2
;;     return v3, v4, v5
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   leal (%rsi, %rdx), %eax
;;   movq %rsi, %rcx
;;   subl %edx, %ecx
;;   movq %rdx, %r8
;;   movq %rsi, %rdx
;;   imull %r8d, %edx
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_1:
;; function u1:1(i64 vmctx, i64, i64) -> i64 tail {
;; block0(v0: i64, v1: i64, v2: i64):
;;     v3 = band v1, v2
;;     v4 = iconst.i64 -7
;;     v5 = bor v1, v4  ; v4 = -7
;;     v6 = bxor v3, v5
;;     return v6
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq %rsi, %rax
;;   andq %rdx, %rax
;;   orq $0xfffffffffffffff9, %rsi
;;   xorq %rsi, %rax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_2:
;; function u1:2(i64 vmctx, i32, i32) -> i32 tail {
;; block0(v0: i64, v1: i32, v2: i32):
;;     v3 = sdiv v1, v2
;;     return v3
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq %rsi, %rax
;;   movq %rdx, %r11
;;   cltd  ;; implicit: %edx, %eax
;;   testl %r11d, %r11d
;;   jz #trap=int_divz
;;   idivl %r11d ;; implicit: %eax, %edx, trap=252
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_3:
;; function u1:3(i64 vmctx, i64, i64) -> i64 tail {
;; block0(v0: i64, v1: i64, v2: i64):
;;     v3 = srem v1, v2
;;     return v3
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq %rsi, %rax
;;   movq %rdx, %r9
;;   cqto  ;; implicit: %rdx, %rax
;;   checked_srem_seq %rax, %rdx, %r9, %rax, %rdx
;;   movq %rdx, %rax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_4:
;; function u1:4(i64 vmctx, i32, i32) -> i32 tail {
;; block0(v0: i64, v1: i32, v2: i32):
;;     v3 = udiv v1, v2
;;     v4 = iconst.i32 10
;;     v5 = urem v3, v4  ; v4 = 10
;;     return v5
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq %rdx, %rcx
;;   uninit  %rdx
;;   xorq %rdx, %rdx
;;   movq %rsi, %rax
;;   divl %ecx ;; implicit: %eax, %edx, trap=254
;;   movq %rax, %rcx
;;   mull (%rip) ;; implicit: %eax, %edx
;;   shrl $0x3, %edx
;;   imull $0xa, %edx, %r9d
;;   movq %rcx, %rax
;;   subl %r9d, %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_5:
;; function u1:5(i64 vmctx, i32, i32) -> i32, i32, i32 tail {
;; block0(v0: i64, v1: i32, v2: i32):
;;     v3 = ishl v1, v2
;;     v4 = sshr v1, v2
;;     v5 = rotl v1, v2
;;     return v3, v4, v5
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq %rdx, %rcx
;;   movq %rsi, %rax
;;   shll %cl, %eax
;;   movq %rsi, %rdi
;;   sarl %cl, %edi
;;   movq %rsi, %rdx
;;   roll %cl, %edx
;;   movq %rdi, %rcx
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_6:
;; function u1:6(i64 vmctx, i64) -> i64, i64, i64 tail {
;; block0(v0: i64, v1: i64):
;;     v2 = clz v1
;;     v3 = ctz v1
;;     v4 = popcnt v1
;;     return v2, v3, v4
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq $0xffffffffffffffff, %rdi
;;   bsrq %rsi, %r9
;;   cmoveq %rdi, %r9
;;   movl $0x3f, %eax
;;   subq %r9, %rax
;;   movl $0x40, %r8d
;;   bsfq %rsi, %rcx
;;   cmoveq %r8, %rcx
;;   popcntq %rsi, %rdx
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_7:
;; function u1:7(i64 vmctx, i32, i64) -> i32, i32 tail {
;; block0(v0: i64, v1: i32, v2: i64):
;;     v3 = iconst.i32 0
;;     v4 = icmp eq v1, v3  ; v3 = 0
;;     v5 = uextend.i32 v4
;;     v6 = iconst.i64 9
;;     v7 = icmp ugt v2, v6  ; v6 = 9
;;     v8 = uextend.i32 v7
;;     return v5, v8
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   testl %esi, %esi
;;   sete %dil
;;   movzbl %dil, %eax
;;   cmpq $0x9, %rdx
;;   seta %r8b
;;   movzbl %r8b, %ecx
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
