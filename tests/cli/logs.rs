//! Logs: off unless asked for, and at `debug` every phase with its times.

mod support;

use support::{guest, wrun};

#[test]
fn nothing_is_logged_unless_asked_for() {
    wrun([guest("hello")]).run().prints("hello, world\n");
    wrun([guest("hello")])
        .env("WRUN_LOG", "off")
        .run()
        .prints("hello, world\n");
    wrun([guest("hello")])
        .env("RUST_LOG", "error")
        .run()
        .prints("hello, world\n");
}

#[test]
fn at_debug_every_phase_is_there_with_its_times() {
    for variable in ["WRUN_LOG", "RUST_LOG"] {
        let ended = wrun([guest("hello")]).env(variable, "debug").run().status(0);
        assert_eq!(ended.stdout, b"hello, world\n");
        // In the order of the design; translate and compile are one span.
        let mut rest = ended.stderr.as_str();
        for phase in ["parse", "translate+compile", "link", "load", "instantiate", "call"] {
            let (mark, mut lines) = (format!("{phase}: "), rest.split_inclusive('\n'));
            let found = lines.any(|line| line.contains(&mark) && line.contains("wall") && line.contains("cpu"));
            assert!(found, "no {phase} in its place in\n{}", ended.stderr);
            let left: usize = lines.map(str::len).sum();
            rest = &rest[rest.len() - left..];
        }
        assert!(ended.stderr.contains("bytes"), "{}", ended.stderr);
        // The code generator's own thoughts would bury the rest.
        assert!(!ended.stderr.contains("cranelift"), "{}", ended.stderr);
    }
}

#[test]
fn wruns_own_variable_counts_more() {
    wrun([guest("hello")])
        .env("WRUN_LOG", "off")
        .env("RUST_LOG", "debug")
        .run()
        .prints("hello, world\n");
    let ended = wrun([guest("hello")])
        .env("WRUN_LOG", "debug")
        .env("RUST_LOG", "off")
        .run()
        .status(0);
    assert!(ended.stderr.contains("instantiate"), "{}", ended.stderr);
}

#[test]
fn the_code_generators_logs_are_to_be_had_by_name() {
    let ended = wrun([guest("hello")])
        .env("WRUN_LOG", "cranelift_codegen=debug")
        .run()
        .status(0);
    assert!(ended.stderr.contains("cranelift_codegen"), "{}", ended.stderr);
}

#[test]
fn a_filter_that_means_nothing_is_said_in_one_line() {
    for (variable, filter) in [
        ("WRUN_LOG", "foo=bar,="),
        ("WRUN_LOG", "debug/x/y"),
        ("RUST_LOG", "wrun=loud"),
    ] {
        let ended = wrun([guest("hello")]).env(variable, filter).run().status(0);
        assert_eq!(ended.stdout, b"hello, world\n");
        let start = format!("wrun: notice: {variable}: ");
        assert!(
            ended.stderr.starts_with(&start) && ended.stderr.lines().count() == 1,
            "{filter}:\n{}",
            ended.stderr
        );
    }
}
