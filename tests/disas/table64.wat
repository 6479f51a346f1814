;; Tables with 64-bit indices.
(module
  (type $t (func))
  (table $private i64 4 funcref)
  (table $shared (export "shared") i64 1 funcref)
  (table $objects i64 2 externref)
  (elem (table $private) (i64.const 0) func $f $g)
  (func $f)
  (func $g (param i32))
  (func (param i64) (call_indirect $private (type $t) (local.get 0)))
  (func (param i64) (call_indirect $shared (type $t) (local.get 0)))
  (func (param i64) (result externref) (table.get $objects (local.get 0)))
  (func (result i64) (table.grow $objects (ref.null extern) (i64.const 1)))
  (func (result i64) (table.size $shared)))

;; listing
;;
;; wasm_function_0:
;; function u1:0(i64 vmctx) tail {
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
;;
;; wasm_function_1:
;; function u1:1(i64 vmctx, i32) tail {
;; block0(v0: i64, v1: i32):
;;     return
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_2:
;; function u1:2(i64 vmctx, i64) tail {
;;     region0 = 196609 "table definition"
;;     region1 = 262145 "table"
;;     sig0 = (i64 vmctx) tail
;;     fn0 = colocated u0:0 sig0
;;
;; block0(v0: i64, v1: i64):
;;     v2 = iconst.i64 4
;;     v3 = icmp uge v1, v2  ; v2 = 4
;;     v4 = load.i64 notrap aligned readonly can_move region0 v0-80
;;     v5 = iconst.i64 3
;;     v6 = ishl v1, v5  ; v5 = 3
;;     v7 = iadd v4, v6
;;     v8 = iconst.i64 0
;;     v9 = select_spectre_guard v3, v8, v7  ; v8 = 0
;;     v10 = load.i32 user4 region1 v9
;;     v11 = iconst.i32 1
;;     v12 = icmp eq v10, v11  ; v11 = 1
;;     brif v12, block2, block1
;;
;; block1 cold:
;;     trapz.i32 v10, user5
;;     trap user6
;;
;; block2:
;;     v13 = load.i32 notrap region1 v9+4
;;     v14 = uextend.i64 v13
;;     v15 = func_addr.i64 fn0
;;     v16 = iadd v15, v14
;;     call_indirect sig0, v16(v0)
;;     return
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   uninit  %r11
;;   xorq %r11, %r11
;;   movq -0x50(%rdi), %rax
;;   leaq (%rax, %rsi, 8), %r10
;;   cmpq $0x4, %rsi
;;   cmovaeq %r11, %r10
;;   movl (%r10), %eax
;;   cmpl $0x1, %eax
;;   jz      label2; j label1
;; block2:
;;   load_ext_name userextname0+0, %rax
;;   movl 4(%r10), %ecx
;;   leaq (%rax, %rcx), %rax
;;   call    *%rax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block1:
;;   testl %eax, %eax
;;   jz #trap=user5
;;   ud2
;;
;; wasm_function_3:
;; function u1:3(i64 vmctx, i64) tail {
;;     region0 = 196610 "table definition"
;;     region1 = 262146 "table"
;;     region2 = 0 "vmctx"
;;     sig0 = (i64 vmctx, i32, i64, i32) -> i64 tail
;;     sig1 = (i64 vmctx) tail
;;     fn0 = colocated u6:13 sig0
;;
;; block0(v0: i64, v1: i64):
;;     v2 = load.i64 notrap aligned region0 v0-56
;;     v3 = icmp uge v1, v2
;;     v4 = load.i64 notrap aligned region0 v0-64
;;     v5 = iconst.i64 5
;;     v6 = ishl v1, v5  ; v5 = 5
;;     v7 = iadd v4, v6
;;     v8 = iconst.i64 0
;;     v9 = select_spectre_guard v3, v8, v7  ; v8 = 0
;;     v10 = load.i32 user4 region1 v9+16
;;     v11 = load.i32 notrap aligned readonly can_move region2 v0-112
;;     v12 = icmp eq v10, v11
;;     brif v12, block2(v9), block1
;;
;; block1 cold:
;;     v14 = iconst.i32 1
;;     v15 = iconst.i32 0
;;     v16 = call fn0(v0, v14, v1, v15)  ; v14 = 1, v15 = 0
;;     jump block2(v16)
;;
;; block2(v13: i64):
;;     v17 = load.i64 notrap region1 v13
;;     v18 = load.i64 notrap region1 v13+8
;;     call_indirect sig1, v17(v18)
;;     return
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq -0x38(%rdi), %rcx
;;   movq -0x40(%rdi), %rax
;;   uninit  %rdx
;;   xorq %rdx, %rdx
;;   movq %rsi, %r8
;;   shlq $0x5, %r8
;;   leaq (%rax, %r8), %rax
;;   cmpq %rcx, %rsi
;;   movq %rsi, %r8
;;   cmovaeq %rdx, %rax
;;   movl 0x10(%rax), %ecx
;;   movl -0x70(%rdi), %edx
;;   cmpl %edx, %ecx
;;   jz      label1; j label2
;; block1:
;;   jmp     label3
;; block3:
;;   movq (%rax), %rcx
;;   movq 8(%rax), %rdi
;;   call    *%rcx
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block2:
;;   movl $0x1, %esi
;;   uninit  %rcx
;;   xorl %ecx, %ecx
;;   movq %r8, %rdx
;;   call    User(userextname0)
;;   jmp     label3
;;
;; wasm_function_4:
;; function u1:4(i64 vmctx, i64) -> i64 tail {
;;     region0 = 196611 "table definition"
;;     region1 = 262147 "table"
;;
;; block0(v0: i64, v1: i64):
;;     v2 = load.i64 notrap aligned region0 v0-40
;;     v3 = icmp uge v1, v2
;;     v4 = load.i64 notrap aligned region0 v0-48
;;     v5 = iconst.i64 3
;;     v6 = ishl v1, v5  ; v5 = 3
;;     v7 = iadd v4, v6
;;     v8 = iconst.i64 0
;;     v9 = select_spectre_guard v3, v8, v7  ; v8 = 0
;;     v10 = load.i64 user3 region1 v9
;;     return v10
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq -0x28(%rdi), %r10
;;   uninit  %r9
;;   xorq %r9, %r9
;;   movq %rsi, %r8
;;   shlq $0x3, %r8
;;   addq -0x30(%rdi), %r8
;;   cmpq %r10, %rsi
;;   cmovaeq %r9, %r8
;;   movq (%r8), %rax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_5:
;; function u1:5(i64 vmctx) -> i64 tail {
;;     sig0 = (i64 vmctx, i32, i64, i64) -> i64 tail
;;     fn0 = colocated u6:5 sig0
;;
;; block0(v0: i64):
;;     v1 = iconst.i64 0
;;     v2 = iconst.i64 1
;;     v3 = iconst.i32 2
;;     v4 = call fn0(v0, v3, v2, v1)  ; v3 = 2, v2 = 1, v1 = 0
;;     return v4
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movl $0x2, %esi
;;   movl $0x1, %edx
;;   uninit  %rcx
;;   xorq %rcx, %rcx
;;   call    User(userextname0)
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_6:
;; function u1:6(i64 vmctx) -> i64 tail {
;;     region0 = 196610 "table definition"
;;
;; block0(v0: i64):
;;     v1 = load.i64 notrap aligned region0 v0-56
;;     return v1
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq -0x38(%rdi), %rax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
