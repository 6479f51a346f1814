//! Arguments, environment, clocks, random bytes, and the end.

use std::time::{Duration, SystemTime};

use crate::guests;
use crate::tree::{Tree, Way};

fn tree() -> Tree {
    Tree::new(Way::AsItIs)
}

/// Returns the number that the interpreter prints for one call.
fn printed(call: &str) -> u64 {
    let ended = tree().guest("calls", [call]).run().status(0).quiet();
    let text = String::from_utf8(ended.stdout).expect("the interpreter prints ASCII");
    text.trim().parse().unwrap_or_else(|_| panic!("{call}: {text}"))
}

#[test]
fn arguments_and_environment_are_counted_with_their_zero_bytes() {
    let module = guests::wasm("calls");
    let name = module.as_os_str().len() + 1;
    let size = name + "args_sizes_get".len() + 1 + "environ_sizes_get".len() + 1;
    let words = ["--env", "A=1", "--env", "BC=", &module.to_string_lossy()].map(str::to_owned);
    let script = format!("args_sizes_get = 3 {size}\nenviron_sizes_get = 2 8");
    let script = crate::script::Script::new(&script);
    let ended = tree().wrun(words).args(script.calls()).run().status(0).quiet();
    script.check(&ended.stdout, "two variables");
}

#[test]
fn clocks_have_a_resolution_and_go_forward() {
    for clock in ["realtime", "monotonic", "process_cputime", "thread_cputime"] {
        let resolution = printed(&format!("clock_res_get {clock}"));
        assert!((1..=1_000_000_000).contains(&resolution), "{clock}: {resolution}");
        assert!(printed(&format!("clock_time_get {clock} 0")) > 0);
    }
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("after 1970");
    let guests = Duration::from_nanos(printed("clock_time_get realtime 1000000000"));
    assert!(guests + Duration::from_secs(100) > now && guests < now + Duration::from_secs(100));
    tree().calls(
        "clock_res_get 4              = INVAL
         clock_res_get 0xffffffff     = INVAL
         clock_time_get 4 0           = INVAL
         clock_time_get 0xffffffff 0  = INVAL",
    );
}

#[test]
fn random_bytes_are_random_and_as_many_as_asked_for() {
    tree().calls(
        "random_get 0        = ok
         random_get 16       = ok
         random_get 65536    = ok
         random_get 65537    = ok
         random_get 1048000  = ok
         sched_yield         = ok",
    );
}

#[test]
fn the_end_has_the_guests_status_and_nothing_runs_after_it() {
    for status in [0, 1, 2, 77, 124, 125, 126, 127, 128, 134, 200, 255] {
        let exit = format!("proc_exit {status}");
        let ended = tree().guest("calls", ["sched_yield", &exit, "sched_yield"]).run();
        assert_eq!(ended.status(status).quiet().stdout, b"ok\n");
    }
    // A libc flushes its buffers and runs the functions that were registered for the end.
    for (how, status, printed) in [
        ("return", 3, "buffered\nat the end\n"),
        ("exit", 255, "buffered\nat the end\n"),
        ("_Exit", 254, ""),
    ] {
        let ended = tree().guest("ending", [how]).run().status(status).quiet();
        assert_eq!(
            ended.stdout.escape_ascii().to_string(),
            printed.as_bytes().escape_ascii().to_string()
        );
    }
}

#[test]
fn an_abort_is_a_trap_of_the_guest_and_a_signal_is_not_sent() {
    tree()
        .guest("ending", ["abort"])
        .run()
        .traps(134, "trap: unreachable", ["abort"]);
}
