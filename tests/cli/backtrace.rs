//! `--backtrace`: the number of frames that a trap or a deadline prints.

use crate::support::{Dir, Ended, guest, wrun};

/// A module with two exports that call themselves as often as the argument says. Then `f` traps, and `turn` loops forever.
const RECURSION: &str = r#"(module
    (func $inner unreachable)
    (func $down (export "f") (param $n i32)
      (if (i32.eqz (local.get $n)) (then (call $inner)))
      (call $down (i32.sub (local.get $n) (i32.const 1))))
    (func $turn (export "turn") (param $n i32)
      (if (i32.eqz (local.get $n)) (then (loop $forever (br $forever))))
      (call $turn (i32.sub (local.get $n) (i32.const 1)))
      (drop (i32.const 0))))"#;

/// Returns the numbers of the printed frames, and the line about the omitted ones.
fn frames(ended: &Ended) -> (Vec<u32>, Option<String>) {
    let mut omitted = None;
    let mut numbers = Vec::new();
    for line in ended.stderr.lines().skip(1) {
        match line.split_once(':').and_then(|(number, _)| number.trim().parse().ok()) {
            Some(number) => numbers.push(number),
            None => omitted = Some(line.trim().to_owned()),
        }
    }
    (numbers, omitted)
}

/// Calls `f` with this depth: there are two frames more than that.
fn recursion(options: &[&str], depth: u32) -> (Vec<u32>, Option<String>) {
    let dir = Dir::new();
    dir.write("x.wat", RECURSION);
    let ended = dir
        .wrun(options)
        .args(["--invoke", "f", "x.wat", &depth.to_string()])
        .run();
    frames(&ended.traps(134, "trap: unreachable", [""; 0]))
}

#[test]
fn twenty_frames_are_shown_at_most() {
    for options in [&[][..], &["--backtrace", "short"]] {
        assert_eq!(recursion(options, 18), ((0..20).collect(), None));
        let shown: Vec<_> = (0..15).chain(16..21).collect();
        assert_eq!(
            recursion(options, 19),
            (shown, Some("... 1 more frames ...".to_owned()))
        );
        let shown: Vec<_> = (0..15).chain(997..1002).collect();
        assert_eq!(
            recursion(options, 1000),
            (shown, Some("... 982 more frames ...".to_owned()))
        );
    }
}

#[test]
fn a_full_backtrace_has_all_frames_that_are_known() {
    assert_eq!(recursion(&["--backtrace", "full"], 40), ((0..42).collect(), None));
    let shown: Vec<_> = (0..48).chain(986..1002).collect();
    let omitted = Some("... 938 more frames ...".to_owned());
    assert_eq!(recursion(&["--backtrace=full"], 1000), (shown, omitted));
}

#[test]
fn without_backtrace_the_reason_is_left() {
    for options in [&["--backtrace=none"][..], &["--backtrace", "none", "--no-address-map"]] {
        wrun(options)
            .args(["--invoke", "unreachable"])
            .args([guest("traps")])
            .run()
            .fails(134, ["wrun: trap: unreachable"]);
    }
}

#[test]
fn a_deadline_has_the_same_lengths() {
    let dir = Dir::new();
    dir.write("x.wat", RECURSION);
    for (length, count) in [("none", 0), ("short", 20), ("full", 31)] {
        let words = [
            "--backtrace",
            length,
            "--epoch-timeout=1s",
            "--invoke=turn",
            "x.wat",
            "30",
        ];
        let ended = dir.wrun(words).run().status(124);
        assert_eq!(frames(&ended).0.len(), count, "{length}:\n{}", ended.stderr);
    }
}
