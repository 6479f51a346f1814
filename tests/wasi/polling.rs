//! `poll_oneoff`: ready descriptors and others, clocks of each kind, and errors of subscriptions as events.

use std::time::Duration;

use crate::tree::{Tree, Way, each_way};

/// Milliseconds that no wait may take, even on a busy machine.
const LATE: u32 = 20_000;

#[test]
fn a_silent_descriptor_is_not_ready_because_another_one_is() {
    each_way(|tree| {
        tree.write("grant/file", "0123456789");
        tree.calls_with(
            "path_open 3 - file - r+w -                      = 5
             poll_oneoff read:0 write:1                      = 2
             poll_oneoff read:0 read:5                       = 2=10
             poll_oneoff read:0 write:5 read:0               = 2
             poll_oneoff read:0 clock:monotonic:0            = 2
             poll_oneoff read:0 clock:realtime:past:abstime  = 2
             poll_oneoff clock:monotonic:3600000000000 read:5 = 2=10
             // The number of bytes left to read. At the end of a file there is no wait.
             fd_read 5 4                                     = 0123
             poll_oneoff read:5                              = 1=6
             fd_seek 5 100 set                               = 100
             poll_oneoff read:5                              = 1=0",
            crate::support::Wrun::stdin_open,
        );
    });
}

#[test]
fn all_that_is_ready_is_reported_in_the_order_of_the_subscriptions() {
    let tree = Tree::new(Way::AsItIs);
    tree.write("grant/file", "abc");
    // The other end of the input may already be closed.
    tree.calls_with(
        "path_open 3 - file - r -                                = 5
         poll_oneoff read:0                                      = 1=5 or 1=5#
         poll_oneoff write:1 read:0 read:5 clock:monotonic:0     = 1 2=5 3=3 4 or 1 2=5# 3=3 4
         fd_read 0 5                                             = input
         fd_read 0 5                                             = ''
         // Its other end is closed.
         poll_oneoff read:0                                      = 1=0#",
        |wrun| wrun.stdin("input"),
    );
}

#[test]
fn mistakes_are_events_of_their_own() {
    each_way(|tree| {
        tree.write("grant/file", "abc");
        tree.calls_with(
            "path_open 3 - file - r -                                        = 5
             poll_oneoff read:99                                             = 1!BADF
             poll_oneoff write:0xffffffff                                    = 1!BADF
             poll_oneoff read:0 read:99 write:98                             = 2!BADF 3!BADF
             poll_oneoff read:99 read:5 clock:monotonic:0 clock:9:1          = 1!BADF 2=3 3 4!INVAL
             poll_oneoff clock:monotonic:0 clock:realtime:0:2                = 1 2!INVAL
             // The CPU time of the program does not advance while it waits.
             poll_oneoff clock:process_cputime:1 clock:thread_cputime:1      = 1!NOTSUP 2!NOTSUP
             // An invalid subscription is reported at once, without a wait.
             poll_oneoff clock:monotonic:3600000000000 read:0 read:99        = 3!BADF",
            crate::support::Wrun::stdin_open,
        );
    });
}

#[test]
fn clocks_of_each_kind_end_on_time() {
    let wait = Duration::from_millis(60).as_nanos();
    let clocks = [
        format!("clock:monotonic:{wait}"),
        format!("clock:monotonic:{wait}:abstime"),
        format!("clock:realtime:{wait}"),
        format!("clock:realtime:{wait}:abstime"),
    ];
    let mut table = "elapsed = ok\n".to_owned();
    for clock in &clocks {
        table += &format!(
            "poll_oneoff {clock}                                    = 1
             elapsed 59 {LATE}                                      = ok
             poll_oneoff read:0 {clock}                             = 2
             elapsed 59 {LATE}                                      = ok
             poll_oneoff clock:monotonic:3600000000000 {clock}      = 2
             elapsed 59 {LATE}                                      = ok\n"
        );
    }
    table += &format!(
        "poll_oneoff clock:monotonic:past:abstime       = 1
         poll_oneoff clock:realtime:past:abstime        = 1
         poll_oneoff clock:monotonic:0 clock:realtime:0 = 1 2
         elapsed 0 {LATE}                               = ok"
    );
    // Clocks do not depend on `openat2`.
    Tree::new(Way::AsItIs).calls_with(&table, crate::support::Wrun::stdin_open);
}

#[test]
fn a_libc_sleeps_polls_and_waits_for_an_absolute_time() {
    Tree::new(Way::AsItIs)
        .guest("waiting", [""; 0])
        .stdin_open()
        .run()
        .prints("usleep\nclock_nanosleep\nclock_nanosleep absolute\npoll\nselect\n");
}

#[test]
fn a_connection_is_polled_like_any_other_stream() {
    // Descriptors that are neither pipes nor files. Sockets have their own tests.
    let tree = Tree::new(Way::AsItIs);
    tree.fifo("grant/fifo");
    tree.calls(
        "path_open 3 - fifo - r nonblock                 = 5
         poll_oneoff read:5 clock:monotonic:0            = 2
         path_open 3 - fifo - w nonblock                 = 6
         poll_oneoff read:5 write:6                      = 2
         fd_write 6 abc                                  = 3
         poll_oneoff read:5 write:6                      = 1=3 2
         fd_close 6                                      = ok
         poll_oneoff read:5                              = 1=3#
         fd_read 5 10                                    = abc
         poll_oneoff read:5                              = 1=0#
         // A directory is always ready.
         poll_oneoff read:3 clock:monotonic:0            = 1=0 2",
    );
}
