//! The directory of the cache and its permitted use: options and variables, trust, modes.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use crate::support::{Dir, Ended, Wrun, artifacts, bound_by_permissions, guest, wrun, wrun_through};

/// The user `nobody`.
const NOBODY: u32 = 65534;

/// Prepares a run of `hello` with these options.
fn hello<'a>(options: impl IntoIterator<Item = &'a str>) -> Wrun {
    wrun(options).args([guest("hello")])
}

#[track_caller]
fn says_hello(ended: Ended) {
    ended.prints("hello, world\n");
}

/// Checks the output of the guest, and the one line about a cache that is not used.
#[track_caller]
fn says_hello_and(ended: Ended, parts: &[&str]) {
    let ended = ended.status(0).says(parts);
    assert_eq!(ended.stdout, b"hello, world\n");
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
}

fn utf8(path: &Path) -> &str {
    path.to_str().expect("the directory for tests has a name in UTF-8")
}

#[test]
fn the_directory_is_the_first_that_is_named() {
    for (flag, variables, expected) in [
        (true, &["WRUN_CACHE_DIR", "XDG_CACHE_HOME", "HOME"][..], "flag"),
        (false, &["WRUN_CACHE_DIR", "XDG_CACHE_HOME", "HOME"], "WRUN_CACHE_DIR"),
        (false, &["XDG_CACHE_HOME", "HOME"], "XDG_CACHE_HOME/wrun"),
        (false, &["HOME"], "HOME/.cache/wrun"),
        (true, &[], "flag"),
    ] {
        let dir = Dir::new();
        let mut run = hello([]);
        if flag {
            run = wrun(["--cache-dir", utf8(&dir.path().join("flag"))]).args([guest("hello")]);
        }
        for variable in variables {
            run = run.env(variable, dir.path().join(variable));
        }
        if expected.starts_with("HOME") {
            fs::create_dir(dir.path().join("HOME")).expect("the directory for tests can be written");
        }
        says_hello(run.run());
        assert_eq!(artifacts(&dir.path().join(expected)).len(), 1, "{flag} {variables:?}");
        let made = fs::read_dir(dir.path()).expect("it exists").count();
        assert_eq!(made, 1, "nothing but {expected}");
        let mode = fs::metadata(dir.path().join(expected))
            .expect("it exists")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700, "for its owner alone");
    }
}

#[test]
fn variables_that_name_no_directory_are_passed_over() {
    let dir = Dir::new();
    let home = || wrun([guest("hello")]).current_dir(dir.path()).env("HOME", dir.path());
    let cache = dir.path().join(".cache/wrun");
    for (variable, value) in [
        ("WRUN_CACHE_DIR", ""),
        ("XDG_CACHE_HOME", ""),
        ("XDG_CACHE_HOME", "relative"),
    ] {
        says_hello(home().env(variable, value).run());
        assert_eq!(artifacts(&cache).len(), 1, "{variable}={value}");
        assert!(!dir.path().join("relative").exists());
        fs::remove_dir_all(&cache).expect("the test owns it");
    }
    // A directory that the user names for wrun may be relative.
    says_hello(dir.wrun(["--cache-dir", "relative"]).args([guest("hello")]).run());
    assert_eq!(artifacts(&dir.path().join("relative")).len(), 1);
}

#[test]
fn without_a_home_there_is_no_cache_and_only_the_log_says_so() {
    for home in [None, Some(""), Some("not/absolute")] {
        let run = || match home {
            None => hello([]),
            Some(home) => hello([]).env("HOME", home),
        };
        says_hello(run().run());
        let ended = run().env("WRUN_LOG", "debug").run().status(0);
        assert!(ended.stderr.contains("no directory for the cache"), "{}", ended.stderr);
    }
}

#[test]
fn a_default_directory_that_cannot_be_made_is_only_logged() {
    let dir = Dir::new();
    let file = dir.write("file", "");
    says_hello(hello([]).env("HOME", &file).run());
    let ended = hello([]).env("HOME", &file).env("WRUN_LOG", "debug").run().status(0);
    assert!(ended.stderr.contains("cannot be used"), "{}", ended.stderr);
}

