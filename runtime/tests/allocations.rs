//! Memory that the runtime takes from the allocator: functions that promise to allocate nothing, and leaks.
//!
//! # Safety
//! This file may use `unsafe`: it replaces the allocator by one that counts and calls the system's.
#![cfg(feature = "compiler")]
#![allow(unsafe_code, reason = "an allocator that counts is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use wrun_runtime::{Caller, Config, Deadline, Engine, Imports, Instance, Module, Store};

/// The system's allocator, with counters for each thread.
struct Counting;

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
    /// Bytes allocated minus bytes freed.
    static BYTES: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    CALLS.set(CALLS.get() + 1);
    BYTES.set(BYTES.get() + bytes);
}

// SAFETY: hands everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Held by a test that makes timers. The process keeps as many places for timers as there were timers at the same time.
static TIMERS: Mutex<()> = Mutex::new(());

/// Returns the bytes that this thread keeps after running `work` many times. The first few runs do not count.
fn kept_by(mut work: impl FnMut()) -> isize {
    let _alone = TIMERS.lock().unwrap_or_else(PoisonError::into_inner);
    for _ in 0..3 {
        work();
    }
    let before = BYTES.get();
    for _ in 0..1000 {
        work();
    }
    BYTES.get() - before
}

fn engine() -> Engine {
    Engine::new(&Config::new()).expect("made")
}

fn module(engine: &Engine, text: &str) -> Module {
    Module::new(engine, &wat::parse_str(text).expect("valid")).expect("valid")
}

#[test]
fn deadlines_leave_nothing_behind() {
    let hour = Duration::from_secs(3600);
    assert_eq!(kept_by(|| drop(Deadline::after(hour).expect("a timer"))), 0);
    assert_eq!(
        kept_by(|| {
            let deadline = Deadline::after(Duration::ZERO).expect("a timer");
            while !deadline.passed() {
                std::hint::spin_loop();
            }
        }),
        0
    );
}

#[test]
fn stores_with_a_deadline_leave_nothing_behind() {
    let engine = engine();
    let module = module(&engine, r#"(module (func (export "f")))"#);
    let deadline = || Deadline::after(Duration::from_secs(3600)).expect("a timer");
    assert_eq!(
        kept_by(|| {
            let mut store = Store::new(&engine, ());
            store.set_deadline(&deadline());
            let instance = Instance::new(&mut store, &module, &Imports::new(&engine)).expect("instantiates");
            let f = instance.func(&mut store, "f").expect("exported");
            f.call(&mut store, &[]).expect("returns");
        }),
        0
    );
    let mut store = Store::new(&engine, ());
    assert_eq!(kept_by(|| store.set_deadline(&deadline())), 0);
}

#[test]
fn typed_calls_allocate_nothing() {
    let engine = engine();
    let text = r#"(module
        (import "host" "swap" (func $swap (param v128 i32) (result i32 v128)))
        (import "host" "add" (func $add (param i64 i64) (result i64)))
        (func (export "f") (param i32 i64) (result f32 i32)
          (local $lanes v128)
          (call $swap (i32x4.splat (local.get 0)) (i32.const 1))
          (local.set $lanes)
          (drop)
          (f32.convert_i64_s (call $add (local.get 1) (i64.const 1)))
          (i32x4.extract_lane 3 (local.get $lanes))))"#;
    let module = module(&engine, text);
    let mut imports = Imports::new(&engine);
    imports.func("host", "swap", |_: Caller<'_, ()>, lanes: u128, n: i32| (n, lanes));
    imports.func("host", "add", |_: Caller<'_, ()>, a: i64, b: i64| a + b);
    let mut store = Store::new(&engine, ());
    store.set_epoch_deadline(1);
    let instance = Instance::new(&mut store, &module, &imports).expect("instantiates");
    let f = instance
        .typed_func::<(i32, i64), (f32, i32)>(&mut store, "f")
        .expect("of this type");
    // The first call allocates the guest's stack.
    assert_eq!(f.call(&mut store, (5, 41)).expect("returns"), (42.0, 5));
    let before = CALLS.get();
    for n in 0..100 {
        assert_eq!(f.call(&mut store, (n, 41)).expect("returns"), (42.0, n));
    }
    assert_eq!(CALLS.get(), before);
}
