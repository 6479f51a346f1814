//! The guest's view of its environment (arguments, variables, standard streams, directories), and the exit status and output of
//! the guest.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::support::{Dir, guest, wrun, wrun_after};

/// Returns the output of the guest `words` for these arguments and variables.
fn words(args: &[&[u8]], env: &[&[u8]]) -> Vec<u8> {
    let string = |word: &&[u8]| [word, &b"\0"[..]].concat();
    [
        args.iter().flat_map(string).collect(),
        b"|".to_vec(),
        env.iter().flat_map(string).collect(),
    ]
    .concat()
}

#[test]
fn hello() {
    wrun([guest("hello")]).run().prints("hello, world\n");
    wrun([OsStr::new("run"), guest("hello").as_os_str()])
        .run()
        .prints("hello, world\n");
}

#[test]
fn every_word_after_the_module_arrives_byte_for_byte() {
    let dir = Dir::new();
    std::fs::copy(guest("words"), dir.path().join("words.wat")).expect("the directory for tests can be written");
    for args in [
        &[][..],
        &[&b"one"[..], b"two words", b""],
        &[b"--help"],
        &[b"-h", b"--", b"-x", b"--dir", b"."],
        &[b"--", b"--"],
        &[b"-"],
        &[b"run", b"help"],
        &[b"\xff\xfe", b"\x01\n\t\x7f", b"'\"$HOME`*?", "ü€😀".as_bytes()],
    ] {
        let typed: Vec<&OsStr> = args.iter().map(|arg| OsStr::from_bytes(arg)).collect();
        let expected = words(&[&[&b"words.wat"[..]], args].concat(), &[]);
        dir.wrun(["words.wat"]).args(&typed).run().prints(&expected);
        dir.wrun(["run", "words.wat"]).args(&typed).run().prints(&expected);
    }
}

#[test]
fn argv0_is_the_path_as_typed_or_as_asked_for() {
    let dir = Dir::new();
    std::fs::copy(guest("words"), dir.path().join("words.wat")).expect("the directory for tests can be written");
    std::fs::copy(guest("words"), dir.path().join(OsStr::from_bytes(b"\xff.wat")))
        .expect("the file system takes bytes");
    for (typed, argv0) in [
        (&[&b"words.wat"[..]][..], &b"words.wat"[..]),
        (&[b"./words.wat"], b"./words.wat"),
        (&[b".//./words.wat"], b".//./words.wat"),
        (&[b"\xff.wat"], b"\xff.wat"),
        (&[b"--argv0", b"python", b"words.wat"], b"python"),
        (&[b"--argv0=", b"words.wat"], b""),
        (&[b"--argv0", b"-sh", b"words.wat"], b"-sh"),
        (&[b"--argv0", b"\xfe\xff", b"words.wat"], b"\xfe\xff"),
        (&[b"--argv0", b"first", b"--argv0", b"last", b"words.wat"], b"last"),
    ] {
        let typed: Vec<&OsStr> = typed.iter().map(|word| OsStr::from_bytes(word)).collect();
        dir.wrun(&typed).args(["x"]).run().prints(words(&[argv0, b"x"], &[]));
    }
    let text = std::fs::read(guest("words")).expect("the guest exists");
    wrun(["-", "x"]).stdin(text).run().prints(words(&[b"-", b"x"], &[]));
}

#[test]
fn the_environment_is_what_was_granted() {
    let words_of = |options: &[&[u8]], env: &[&[u8]]| {
        let options: Vec<&OsStr> = options.iter().map(|word| OsStr::from_bytes(word)).collect();
        let module = guest("words");
        wrun(options)
            .args([OsStr::new("--argv0=w"), module.as_os_str()])
            .env("HOST", "of the host")
            .env(OsStr::from_bytes(b"BYTES"), OsStr::from_bytes(b"\xff\n=x"))
            .run()
            .prints(words(&[b"w"], env));
    };
    words_of(&[], &[]);
    words_of(
        &[b"--env", b"A=1", b"--env=B=x=y", b"--env", b"C="],
        &[b"A=1", b"B=x=y", b"C="],
    );
    words_of(
        &[b"--env", b"A=1", b"--env", b"B=2", b"--env", b"A=3"],
        &[b"A=3", b"B=2"],
    );
    words_of(&[b"--env", b"\xfe=\xff"], &[b"\xfe=\xff"]);
    words_of(&[b"--env", b"HOST"], &[b"HOST=of the host"]);
    words_of(&[b"--env", b"BYTES"], &[b"BYTES=\xff\n=x"]);
    words_of(&[b"--env", b"NOWHERE_SET"], &[]);
    words_of(&[b"--env", b"HOST", b"--env", b"HOST=mine"], &[b"HOST=mine"]);
}

