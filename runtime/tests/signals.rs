//! Epochs in a program that has its own signal handlers and child processes.
//!
//! # Safety
//! This file may use `unsafe`: it installs a signal handler that only increments an epoch, and forks a child that only runs a
//! guest and ends.
#![cfg(feature = "compiler")]
#![allow(unsafe_code, reason = "signal handlers and fork(2) cannot be had without it")]

use std::sync::OnceLock;

use wrun_runtime::{Caller, Config, Engine, Error, Imports, Instance, Module, Store, TrapCode};

fn instance(engine: &Engine, imports: &Imports<()>, text: &str) -> (Store<()>, Instance) {
    let module = Module::new(engine, &wat::parse_str(text).expect("valid")).expect("valid");
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, &module, imports).expect("instantiates");
    (store, instance)
}

fn is_interrupted(store: &mut Store<()>, instance: Instance, name: &str) -> bool {
    let func = instance.func(store, name).expect("exported");
    matches!(func.call(store, &[]), Err(Error::Trap(trap)) if trap.code() == TrapCode::Interrupt)
}

#[test]
fn a_signal_handler_of_the_embedder_ends_a_loop() {
    static ENGINE: OnceLock<Engine> = OnceLock::new();

    extern "C" fn on_alarm(_signal: i32) {
        ENGINE.get().expect("set before").increment_epoch();
    }

    let engine = ENGINE.get_or_init(|| Engine::new(&Config::new()).expect("made"));
    let text = r#"(module (func (export "loop") (loop (br 0))))"#;
    let (mut store, instance) = instance(engine, &Imports::new(engine), text);
    store.set_epoch_deadline(1);
    let times = libc::itimerval {
        it_interval: libc::timeval { tv_sec: 0, tv_usec: 0 },
        it_value: libc::timeval {
            tv_sec: 0,
            tv_usec: 30_000,
        },
    };
    // SAFETY: the handler only does what a handler may; the structure is valid for the call.
    unsafe {
        libc::signal(libc::SIGALRM, on_alarm as *const () as usize);
        assert_eq!(libc::setitimer(libc::ITIMER_REAL, &times, std::ptr::null_mut()), 0);
    }
    assert!(is_interrupted(&mut store, instance, "loop"));
}

#[test]
fn a_guest_that_was_running_when_its_process_forked_ends_at_its_deadline_in_the_child() {
    let engine = Engine::new(&Config::new()).expect("made");
    let mut imports = Imports::new(&engine);
    let other = engine.clone();
    imports.func("host", "fork", move |_: Caller<'_, ()>| -> i32 {
        // SAFETY: the child only runs the guest, and ends without running anything else of this program.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: ends the child if the guest does not, long after it should have ended.
            unsafe { libc::alarm(60) };
            // The signal arrives in the host's code. The timer that repeats it ends the guest's loop.
            other.increment_epoch();
        }
        child
    });
    let text = r#"(module (import "host" "fork" (func $fork (result i32)))
        (func (export "fork") (result i32) (local $child i32)
          (local.set $child (call $fork))
          (if (i32.eqz (local.get $child)) (then (loop (br 0))))
          (local.get $child)))"#;
    let (mut store, instance) = instance(&engine, &imports, text);
    store.set_epoch_deadline(1);
    let fork = instance.func(&mut store, "fork").expect("exported");
    match fork.call(&mut store, &[]) {
        // The code of the child. No guest was stopped in the parent.
        Err(Error::Trap(trap)) if trap.code() == TrapCode::Interrupt => {
            // SAFETY: ends the child.
            unsafe { libc::_exit(7) }
        }
        Ok(results) => {
            let [wrun_runtime::Value::I32(child)] = results[..] else {
                panic!("{results:?}")
            };
            let mut status = 0;
            // SAFETY: the child is this process's, and the number is valid for the call.
            unsafe { assert_eq!(libc::waitpid(child, &mut status, 0), child) };
            assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 7, "{status:#x}");
        }
        Err(error) => panic!("{error}"),
    }
}
