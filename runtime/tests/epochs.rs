//! Epochs: a guest whose deadline is reached ends, in any state and on any thread. Other guests do not end.
#![cfg(feature = "compiler")]

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use wrun_runtime::{Caller, Config, Deadline, Engine, Error, Imports, Instance, Module, Store, TrapCode, Value};

/// `nest` calls the host, and the closure decides what happens. `f` recurses for longer than any test waits.
const GUEST: &str = r#"(module
    (import "host" "read" (func $read))
    (import "host" "nest" (func $nest))
    (func (export "loop") (loop (br 0)))
    (func (export "read") (call $read))
    (func (export "nest") (call $nest))
    (func (export "nest-then-loop") (call $nest) (loop (br 0)))
    (func $f (export "recursion") (result i64) (call $g (i64.const 1000)))
    (func $g (param i64) (result i64)
      (if (result i64) (i64.lt_u (local.get 0) (i64.const 2))
        (then (local.get 0))
        (else (i64.add
          (call $g (i64.sub (local.get 0) (i64.const 1)))
          (call $g (i64.sub (local.get 0) (i64.const 2)))))))
    (func (export "count") (param $n i32) (result i32)
      (loop (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (i32.const 7)))"#;

/// Time for a guest on another thread to reach its loop or system call. A guest that has not reached it makes the test easier,
/// not wrong.
const HEAD_START: Duration = Duration::from_millis(30);

/// The host's data for a guest.
struct Host {
    /// No test writes to the other end, so reading waits forever.
    reader: UnixStream,
    _writer: UnixStream,
    nest: Box<dyn FnMut() + Send>,
}

fn engine() -> Engine {
    Engine::new(&Config::new()).expect("made")
}

fn guest(engine: &Engine) -> (Store<Host>, Instance) {
    let module = Module::new(engine, &wat::parse_str(GUEST).expect("valid")).expect("valid");
    let mut imports = Imports::new(engine);
    imports.func("host", "read", |mut caller: Caller<'_, Host>| -> Result<(), Error> {
        loop {
            match caller.data_mut().reader.read(&mut [0]) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted && caller.interrupted() => {
                    return Err(Error::interrupt());
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                other => panic!("read gave {other:?}"),
            }
        }
    });
    imports.func("host", "nest", |mut caller: Caller<'_, Host>| {
        (caller.data_mut().nest)()
    });
    let (reader, writer) = UnixStream::pair().expect("a pair of sockets");
    let host = Host {
        reader,
        _writer: writer,
        nest: Box::new(|| ()),
    };
    let mut store = Store::new(engine, host);
    let instance = Instance::new(&mut store, &module, &imports).expect("instantiates");
    (store, instance)
}

fn call(store: &mut Store<Host>, instance: Instance, name: &str, args: &[Value]) -> Result<Vec<Value>, Error> {
    let func = instance.func(store, name).expect("exported");
    func.call(store, args)
}

#[track_caller]
fn assert_interrupted(result: Result<Vec<Value>, Error>) {
    match result {
        Err(Error::Trap(trap)) => assert_eq!(trap.code(), TrapCode::Interrupt),
        other => panic!("not interrupted: {other:?}"),
    }
}

/// Runs a guest that never ends by itself, while another thread runs `other`.
fn run_while(engine: &Engine, name: &str, ticks: u64, other: impl FnOnce() + Send) {
    let (mut store, instance) = guest(engine);
    store.set_epoch_deadline(ticks);
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(HEAD_START);
            other();
        });
        assert_interrupted(call(&mut store, instance, name, &[]));
    });
}

#[test]
fn another_thread_ends_a_loop() {
    let engine = engine();
    run_while(&engine, "loop", 1, || engine.increment_epoch());
}

#[test]
fn another_thread_ends_a_recursion() {
    let engine = engine();
    run_while(&engine, "recursion", 1, || engine.increment_epoch());
}

#[test]
fn another_thread_ends_a_host_function_that_waits() {
    let engine = engine();
    run_while(&engine, "read", 1, || engine.increment_epoch());
}