#[test]
fn the_whole_environment_is_passed_on_when_asked_for() {
    let inherited = |options: &[&str]| {
        let ended = wrun(options)
            .args([OsStr::new("--argv0=w"), guest("words").as_os_str()])
            .env("A", "1")
            .env("B", OsStr::from_bytes(b"\xff"))
            .run()
            .status(0)
            .quiet();
        let env = ended.stdout.strip_prefix(b"w\0|").expect("one argument").to_vec();
        let mut env: Vec<Vec<u8>> = env
            .split(|byte| *byte == 0)
            .filter(|word| !word.is_empty())
            .map(<[u8]>::to_vec)
            .collect();
        env.sort();
        env
    };
    assert_eq!(inherited(&["--inherit-env"]), [&b"A=1"[..], b"B=\xff"]);
    assert_eq!(inherited(&["--inherit-env", "--env", "A=2"]), [&b"A=2"[..], b"B=\xff"]);
    assert_eq!(
        inherited(&["--env", "A=2", "--env=C=3", "--inherit-env"]),
        [&b"A=2"[..], b"B=\xff", b"C=3"]
    );
}

#[test]
fn the_guests_status_is_wruns() {
    for status in [0, 1, 2, 7, 77, 124, 125, 126, 127, 128, 134, 137, 255] {
        wrun([guest("exit")])
            .args([status.to_string()])
            .run()
            .status(status)
            .quiet();
    }
    for (asked, seen) in [("256", 0), ("263", 7), ("4294967295", 255)] {
        wrun([guest("exit")]).args([asked]).run().status(seen).quiet();
    }
}

#[test]
fn standard_streams_are_passed_on() {
    wrun([guest("cat")]).stdin("").run().prints("");
    let bytes: Vec<u8> = (0..=255).cycle().take(1_000_000).collect();
    wrun([guest("cat")]).stdin(bytes.clone()).run().prints(bytes);
}

