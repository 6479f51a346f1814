//! Deadlines: a guest ends when its deadline passes, in any state, and its store refuses further calls.
#![cfg(feature = "compiler")]

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use wrun_runtime::{Caller, Config, Deadline, Engine, Error, Imports, Instance, Module, Store, TrapCode, Value};

const GUEST: &str = r#"(module
    (import "host" "read" (func $read))
    (import "host" "quick" (func $quick))
    (func (export "loop") (loop (br 0)))
    (func (export "read") (call $read))
    (func (export "calls") (loop (call $quick) (br 0)))
    (memory (export "memory") 16)
    (func (export "fill") (loop
      (memory.fill (i32.const 0) (i32.const 1) (i32.const 1048576)) (br 0)))
    (func (export "nothing")))"#;

/// Longest time that a test waits for the end. It exceeds the delays of a slow machine, and a hang exceeds it.
const PATIENCE: Duration = Duration::from_secs(20);

fn run(name: &str) {
    let engine = Engine::new(&Config::new()).expect("made");
    let module = Module::new(&engine, &wat::parse_str(GUEST).expect("valid")).expect("valid");
    // No test writes to the other end, so reading waits forever.
    let (reader, _writer) = UnixStream::pair().expect("a pair of sockets");
    let mut imports = Imports::new(&engine);
    imports.func(
        "host",
        "read",
        |mut caller: Caller<'_, UnixStream>| -> Result<(), Error> {
            loop {
                match caller.data_mut().read(&mut [0]) {
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted && caller.interrupted() => {
                        return Err(Error::interrupt());
                    }
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    other => panic!("read gave {other:?}"),
                }
            }
        },
    );
    imports.func("host", "quick", |_: Caller<'_, UnixStream>| ());
    let mut store = Store::new(&engine, reader);
    let instance = Instance::new(&mut store, &module, &imports).expect("instantiates");
    let func = instance.func(&mut store, name).expect("exported");
    let start = Instant::now();
    let deadline = Deadline::after(Duration::from_millis(30)).expect("a timer");
    store.set_deadline(&deadline);
    let error = func.call(&mut store, &[]).expect_err("it never ends by itself");
    assert!(start.elapsed() >= Duration::from_millis(30) && start.elapsed() < PATIENCE);
    assert!(deadline.passed());
    let Error::Trap(trap) = error else {
        panic!("{name}: {error}")
    };
    assert_eq!(trap.code(), TrapCode::Interrupt, "{name}");
    assert!(!trap.backtrace().frames().is_empty(), "{name}");
    let nothing = instance.func(&mut store, "nothing").expect("exported");
    assert!(matches!(nothing.call(&mut store, &[]), Err(Error::Refused(_))));
    drop(deadline);
}

#[test]
fn in_a_loop() {
    run("loop");
}

#[test]
fn in_a_host_function_that_waits() {
    run("read");
}

#[test]
fn in_a_loop_of_host_calls() {
    run("calls");
}

#[test]
fn in_a_loop_of_library_calls() {
    run("fill");
}

#[test]
fn in_recursion() {
    let engine = Engine::new(Config::new().stack_size(512 << 20)).expect("made");
    let text = r#"(module (func $f (export "f") (param i64) (result i64)
        (if (result i64) (i64.lt_u (local.get 0) (i64.const 2))
          (then (local.get 0))
          (else (i64.add
            (call $f (i64.sub (local.get 0) (i64.const 1)))
            (call $f (i64.sub (local.get 0) (i64.const 2))))))))"#;
    let module = Module::new(&engine, &wat::parse_str(text).expect("valid")).expect("valid");
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &Imports::new(&engine)).expect("instantiates");
    let f = instance.func(&mut store, "f").expect("exported");
    let deadline = Deadline::after(Duration::from_millis(30)).expect("a timer");
    store.set_deadline(&deadline);
    let Err(Error::Trap(trap)) = f.call(&mut store, &[Value::I64(1000)]) else {
        panic!("it takes longer than the universe")
    };
    assert_eq!(trap.code(), TrapCode::Interrupt);
}

#[test]
fn a_deadline_that_has_passed_lets_nothing_run() {
    let engine = Engine::new(&Config::new()).expect("made");
    let module = Module::new(
        &engine,
        &wat::parse_str("(module (func (export \"f\")))").expect("valid"),
    )
    .expect("valid");
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &Imports::new(&engine)).expect("instantiates");
    let deadline = Deadline::after(Duration::ZERO).expect("a timer");
    while !deadline.passed() {
        std::hint::spin_loop();
    }
    store.set_deadline(&deadline);
    let f = instance.func(&mut store, "f").expect("exported");
    let Err(Error::Trap(trap)) = f.call(&mut store, &[]) else {
        panic!("it ran")
    };
    assert_eq!(trap.code(), TrapCode::Interrupt);
}

#[test]
fn a_guest_that_is_done_before_its_deadline_is_not_disturbed() {
    let engine = Engine::new(&Config::new()).expect("made");
    let text = "(module (func (export \"f\") (result i32) (i32.const 3)))";
    let module = Module::new(&engine, &wat::parse_str(text).expect("valid")).expect("valid");
    let mut store = Store::new(&engine, ());
    let deadline = Deadline::after(Duration::from_secs(3600)).expect("a timer");
    store.set_deadline(&deadline);
    let instance = Instance::new(&mut store, &module, &Imports::new(&engine)).expect("instantiates");
    let f = instance.func(&mut store, "f").expect("exported");
    assert_eq!(f.call(&mut store, &[]).expect("returns"), [Value::I32(3)]);
}

#[test]
fn a_deadline_that_has_passed_lets_no_segment_be_copied() {
    let engine = Engine::new(&Config::new()).expect("made");
    let module = |text| Module::new(&engine, &wat::parse_str(text).expect("valid")).expect("valid");
    let owner = module(r#"(module (memory (export "m") 1) (table (export "t") 1 funcref))"#);
    for text in [
        r#"(module (import "owner" "m" (memory 1)) (data (i32.const 0) "x"))"#,
        r#"(module (import "owner" "t" (table 1 funcref)) (func $f) (elem (i32.const 0) $f))"#,
    ] {
        let module = module(text);
        let mut store = Store::new(&engine, ());
        let owner = Instance::new(&mut store, &owner, &Imports::new(&engine)).expect("instantiates");
        let mut imports = Imports::new(&engine);
        for name in ["m", "t"] {
            imports.define("owner", name, owner.export(&mut store, name).expect("exported"));
        }
        Instance::new(&mut store, &module, &imports).expect("instantiates");
        let deadline = Deadline::after(Duration::ZERO).expect("a timer");
        while !deadline.passed() {
            std::hint::spin_loop();
        }
        store.set_deadline(&deadline);
        let Err(Error::Trap(trap)) = Instance::new(&mut store, &module, &imports) else {
            panic!("{text}: it was instantiated")
        };
        assert_eq!(trap.code(), TrapCode::Interrupt);
    }
}
