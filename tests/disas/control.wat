;; Structured control, locals and the parametric instructions.
(module
  (func (param i32) (result i32) (if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.const 2))))
  (func (param i32) (result i32) (local i32)
    (loop (local.set 1 (i32.add (local.get 1) (local.get 0))) (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1))
  (func (param i32) (result i32)
    (block (block (block (br_table 0 1 2 (local.get 0))) (return (i32.const 10))) (return (i32.const 11)))
    (i32.const 12))
  (func (param i32 i64 i64) (result i64)
    (block (result i64) (br_if 0 (local.get 1) (local.get 0)) (drop) (local.get 2)))
  (func (param i64 i64 i32) (result i64) (select (local.get 0) (local.get 1) (i32.eqz (local.get 2))))
  (func (nop) (unreachable)))

;; listing
;;
;; wasm_function_0:
;; function u1:0(i64 vmctx, i32) -> i32 tail {
;; block0(v0: i64, v1: i32):
;;     brif v1, block1, block2
;;
;; block1:
;;     v2 = iconst.i32 1
;;     jump block3(v2)  ; v2 = 1
;;
;; block2:
;;     v4 = iconst.i32 2
;;     jump block3(v4)  ; v4 = 2
;;
;; block3(v3: i32):
;;     return v3
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   testl %esi, %esi
;;   jnz     label2; j label1
;; block1:
;;   movl $0x2, %eax
;;   jmp     label3
;; block2:
;;   movl $0x1, %eax
;;   jmp     label3
;; block3:
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_1:
;; function u1:1(i64 vmctx, i32) -> i32 tail {
;; block0(v0: i64, v1: i32):
;;     v8 = iconst.i32 0
;;     v7 -> v8
;;     jump block1(v8, v1)  ; v8 = 0
;;
;; block1(v2: i32, v3: i32):
;;     v4 = iadd v2, v3
;;     v5 = iconst.i32 1
;;     v6 = isub v3, v5  ; v5 = 1
;;     brif v6, block1(v4, v6), block2
;;
;; block2:
;;     return v4
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   uninit  %rax
;;   xorl %eax, %eax
;;   jmp     label1
;; block1:
;;   movq %rsi, %r8
;;   subl $0x1, %r8d
;;   leal (%rax, %rsi), %eax
;;   testl %r8d, %r8d
;;   jnz     label2; j label3
;; block2:
;;   movq %r8, %rsi
;;   jmp     label1
;; block3:
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_2:
;; function u1:2(i64 vmctx, i32) -> i32 tail {
;; block0(v0: i64, v1: i32):
;;     br_table v1, block3, [block1, block2]
;;
;; block1:
;;     v2 = iconst.i32 10
;;     return v2  ; v2 = 10
;;
;; block2:
;;     v3 = iconst.i32 11
;;     return v3  ; v3 = 11
;;
;; block3:
;;     v4 = iconst.i32 12
;;     return v4  ; v4 = 12
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movl $0x2, %edi
;;   movl %esi, %r8d
;;   cmpl %edi, %r8d
;;   cmovbl %r8d, %edi
;;   br_table %rdi, %rcx, %rax
;; block1:
;;   movl $0xb, %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block2:
;;   movl $0xa, %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block3:
;;   movl $0xc, %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_3:
;; function u1:3(i64 vmctx, i32, i64, i64) -> i64 tail {
;; block0(v0: i64, v1: i32, v2: i64, v3: i64):
;;     brif v1, block1(v2), block2
;;
;; block2:
;;     jump block1(v3)
;;
;; block1(v4: i64):
;;     return v4
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   testl %esi, %esi
;;   jnz     label1; j label2
;; block1:
;;   movq %rdx, %rax
;;   jmp     label3
;; block2:
;;   movq %rcx, %rax
;;   jmp     label3
;; block3:
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_4:
;; function u1:4(i64 vmctx, i64, i64, i32) -> i64 tail {
;; block0(v0: i64, v1: i64, v2: i64, v3: i32):
;;     v4 = iconst.i32 0
;;     v5 = icmp eq v3, v4  ; v4 = 0
;;     v6 = uextend.i32 v5
;;     v7 = select v5, v1, v2
;;     return v7
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   testl %ecx, %ecx
;;   movq %rdx, %rax
;;   cmoveq %rsi, %rax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_5:
;; function u1:5(i64 vmctx) tail {
;; block0(v0: i64):
;;     trap user1
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   ud2
