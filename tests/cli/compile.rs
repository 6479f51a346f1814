//! `wrun compile FILE -o OUT`, and running OUT, which needs `--allow-precompiled`.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Child, Command};
use std::thread;

use rustix::fs::{Mode, OFlags};
use serde_json::{Value, json};
use wrun_artifact::config::CpuFeatures;
use wrun_artifact::elf::{Artifact, Expect};
use wrun_artifact::header::Compare;
use wrun_tests::skip;

use crate::support::{Dir, guest, wrun, wrun_after};

/// Makes a scratch directory with the compiled `hello` in `out`.
fn compiled(options: &[&str]) -> Dir {
    let dir = Dir::new();
    let compile = dir.wrun(["compile", "-o", "out"]).args(options).args([guest("hello")]);
    compile.run().prints("");
    dir
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("the test owns it");
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    names
}

#[test]
fn native_code_is_run_only_when_it_is_allowed() {
    let dir = compiled(&[]);
    assert_eq!(names(dir.path()), ["out"]);
    let parts = [
        "cannot run `out`",
        "native code",
        "if you trust it",
        "--allow-precompiled",
    ];
    dir.wrun(["out"]).run().fails(126, parts);
    dir.wrun(["--allow-precompiled", "out"]).run().prints("hello, world\n");
    let bytes = fs::read(dir.path().join("out")).expect("it exists");
    let parts = ["cannot run `-`", "native code", "--allow-precompiled"];
    dir.wrun(["-"]).stdin(bytes.clone()).run().fails(126, parts);
    for module in ["-", "/dev/stdin"] {
        dir.wrun(["--allow-precompiled", module])
            .stdin(bytes.clone())
            .run()
            .prints("hello, world\n");
    }
    // Wasm runs as usual.
    wrun(["--allow-precompiled"])
        .args([guest("hello")])
        .run()
        .prints("hello, world\n");
}

#[test]
fn no_cache_is_needed_or_filled() {
    let dir = compiled(&[]);
    let run = |words: &[&str]| dir.wrun(words).env("HOME", dir.path()).run();
    run(&["--allow-precompiled", "out"]).prints("hello, world\n");
    let ended = run(&["compile", "out", "-o", "x"]).fails(126, ["cannot compile `out`: ", "native code", "wasm file"]);
    assert!(!ended.stderr.contains("--allow-precompiled"), "{}", ended.stderr);
    let hello = guest("hello");
    run(&["compile", hello.to_str().expect("UTF-8"), "-o", "x"]).prints("");
    assert!(run(&["cache", "ls"]).status(0).stdout.is_empty());
}

#[test]
fn native_code_runs_whatever_the_cache_is_like() {
    let dir = compiled(&[]);
    let untrusted = dir.path().join("untrusted");
    fs::create_dir(&untrusted).expect("the test owns it");
    fs::set_permissions(&untrusted, fs::Permissions::from_mode(0o777)).expect("the test owns it");
    let bytes = fs::read(dir.path().join("out")).expect("it exists");
    for options in [
        &["--cache-dir=untrusted"][..],
        &["--cache-dir=untrusted", "--cache-mode=require"],
        &["--cache-dir=none", "--cache-mode=require"],
        &["--cache-dir=none", "--cache-mode=read-only"],
        &["--cache-mode=require"],
    ] {
        for module in ["out", "-"] {
            let run = dir.wrun(["--allow-precompiled"]).args(options).args([module]);
            run.stdin(bytes.clone()).run().prints("hello, world\n");
            let inspect = dir.wrun(["inspect"]).args(options).args([module]);
            inspect.stdin(bytes.clone()).run().status(0).quiet();
        }
    }
    assert!(!dir.path().join("none").exists());
    // For a wasm file there is a notice all the same.
    let run = dir.wrun(["--allow-precompiled", "--cache-dir=untrusted", "--cache-mode=require"]);
    run.args([guest("hello")]).run().fails(126, ["others can write"]);
    let run = dir
        .wrun(["--allow-precompiled", "--cache-dir=none"])
        .args([guest("hello")]);
    run.run().prints("hello, world\n");
    assert!(dir.path().join("none").exists());
}

