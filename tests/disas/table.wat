;; Tables: accesses to those of host references are inline, those to shared tables of functions partly.
(module
  (table $refs 4 externref) (table $shared (export "t") 4 funcref) (elem func)
  (func (param i32) (result externref) (table.get $refs (local.get 0)))
  (func (param i32 externref) (table.set $refs (local.get 0) (local.get 1)))
  (func (param i32) (result funcref) (table.get $shared (local.get 0)))
  (func (param i32 funcref) (table.set $shared (local.get 0) (local.get 1)))
  (func (param funcref i32) (result i32 i32) (table.size $shared) (table.grow $shared (local.get 0) (local.get 1)))
  (func (param i32 i32 i32) (table.copy $shared $shared (local.get 0) (local.get 1) (local.get 2)))
  (func (param i32 i32 i32) (table.init $shared 0 (local.get 0) (local.get 1) (local.get 2)) (elem.drop 0))
  (func (param i32 funcref i32) (table.fill $shared (local.get 0) (local.get 1) (local.get 2))))

;; listing
;;
;; wasm_function_0:
;; function u1:0(i64 vmctx, i32) -> i64 tail {
;;     region0 = 196609 "table definition"
;;     region1 = 262145 "table"
;;
;; block0(v0: i64, v1: i32):
;;     v2 = iconst.i32 4
;;     v3 = icmp uge v1, v2  ; v2 = 4
;;     v4 = load.i64 notrap aligned readonly can_move region0 v0-64
;;     v5 = uextend.i64 v1
;;     v6 = iconst.i64 3
;;     v7 = ishl v5, v6  ; v6 = 3
;;     v8 = iadd v4, v7
;;     v9 = iconst.i64 0
;;     v10 = select_spectre_guard v3, v9, v8  ; v9 = 0
;;     v11 = load.i64 user3 region1 v10
;;     return v11
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   uninit  %r9
;;   xorq %r9, %r9
;;   movl %esi, %r8d
;;   shlq $0x3, %r8
;;   addq -0x40(%rdi), %r8
;;   cmpl $0x4, %esi
;;   cmovaeq %r9, %r8
;;   movq (%r8), %rax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_1:
;; function u1:1(i64 vmctx, i32, i64) tail {
;;     region0 = 196609 "table definition"
;;     region1 = 262145 "table"
;;
;; block0(v0: i64, v1: i32, v2: i64):
;;     v3 = iconst.i32 4
;;     v4 = icmp uge v1, v3  ; v3 = 4
;;     v5 = load.i64 notrap aligned readonly can_move region0 v0-64
;;     v6 = uextend.i64 v1
;;     v7 = iconst.i64 3
;;     v8 = ishl v6, v7  ; v7 = 3
;;     v9 = iadd v5, v8
;;     v10 = iconst.i64 0
;;     v11 = select_spectre_guard v4, v10, v9  ; v10 = 0
;;     store user3 region1 v2, v11
;;     return
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   uninit  %r9
;;   xorq %r9, %r9
;;   movl %esi, %r8d
;;   shlq $0x3, %r8
;;   addq -0x40(%rdi), %r8
;;   cmpl $0x4, %esi
;;   cmovaeq %r9, %r8
;;   movq %rdx, (%r8)
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_2:
;; function u1:2(i64 vmctx, i32) -> i64 tail {
;;     region0 = 196610 "table definition"
;;     region1 = 262146 "table"
;;     sig0 = (i64 vmctx, i32, i64) -> i64 tail
;;     fn0 = colocated u6:10 sig0
;;
;; block0(v0: i64, v1: i32):
;;     v2 = load.i64 notrap aligned region0 v0-40
;;     v3 = ireduce.i32 v2
;;     v4 = icmp uge v1, v3
;;     v5 = load.i64 notrap aligned region0 v0-48
;;     v6 = uextend.i64 v1
;;     v7 = iconst.i64 5
;;     v8 = ishl v6, v7  ; v7 = 5
;;     v9 = iadd v5, v8
;;     v10 = iconst.i64 0
;;     v11 = select_spectre_guard v4, v10, v9  ; v10 = 0
;;     v12 = load.i64 user3 region1 v11+24
;;     v13 = iconst.i64 1
;;     v14 = icmp ugt v12, v13  ; v13 = 1
;;     brif v14, block3(v12), block1
;;
;; block1 cold:
;;     v16 = iconst.i64 0
;;     brif.i64 v12, block3(v16), block2  ; v16 = 0
;;
;; block2 cold:
;;     v17 = uextend.i64 v1
;;     v18 = iconst.i32 1
;;     v19 = call fn0(v0, v18, v17)  ; v18 = 1
;;     jump block3(v19)
;;
;; block3(v15: i64):
;;     return v15
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq -0x28(%rdi), %rax
;;   movq -0x30(%rdi), %r8
;;   uninit  %rcx
;;   xorq %rcx, %rcx
;;   movl %esi, %edx
;;   movq %rdx, %r9
;;   shlq $0x5, %r9
;;   leaq (%r8, %r9), %r8
;;   cmpl %eax, %esi
;;   cmovaeq %rcx, %r8
;;   movq 0x18(%r8), %rcx
;;   cmpq $0x1, %rcx
;;   jnbe    label1; j label2
;; block1:
;;   movq %rcx, %rax
;;   jmp     label5
;; block3:
;;   jmp     label5
;; block5:
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block2:
;;   uninit  %rax
;;   xorq %rax, %rax
;;   testq %rcx, %rcx
;;   jnz     label3; j label4
;; block4:
;;   movl $0x1, %esi
;;   call    User(userextname0)
;;   jmp     label5
;;
;; wasm_function_3:
;; function u1:3(i64 vmctx, i32, i64) tail {
;;     sig0 = (i64 vmctx, i32, i64, i64) tail
;;     fn0 = colocated u6:11 sig0
;;
;; block0(v0: i64, v1: i32, v2: i64):
;;     v3 = uextend.i64 v1
;;     v4 = iconst.i32 1
;;     call fn0(v0, v4, v3, v2)  ; v4 = 1
;;     return
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq %rdx, %rcx
;;   movq %rsi, %r8
;;   movl $0x1, %esi
;;   movl %r8d, %edx
;;   call    User(userextname0)
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_4:
;; function u1:4(i64 vmctx, i64, i32) -> i32, i32 tail {
;;     region0 = 196610 "table definition"
;;     sig0 = (i64 vmctx, i32, i64, i64) -> i64 tail
;;     fn0 = colocated u6:5 sig0
;;
;; block0(v0: i64, v1: i64, v2: i32):
;;     v3 = load.i64 notrap aligned region0 v0-40
;;     v4 = ireduce.i32 v3
;;     v5 = uextend.i64 v2
;;     v6 = iconst.i32 1
;;     v7 = call fn0(v0, v6, v5, v1)  ; v6 = 1
;;     v8 = ireduce.i32 v7
;;     return v4, v8
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;;   subq $0x10, %rsp
;;   movq %r12, (%rsp)
;; block0:
;;   movq %rsi, %rcx
;;   movq -0x28(%rdi), %r12
;;   movl $0x1, %esi
;;   movl %edx, %edx
;;   call    User(userextname0)
;;   movq %rax, %rcx
;;   movq %r12, %rax
;;   movq (%rsp), %r12
;;   addq $0x10, %rsp
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_5:
;; function u1:5(i64 vmctx, i32, i32, i32) tail {
;;     sig0 = (i64 vmctx, i32, i32, i64, i64, i64) tail
;;     fn0 = colocated u6:7 sig0
;;
;; block0(v0: i64, v1: i32, v2: i32, v3: i32):
;;     v4 = uextend.i64 v1
;;     v5 = uextend.i64 v2
;;     v6 = uextend.i64 v3
;;     v7 = iconst.i32 1
;;     v8 = iconst.i32 1
;;     call fn0(v0, v7, v8, v4, v5, v6)  ; v7 = 1, v8 = 1
;;     return
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq %rdx, %rax
;;   movq %rcx, %r9
;;   movl $0x1, %edx
;;   movl %esi, %ecx
;;   movl %eax, %r8d
;;   movq %r9, %rax
;;   movl %eax, %r9d
;;   movq %rdx, %rsi
;;   call    User(userextname0)
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_6:
;; function u1:6(i64 vmctx, i32, i32, i32) tail {
;;     sig0 = (i64 vmctx, i32, i32, i64, i32, i32) tail
;;     sig1 = (i64 vmctx, i32) tail
;;     fn0 = colocated u6:8 sig0
;;     fn1 = colocated u6:9 sig1
;;
;; block0(v0: i64, v1: i32, v2: i32, v3: i32):
;;     v4 = uextend.i64 v1
;;     v5 = iconst.i32 1
;;     v6 = iconst.i32 0
;;     call fn0(v0, v5, v6, v4, v2, v3)  ; v5 = 1, v6 = 0
;;     v7 = iconst.i32 0
;;     call fn1(v0, v7)  ; v7 = 0
;;     return
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;;   subq $0x10, %rsp
;;   movq %r12, (%rsp)
;;   movq %r13, 8(%rsp)
;; block0:
;;   movq %rsi, %rax
;;   movq %rcx, %r9
;;   movq %rdi, %r13
;;   movl $0x1, %esi
;;   uninit  %r12
;;   xorl %r12d, %r12d
;;   movl %eax, %ecx
;;   movq %rdx, %r8
;;   movq %r12, %rdx
;;   call    User(userextname0)
;;   movq %r12, %rsi
;;   movq %r13, %rdi
;;   call    User(userextname1)
;;   movq (%rsp), %r12
;;   movq 8(%rsp), %r13
;;   addq $0x10, %rsp
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_7:
;; function u1:7(i64 vmctx, i32, i64, i32) tail {
;;     sig0 = (i64 vmctx, i32, i64, i64, i64) tail
;;     fn0 = colocated u6:6 sig0
;;
;; block0(v0: i64, v1: i32, v2: i64, v3: i32):
;;     v4 = uextend.i64 v1
;;     v5 = uextend.i64 v3
;;     v6 = iconst.i32 1
;;     call fn0(v0, v6, v4, v2, v5)  ; v6 = 1
;;     return
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq %rdx, %r10
;;   movl $0x1, %r9d
;;   movl %esi, %edx
;;   movl %ecx, %r8d
;;   movq %r10, %rcx
;;   movq %r9, %rsi
;;   call    User(userextname0)
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