/// Makes a guest whose export `late` calls the host. The host begins to wait after the next epoch has begun.
fn late(engine: &Engine) -> (Store<Host>, Instance) {
    let (mut store, _) = guest(engine);
    let mut imports = Imports::new(engine);
    let other = engine.clone();
    imports.func("host", "late", move |mut caller: Caller<'_, Host>| {
        let reader = &mut caller.data_mut().reader;
        // No part of the test takes this long.
        let hangs = Some(Duration::from_secs(60));
        reader.set_read_timeout(hangs).expect("a socket has one");
        // The signal arrives here, before the system call.
        other.increment_epoch();
        let woken = reader.read(&mut [0]).map_err(|error| error.kind());
        assert_eq!(woken, Err(std::io::ErrorKind::Interrupted));
    });
    let text = r#"(module (import "host" "late" (func $late)) (func (export "late") (call $late)))"#;
    let module = Module::new(engine, &wat::parse_str(text).expect("valid")).expect("valid");
    let instance = Instance::new(&mut store, &module, &imports).expect("instantiates");
    (store, instance)
}

#[test]
fn a_host_function_that_begins_to_wait_after_the_deadline_is_woken() {
    let (mut store, instance) = late(&engine());
    store.set_epoch_deadline(1);
    assert_interrupted(call(&mut store, instance, "late", &[]));
}

#[test]
fn a_host_function_that_begins_to_wait_after_the_deadline_of_an_outer_store_is_woken() {
    let engine = engine();
    let (mut outer, instance) = guest(&engine);
    outer.set_epoch_deadline(1);
    let inner = engine.clone();
    outer.data_mut().nest = Box::new(move || {
        let (mut store, instance) = late(&inner);
        let result = call(&mut store, instance, "late", &[]);
        assert_eq!(result.expect("it has no deadline of its own"), []);
    });
    assert_interrupted(call(&mut outer, instance, "nest", &[]));
}

#[test]
fn an_epoch_that_is_not_reached_stops_nothing() {
    let engine = engine();
    run_while(&engine, "loop", 3, || {
        for _ in 0..2 {
            engine.increment_epoch();
            thread::sleep(HEAD_START);
        }
        // If the guest had ended by now, the third epoch could not end it.
        engine.increment_epoch();
    });
    let (mut store, instance) = guest(&engine);
    store.set_epoch_deadline(2);
    engine.increment_epoch();
    let result = call(&mut store, instance, "count", &[Value::I32(1000)]).expect("returns");
    assert_eq!(result, [Value::I32(7)]);
    engine.increment_epoch();
    assert_interrupted(call(&mut store, instance, "count", &[Value::I32(1000)]));
}

#[test]
fn a_deadline_that_has_passed_when_it_is_set_lets_nothing_run_until_another_one_is_set() {
    let engine = engine();
    let (mut store, instance) = guest(&engine);
    store.set_epoch_deadline(0);
    assert_interrupted(call(&mut store, instance, "count", &[Value::I32(1)]));
    store.set_epoch_deadline(1);
    call(&mut store, instance, "count", &[Value::I32(1)]).expect("nothing was stopped in the middle");
}

#[test]
fn a_store_without_a_deadline_is_never_stopped() {
    let engine = engine();
    let done = AtomicBool::new(false);
    let (mut store, instance) = guest(&engine);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                engine.increment_epoch();
            }
        });
        let result = call(&mut store, instance, "count", &[Value::I32(50_000_000)]);
        done.store(true, Ordering::Relaxed);
        assert_eq!(result.expect("returns"), [Value::I32(7)]);
    });
}

#[test]
fn two_stores_on_two_threads_end_each_at_its_own_epoch() {
    let engine = engine();
    let (mut one, in_one) = guest(&engine);
    let (mut two, in_two) = guest(&engine);
    one.set_epoch_deadline(1);
    two.set_epoch_deadline(2);
    thread::scope(|scope| {
        let one = scope.spawn(move || assert_interrupted(call(&mut one, in_one, "loop", &[])));
        let two = scope.spawn(move || assert_interrupted(call(&mut two, in_two, "loop", &[])));
        thread::sleep(HEAD_START);
        engine.increment_epoch();
        one.join().expect("ended");
        thread::sleep(HEAD_START);
        assert!(!two.is_finished());
        engine.increment_epoch();
        two.join().expect("ended");
    });
}

