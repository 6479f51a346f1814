//! `--epoch-timeout`: ends the guest in any state, with status 124 and a backtrace.

use std::fs;
use std::io::{PipeReader, PipeWriter, Write};
use std::thread;
use std::time::Duration;

use rustix::fs::{CWD, Mode, mkfifoat};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};

use crate::support::{Dir, Ended, guest, wrun};

const DEADLINE: Duration = Duration::from_millis(300);

/// The longest time that a run may take: enough for a loaded machine, and far less than the hour that the guests would take.
const LATE: Duration = Duration::from_secs(20);

#[track_caller]
fn interrupted(ended: Ended, frame: &str) {
    let ended = ended.traps(
        124,
        "interrupted: the deadline of 300ms has passed (--epoch-timeout)",
        [frame],
    );
    assert!(ended.wall >= DEADLINE && ended.wall < LATE, "after {:?}", ended.wall);
}

#[test]
fn a_loop_is_ended() {
    interrupted(
        wrun(["--epoch-timeout=300ms", "--invoke=loop"])
            .args([guest("waits")])
            .run(),
        "0: loop",
    );
}

#[test]
fn a_recursion_is_ended() {
    let ended = wrun(["--epoch-timeout=300ms", "--invoke=recursion"])
        .args([guest("waits")])
        .args(["90"])
        .run();
    interrupted(ended, ": recursion");
}

#[test]
fn a_sleep_is_ended() {
    interrupted(
        wrun(["--epoch-timeout=300ms", "--invoke=sleep"])
            .args([guest("waits")])
            .run(),
        ": sleep",
    );
}

#[test]
fn a_blocking_read_is_ended() {
    let ended = wrun(["--epoch-timeout=300ms", "--invoke=read"])
        .args([guest("waits")])
        .stdin_open()
        .run();
    interrupted(ended, ": read");
}

#[test]
fn waiting_for_the_module_is_ended() {
    let ended = wrun(["--epoch-timeout=300ms", "-"]).stdin_open().run();
    let ended = ended.fails(124, ["interrupted: the deadline of 300ms has passed (--epoch-timeout)"]);
    assert!(ended.wall >= DEADLINE && ended.wall < LATE, "after {:?}", ended.wall);
}

/// Makes a directory with a named pipe `pipe`.
fn named_pipe() -> Dir {
    let dir = Dir::new();
    mkfifoat(CWD, dir.path().join("pipe"), Mode::RUSR | Mode::WUSR).expect("the directory for tests can be written");
    dir
}

#[test]
fn a_named_pipe_that_nobody_writes_to_is_waited_for_until_the_deadline() {
    let dir = named_pipe();
    for options in [
        &["--epoch-timeout=300ms"][..],
        &["--epoch-timeout=300ms", "--allow-precompiled"],
    ] {
        let ended = dir.wrun(options).args(["pipe"]).run();
        let ended = ended.fails(124, ["interrupted: the deadline of 300ms has passed (--epoch-timeout)"]);
        assert!(ended.wall >= DEADLINE && ended.wall < LATE, "after {:?}", ended.wall);
    }
    // A writer opens it and writes nothing.
    thread::scope(|scope| {
        scope.spawn(|| {
            let writer = fs::OpenOptions::new().write(true).open(dir.path().join("pipe"));
            thread::sleep(Duration::from_secs(1));
            drop(writer);
        });
        let ended = dir.wrun(["--epoch-timeout=300ms", "pipe"]).run();
        ended.fails(124, ["interrupted: the deadline of 300ms has passed (--epoch-timeout)"]);
    });
}

#[test]
fn a_named_pipe_gives_the_module_when_somebody_comes() {
    let dir = named_pipe();
    for options in [&[][..], &["--epoch-timeout=1h"]] {
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(DEADLINE);
                fs::copy(guest("hello"), dir.path().join("pipe"))
            });
            dir.wrun(options).args(["pipe"]).run().prints("hello, world\n");
        });
    }
}

/// Makes a full pipe whose reader does not read.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().expect("there are descriptors left");
    let size = rustix::pipe::fcntl_setpipe_size(&writer, 4096).expect("it is empty");
    writer.write_all(&vec![b'.'; size]).expect("there is room for this");
    (reader, writer)
}

#[test]
fn messages_do_not_wait_for_a_full_pipe_when_the_deadline_has_passed() {
    for (module, function, status) in [("waits", "loop", 124), ("traps", "unreachable", 134)] {
        let (_reader, writer) = full_pipe();
        let ended = wrun(["--epoch-timeout=300ms", "--invoke", function])
            .args([guest(module)])
            .run_with_stderr(writer)
            .status(status);
        assert!(ended.wall >= DEADLINE && ended.wall < LATE, "after {:?}", ended.wall);
    }
}

#[test]
fn notices_before_the_guest_runs_do_not_wait_for_a_full_pipe_when_the_deadline_has_passed() {
    let (_reader, writer) = full_pipe();
    let ended = wrun(["--epoch-timeout=300ms", "--listen=127.0.0.1:0", "--invoke=loop"])
        .args([guest("waits")])
        .run_with_stderr(writer)
        .status(124);
    assert!(ended.wall >= DEADLINE && ended.wall < LATE, "after {:?}", ended.wall);
}