#[test]
fn what_was_written_is_to_be_had_as_json() {
    let dir = Dir::new();
    let hello = guest("hello");
    let hello = hello.to_str().expect("UTF-8");
    let compile = |output: &str| {
        dir.wrun(["compile", "--json", "--cpu=x86-64-v2", hello, "-o", output])
            .run()
    };
    let ended = compile("out").status(0).quiet();
    let value: Value = serde_json::from_slice(&ended.stdout).expect("it is JSON");
    let expected = json!({
        "file": hello,
        "out": "out",
        "bytes": fs::metadata(dir.path().join("out")).expect("it exists").len(),
        "cpu": ["sse3", "ssse3", "sse4.1", "sse4.2", "popcnt", "cmpxchg16b"],
        "address_map": true,
        "deterministic": false,
        "functions": 1,
    });
    assert_eq!(value, expected);
    for output in ["-", "/dev/stdout", "/proc/self/fd/1"] {
        compile(output).fails(125, ["--json", "stdout", "write it to a file"]);
    }
}

#[test]
fn a_module_that_cannot_be_compiled_is_said_so_of() {
    let dir = Dir::new();
    dir.write("text", "hello");
    dir.write("broken.wat", "(module (func (result i32)))");
    dir.write("words.wat", "(module (fnc))");
    for file in ["text", "broken.wat", "words.wat"] {
        let start = format!("wrun: cannot compile `{file}`: ");
        let ended = dir.wrun(["compile", file, "-o", "out"]).run().fails(126, [start]);
        assert!(!ended.stderr.contains("cannot run"), "{}", ended.stderr);
        let inspected = dir.wrun(["inspect", file]).run();
        match file {
            // Its sections can be read, so they are listed, with the reason of the refusal.
            "broken.wat" => {
                let listed = String::from_utf8(inspected.status(0).stdout).expect("UTF-8");
                assert!(listed.contains("cannot run `broken.wat`: "), "{listed}");
            }
            _ => drop(inspected.fails(126, [format!("wrun: cannot inspect `{file}`: ")])),
        }
        dir.wrun([file])
            .run()
            .fails(126, [format!("wrun: cannot run `{file}`: ")]);
    }
}

#[test]
fn the_same_module_gives_the_same_bytes() {
    let (one, two) = (compiled(&[]), compiled(&["--cpu", "native"]));
    let read = |dir: &Dir| fs::read(dir.path().join("out")).expect("it exists");
    assert!(read(&one) == read(&two));
    let ended = wrun(["compile", "-o", "-"])
        .args([guest("hello")])
        .run()
        .status(0)
        .quiet();
    assert!(ended.stdout == read(&one), "to stdout too");
    let text = fs::read(guest("hello")).expect("the guest exists");
    let wasm = wat::parse_bytes(&text).expect("it is well-formed").into_owned();
    let ended = wrun(["compile", "--output=-", "-"]).stdin(wasm).run().status(0).quiet();
    assert!(ended.stdout == read(&one), "from stdin too");
}

#[test]
fn code_with_other_settings_runs_unless_options_say_otherwise() {
    for options in [
        &["--cpu", "x86-64-v2"][..],
        &["--no-address-map"],
        &["--no-address-map", "--cpu", "x86-64-v2"],
        &["--deterministic"],
    ] {
        let dir = compiled(options);
        let run = |options: &[&str]| dir.wrun(["--allow-precompiled"]).args(options).args(["out"]).run();
        run(&[]).prints("hello, world\n");
        run(options).prints("hello, world\n");
    }
    let dir = compiled(&["--cpu", "x86-64-v2"]);
    for options in [
        &["--cpu", "native"][..],
        &["--no-address-map"],
        &["--cpu", "x86-64-v2", "--no-address-map"],
        &["--cpu", "x86-64-v2", "--deterministic"],
    ] {
        let ended = dir.wrun(["--allow-precompiled"]).args(options).args(["out"]).run();
        let parts = [
            "other settings",
            "with an address map, not deterministic",
            "sse4.2",
            "leave --cpu, --no-address-map and --deterministic out",
        ];
        ended.fails(126, parts);
    }
}

#[test]
fn code_with_other_settings_is_mapped_like_any_and_not_read() {
    // A few megabytes in a custom section, which the artifact keeps.
    let text = fs::read_to_string(guest("hello")).expect("the guest exists");
    let mut wasm = wat::parse_str(text).expect("it is well-formed");
    let names = vec![b'x'; 4 << 20];
    wasm.extend([0, 0x8c, 0x80, 0x80, 0x02, 11]);
    wasm.extend(b".debug_info");
    wasm.extend(&names);
    let dir = Dir::new();
    let compile = ["compile", "--no-address-map", "-o", "out", "-"];
    dir.wrun(compile).stdin(wasm).run().prints("");
    let options = [
        "-f",
        "-e",
        "trace=read,pread64,mmap",
        "-o",
        "trace",
        env!("CARGO_BIN_EXE_wrun"),
    ];
    let traced = Command::new("strace")
        .current_dir(dir.path())
        .args(options)
        .args(["--allow-precompiled", "out"])
        .output()
        .expect("ci/install installs strace");
    assert!(traced.status.success(), "{traced:?}");
    let trace = fs::read_to_string(dir.path().join("trace")).expect("it exists");
    let read: usize = trace
        .lines()
        .filter(|line| line.contains("read"))
        .filter_map(|line| line.rsplit("= ").next()?.trim().parse::<usize>().ok())
        .sum();
    assert!(read < 100_000, "{trace}");
}

