;; Exceptions: a call with a handler, a landing that compares tags, and a throw.

(module
  (tag $a (param i32 f64)) (tag $b)
  (func $callee (param i32) (result i32) (local.get 0))
  (func $throw (param i32) (throw $a (local.get 0) (f64.const 1)))
  (func $catch (param i32) (result i32)
    (block $all (result exnref)
      (block $b
        (block $a (result i32 f64)
          (return (try_table (result i32) (catch $a $a) (catch $b $b) (catch_all_ref $all) (call $callee (local.get 0)))))
        (drop) (return))
      (return (i32.const 2)))
    (throw_ref))
  (func $hands_on (param i32) (result i32)
    (block $b (return (try_table (result i32) (catch $b $b) (call $callee (local.get 0)))))
    (i32.const 1)))

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
;; function u1:1(i64 vmctx, i32) tail {
;;     ss0 = explicit_slot 32, align = 16
;;     region0 = 458752 "exception"
;;     region1 = 0 "vmctx"
;;     sig0 = (i64 vmctx, i64, i64) tail
;;     fn0 = colocated u6:14 sig0
;;
;; block0(v0: i64, v1: i32):
;;     v2 = f64const 0x1.0000000000000p0
;;     v3 = stack_addr.i64 ss0
;;     store notrap aligned region0 v1, v3
;;     store notrap aligned region0 v2, v3+16  ; v2 = 0x1.0000000000000p0
;;     v4 = load.i64 notrap aligned readonly can_move region1 v0-48
;;     call fn0(v0, v4, v3)
;;     trap user1
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;;   subq $0x20, %rsp
;; block0:
;;   leaq <offset:1>+(%rsp), %rdx
;;   movl %esi, <offset:1>+(%rsp)
;;   movabsq $0x3ff0000000000000, %rsi
;;   movq %rsi, %xmm0
;;   movsd %xmm0, <offset:1>+0x10(%rsp)
;;   movq -0x30(%rdi), %rsi
;;   call    User(userextname0)
;;   ud2
;;
;; wasm_function_2:
;; function u1:2(i64 vmctx, i32) -> i32 tail {
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
;;     v11 = load.f64 notrap aligned region0 v4+32
;;     jump block6(v10, v11)
;;
;; block5 cold:
;;     v14 = load.i64 notrap aligned region0 v4
;;     v15 = load.i64 notrap aligned readonly can_move region1 v0-40
;;     v16 = icmp eq v14, v15
;;     brif v16, block7, block8
;;
;; block7 cold:
;;     jump block9
;;
;; block8 cold:
;;     v17 = iconst.i64 1
;;     store notrap aligned region0 v17, v4+8  ; v17 = 1
;;     jump block10(v3)
;;
;; block3(v6: i32):
;;     return v6
;;
;; block6(v12: i32, v13: f64):
;;     return v12
;;
;; block9:
;;     v19 = iconst.i32 2
;;     return v19  ; v19 = 2
;;
;; block10(v18: i64) cold:
;;     call fn1(v0, v18)
;;     trap user1
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
;;   call    User(userextname0); jmp MachLabel(1); catch [default: MachLabel(3)]
;; block1:
;;   jmp     label2
;; block2:
;;   movq 0x10(%rsp), %rbx
;;   movq 0x18(%rsp), %r12
;;   movq 0x20(%rsp), %r13
;;   movq 0x28(%rsp), %r14
;;   movq 0x30(%rsp), %r15
;;   addq $0x40, %rsp
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block8:
;;   movl $0x2, %eax
;;   movq 0x10(%rsp), %rbx
;;   movq 0x18(%rsp), %r12
;;   movq 0x20(%rsp), %r13
;;   movq 0x28(%rsp), %r14
;;   movq 0x30(%rsp), %r15
;;   addq $0x40, %rsp
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block10:
;;   movq 0x10(%rsp), %rbx
;;   movq 0x18(%rsp), %r12
;;   movq 0x20(%rsp), %r13
;;   movq 0x28(%rsp), %r14
;;   movq 0x30(%rsp), %r15
;;   addq $0x40, %rsp
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block3:
;;   movq (%rdx), %rcx
;;   movq <offset:1>+(%rsp), %rdi
;;   movq -0x30(%rdi), %rsi
;;   cmpq %rsi, %rcx
;;   jz      label9; j label4
;; block4:
;;   movq -0x28(%rdi), %rsi
;;   cmpq %rsi, %rcx
;;   jz      label7; j label5
;; block5:
;;   movq $0x1, 8(%rdx)
;;   jmp     label6
;; block6:
;;   movq %rax, %rsi
;;   call    User(userextname1)
;;   ud2
;; block7:
;;   jmp     label8
;; block9:
;;   movl 0x10(%rdx), %eax
;;   movsd 0x20(%rdx), %xmm0
;;   jmp     label10
;;
;; wasm_function_3:
;; function u1:3(i64 vmctx, i32) -> i32 tail {
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
;;     v8 = load.i64 notrap aligned readonly can_move region1 v0-40
;;     v9 = icmp eq v7, v8
;;     brif v9, block4, block5
;;
;; block4 cold:
;;     jump block6
;;
;; block5 cold:
;;     call fn1(v0, v3)
;;     trap user1
;;
;; block3(v6: i32):
;;     return v6
;;
;; block6:
;;     v10 = iconst.i32 1
;;     return v10  ; v10 = 1
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
;;   call    User(userextname0); jmp MachLabel(1); catch [default: MachLabel(3)]
;; block1:
;;   jmp     label2
;; block2:
;;   movq 0x10(%rsp), %rbx
;;   movq 0x18(%rsp), %r12
;;   movq 0x20(%rsp), %r13
;;   movq 0x28(%rsp), %r14
;;   movq 0x30(%rsp), %r15
;;   addq $0x40, %rsp
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block6:
;;   movl $0x1, %eax
;;   movq 0x10(%rsp), %rbx
;;   movq 0x18(%rsp), %r12
;;   movq 0x20(%rsp), %r13
;;   movq 0x28(%rsp), %r14
;;   movq 0x30(%rsp), %r15
;;   addq $0x40, %rsp
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block3:
;;   movq %rax, %rsi
;;   movq (%rdx), %rax
;;   movq <offset:1>+(%rsp), %rdi
;;   movq -0x28(%rdi), %rcx
;;   cmpq %rcx, %rax
;;   jz      label5; j label4
;; block4:
;;   call    User(userextname1)
;;   ud2
;; block5:
;;   jmp     label6
