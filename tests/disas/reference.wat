;; References. One to a host object that outlives a call lies in the frame, where a stack map finds it.
(module (func $call) (elem declare func $call)
  (func (result externref) (ref.null extern))
  (func (param funcref) (result i32) (ref.is_null (local.get 0)))
  (func (result funcref) (ref.func $call))
  (func (param externref) (result externref) (call $call) (local.get 0)))

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
;; function u1:1(i64 vmctx) -> i64 tail {
;; block0(v0: i64):
;;     v1 = iconst.i64 0
;;     return v1  ; v1 = 0
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   uninit  %rax
;;   xorq %rax, %rax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_2:
;; function u1:2(i64 vmctx, i64) -> i32 tail {
;; block0(v0: i64, v1: i64):
;;     v2 = iconst.i64 0
;;     v3 = icmp eq v1, v2  ; v2 = 0
;;     v4 = uextend.i32 v3
;;     return v4
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   testq %rsi, %rsi
;;   sete %sil
;;   movzbl %sil, %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_3:
;; function u1:3(i64 vmctx) -> i64 tail {
;;     sig0 = (i64 vmctx, i32) -> i64 tail
;;     fn0 = colocated u6:12 sig0
;;
;; block0(v0: i64):
;;     v1 = iconst.i32 0
;;     v2 = call fn0(v0, v1)  ; v1 = 0
;;     return v2
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   uninit  %rsi
;;   xorl %esi, %esi
;;   call    User(userextname0)
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_4:
;; function u1:4(i64 vmctx, i64) -> i64 tail {
;;     ss0 = explicit_slot 8, align = 8
;;     region0 = 393216 "stack slot"
;;     sig0 = (i64 vmctx) tail
;;     fn0 = colocated u1:0 sig0
;;
;; block0(v0: i64, v1: i64):
;;     v5 = stack_addr.i64 ss0
;;     store notrap aligned region0 v1, v5
;;     v2 = iconst.i64 0
;;     call fn0(v2), stack_map=[i64 @ ss0+0]  ; v2 = 0
;;     v3 = stack_addr.i64 ss0
;;     v4 = load.i64 notrap aligned region0 v3
;;     return v4
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;;   subq $0x10, %rsp
;; block0:
;;   movq %rsi, <offset:1>+(%rsp)
;;   uninit  %rdi
;;   xorq %rdi, %rdi
;;   call    User(userextname0)
;;   ; UserStackMap { by_type: [(types::I64, CompoundBitSet {0})], sp_to_sized_stack_slots: None }
;;   movq <offset:1>+(%rsp), %rax
;;   addq $0x10, %rsp
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