#[test]
fn a_home_that_is_not_there_is_not_made_but_a_directory_for_caches_is() {
    let dir = Dir::new();
    let path = dir.path().join("none");
    says_hello(hello([]).env("HOME", &path).run());
    assert!(!path.exists());
    let ended = hello([]).env("HOME", &path).env("WRUN_LOG", "debug").run().status(0);
    assert!(ended.stderr.contains("cannot be used"), "{}", ended.stderr);
    says_hello(hello([]).env("XDG_CACHE_HOME", &path).run());
    assert_eq!(artifacts(&path.join("wrun")).len(), 1);
}

/// Root creates no cache in another user's home, because the user could not use it.
#[test]
fn root_makes_nothing_in_the_home_of_somebody_else() {
    if !rustix::process::geteuid().is_root() {
        return wrun_tests::skip("root", "only root can do this");
    }
    let dir = Dir::new();
    let home = dir.path().join("home");
    for made in ["", ".cache"] {
        fs::create_dir_all(home.join(made)).expect("the directory for tests can be written");
        for path in [home.clone(), home.join(made)] {
            chown(path, Some(NOBODY), None).expect("root may");
        }
        says_hello(hello([]).env("HOME", &home).run());
        says_hello(hello([]).env("XDG_CACHE_HOME", home.join(".cache")).run());
        let ended = hello([]).env("HOME", &home).env("WRUN_LOG", "debug").run().status(0);
        assert!(ended.stderr.contains("belongs to another user"), "{}", ended.stderr);
        assert!(!home.join(".cache/wrun").exists(), "{made}");
        assert_eq!(home.join(".cache").exists(), !made.is_empty());
    }
    // A named directory is created.
    let named = home.join("named");
    says_hello(hello(["--cache-dir", utf8(&named)]).run());
    assert_eq!(artifacts(&named).len(), 1);
    // An existing one is not used, and wrun prints a notice.
    let cache = home.join(".cache/wrun");
    fs::create_dir(&cache).expect("root may");
    chown(&cache, Some(NOBODY), None).expect("root may");
    says_hello_and(
        hello([]).env("HOME", &home).run(),
        &["notice: ", "is not used", "it belongs to another user", "--cache-dir"],
    );
}

#[test]
fn a_default_directory_that_is_there_and_cannot_be_opened_is_worth_a_line() {
    let prefix = bound_by_permissions();
    let dir = Dir::new();
    let (home, cache) = (dir.path(), dir.path().join(".cache/wrun"));
    fs::create_dir_all(&cache).expect("the directory for tests can be written");
    let run = || wrun_through(prefix, [guest("hello")]).env("HOME", home).run();
    let mode =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("the test owns it");
    mode(&cache, 0o000);
    says_hello_and(
        run(),
        &["notice: the cache directory ", "Permission denied", "--cache-dir"],
    );
    mode(&cache, 0o700);
    // wrun cannot find out whether it exists.
    mode(&home.join(".cache"), 0o000);
    says_hello(run());
    mode(&home.join(".cache"), 0o700);
    says_hello(run());
    assert_eq!(artifacts(&cache).len(), 1);
}

#[test]
fn a_link_to_nothing_is_named_with_what_to_do_about_it() {
    let dir = Dir::new();
    symlink("nowhere", dir.path().join("link")).expect("the directory for tests can be written");
    for cache in ["link", "link/below"] {
        let ended = dir.wrun(["--cache-dir", cache]).args([guest("hello")]).run();
        says_hello_and(
            ended,
            &["notice: the cache directory ", "link is a dangling link (remove it, "],
        );
    }
    assert!(!dir.path().join("nowhere").exists());
}

#[test]
fn a_named_directory_that_cannot_be_used_is_worth_a_line() {
    let dir = Dir::new();
    let file = dir.write("file", "");
    let parts = ["notice: the cache directory ", "file", "cannot be used: "];
    says_hello_and(hello(["--cache-dir", utf8(&file)]).run(), &parts);
    says_hello_and(hello([]).env("WRUN_CACHE_DIR", &file).run(), &parts);
}