#[test]
fn logs_do_not_wait_for_a_full_pipe_when_the_deadline_has_passed() {
    // Logs of the session's thread, and also logs of the compiling threads. The session must not wait for either.
    for filter in ["debug", "debug,cranelift_codegen=debug"] {
        let (_reader, writer) = full_pipe();
        let ended = wrun(["--epoch-timeout=300ms", "--invoke=loop"])
            .args([guest("waits")])
            .env("WRUN_LOG", filter)
            .run_with_stderr(writer)
            .status(124);
        assert!(ended.wall >= DEADLINE && ended.wall < LATE, "after {:?}", ended.wall);
    }
}

#[test]
fn the_line_about_compiling_does_not_wait_for_a_stopped_terminal_when_the_deadline_has_passed() {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    let master = openpt(flags).expect("there are terminals left");
    unlockpt(&master).expect("the test owns it");
    let terminal = ioctl_tiocgptpeer(&master, flags).expect("it is unlocked");
    // The character of Ctrl-S stops the output.
    rustix::io::write(&master, b"\x13").expect("there is room");
    let ended = wrun(["--epoch-timeout=1500ms", "-"])
        .env("TERM", "xterm")
        .stdin(slow_to_compile())
        .run_with_stderr(terminal)
        .status(124);
    assert!(ended.wall >= DEADLINE && ended.wall < LATE, "after {:?}", ended.wall);
}

#[test]
fn results_wait_for_a_full_pipe_until_the_deadline() {
    let (_reader, writer) = full_pipe();
    let ended = wrun(["--epoch-timeout=300ms", "--invoke=quick"])
        .args([guest("waits")])
        .run_with_stdout(writer);
    let ended = ended.fails(124, ["interrupted: the deadline of 300ms has passed (--epoch-timeout)"]);
    assert!(ended.wall >= DEADLINE && ended.wall < LATE, "after {:?}", ended.wall);
}

#[test]
fn a_deadline_that_passes_before_the_guest_runs_has_the_same_status() {
    let ended = wrun(["--epoch-timeout=1us"]).args([guest("hello")]).run();
    ended
        .status(124)
        .says(["interrupted: the deadline of 1us has passed (--epoch-timeout)"]);
}

#[test]
fn compiling_counts() {
    // Thousands of functions that take a while to compile, in a module that would then end at once.
    let body: String = (0..400)
        .map(|i| format!("(local.set 0 (i64.xor (i64.mul (local.get 0) (i64.const {i})) (local.get 1)))"))
        .collect();
    let functions: String = (0..3000)
        .map(|i| format!("(func $f{i} (param i64 i64) (result i64) {body} (local.get 0))"))
        .collect();
    let wasm = wat::parse_str(format!("(module {functions} (func (export \"_start\")))")).expect("it is well-formed");
    let ended = wrun(["--epoch-timeout=300ms", "-"]).stdin(wasm).run();
    let ended = ended.fails(124, ["interrupted: the deadline of 300ms has passed"]);
    assert!(ended.wall >= DEADLINE && ended.wall < LATE, "after {:?}", ended.wall);
}

/// Returns a module with one function that takes many seconds to compile.
fn slow_to_compile() -> Vec<u8> {
    // Every loop can change every local, so the code generator needs many seconds.
    let locals = 300;
    let sets: String = (0..locals)
        .map(|i| {
            format!(
                "(local.set {i} (i32.add (local.get {}) (i32.const {i})))",
                (i * 7 + 1) % locals
            )
        })
        .collect();
    let nest = (0..200).fold(String::new(), |inner, _| {
        format!("(loop {sets} {inner} (br_if 0 (local.get 3)))")
    });
    let text = format!(
        "(module (func (export \"_start\") (local {}) {nest}))",
        "i32 ".repeat(locals)
    );
    wat::parse_str(text).expect("it is well-formed")
}

#[test]
fn compiling_a_single_function_counts() {
    let ended = wrun(["--epoch-timeout=300ms", "-"]).stdin(slow_to_compile()).run();
    let ended = ended.fails(124, ["interrupted: the deadline of 300ms has passed"]);
    assert!(ended.wall >= DEADLINE && ended.wall < LATE, "after {:?}", ended.wall);
}

#[test]
fn without_address_map_the_message_says_what_is_lost() {
    let options = ["--epoch-timeout=300ms", "--no-address-map", "--invoke=loop"];
    interrupted(wrun(options).args([guest("waits")]).run(), "--no-address-map");
}

#[test]
fn a_deadline_that_does_not_pass_changes_nothing() {
    for deadline in ["1m", "1m30s", "1h", "60000ms", "8760h"] {
        let option = format!("--epoch-timeout={deadline}");
        wrun([&option]).args([guest("hello")]).run().prints("hello, world\n");
        wrun([&option, "--invoke=quick"])
            .args([guest("waits")])
            .run()
            .prints("42\n");
        wrun([&option])
            .args([guest("exit")])
            .args(["7"])
            .run()
            .status(7)
            .quiet();
        wrun([&option, "--invoke=unreachable"])
            .args([guest("traps")])
            .run()
            .traps(134, "trap: unreachable", ["0: inner"]);
        wrun([&option])
            .args([guest("cat")])
            .stdin("through")
            .run()
            .prints("through");
    }
}