#[test]
fn a_closed_standard_stream_is_closed_to_the_guest_too() {
    const BADF: i32 = 8;
    let dir = Dir::new();
    // Ends with the error number of a call on a stream, whose number is the length of `argv[0]` less one.
    let module = |call: &str| {
        let text = format!(
            r#"(module
              (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
              (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
              (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
              (import "wasi_snapshot_preview1" "fd_fdstat_get" (func $fd_fdstat_get (param i32 i32) (result i32)))
              (import "wasi_snapshot_preview1" "fd_fdstat_set_flags"
                (func $fd_fdstat_set_flags (param i32 i32) (result i32)))
              (import "wasi_snapshot_preview1" "fd_filestat_get" (func $fd_filestat_get (param i32 i32) (result i32)))
              (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
              (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
              (memory (export "memory") 1)
              (data (i32.const 0) "\40\00\00\00\01\00\00\00")
              (func $poll (param $fd i32) (param $event i32) (result i32)
                (i32.store8 (i32.const 108) (local.get $event))
                (i32.store (i32.const 116) (local.get $fd))
                (if (call $poll_oneoff (i32.const 100) (i32.const 200) (i32.const 1) (i32.const 300)) (then unreachable))
                (i32.load16_u (i32.const 208)))
              (func (export "_start") (local $fd i32)
                (if (call $sizes (i32.const 300) (i32.const 304)) (then unreachable))
                (local.set $fd (i32.sub (i32.load (i32.const 304)) (i32.const 2)))
                (call $proc_exit {call})))"#
        );
        dir.write("guest.wat", text)
    };
    for (call, streams) in [
        (
            "(call $fd_read (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 16))",
            &[0][..],
        ),
        (
            "(call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 16))",
            &[1, 2],
        ),
        ("(call $fd_fdstat_get (local.get $fd) (i32.const 400))", &[0, 1, 2]),
        ("(call $fd_fdstat_set_flags (local.get $fd) (i32.const 4))", &[0, 1, 2]),
        ("(call $fd_filestat_get (local.get $fd) (i32.const 400))", &[0, 1, 2]),
        ("(call $poll (local.get $fd) (i32.const 1))", &[0]),
        ("(call $poll (local.get $fd) (i32.const 2))", &[1, 2]),
    ] {
        let module = module(call);
        for stream in streams {
            let name = "x".repeat(stream + 1);
            // If wrun did not prevent it, the number of the stream would go to a directory or the module, which are opened
            // first.
            for closed in [format!("exec {stream}<&-"), "exec <&- >&- 2>&-".to_owned()] {
                let words = [
                    OsStr::new("--dir=/"),
                    "--argv0".as_ref(),
                    name.as_ref(),
                    module.as_os_str(),
                ];
                wrun_after(&closed, words).run().status(BADF).quiet();
            }
            // The stream is open in all of these cases.
            let words = [OsStr::new("--argv0"), name.as_ref(), module.as_os_str()];
            wrun(words).stdin("x").run().status(0);
        }
    }
    let closed = format!("cd '{}' && exec 2>&-", dir.path().display());
    let module = dir.write("nothing.wasm", "nothing");
    wrun_after(&closed, ["nothing.wasm"]).run().status(126).quiet();
    assert_eq!(std::fs::read(module).expect("it exists"), b"nothing");
}

#[test]
fn a_closed_pipe_is_an_error_for_the_guest_and_no_signal_for_wrun() {
    let (reader, writer) = std::io::pipe().expect("there are descriptors left");
    drop(reader);
    // `hello` ends with 1 when it cannot write.
    wrun([guest("hello")]).run_with_stdout(writer).status(1).quiet();
}

#[test]
fn directories_have_the_names_they_were_given() {
    let dir = Dir::new();
    std::fs::create_dir(dir.path().join("sub")).expect("the directory for tests can be written");
    let module = guest("dirs");
    let path = dir.path().to_str().expect("the checkout has a name in UTF-8");
    for (options, names) in [
        (&[][..], "/dev\n"),
        (&["--dir", "."], ".\n/dev\n"),
        (&["--dir", "sub"], "sub\n/dev\n"),
        (&["--dir", "./sub/"], "./sub/\n/dev\n"),
        (&["--dir", path], &format!("{path}\n/dev\n")),
        (&["--dir", ".::/"], "/\n"),
        (&["--dir=sub::/a::b"], "/a::b\n/dev\n"),
        (&["--dir", ".::x", "--dir", "sub::y"], "x\ny\n/dev\n"),
        (&["--dir-ro", "sub::ro", "--dir", ".::rw"], "rw\nro\n/dev\n"),
    ] {
        dir.wrun(options).args([&module]).run().prints(names);
    }
}

#[test]
fn a_directory_for_reading_only_cannot_be_written() {
    let dir = Dir::new();
    dir.write("file.txt", "text");
    let module = guest("dirs");
    let call = |option: &str, function: &str| {
        dir.wrun([option, ".::/w", "--invoke", function])
            .args([module.as_os_str(), OsStr::new("3")])
            .run()
            .status(0)
            .quiet()
            .stdout
    };
    assert_eq!(call("--dir", "read"), b"0\n");
    assert_eq!(call("--dir-ro", "read"), b"0\n");
    assert_ne!(call("--dir-ro", "create"), b"0\n");
    assert!(!dir.path().join("made.txt").exists());
    assert_eq!(call("--dir", "create"), b"0\n");
    assert!(dir.path().join("made.txt").exists());
}

#[test]
fn imports_that_wrun_does_not_know_are_refused_or_replaced() {
    let dir = Dir::new();
    dir.write(
        "x.wat",
        r#"(module
            (import "env" "frob" (func $frob (param i32 f64) (result i64)))
            (import "env" "log" (func $log (param i32)))
            (func $main (export "_start") nop)
            (func $caller (export "call") (result i64) (call $log (i32.const 1)) (call $frob (i32.const 1) (f64.const 2))))"#,
    );
    dir.wrun(["x.wat"]).run().fails(126, ["env.frob", "env.log"]);
    dir.wrun(["--unknown-imports=error", "x.wat"])
        .run()
        .fails(126, ["env.frob", "env.log"]);
    for how in ["trap", "zero"] {
        dir.wrun(["--unknown-imports", how, "x.wat"]).run().prints("");
    }
    dir.wrun(["--unknown-imports=zero", "--invoke=call", "x.wat"])
        .run()
        .prints("0\n");
    dir.wrun(["--unknown-imports=trap", "--invoke=call", "x.wat"])
        .run()
        .status(134)
        .says(["trap: unknown import called", "env", "log", "caller"]);
    // Nothing stands for zero where null is no value.
    dir.write(
        "x.wat",
        r#"(module (import "env" "make" (func $make (result (ref func)))) (func (export "_start") (drop (call $make))))"#,
    );
    dir.wrun(["--unknown-imports=zero", "x.wat"]).run().status(134).says([
        "trap: unknown import called",
        "env",
        "make",
    ]);
    // Only imported functions can be replaced.
    dir.write(
        "x.wat",
        r#"(module (import "env" "g" (global i32)) (func (export "_start")))"#,
    );
    dir.wrun(["--unknown-imports=zero", "x.wat"])
        .run()
        .fails(126, ["env.g"]);
}