#[test]
fn code_is_made_for_machines_that_can_do_more_than_this_one() {
    let dir = compiled(&["--cpu", "x86-64-v3"]);
    let key = wrun(["cache", "key", "--cpu", "x86-64-v3"])
        .args([guest("hello")])
        .run()
        .status(0)
        .quiet();
    // This need not differ from the default: this machine may have exactly these features.
    let other = wrun(["cache", "key", "--cpu", "x86-64-v2"])
        .args([guest("hello")])
        .run();
    assert_ne!(key.stdout, other.status(0).quiet().stdout);
    let bytes = fs::read(dir.path().join("out")).expect("it exists");
    let lacking = CpuFeatures::X86_64_V3.without(CpuFeatures::detect());
    let expect = Expect {
        build: wrun_artifact::BUILD,
        config: None,
        cpu: CpuFeatures::X86_64_V3,
    };
    let artifact = Artifact::read(&bytes, &expect, Compare::All).expect("such a machine takes it");
    assert_eq!(artifact.config().cpu, CpuFeatures::X86_64_V3);

    let precompiled = dir.wrun(["--allow-precompiled", "out"]);
    let from_wasm = dir.wrun(["--cpu", "x86-64-v3"]).args([guest("hello")]);
    if lacking == CpuFeatures::NONE {
        precompiled.run().prints("hello, world\n");
        from_wasm.run().prints("hello, world\n");
    } else {
        let lacking = lacking.to_string();
        let parts = ["cannot run `out`: ", "features that this CPU lacks", &lacking];
        precompiled.run().fails(126, parts);
        let parts = ["--cpu: ", "this machine is not `x86-64-v3`", &lacking];
        from_wasm.run().fails(125, parts);
    }
}

#[test]
fn code_that_cannot_be_used_is_refused_with_the_reason() {
    let dir = compiled(&[]);
    let sound = fs::read(dir.path().join("out")).expect("it exists");
    let changed = |at: usize| {
        let mut bytes = sound.clone();
        bytes[at] ^= 0xff;
        bytes
    };
    let longer = [&sound[..], b"x"].concat();
    for (bytes, reason) in [
        (changed(64 + 8), "format version"),
        (changed(64 + 16), "another build"),
        (changed(64 + 32), "not for x86_64"),
        (sound[..sound.len() - 1].to_vec(), "truncated"),
        (longer, "longer than it should be"),
        (changed(4000), "checksum"),
    ] {
        dir.write("out", bytes);
        dir.wrun(["--allow-precompiled", "out"])
            .run()
            .fails(126, ["cannot run `out`: ", reason, "compile it again"]);
    }
    // A file that does not begin like native code of wrun is treated as another kind of file.
    dir.write("out", changed(64));
    dir.wrun(["--allow-precompiled", "out"]).run().fails(126, ["ELF"]);
}

#[test]
fn native_code_that_needs_more_room_than_there_is_says_so() {
    let dir = compiled(&[]);
    let out = dir.path().join("out");
    wrun_after("ulimit -v 3000000", ["--allow-precompiled".as_ref(), out.as_os_str()])
        .run()
        .fails(125, ["ulimit -v", "run its wasm file"]);
}

#[test]
fn the_guests_options_work_as_ever() {
    let dir = Dir::new();
    dir.wrun(["compile", "-o", "traps"])
        .args([guest("traps")])
        .run()
        .prints("");
    let from_wasm = wrun(["--invoke", "unreachable"])
        .args([guest("traps")])
        .run()
        .status(134);
    let precompiled = dir.wrun(["--allow-precompiled", "--invoke", "unreachable", "traps"]);
    assert_eq!(precompiled.run().status(134).stderr, from_wasm.stderr);
    dir.wrun(["compile", "-o", "waits"])
        .args([guest("waits")])
        .run()
        .prints("");
    dir.wrun(["--allow-precompiled", "--epoch-timeout=200ms", "--invoke=loop", "waits"])
        .run()
        .status(124)
        .says(["the deadline of 200ms"]);
}

