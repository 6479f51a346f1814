;;! list = wrun_entry wrun_typed wrun_untyped wrun_import wrun_stub wrun_libcall_MemoryGrow wrun_libcall_TableInit
;; Between guest and host: values cross in slots of 16 bytes whose unused bytes are zero, or in registers.
(module (import "" "f" (func $import (param i32 f32 v128) (result i64 f64))) (table 1 funcref)
  (elem (i32.const 0) func $import)
  (func (param i64 f64) (result i32)  (i32.const 0)))

;; listing
;;
;; wrun_entry_0:
;; function u3:0(i64, i64, i64) system_v {
;;     sig0 = (i64 vmctx, i32, f32, i8x16) -> i64, f64 tail
;;
;; block0(v0: i64, v1: i64, v2: i64):
;;     v3 = load.i32 notrap aligned v2
;;     v4 = load.f32 notrap aligned v2+16
;;     v5 = load.i8x16 notrap aligned v2+32
;;     v6, v7 = call_indirect sig0, v0(v1, v3, v4, v5)
;;     v8 = iconst.i64 0
;;     store notrap aligned v6, v2
;;     store notrap aligned v8, v2+8  ; v8 = 0
;;     v9 = iconst.i64 0
;;     store notrap aligned v7, v2+16
;;     store notrap aligned v9, v2+24  ; v9 = 0
;;     return
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;;   subq $0x10, %rsp
;;   movq %r12, (%rsp)
;; block0:
;;   movq %rdi, %rax
;;   movq %rsi, %rdi
;;   movl (%rdx), %esi
;;   movss 0x10(%rdx), %xmm0
;;   movdqu 0x20(%rdx), %xmm1
;;   movq %rdx, %r12
;;   call    *%rax
;;   movq %r12, %rdx
;;   movq %rax, (%rdx)
;;   movq $0x0, 8(%rdx)
;;   movsd %xmm0, 0x10(%rdx)
;;   movq $0x0, 0x18(%rdx)
;;   movq (%rsp), %r12
;;   addq $0x10, %rsp
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wrun_entry_1:
;; function u3:1(i64, i64, i64) system_v {
;;     sig0 = (i64 vmctx, i64, f64) -> i32 tail
;;
;; block0(v0: i64, v1: i64, v2: i64):
;;     v3 = load.i64 notrap aligned v2
;;     v4 = load.f64 notrap aligned v2+16
;;     v5 = call_indirect sig0, v0(v1, v3, v4)
;;     v6 = uextend.i64 v5
;;     v7 = iconst.i64 0
;;     store notrap aligned v6, v2
;;     store notrap aligned v7, v2+8  ; v7 = 0
;;     return
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;;   subq $0x10, %rsp
;;   movq %r12, (%rsp)
;; block0:
;;   movq %rdi, %rax
;;   movq %rsi, %rdi
;;   movq (%rdx), %rsi
;;   movsd 0x10(%rdx), %xmm0
;;   movq %rdx, %r12
;;   call    *%rax
;;   movl %eax, %edi
;;   movq %r12, %rdx
;;   movq %rdi, (%rdx)
;;   movq $0x0, 8(%rdx)
;;   movq (%rsp), %r12
;;   addq $0x10, %rsp
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wrun_typed_hostcall_1:
;; function u4:1(i64 vmctx, i64, f64) -> i32 tail {
;;     sig0 = (i64, i64, f64) -> i32 system_v
;;
;; block0(v0: i64, v1: i64, v2: f64):
;;     v3 = load.i64 notrap aligned v0+8
;;     v4 = load.i64 notrap aligned v3+8
;;     v5 = get_stack_pointer.i64
;;     v6 = icmp ult v5, v4
;;     trapnz v6, user10
;;     v7 = get_frame_pointer.i64
;;     store notrap aligned v7, v3
;;     v8 = load.i64 notrap aligned v0
;;     v9 = call_indirect sig0, v8(v0, v1, v2)
;;     return v9
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq 8(%rdi), %r8
;;   movq    %rsp, %r9
;;   cmpq 8(%r8), %r9
;;   jb #trap=user10
;;   movq    %rbp, %r10
;;   movq %r10, (%r8)
;;   movq (%rdi), %r11
;;   call    *%r11
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wrun_untyped_hostcall_0:
;; function u5:0(i64 vmctx, i32, f32, i8x16) -> i64, f64 tail {
;;     ss0 = explicit_slot 48, align = 16
;;     sig0 = (i64, i64) system_v
;;
;; block0(v0: i64, v1: i32, v2: f32, v3: i8x16):
;;     v4 = load.i64 notrap aligned v0+8
;;     v5 = load.i64 notrap aligned v4+8
;;     v6 = get_stack_pointer.i64
;;     v7 = icmp ult v6, v5
;;     trapnz v7, user10
;;     v8 = get_frame_pointer.i64
;;     store notrap aligned v8, v4
;;     v9 = load.i64 notrap aligned v0
;;     v10 = stack_addr.i64 ss0
;;     v11 = uextend.i64 v1
;;     v12 = iconst.i64 0
;;     store notrap aligned v11, v10
;;     store notrap aligned v12, v10+8  ; v12 = 0
;;     v13 = bitcast.i32 v2
;;     v14 = uextend.i64 v13
;;     v15 = iconst.i64 0
;;     store notrap aligned v14, v10+16
;;     store notrap aligned v15, v10+24  ; v15 = 0
;;     store notrap aligned v3, v10+32
;;     call_indirect sig0, v9(v0, v10)
;;     v16 = load.i64 notrap aligned v10
;;     v17 = load.f64 notrap aligned v10+16
;;     return v16, v17
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;;   subq $0x30, %rsp
;; block0:
;;   movq 8(%rdi), %rax
;;   movq    %rsp, %rcx
;;   cmpq 8(%rax), %rcx
;;   jb #trap=user10
;;   movq    %rbp, %rcx
;;   movq %rcx, (%rax)
;;   movq (%rdi), %rax
;;   movl %esi, %ecx
;;   leaq <offset:1>+(%rsp), %rsi
;;   movq %rcx, <offset:1>+(%rsp)
;;   movq $0x0, <offset:1>+8(%rsp)
;;   movd %xmm0, %ecx
;;   movl %ecx, %ecx
;;   movq %rcx, <offset:1>+0x10(%rsp)
;;   movq $0x0, <offset:1>+0x18(%rsp)
;;   movdqu %xmm1, <offset:1>+0x20(%rsp)
;;   call    *%rax
;;   movq <offset:1>+(%rsp), %rax
;;   movsd <offset:1>+0x10(%rsp), %xmm0
;;   addq $0x30, %rsp
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wrun_untyped_hostcall_1:
;; function u5:1(i64 vmctx, i64, f64) -> i32 tail {
;;     ss0 = explicit_slot 32, align = 16
;;     sig0 = (i64, i64) system_v
;;
;; block0(v0: i64, v1: i64, v2: f64):
;;     v3 = load.i64 notrap aligned v0+8
;;     v4 = load.i64 notrap aligned v3+8
;;     v5 = get_stack_pointer.i64
;;     v6 = icmp ult v5, v4
;;     trapnz v6, user10
;;     v7 = get_frame_pointer.i64
;;     store notrap aligned v7, v3
;;     v8 = load.i64 notrap aligned v0
;;     v9 = stack_addr.i64 ss0
;;     v10 = iconst.i64 0
;;     store notrap aligned v1, v9
;;     store notrap aligned v10, v9+8  ; v10 = 0
;;     v11 = iconst.i64 0
;;     store notrap aligned v2, v9+16
;;     store notrap aligned v11, v9+24  ; v11 = 0
;;     call_indirect sig0, v8(v0, v9)
;;     v12 = load.i32 notrap aligned v9
;;     return v12
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;;   subq $0x20, %rsp
;; block0:
;;   movq %rsi, %rcx
;;   movq 8(%rdi), %r9
;;   movq    %rsp, %r10
;;   cmpq 8(%r9), %r10
;;   jb #trap=user10
;;   movq    %rbp, %r11
;;   movq %r11, (%r9)
;;   movq (%rdi), %rax
;;   leaq <offset:1>+(%rsp), %rsi
;;   movq %rcx, <offset:1>+(%rsp)
;;   movq $0x0, <offset:1>+8(%rsp)
;;   movsd %xmm0, <offset:1>+0x10(%rsp)
;;   movq $0x0, <offset:1>+0x18(%rsp)
;;   call    *%rax
;;   movl <offset:1>+(%rsp), %eax
;;   addq $0x20, %rsp
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wrun_import_0:
;; function u2:0(i64 vmctx, i32, f32, i8x16) -> i64, f64 tail {
;;     sig0 = (i64 vmctx, i32, f32, i8x16) -> i64, f64 tail
;;
;; block0(v0: i64, v1: i32, v2: f32, v3: i8x16):
;;     v4 = load.i64 notrap aligned v0-64
;;     v5 = load.i64 notrap aligned v0-56
;;     v6, v7 = call_indirect sig0, v4(v5, v1, v2, v3)
;;     return v6, v7
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq -0x40(%rdi), %r8
;;   movq -0x38(%rdi), %rdi
;;   call    *%r8
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wrun_libcall_MemoryGrow:
;; function u6:0(i64 vmctx, i32, i64) -> i64 tail {
;;     sig0 = (i64 vmctx, i32, i64) -> i64 system_v
;;
;; block0(v0: i64, v1: i32, v2: i64):
;;     v3 = load.i64 notrap aligned v0-8
;;     v4 = load.i64 notrap aligned v3+8
;;     v5 = get_stack_pointer.i64
;;     v6 = icmp ult v5, v4
;;     trapnz v6, user10
;;     v7 = get_frame_pointer.i64
;;     store notrap aligned v7, v3
;;     v8 = load.i64 notrap aligned v0-16
;;     v9 = load.i64 notrap aligned v8
;;     v10 = call_indirect sig0, v9(v0, v1, v2)
;;     return v10
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq -8(%rdi), %r9
;;   movq    %rsp, %r10
;;   cmpq 8(%r9), %r10
;;   jb #trap=user10
;;   movq    %rbp, %r11
;;   movq %r11, (%r9)
;;   movq -0x10(%rdi), %rax
;;   movq (%rax), %rax
;;   call    *%rax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wrun_libcall_TableInit:
;; function u6:8(i64 vmctx, i32, i32, i64, i32, i32) tail {
;;     sig0 = (i64 vmctx, i32, i32, i64, i32, i32) system_v
;;
;; block0(v0: i64, v1: i32, v2: i32, v3: i64, v4: i32, v5: i32):
;;     v6 = load.i64 notrap aligned v0-8
;;     v7 = load.i64 notrap aligned v6+8
;;     v8 = get_stack_pointer.i64
;;     v9 = icmp ult v8, v7
;;     trapnz v9, user10
;;     v10 = get_frame_pointer.i64
;;     store notrap aligned v10, v6
;;     v11 = load.i64 notrap aligned v0-16
;;     v12 = load.i64 notrap aligned v11+64
;;     call_indirect sig0, v12(v0, v1, v2, v3, v4, v5)
;;     return
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq -8(%rdi), %r11
;;   movq    %rsp, %rax
;;   cmpq 8(%r11), %rax
;;   jb #trap=user10
;;   movq    %rbp, %rax
;;   movq %rax, (%r11)
;;   movq -0x10(%rdi), %rax
;;   movq 0x40(%rax), %rax
;;   call    *%rax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wrun_stub_1:
;; function u7:0(i64 vmctx, i64, f64) -> i32 tail {
;; block0(v0: i64, v1: i64, v2: f64):
;;     trap user13
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   ud2
