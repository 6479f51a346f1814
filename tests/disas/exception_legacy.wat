;; Exceptions in the legacy form: clauses are code, and `rethrow` keeps the exception.

(module
  (tag $a (param i32)) (tag $b)
  (func $callee (param i32) (result i32) (local.get 0))
  (func $catch (param i32) (result i32)
    try (result i32) local.get 0 call $callee
    catch $a
    catch $b i32.const 1
    catch_all rethrow 0
    end)
  (func $delegate (param i32) (result i32)
    try (result i32)
      try (result i32) local.get 0 call $callee delegate 0
    catch_all i32.const 2
    end))

;; listing
;;
;; wasm_function_0:
;; function u1:0(i64 vmctx, i32) -> i32 tail {
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
;; wasm_function_1:
;; function u1:1(i64 vmctx, i32) -> i32 tail {
;;     region0 = 458752 "exception"
;;     region1 = 0 "vmctx"
;;     sig0 = (i64 vmctx, i32) -> i32 tail
;;     sig1 = (i64 vmctx, i64) tail
;;     fn0 = colocated u1:0 sig0
;;     fn1 = colocated u6:15 sig1
;;
;; block0(v0: i64, v1: i32):
;;     v2 = iconst.i64 0
;;     try_call fn0(v2, v1), sig0, block2(ret0), [ default: block1(exn0, exn1) ]  ; v2 = 0
;;
;; block2(v5: i32):
;;     jump block3(v5)
;;
;; block1(v3: i64, v4: i64) cold:
;;     v7 = load.i64 notrap aligned region0 v4
;;     v8 = load.i64 notrap aligned readonly can_move region1 v0-48
;;     v9 = icmp eq v7, v8
;;     brif v9, block4, block5
;;
;; block4 cold:
;;     v10 = load.i32 notrap aligned region0 v4+16
;;     jump block3(v10)
;;
;; block5 cold:
;;     v11 = load.i64 notrap aligned region0 v4
;;     v12 = load.i64 notrap aligned readonly can_move region1 v0-40
;;     v13 = icmp eq v11, v12
;;     brif v13, block6, block7
;;
;; block6 cold:
;;     v14 = iconst.i32 1
;;     jump block3(v14)  ; v14 = 1
;;
;; block7 cold:
;;     v15 = iconst.i64 1
;;     store notrap aligned region0 v15, v4+8  ; v15 = 1
;;     call fn1(v0, v3)
;;     trap user1
;;
;; block3(v6: i32):
;;     return v6
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;;   subq $0x40, %rsp
;;   movq %rbx, 0x10(%rsp)
;;   movq %r12, 0x18(%rsp)
;;   movq %r13, 0x20(%rsp)
;;   movq %r14, 0x28(%rsp)
;;   movq %r15, 0x30(%rsp)
;; block0:
;;   movq %rdi, <offset:1>+(%rsp)
;;   uninit  %rdi
;;   xorq %rdi, %rdi
;;   call    User(userextname0); jmp MachLabel(1); catch [default: MachLabel(2)]
;; block1:
;;   jmp     label7
;; block7:
;;   movq 0x10(%rsp), %rbx
;;   movq 0x18(%rsp), %r12
;;   movq 0x20(%rsp), %r13
;;   movq 0x28(%rsp), %r14
;;   movq 0x30(%rsp), %r15
;;   addq $0x40, %rsp
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block2:
;;   movq %rax, %rsi
;;   movq (%rdx), %rax
;;   movq <offset:1>+(%rsp), %rdi
;;   movq -0x30(%rdi), %rcx
;;   cmpq %rcx, %rax
;;   jz      label6; j label3
;; block3:
;;   movq -0x28(%rdi), %rcx
;;   cmpq %rcx, %rax
;;   jz      label5; j label4
;; block4:
;;   movq $0x1, 8(%rdx)
;;   call    User(userextname1)
;;   ud2
;; block5:
;;   movl $0x1, %eax
;;   jmp     label7
;; block6:
;;   movl 0x10(%rdx), %eax
;;   jmp     label7
;;
;; wasm_function_2:
;; function u1:2(i64 vmctx, i32) -> i32 tail {
;;     sig0 = (i64 vmctx, i32) -> i32 tail
;;     fn0 = colocated u1:0 sig0
;;
;; block0(v0: i64, v1: i32):
;;     v2 = iconst.i64 0
;;     try_call fn0(v2, v1), sig0, block2(ret0), [ default: block1(exn0, exn1) ]  ; v2 = 0
;;
;; block2(v5: i32):
;;     jump block3(v5)
;;
;; block1(v3: i64, v4: i64) cold:
;;     jump block4(v3, v4)
;;
;; block3(v6: i32):
;;     jump block5(v6)
;;
;; block4(v7: i64, v8: i64) cold:
;;     v10 = iconst.i32 2
;;     jump block5(v10)  ; v10 = 2
;;
;; block5(v9: i32):
;;     return v9
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;;   subq $0x30, %rsp
;;   movq %rbx, (%rsp)
;;   movq %r12, 8(%rsp)
;;   movq %r13, 0x10(%rsp)
;;   movq %r14, 0x18(%rsp)
;;   movq %r15, 0x20(%rsp)
;; block0:
;;   uninit  %rdi
;;   xorq %rdi, %rdi
;;   call    User(userextname0); jmp MachLabel(1); catch [default: MachLabel(3)]
;; block1:
;;   jmp     label2
;; block2:
;;   jmp     label5
;; block5:
;;   movq (%rsp), %rbx
;;   movq 8(%rsp), %r12
;;   movq 0x10(%rsp), %r13
;;   movq 0x18(%rsp), %r14
;;   movq 0x20(%rsp), %r15
;;   addq $0x30, %rsp
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block3:
;;   jmp     label4
;; block4:
;;   movl $0x2, %eax
;;   jmp     label5
