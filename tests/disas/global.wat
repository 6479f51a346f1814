;; Globals: own ones lie in the vmctx, imported ones behind a pointer; known values are constants.
(module (global $i (import "" "i") i32) (global $j (import "" "j") (mut i64))
  (global $c i32 (i32.const 7)) (global $m (mut f64) (f64.const 0)) (global $v (mut v128) (v128.const i64x2 0 0))
  (func (result i32 i64 i32) (global.get $i) (global.get $j) (global.get $c))
  (func (param f64 i64) (result v128) (global.set $m (local.get 0)) (global.set $j (local.get 1)) (global.get $v)))

;; listing
;;
;; wasm_function_0:
;; function u1:0(i64 vmctx) -> i32, i64, i32 tail {
;;     region0 = 327680 "global"
;;     region1 = 0 "vmctx"
;;
;; block0(v0: i64):
;;     v1 = load.i64 notrap aligned readonly can_move region1 v0-96
;;     v2 = load.i32 notrap readonly can_move region0 v1
;;     v3 = load.i64 notrap aligned readonly can_move region1 v0-88
;;     v4 = load.i64 notrap region0 v3
;;     v5 = iconst.i32 7
;;     return v2, v4, v5  ; v5 = 7
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movq -0x58(%rdi), %rsi
;;   movq (%rsi), %rcx
;;   movq -0x60(%rdi), %rsi
;;   movl (%rsi), %eax
;;   movl $0x7, %edx
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; wasm_function_1:
;; function u1:1(i64 vmctx, f64, i64) -> i8x16 tail {
;;     region0 = 327682 "global"
;;     region1 = 327680 "global"
;;     region2 = 0 "vmctx"
;;     region3 = 327683 "global"
;;
;; block0(v0: i64, v1: f64, v2: i64):
;;     store notrap region0 v1, v0-64
;;     v3 = load.i64 notrap aligned readonly can_move region2 v0-88
;;     store notrap region1 v2, v3
;;     v4 = load.i8x16 notrap region3 v0-80
;;     return v4
;; }
;; ---
;;   pushq %rbp
;;   movq %rsp, %rbp
;; block0:
;;   movsd %xmm0, -0x40(%rdi)
;;   movq -0x58(%rdi), %r8
;;   movq %rsi, (%r8)
;;   movdqu -0x50(%rdi), %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