#[test]
fn a_store_is_stopped_on_the_thread_that_it_has_moved_to() {
    let engine = engine();
    let (mut store, instance) = guest(&engine);
    store.set_epoch_deadline(1);
    call(&mut store, instance, "count", &[Value::I32(1)]).expect("returns");
    thread::scope(|scope| {
        let moved = scope.spawn(move || assert_interrupted(call(&mut store, instance, "loop", &[])));
        thread::sleep(HEAD_START);
        engine.increment_epoch();
        moved.join().expect("ended");
    });
}

#[test]
fn a_guest_of_another_store_is_a_part_of_the_host_function_that_calls_it() {
    let engine = engine();
    let (mut outer, in_outer) = guest(&engine);
    let (mut inner, in_inner) = guest(&engine);
    outer.set_epoch_deadline(1);
    let other = engine.clone();
    outer.data_mut().nest = Box::new(move || {
        // Only the outer store's deadline is reached, so the inner guest counts to its end.
        other.increment_epoch();
        let result = call(&mut inner, in_inner, "count", &[Value::I32(1000)]).expect("returns");
        assert_eq!(result, [Value::I32(7)]);
    });
    assert_interrupted(call(&mut outer, in_outer, "nest-then-loop", &[]));
}

#[test]
fn a_nested_guest_ends_at_its_own_deadline() {
    let engine = engine();
    let (mut outer, in_outer) = guest(&engine);
    let (mut inner, in_inner) = guest(&engine);
    inner.set_epoch_deadline(1);
    let other = engine.clone();
    outer.data_mut().nest = Box::new(move || {
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(HEAD_START);
                other.increment_epoch();
            });
            assert_interrupted(call(&mut inner, in_inner, "loop", &[]));
        });
    });
    call(&mut outer, in_outer, "nest", &[]).expect("the outer guest has no deadline");
}

#[test]
fn a_deadline_that_passes_in_a_nested_guest_that_has_one_too_ends_both() {
    let engine = engine();
    let (mut outer, in_outer) = guest(&engine);
    let (mut inner, in_inner) = guest(&engine);
    let deadline = Deadline::after(HEAD_START).expect("a timer");
    outer.set_deadline(&deadline);
    inner.set_deadline(&deadline);
    // The stores keep the deadline.
    drop(deadline);
    outer.data_mut().nest = Box::new(move || assert_interrupted(call(&mut inner, in_inner, "loop", &[])));
    assert_interrupted(call(&mut outer, in_outer, "nest-then-loop", &[]));
}

#[test]
fn a_deadline_that_its_maker_drops_passes_all_the_same() {
    let engine = engine();
    let (mut store, instance) = guest(&engine);
    store.set_deadline(&Deadline::after(HEAD_START).expect("a timer"));
    assert_interrupted(call(&mut store, instance, "loop", &[]));
}

#[test]
fn a_deadline_made_on_a_thread_that_is_gone_passes() {
    let engine = engine();
    let (mut store, instance) = guest(&engine);
    let made = thread::spawn(|| Deadline::after(HEAD_START).expect("a timer"));
    store.set_deadline(&made.join().expect("made"));
    assert_interrupted(call(&mut store, instance, "loop", &[]));
}

#[test]
fn a_deadline_that_has_passed_stops_a_store_that_it_is_set_for_later() {
    let engine = engine();
    let deadline = Deadline::after(Duration::ZERO).expect("a timer");
    let (mut store, instance) = guest(&engine);
    for _ in 0..2 {
        while !deadline.passed() {
            std::hint::spin_loop();
        }
        store.set_deadline(&deadline);
        assert_interrupted(call(&mut store, instance, "count", &[Value::I32(1)]));
    }
}
