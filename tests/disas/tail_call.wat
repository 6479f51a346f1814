;; Tail calls: direct, through a private table, by reference, and with arguments that do not fit into registers.

(module
  (type $t (func (param i32) (result i32)))
  (table 2 funcref) (elem (i32.const 0) $direct $indirect)
  (func $direct (type $t) (return_call $indirect (local.get 0)))
  (func $indirect (type $t) (return_call_indirect (type $t) (local.get 0) (local.get 0)))
  (func $by_reference (param (ref null $t)) (result i32) (return_call_ref $t (i32.const 1) (local.get 0)))
  (func $many (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i32) (return_call $direct (i32.const 2)))
  (func $to_many (result i32)
    (return_call $many (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5)
      (i64.const 6) (i64.const 7) (i64.const 8) (i64.const 9) (i64.const 10))))

;; listing
;;
;; wasm_function_0:
;; function u1:0(i64 vmctx, i32) -> i32 tail {
;;     sig0 = (i64 vmctx, i32) -> i32 tail
;;     fn0 = colocated u1:1 sig0
;;
;; block0(v0: i64, v1: i32):
;;     return_call fn0(v0, v1)
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   return_call_known User(userextname0) (0) tmp=%r11 %rdi=%rdi %rsi=%rsi
;;
;; wasm_function_1:
;; function u1:1(i64 vmctx, i32) -> i32 tail {
;;     region0 = 196609 "table definition"
;;     region1 = 262145 "table"
;;     sig0 = (i64 vmctx, i32) -> i32 tail
;;     fn0 = colocated u0:0 sig0
;;
;; block0(v0: i64, v1: i32):
;;     v2 = iconst.i32 2
;;     v3 = icmp uge v1, v2  ; v2 = 2
;;     v4 = load.i64 notrap aligned readonly can_move region0 v0-48
;;     v5 = uextend.i64 v1
;;     v6 = iconst.i64 3
;;     v7 = ishl v5, v6  ; v6 = 3
;;     v8 = iadd v4, v7
;;     v9 = iconst.i64 0
;;     v10 = select_spectre_guard v3, v9, v8  ; v9 = 0
;;     v11 = load.i32 user4 region1 v10+4
;;     v12 = uextend.i64 v11
;;     v13 = func_addr.i64 fn0
;;     v14 = iadd v13, v12
;;     return_call_indirect sig0, v14(v0, v1)
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   uninit  %rax
;;   xorq %rax, %rax
;;   movl %esi, %r9d
;;   shlq $0x3, %r9
;;   addq -0x30(%rdi), %r9
;;   cmpl $0x2, %esi
;;   cmovaeq %rax, %r9
;;   load_ext_name userextname0+0, %rax
;;   movl 4(%r9), %ecx
;;   leaq (%rax, %rcx), %r10
;;   return_call_unknown %r10 (0) tmp=%r11 %rdi=%rdi %rsi=%rsi
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
;;     return_call_indirect sig1, v4(v7, v2)  ; v2 = 1
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;;   subq $0x10, %rsp
;;   movq %rbx, (%rsp)
;; block0:
;;   movq (%rsi), %r10
;;   movq %rsi, %rbx
;;   testq %r10, %r10
;;   jnz     label1; j label2
;; block1:
;;   jmp     label3
;; block3:
;;   movq 8(%rbx), %rdi
;;   movl $0x1, %esi
;;   return_call_unknown %r10 (0) tmp=%r11 %rdi=%rdi %rsi=%rsi
;; block2:
;;   uninit  %rdx
;;   xorl %edx, %edx
;;   movq %rbx, %rsi
;;   call    User(userextname0)
;;   movq %rax, %r10
;;   jmp     label3
;;
;; wasm_function_3:
;; function u1:3(i64 vmctx, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64) -> i32 tail {
;;     sig0 = (i64 vmctx, i32) -> i32 tail
;;     fn0 = colocated u1:0 sig0
;;
;; block0(v0: i64, v1: i64, v2: i64, v3: i64, v4: i64, v5: i64, v6: i64, v7: i64, v8: i64, v9: i64, v10: i64):
;;     v11 = iconst.i32 2
;;     return_call fn0(v0, v11)  ; v11 = 2
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movl $0x2, %esi
;;   return_call_known User(userextname0) (0) tmp=%r11 %rdi=%rdi %rsi=%rsi
;;
;; wasm_function_4:
;; function u1:4(i64 vmctx) -> i32 tail {
;;     sig0 = (i64 vmctx, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64) -> i32 tail
;;     fn0 = colocated u1:3 sig0
;;
;; block0(v0: i64):
;;     v1 = iconst.i64 1
;;     v2 = iconst.i64 2
;;     v3 = iconst.i64 3
;;     v4 = iconst.i64 4
;;     v5 = iconst.i64 5
;;     v6 = iconst.i64 6
;;     v7 = iconst.i64 7
;;     v8 = iconst.i64 8
;;     v9 = iconst.i64 9
;;     v10 = iconst.i64 10
;;     return_call fn0(v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10)  ; v1 = 1, v2 = 2, v3 = 3, v4 = 4, v5 = 5, v6 = 6, v7 = 7, v8 = 8, v9 = 9, v10 = 10
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;;   subq $0x30, %rsp
;;   movq %rsp, %rbp
;;   movq 0x30(%rsp), %r11
;;   movq %r11, (%rsp)
;;   movq 0x38(%rsp), %r11
;;   movq %r11, 8(%rsp)
;;   subq $0x10, %rsp
;;   movq %r12, (%rsp)
;;   movq %r13, 8(%rsp)
;; block0:
;;   movl $0x1, %esi
;;   movl $0x2, %edx
;;   movl $0x3, %ecx
;;   movl $0x4, %r8d
;;   movl $0x5, %r9d
;;   movl $0x6, %eax
;;   movl $0x7, %r10d
;;   movl $0x8, %r11d
;;   movl $0x9, %r12d
;;   movl $0xa, %r13d
;;   movq %rax, <offset:0>+-0x30(%rbp)
;;   movq %r10, <offset:0>+-0x28(%rbp)
;;   movq %r11, <offset:0>+-0x20(%rbp)
;;   movq %r12, <offset:0>+-0x18(%rbp)
;;   movq %r13, <offset:0>+-0x10(%rbp)
;;   return_call_known User(userextname0) (48) tmp=%r11 %rdi=%rdi %rsi=%rsi %rdx=%rdx %rcx=%rcx %r8=%r8 %r9=%r9