#[test]
fn the_file_appears_as_a_whole_or_not_at_all() {
    let dir = Dir::new();
    dir.write("bad.wat", "(module (func (result i32)))");
    dir.write("out", "what was there");
    let kept = || assert_eq!(fs::read(dir.path().join("out")).expect("it exists"), b"what was there");
    dir.wrun(["compile", "bad.wat", "-o", "out"])
        .run()
        .fails(126, ["cannot compile `bad.wat`: ", "invalid"]);
    kept();
    dir.wrun(["compile", "missing.wat", "-o", "out"])
        .run()
        .fails(127, ["no module `missing.wat`"]);
    kept();
    assert_eq!(names(dir.path()), ["bad.wat", "out"], "nothing is left over");

    // An existing file is replaced and not overwritten, so a process that has mapped it keeps the old contents.
    let inode = |name: &str| fs::metadata(dir.path().join(name)).expect("it exists").ino();
    let before = inode("out");
    fs::hard_link(dir.path().join("out"), dir.path().join("other")).expect("the test owns it");
    dir.wrun(["compile", "-o", "out"])
        .args([guest("hello")])
        .run()
        .prints("");
    assert_ne!(inode("out"), before);
    assert_eq!(
        fs::read(dir.path().join("other")).expect("it exists"),
        b"what was there"
    );
    assert_eq!(names(dir.path()), ["bad.wat", "other", "out"]);
}

#[test]
fn a_new_file_has_the_permissions_that_the_umask_leaves() {
    for (umask, mode) in [("022", 0o644), ("027", 0o640), ("000", 0o666)] {
        let dir = Dir::new();
        let prepare = format!("cd '{}' && umask {umask}", dir.path().display());
        let compile = wrun_after(&prepare, ["compile", "-o", "out"]);
        compile.args([guest("hello")]).run().prints("");
        let metadata = fs::metadata(dir.path().join("out")).expect("it exists");
        assert_eq!(metadata.mode() & 0o7777, mode, "umask {umask}");
    }
}

/// Starts a compilation to `out`, and returns when it writes.
fn writing(dir: &Dir, module: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wrun"));
    command
        .args(["compile", "-o", "out"])
        .arg(module)
        .current_dir(dir.path());
    let mut child = command.spawn().expect("cargo has built the binary");
    let is_writing = |child: &Child| {
        let Ok(descriptors) = fs::read_dir(format!("/proc/{}/fd", child.id())) else {
            return false;
        };
        descriptors.flatten().any(|descriptor| {
            let is_there = fs::read_link(descriptor.path()).is_ok_and(|path| path.starts_with(dir.path()));
            is_there && fs::metadata(descriptor.path()).is_ok_and(|metadata| metadata.is_file() && metadata.len() > 0)
        })
    };
    while !is_writing(&child) && child.try_wait().expect("the test owns it").is_none() {
        thread::yield_now();
    }
    child
}

#[test]
fn killed_while_it_writes_it_leaves_nothing() {
    let (dir, source) = (Dir::new(), Dir::new());
    let flags = OFlags::TMPFILE | OFlags::WRONLY;
    if let Err(reason) = rustix::fs::open(dir.path(), flags, Mode::RUSR | Mode::WUSR) {
        return skip(
            "tmpfile",
            format!("this file system has only files with names ({reason})"),
        );
    }
    let data = "x".repeat(16 << 20);
    let text = format!("(module (memory 256) (data (i32.const 0) \"{data}\"))");
    let module = source.write("large.wasm", wat::parse_str(text).expect("it is well-formed"));
    for _ in 0..10 {
        let mut child = writing(&dir, &module);
        child.kill().expect("the test owns it");
        child.wait().expect("the test owns it");
        // It may have finished already.
        let left: Vec<_> = names(dir.path()).into_iter().filter(|name| name != "out").collect();
        assert_eq!(left, [""; 0]);
    }
}

#[test]
fn links_stay_and_the_file_that_they_lead_to_is_replaced() {
    let dir = Dir::new();
    let link = |target: &str, name: &str| symlink(target, dir.path().join(name)).expect("the test owns it");
    fs::create_dir(dir.path().join("sub")).expect("the test owns it");
    link("sub/near", "link");
    link("../out", "sub/near");
    // First the last link leads to nothing, then to a file.
    for _ in 0..2 {
        let before = fs::metadata(dir.path().join("out")).map(|metadata| metadata.ino()).ok();
        dir.wrun(["compile", "-o", "link"])
            .args([guest("hello")])
            .run()
            .prints("");
        dir.wrun(["--allow-precompiled", "out"]).run().prints("hello, world\n");
        assert_eq!(names(dir.path()), ["link", "out", "sub"]);
        assert_eq!(names(&dir.path().join("sub")), ["near"]);
        for name in ["link", "sub/near"] {
            assert!(fs::read_link(dir.path().join(name)).is_ok(), "{name}");
        }
        assert_ne!(
            fs::metadata(dir.path().join("out")).map(|metadata| metadata.ino()).ok(),
            before
        );
    }
    link("round", "round");
    dir.wrun(["compile", "-o", "round"])
        .args([guest("hello")])
        .run()
        .fails(125, ["cannot write `round`: ", "symbolic links"]);
}

