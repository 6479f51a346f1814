;; Functions of different types, to be called by name.
(module
  (table $table 1 funcref)
  (elem declare func $nothing)

  (func $nothing (export "nothing"))
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "i64") (param i64) (result i64) (local.get 0))
  (func (export "f32") (param f32) (result f32) (local.get 0))
  (func (export "f64") (param f64) (result f64) (local.get 0))
  (func (export "swap") (param i32 f64) (result f64 i32) (local.get 1) (local.get 0))
  (func (export "many") (result i32 i64 f32 f64)
    (i32.const -1) (i64.const -2) (f32.const 0.1) (f64.const -inf))
  (func (export "vector") (result v128) (v128.const i32x4 1 2 3 4))
  (func (export "references") (result funcref funcref externref)
    (ref.null func) (ref.func $nothing) (ref.null extern))
  (func (export "takes a vector") (param v128))
  (func (export "takes a function") (param funcref))
  (func (export "takes a reference") (param i32 externref))
  (func (export "") (result i32) (i32.const 7))
  (global (export "global") i32 (i32.const 1))
  ;; Another name of `add`, with two characters outside of ASCII.
  (export "加算" (func 1)))
