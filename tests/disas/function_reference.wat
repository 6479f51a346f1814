;; Typed function references: a call, the check for null, and branches on it.

(module
  (type $t (func (param i32) (result i32)))
  (func $call (param (ref null $t) i32) (result i32) (call_ref $t (local.get 1) (local.get 0)))
  (func $as_non_null (param (ref null $t)) (result (ref $t)) (ref.as_non_null (local.get 0)))
  (func $on_null (param (ref null $t)) (result i32)
    (block $null (return (call_ref $t (i32.const 1) (br_on_null $null (local.get 0)))))
    (i32.const 2))
  (func $on_non_null (param (ref null $t)) (result i32)
    (block $found (result (ref $t)) (br_on_non_null $found (local.get 0)) (return (i32.const 3)))
    (drop) (i32.const 4)))

;; listing
;;
;; wasm_function_0:
;; function u1:0(i64 vmctx, i64, i32) -> i32 tail {
;;     region0 = 524288 "function"
;;     sig0 = (i64 vmctx, i64, i32) -> i64 tail
;;     sig1 = (i64 vmctx, i32) -> i32 tail
;;     fn0 = colocated u6:16 sig0
;;
;; block0(v0: i64, v1: i64, v2: i32):
;;     v3 = load.i64 user17 region0 v1
;;     brif v3, block2(v3), block1
;;
;; block1 cold:
;;     v5 = iconst.i32 0
;;     v6 = call fn0(v0, v1, v5)  ; v5 = 0
;;     jump block2(v6)
;;
;; block2(v4: i64):
;;     v7 = load.i64 notrap region0 v1+8
;;     v8 = call_indirect sig1, v4(v7, v2)
;;     return v8
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;;   subq $0x10, %rsp
;;   movq %rbx, (%rsp)
;;   movq %r12, 8(%rsp)
;; block0:
;;   movq %rdx, %r12
;;   movq (%rsi), %rax
;;   testq %rax, %rax
;;   jnz     label1; j label2
;; block1:
;;   movq %rsi, %rbx
;;   jmp     label3
;; block3:
;;   movq 8(%rbx), %rdi
;;   movq %r12, %rsi
;;   call    *%rax
;;   movq (%rsp), %rbx
;;   movq 8(%rsp), %r12
;;   addq $0x10, %rsp
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block2:
;;   uninit  %rdx
;;   xorl %edx, %edx
;;   movq %rsi, %rbx
;;   call    User(userextname0)
;;   jmp     label3
;;
;; wasm_function_1:
;; function u1:1(i64 vmctx, i64) -> i64 tail {
;; block0(v0: i64, v1: i64):
;;     trapz v1, user18
;;     return v1
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   testq %rsi, %rsi
;;   jz #trap=user18
;;   movq %rsi, %rax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_2:
;; function u1:2(i64 vmctx, i64) -> i32 tail {
;;     region0 = 524288 "function"
;;     sig0 = (i64 vmctx, i64, i32) -> i64 tail
;;     sig1 = (i64 vmctx, i32) -> i32 tail
;;     fn0 = colocated u6:16 sig0
;;
;; block0(v0: i64, v1: i64):
;;     v2 = iconst.i32 1
;;     brif v1, block2, block1
;;
;; block2:
;;     v3 = load.i64 user17 region0 v1
;;     brif v3, block4(v3), block3
;;
;; block3 cold:
;;     v5 = iconst.i32 0
;;     v6 = call fn0(v0, v1, v5)  ; v5 = 0
;;     jump block4(v6)
;;
;; block4(v4: i64):
;;     v7 = load.i64 notrap region0 v1+8
;;     v8 = call_indirect sig1, v4(v7, v2)  ; v2 = 1
;;     return v8
;;
;; block1:
;;     v9 = iconst.i32 2
;;     return v9  ; v9 = 2
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;;   subq $0x10, %rsp
;;   movq %rbx, (%rsp)
;; block0:
;;   testq %rsi, %rsi
;;   jnz     label2; j label1
;; block1:
;;   movl $0x2, %eax
;;   movq (%rsp), %rbx
;;   addq $0x10, %rsp
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block2:
;;   movq (%rsi), %rax
;;   movq %rsi, %rbx
;;   testq %rax, %rax
;;   jnz     label3; j label4
;; block3:
;;   jmp     label5
;; block5:
;;   movq 8(%rbx), %rdi
;;   movl $0x1, %esi
;;   call    *%rax
;;   movq (%rsp), %rbx
;;   addq $0x10, %rsp
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block4:
;;   uninit  %rdx
;;   xorl %edx, %edx
;;   movq %rbx, %rsi
;;   call    User(userextname0)
;;   jmp     label5
;;
;; wasm_function_3:
;; function u1:3(i64 vmctx, i64) -> i32 tail {
;; block0(v0: i64, v1: i64):
;;     brif v1, block1(v1), block2
;;
;; block2:
;;     v3 = iconst.i32 3
;;     return v3  ; v3 = 3
;;
;; block1(v2: i64):
;;     v4 = iconst.i32 4
;;     return v4  ; v4 = 4
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   testq %rsi, %rsi
;;   jnz     label2; j label1
;; block1:
;;   movl $0x3, %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block2:
;;   movl $0x4, %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