#[test]
fn a_directory_that_others_can_write_to_is_not_used() {
    for mode in [0o777, 0o770, 0o702, 0o1777] {
        let dir = Dir::new();
        let cache = dir.path().join(".cache/wrun");
        fs::create_dir_all(&cache).expect("the directory for tests can be written");
        fs::set_permissions(&cache, fs::Permissions::from_mode(mode)).expect("the test owns it");
        let parts = [
            "notice: the cache directory ",
            "is not used",
            "others can write",
            "chmod go-w",
        ];
        for run in [
            hello(["--cache-dir", utf8(&cache)]),
            hello(["--cache-mode", "read-only", "--cache-dir", utf8(&cache)]),
            hello([]).env("WRUN_CACHE_DIR", &cache),
            hello([]).env("HOME", dir.path()),
        ] {
            says_hello_and(run.run(), &parts);
        }
        hello(["--cache-mode=require", "--cache-dir", utf8(&cache)])
            .run()
            .fails(126, ["is not used", "others can write"]);
        let inside = fs::read_dir(&cache).expect("the test owns it").count();
        assert_eq!(inside, 0, "{mode:o}: nothing was written");
    }
}

#[test]
fn no_cache_leaves_the_cache_alone() {
    let dir = Dir::new();
    let run = |options: &[&str]| hello(options.iter().copied()).env("HOME", dir.path());
    says_hello(run(&["--no-cache"]).run());
    says_hello(run(&["--no-cache", "--cache-mode=read-only", "--cache-dir=x"]).run());
    assert_eq!(fs::read_dir(dir.path()).expect("the test owns it").count(), 0);
    run(&["--no-cache", "--cache-mode", "require"])
        .run()
        .fails(125, ["--no-cache", "--cache-mode require", "leave one of them out"]);
}

#[test]
fn read_only_uses_what_is_there_and_writes_nothing() {
    let dir = Dir::new();
    let cache = dir.path().join("cache");
    let read_only = || hello(["--cache-mode", "read-only", "--cache-dir", utf8(&cache)]);
    says_hello_and(read_only().run(), &["notice: the cache directory ", "No such file"]);
    assert!(!cache.exists(), "it is not even made");
    fs::create_dir(&cache).expect("the directory for tests can be written");
    says_hello(read_only().run());
    assert_eq!(fs::read_dir(&cache).expect("the test owns it").count(), 0);

    says_hello(hello(["--cache-dir", utf8(&cache)]).run());
    let ended = read_only().env("WRUN_LOG", "debug").run().status(0);
    assert_eq!(ended.stdout, b"hello, world\n");
    assert!(!ended.stderr.contains("compile"), "{}", ended.stderr);
}

#[test]
fn require_runs_what_is_there_and_nothing_else() {
    let dir = Dir::new();
    let cache = dir.path().join("cache");
    let require = || hello(["--cache-mode", "require", "--cache-dir", utf8(&cache)]);
    require().run().fails(126, ["cannot run `", "No such file"]);
    assert!(!cache.exists(), "it is not even made");
    hello(["--cache-mode", "require"])
        .run()
        .fails(126, ["no directory for the cache", "--cache-dir DIR"]);

    says_hello(hello(["--cache-dir", utf8(&cache)]).run());
    says_hello(require().run());
    // Another module.
    wrun(["--cache-mode", "require", "--cache-dir", utf8(&cache)])
        .args([guest("cat")])
        .run()
        .fails(
            126,
            ["cannot run `", "the cache has no", "without `--cache-mode require`"],
        );
    assert_eq!(artifacts(&cache).len(), 1, "nothing was added");
}

#[test]
fn require_says_what_is_wrong_with_an_artifact_and_what_to_do() {
    let dir = Dir::new();
    let cache = dir.path().join("cache");
    let words = [
        "--cache-mode",
        "require",
        "--cache-dir",
        utf8(&cache),
        utf8(&guest("hello")),
    ]
    .map(str::to_owned);
    let require = || wrun_through(bound_by_permissions(), &words).run();
    says_hello(hello(["--cache-dir", utf8(&cache)]).run());
    let artifact = cache.join(&artifacts(&cache)[0]);
    let sound = fs::read(&artifact).expect("the test owns it");
    says_hello(hello(["--no-address-map", "--cache-dir", utf8(&cache)]).run());
    let mut names = artifacts(&cache).into_iter().map(|name| cache.join(name));
    let other = names.find(|path| *path != artifact).expect("there are two");
    let put = |bytes: &[u8]| {
        fs::remove_file(&artifact).expect("the test owns it");
        fs::write(&artifact, bytes).expect("the test owns it");
    };
    let flipped = |at: usize| {
        let mut bytes = sound.clone();
        bytes[at] ^= 1;
        bytes
    };
    for (bytes, why) in [
        (sound[..sound.len() / 2].to_vec(), "truncated"),
        (Vec::new(), "not a compiled module"),
        // The build is named in the header, after magic and format version.
        (flipped(64 + 16), "another build of wrun"),
        (flipped(64 + 8), "format version"),
        (flipped(64 + 300), "the checksum of its header or info differs"),
        (fs::read(&other).expect("the test owns it"), "other settings"),
    ] {
        put(&bytes);
        require().fails(
            126,
            [
                "cannot run `",
                "cannot be used: ",
                utf8(&artifact),
                why,
                "a run without `--cache-mode require` replaces it",
            ],
        );
    }
    put(&sound);
    says_hello(require());
    fs::set_permissions(&artifact, fs::Permissions::from_mode(0o000)).expect("the test owns it");
    let parts = ["cannot run `", utf8(&artifact), "cannot be used: ", "remove the file"];
    require().fails(126, parts.into_iter().chain(["Permission denied"]));
    fs::remove_file(&artifact).expect("the test owns it");
    fs::create_dir(&artifact).expect("the test owns it");
    require().fails(126, parts.into_iter().chain(["not a regular file"]));
    fs::remove_dir(&artifact).expect("the test owns it");
    require().fails(
        126,
        [
            "the cache has no",
            utf8(&artifact),
            "is not there",
            "without `--cache-mode require`",
        ],
    );
}

