//! Logs: off by default, and with `debug` they have every phase with its times.

use crate::support::{Dir, guest, wrun, wrun_through};

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
        // In the order of the phases. Translate and compile are one line.
        let mut rest = ended.stderr.as_str();
        for phase in ["parse", "translate+compile", "link", "load", "instantiate", "call"] {
            let (mark, mut lines) = (format!("{phase}: "), rest.split_inclusive('\n'));
            let found = lines.any(|line| line.contains(&mark) && line.contains("wall") && line.contains("cpu"));
            assert!(found, "no {phase} in its place in\n{}", ended.stderr);
            let left: usize = lines.map(str::len).sum();
            rest = &rest[rest.len() - left..];
        }
        assert!(ended.stderr.contains("bytes"), "{}", ended.stderr);
        // The code generator's own logs are too long.
        assert!(!ended.stderr.contains("cranelift"), "{}", ended.stderr);
    }
}

#[test]
fn looking_up_is_the_phase_cache_and_mapping_is_the_phase_load() {
    const COMPILE: [&str; 3] = ["parse", "translate+compile", "link"];
    let dir = Dir::new();
    let module = wat::parse_file(guest("hello")).expect("the guest is well-formed");
    dir.write("hello.wasm", module);
    // The phases in the order in which they ended.
    let phases = |options: &[&str]| {
        let run = dir.wrun(options).args(["hello.wasm"]).env("WRUN_LOG", "debug");
        let ended = run.run().status(0);
        let lines = ended.stderr.lines().filter(|line| line.ends_with(" cpu"));
        let names = lines.filter_map(|line| line.split_once("] ")?.1.split_once(": "));
        names.map(|(name, _)| name.to_owned()).collect::<Vec<_>>()
    };
    let run = ["load", "instantiate", "call"];
    assert_eq!(phases(&["--no-cache"]), [&COMPILE[..], &run].concat());
    let cached = ["--cache-dir=cache"];
    // A file that was just written is neither found nor remembered by its identity.
    assert_eq!(
        phases(&cached),
        // Look-ups by identity, by contents, and, after the preflight checks, under the lock of the key.
        [&["cache", "cache", "cache"], &COMPILE[..], &["cache"], &run].concat(),
        "not there"
    );
    assert_eq!(
        phases(&cached),
        [&["cache", "cache"][..], &run].concat(),
        "found by its contents"
    );
    std::thread::sleep(std::time::Duration::from_millis(3300));
    assert_eq!(
        phases(&cached),
        ["cache", "cache", "load", "cache", "instantiate", "call"],
        "remembered"
    );
    assert_eq!(
        phases(&cached),
        [&["cache"][..], &run].concat(),
        "found by its identity"
    );
}

/// Returns the number before a word, as in `3.988 ms wall`.
fn milliseconds(line: &str, word: &str) -> f64 {
    let (before, _) = line.split_once(&format!(" ms {word}")).expect("a phase has both times");
    let number = before.rsplit(' ').next().expect("there is a number");
    number.parse().unwrap_or_else(|error| panic!("{line}: {error}"))
}

#[test]
fn the_phases_take_no_longer_together_than_the_process() {
    let dir = Dir::new();
    // Compiling takes most of the time, so a phase that is counted twice would exceed the total.
    let mut text = String::from("(module (memory 1) (func (export \"_start\"))");
    for function in 0..300 {
        text += "(func (param i32) (result i32) local.get 0";
        for step in 0..100 {
            text += &format!(" i32.load offset={step} i32.const {function} i32.xor i32.const 65535 i32.and");
        }
        text += ")";
    }
    dir.write("large.wasm", wat::parse_str(text + ")").expect("well-formed"));
    // The last line of the shell is the CPU time of its children, in user mode and in the kernel.
    let shell = ["/bin/sh", "-c", "\"$0\" \"$@\"; times >&2"];
    let run = wrun_through(&shell, ["--no-cache", "large.wasm"]).current_dir(dir.path());
    let ended = run.env("WRUN_LOG", "debug").run().status(0);
    let children = ended.stderr.lines().last().expect("the shell has written it");
    let seconds = |time: &str| -> f64 {
        let (minutes, seconds) = time.trim_end_matches('s').split_once('m').expect("minutes and seconds");
        minutes.parse::<f64>().expect("a number") * 60.0 + seconds.parse::<f64>().expect("a number")
    };
    let cpu: f64 = children.split(' ').map(seconds).sum::<f64>() * 1e3;
    let wall = ended.wall.as_secs_f64() * 1e3;

    let phases: Vec<_> = ended.stderr.lines().filter(|line| line.ends_with(" cpu")).collect();
    let sum = |word| -> f64 { phases.iter().map(|line| milliseconds(line, word)).sum() };
    let (walls, cpus) = (sum("wall"), sum("cpu"));
    // The kernel counts in hundredths of a second.
    assert!(
        walls <= wall && cpus <= cpu + 20.0,
        "{walls} of {wall}, {cpus} of {cpu}:\n{}",
        ended.stderr
    );
    assert!(
        walls > wall / 2.0,
        "{walls} of {wall}: the phases leave something out:\n{}",
        ended.stderr
    );
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
