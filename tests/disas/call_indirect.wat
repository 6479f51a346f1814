;; Calls through tables: private ones compare a number of this module, shared ones the id of the engine.
(module (type $t (func (param i32) (result i32))) (type $u (func))
  (table $mixed 2 funcref) (table $one 2 funcref) (table $shared (export "t") 2 funcref)
  (elem (table $mixed) (i32.const 0) func $a $b) (elem (table $one) (i32.const 0) func $a $a)
  (func (param i32) (result i32) (call_indirect $mixed (type $t) (i32.const 1) (local.get 0)))
  (func (param i32) (result i32) (call_indirect $one (type $t) (i32.const 1) (local.get 0)))
  (func (param i32) (result i32) (call_indirect $shared (type $t) (i32.const 1) (local.get 0)))
  ;; The element is known: a direct call, and a trap.
  (func (result i32) (call_indirect $mixed (type $t) (i32.const 1) (i32.const 0)))
  (func (call_indirect $mixed (type $u) (i32.const 0)))
  (func $a (param i32) (result i32) (local.get 0))
  (func $b))

;; listing
;;
;; wasm_function_0:
;; function u1:0(i64 vmctx, i32) -> i32 tail {
;;     region0 = 196609 "table definition"
;;     region1 = 262145 "table"
;;     sig0 = (i64 vmctx, i32) -> i32 tail
;;     fn0 = colocated u0:0 sig0
;;
;; block0(v0: i64, v1: i32):
;;     v2 = iconst.i32 1
;;     v3 = iconst.i32 2
;;     v4 = icmp uge v1, v3  ; v3 = 2
;;     v5 = load.i64 notrap aligned readonly can_move region0 v0-80
;;     v6 = uextend.i64 v1
;;     v7 = iconst.i64 3
;;     v8 = ishl v6, v7  ; v7 = 3
;;     v9 = iadd v5, v8
;;     v10 = iconst.i64 0
;;     v11 = select_spectre_guard v4, v10, v9  ; v10 = 0
;;     v12 = load.i32 user4 region1 v11
;;     v13 = iconst.i32 1
;;     v14 = icmp eq v12, v13  ; v13 = 1
;;     brif v14, block2, block1
;;
;; block1 cold:
;;     trapz.i32 v12, user5
;;     trap user6
;;
;; block2:
;;     v15 = load.i32 notrap region1 v11+4
;;     v16 = uextend.i64 v15
;;     v17 = func_addr.i64 fn0
;;     v18 = iadd v17, v16
;;     v19 = call_indirect sig0, v18(v0, v2)  ; v2 = 1
;;     return v19
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   uninit  %rax
;;   xorq %rax, %rax
;;   movq -0x50(%rdi), %rcx
;;   movl %esi, %edx
;;   leaq (%rcx, %rdx, 8), %rcx
;;   cmpl $0x2, %esi
;;   cmovaeq %rax, %rcx
;;   movl (%rcx), %eax
;;   cmpl $0x1, %eax
;;   jz      label2; j label1
;; block2:
;;   load_ext_name userextname0+0, %rax
;;   movl 4(%rcx), %ecx
;;   leaq (%rax, %rcx), %rax
;;   movl $0x1, %esi
;;   call    *%rax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block1:
;;   testl %eax, %eax
;;   jz #trap=user5
;;   ud2
;;
;; wasm_function_1:
;; function u1:1(i64 vmctx, i32) -> i32 tail {
;;     region0 = 196610 "table definition"
;;     region1 = 262146 "table"
;;     sig0 = (i64 vmctx, i32) -> i32 tail
;;     fn0 = colocated u0:0 sig0
;;
;; block0(v0: i64, v1: i32):
;;     v2 = iconst.i32 1
;;     v3 = iconst.i32 2
;;     v4 = icmp uge v1, v3  ; v3 = 2
;;     v5 = load.i64 notrap aligned readonly can_move region0 v0-64
;;     v6 = uextend.i64 v1
;;     v7 = iconst.i64 3
;;     v8 = ishl v6, v7  ; v7 = 3
;;     v9 = iadd v5, v8
;;     v10 = iconst.i64 0
;;     v11 = select_spectre_guard v4, v10, v9  ; v10 = 0
;;     v12 = load.i32 user4 region1 v11+4
;;     v13 = uextend.i64 v12
;;     v14 = func_addr.i64 fn0
;;     v15 = iadd v14, v13
;;     v16 = call_indirect sig0, v15(v0, v2)  ; v2 = 1
;;     return v16
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   uninit  %rax
;;   xorq %rax, %rax
;;   movl %esi, %r10d
;;   shlq $0x3, %r10
;;   addq -0x40(%rdi), %r10
;;   cmpl $0x2, %esi
;;   cmovaeq %rax, %r10
;;   load_ext_name userextname0+0, %rax
;;   movl 4(%r10), %ecx
;;   leaq (%rax, %rcx), %rax
;;   movl $0x1, %esi
;;   call    *%rax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_2:
;; function u1:2(i64 vmctx, i32) -> i32 tail {
;;     region0 = 196611 "table definition"
;;     region1 = 262147 "table"
;;     region2 = 0 "vmctx"
;;     sig0 = (i64 vmctx, i32, i64, i32) -> i64 tail
;;     sig1 = (i64 vmctx, i32) -> i32 tail
;;     fn0 = colocated u6:13 sig0
;;
;; block0(v0: i64, v1: i32):
;;     v2 = iconst.i32 1
;;     v3 = load.i64 notrap aligned region0 v0-40
;;     v4 = ireduce.i32 v3
;;     v5 = icmp uge v1, v4
;;     v6 = load.i64 notrap aligned region0 v0-48
;;     v7 = uextend.i64 v1
;;     v8 = iconst.i64 5
;;     v9 = ishl v7, v8  ; v8 = 5
;;     v10 = iadd v6, v9
;;     v11 = iconst.i64 0
;;     v12 = select_spectre_guard v5, v11, v10  ; v11 = 0
;;     v13 = load.i32 user4 region1 v12+16
;;     v14 = load.i32 notrap aligned readonly can_move region2 v0-96
;;     v15 = icmp eq v13, v14
;;     brif v15, block2(v12), block1
;;
;; block1 cold:
;;     v17 = iconst.i32 2
;;     v18 = iconst.i32 0
;;     v19 = uextend.i64 v1
;;     v20 = call fn0(v0, v17, v19, v18)  ; v17 = 2, v18 = 0
;;     jump block2(v20)
;;
;; block2(v16: i64):
;;     v21 = load.i64 notrap region1 v16
;;     v22 = load.i64 notrap region1 v16+8
;;     v23 = call_indirect sig1, v21(v22, v2)  ; v2 = 1
;;     return v23
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq -0x28(%rdi), %rcx
;;   movq -0x30(%rdi), %rax
;;   uninit  %r8
;;   xorq %r8, %r8
;;   movl %esi, %edx
;;   movq %rdx, %r9
;;   shlq $0x5, %r9
;;   leaq (%rax, %r9), %rax
;;   cmpl %ecx, %esi
;;   cmovaeq %r8, %rax
;;   movl 0x10(%rax), %ecx
;;   movl -0x60(%rdi), %esi
;;   cmpl %esi, %ecx
;;   jz      label1; j label2
;; block1:
;;   jmp     label3
;; block3:
;;   movq (%rax), %rcx
;;   movq 8(%rax), %rdi
;;   movl $0x1, %esi
;;   call    *%rcx
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block2:
;;   movl $0x2, %esi
;;   uninit  %rcx
;;   xorl %ecx, %ecx
;;   call    User(userextname0)
;;   jmp     label3
;;
;; wasm_function_3:
;; function u1:3(i64 vmctx) -> i32 tail {
;;     sig0 = (i64 vmctx, i32) -> i32 tail
;;     fn0 = colocated u1:5 sig0
;;
;; block0(v0: i64):
;;     v1 = iconst.i32 1
;;     v2 = iconst.i32 0
;;     v3 = iconst.i64 0
;;     v4 = call fn0(v3, v1)  ; v3 = 0, v1 = 1
;;     return v4
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   uninit  %rdi
;;   xorq %rdi, %rdi
;;   movl $0x1, %esi
;;   call    User(userextname0)
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_4:
;; function u1:4(i64 vmctx) tail {
;; block0(v0: i64):
;;     v1 = iconst.i32 0
;;     trap user6
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   ud2
;;
;; wasm_function_5:
;; function u1:5(i64 vmctx, i32) -> i32 tail {
;; block0(v0: i64, v1: i32):
;;     return v1
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq %rsi, %rax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_6:
;; function u1:6(i64 vmctx) tail {
;; block0(v0: i64):
;;     return
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