#[test]
fn options_that_change_code_are_in_the_key_and_others_are_not() {
    let dir = Dir::new();
    let cache = dir.path().join("cache");
    let run = |mode: &str, options: &[&str]| {
        let fixed = ["--cache-dir", utf8(&cache), "--cache-mode", mode];
        hello(fixed.into_iter().chain(options.iter().copied())).run()
    };
    says_hello(run("read-write", &[]));
    for options in [
        &["--cpu", "native"][..],
        &["--env", "A=b"],
        &["--argv0", "x"],
        &["--inherit-env"],
        &["--stack-size", "1MiB"],
        &["--epoch-timeout", "1h"],
        &["--dir", "."],
        &["--dir-ro", "/"],
        &["--unknown-imports", "trap"],
        &["--cache-size", "1MiB"],
        &["--allow-precompiled"],
    ] {
        says_hello(run("require", options));
    }
    for (at, options) in [
        &["--cpu", "x86-64-v2"][..],
        &["--no-address-map"],
        &["--cpu", "x86-64-v2", "--no-address-map"],
        &["--deterministic"],
    ]
    .into_iter()
    .enumerate()
    {
        run("require", options).fails(126, ["the cache has no"]);
        says_hello(run("read-write", options));
        says_hello(run("require", options));
        assert_eq!(artifacts(&cache).len(), 2 + at);
    }
}

#[test]
fn the_size_is_a_limit_when_something_is_added() {
    let dir = Dir::new();
    let cache = dir.path().join("cache");
    let run = |name: &str, size: &str| {
        wrun(["--cache-dir", utf8(&cache), "--cache-size", size])
            .args([guest(name)])
            .run()
            .status(0)
    };
    run("hello", "1GiB");
    run("cat", "1GiB");
    assert_eq!(artifacts(&cache).len(), 2);
    // Nothing is added, so nothing is evicted.
    run("hello", "0");
    assert_eq!(artifacts(&cache).len(), 2);
    // The artifact that was just added stays, whatever its size.
    run("words", "0");
    assert_eq!(artifacts(&cache).len(), 1);
    wrun(["--cache-mode=require", "--cache-dir", utf8(&cache)])
        .args([guest("words")])
        .run()
        .status(0);
}

#[test]
fn wrong_values_are_wrong_usage() {
    for (options, parts) in [
        (&["--cache-dir", ""][..], &["--cache-dir: ", "missing"][..]),
        (
            &["--cache-size", "lots"],
            &["--cache-size: `lots` is not a size", "`8MiB`"],
        ),
        (&["--cache-size", "2GB"], &["--cache-size: ", "write `2GiB`"]),
        (&["--cache-size", "-1"], &["--cache-size: `-1` is not a size"]),
        (
            &["--cache-mode", "write-only"],
            &["--cache-mode", "read-write, read-only, require"],
        ),
        (&["--cpu", "i386"], &["--cpu", "native, x86-64-v2, x86-64-v3"]),
        (&["--no-cache=1"], &["--no-cache"]),
    ] {
        hello(options.iter().copied()).run().fails(125, parts);
    }
}