#[test]
fn a_link_to_an_open_file_writes_to_that() {
    // Links like `/dev/stdout`, which root could replace.
    let dir = Dir::new();
    symlink("/proc/self/fd/1", dir.path().join("stdout")).expect("the test owns it");
    symlink("/proc/self/fd/3", dir.path().join("three")).expect("the test owns it");
    let expected = fs::read(compiled(&[]).path().join("out")).expect("it exists");
    let compile = |out: &str| dir.wrun(["compile", "-o", out]).args([guest("hello")]);

    let ended = compile("stdout").run().status(0).quiet();
    assert!(ended.stdout == expected, "a pipe");
    for append in [false, true] {
        let path = dir.write("file", "before");
        let mut file = File::options()
            .write(true)
            .append(append)
            .open(&path)
            .expect("the test owns it");
        file.seek(SeekFrom::End(0)).expect("it is a file");
        compile("stdout").run_with_stdout(file).status(0).quiet();
        assert!(
            fs::read(path).expect("it exists") == [b"before", &expected[..]].concat(),
            "a file"
        );
    }
    let prepare = format!("cd '{}' && exec 3>three.out", dir.path().display());
    wrun_after(&prepare, ["compile", "-o", "three"])
        .args([guest("hello")])
        .run()
        .prints("");
    assert!(fs::read(dir.path().join("three.out")).expect("it exists") == expected);
    let prepare = format!("cd '{}' && exec >&-", dir.path().display());
    for out in ["stdout", "-"] {
        wrun_after(&prepare, ["compile", "-o", out])
            .args([guest("hello")])
            .run()
            .fails(125, ["cannot write to stdout: Bad file descriptor"]);
    }
    assert_eq!(names(dir.path()), ["file", "stdout", "three", "three.out"]);
    for name in ["stdout", "three"] {
        assert!(fs::read_link(dir.path().join(name)).is_ok(), "{name}");
    }
}

#[test]
fn a_file_that_may_not_become_so_large_is_an_error_and_leaves_nothing() {
    let dir = Dir::new();
    let prepare = format!("cd '{}' && ulimit -f 1", dir.path().display());
    let compile = |out: &str| wrun_after(&prepare, ["compile", "-o", out]).args([guest("hello")]);
    compile("out").run().fails(125, ["cannot write `out`: File too large"]);
    assert!(names(dir.path()).is_empty());
    let file = File::create(dir.path().join("file")).expect("the test owns it");
    compile("-")
        .run_with_stdout(file)
        .fails(125, ["cannot write to stdout: File too large"]);
}

#[test]
fn where_nothing_can_be_written_is_said() {
    let dir = Dir::new();
    let compile = |out: &str| dir.wrun(["compile", "-o", out]).args([guest("hello")]).run();
    compile("no/such/out").fails(125, ["cannot write `no/such/out`: ", "No such file"]);
    compile(".").fails(125, ["cannot write `.`: "]);
    compile("").fails(125, ["--output: ", "missing"]);
    compile("/dev/full").fails(125, ["cannot write `/dev/full`: ", "No space left"]);
    // A device is written to and not replaced.
    compile("/dev/null").prints("");
    let is_device = fs::metadata("/dev/null").is_ok_and(|metadata| !metadata.is_file());
    assert!(is_device && names(dir.path()).is_empty());
}

#[test]
fn the_module_itself_is_not_overwritten() {
    let dir = Dir::new();
    let text = fs::read(guest("hello")).expect("the guest exists");
    dir.write("hello.wat", &text);
    symlink("hello.wat", dir.path().join("link")).expect("the test owns it");
    for out in ["hello.wat", "./hello.wat", "link"] {
        dir.wrun(["compile", "hello.wat", "-o", out])
            .run()
            .fails(125, ["is the module itself", "choose another name"]);
    }
    assert_eq!(fs::read(dir.path().join("hello.wat")).expect("it exists"), text);
}
