//! Directories that cannot be a cache: full, read-only, without execution, missing, not trusted, or removed meanwhile. The
//! program runs as usual, without a message.
//!
//! File systems are mounted in a separate mount namespace, which needs the right to mount. Without this right, the test reports
//! a skipped part and runs the rest.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;

use wrun_tests::skip;

use crate::cli::{Dir, bound_by_permissions, while_repeating, wrun, wrun_after, wrun_through};
use crate::program::{Program, Size};
use crate::site::{Live, Site, compilations, links, names};

/// The commands that start another one in a new mount namespace: as root, or as a user who becomes root in a user namespace.
const NAMESPACES: [&[&str]; 2] = [&["unshare", "-m"], &["unshare", "-r", "-m"]];

/// Runs a shell script that may mount. The script has the variables `$WRUN`, `$MODULE` and `$CACHE`, and a function `run
/// OPTIONS…` that runs the module with the cache and appends its log to the file `log`. Returns `None` if mounting is not
/// permitted.
fn where_mounting_is_permitted(site: &Site, script: &str) -> Option<String> {
    fs::create_dir_all(site.cache()).expect("writable");
    let whole = format!(
        "set -e\nrun() {{ WRUN_LOG=debug \"$WRUN\" --cache-dir \"$CACHE\" \"$@\" \"$MODULE\" 2>>log </dev/null; }}\n{script}"
    );
    for namespace in NAMESPACES {
        let start = |script: &str| {
            let mut command = Command::new(namespace[0]);
            command.args(&namespace[1..]).args(["/bin/sh", "-c", script]);
            command.current_dir(site.path());
            command.env("WRUN", env!("CARGO_BIN_EXE_wrun"));
            command.env("MODULE", site.module()).env("CACHE", site.cache());
            command.env_remove("WRUN_CACHE_DIR");
            command.output()
        };
        let may = start("mount -t tmpfs none \"$CACHE\"");
        if !may.is_ok_and(|output| output.status.success()) {
            continue;
        }
        let output = start(&whole).expect("it could be started before");
        let log = fs::read_to_string(site.path().join("log")).unwrap_or_default();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {stderr}\n{log}", output.status);
        return Some(String::from_utf8(output.stdout).expect("all of it is text"));
    }
    skip("mount", "nobody may mount here");
    None
}

fn log_of(site: &Site) -> String {
    fs::read_to_string(site.path().join("log")).expect("the script has made it")
}

fn site() -> Site {
    Site::new(Program::new(Size {
        data: 300_000,
        ..Size::SMALL
    }))
}

#[test]
fn a_full_disk() {
    let site = site();
    // There is room for the directories and locks. Writing the artifact fails at once or after a while.
    for size in ["4k", "64k", "256k"] {
        let script = format!(
            "rm -f log; mount -t tmpfs -o mode=700,size={size} none \"$CACHE\"\nrun; run; ls -A \"$CACHE\"; rm -rf \"$CACHE\"/*
             dd if=/dev/zero of=\"$CACHE\"/all 2>/dev/null || true; run; ls \"$CACHE\""
        );
        let output = site.program().output();
        match where_mounting_is_permitted(&site, &script) {
            Some(printed) => {
                assert_eq!(printed, format!("{output}{output}{output}all\n"), "{size}");
                let log = log_of(&site);
                assert_eq!(compilations(&log), 3, "{size}: {log}");
                assert!(log.contains("No space left on device"), "{size}: {log}");
            }
            None => with_a_limit_on_files(&site),
        }
    }
}

#[test]
fn a_file_system_without_inodes() {
    let site = site();
    let script =
        "mount -t tmpfs -o mode=700,nr_inodes=2 none \"$CACHE\"; touch \"$CACHE\"/one; run; run; ls -A \"$CACHE\"";
    if let Some(printed) = where_mounting_is_permitted(&site, script) {
        let output = site.program().output();
        assert_eq!(printed, format!("{output}{output}one\n"));
    }
}

/// Makes writing fail in the middle of the file, with an error or with a signal.
fn with_a_limit_on_files(site: &Site) {
    for blocks in [0, 1, 100] {
        for signal in ["trap '' XFSZ", "true"] {
            let cache = site.cache();
            let ended = wrun_after(
                &format!("{signal}; ulimit -f {blocks}"),
                ["--cache-dir".as_ref(), cache.as_os_str(), site.module().as_os_str()],
            );
            ended.run().prints(site.program().output());
            let left = names(&cache);
            let is_expected = |name: &String| name.ends_with(".wrun") || name == "by-file";
            assert!(left.iter().all(is_expected), "{left:?}");
        }
    }
}

#[test]
fn a_limit_on_the_size_of_files() {
    let site = site();
    with_a_limit_on_files(&site);
    assert_eq!(site.names(), [""; 0]);
    assert_eq!(site.compiles(), 1);
    // An artifact that exists needs no writing.
    with_a_limit_on_files(&site);
}

#[test]
fn a_read_only_mount() {
    let site = site();
    let script = "mount -t tmpfs -o mode=700 none \"$CACHE\"; mount -o remount,ro \"$CACHE\"; run; ls -A \"$CACHE\"
        mount -o remount,rw \"$CACHE\"; run; mount -o remount,ro \"$CACHE\"; ls -A \"$CACHE\" | grep -c wrun; run; run --cache-mode require
        run --cache-dir \"$CACHE/none\"";
    if let Some(printed) = where_mounting_is_permitted(&site, script) {
        let output = site.program().output();
        assert_eq!(printed, format!("{output}{output}1\n{output}{output}{output}"));
        assert_eq!(compilations(&log_of(&site)), 3, "{}", log_of(&site));
    }
}

#[test]
fn a_read_only_directory() {
    let site = site();
    let prefix = bound_by_permissions();
    let cache = site.cache();
    let module = site.module();
    let run = |options: &[&str]| {
        let words = ["--cache-dir".as_ref(), cache.as_os_str()];
        let ended = wrun_through(prefix, words).args(options).args([&module]);
        ended.env("WRUN_LOG", "debug").run()
    };
    fs::create_dir(&cache).expect("writable");
    fs::set_permissions(&cache, Permissions::from_mode(0o500)).expect("the test owns it");
    let runs_right = |options: &[&str], compiled: usize| {
        let ended = run(options).status(0);
        assert_eq!(ended.stdout, site.program().output().as_bytes());
        assert_eq!(compilations(&ended.stderr), compiled, "{options:?}: {}", ended.stderr);
    };
    runs_right(&[], 1);
    assert_eq!(site.names(), [""; 0]);
    run(&["--cache-mode", "require"]).status(126);
    fs::set_permissions(&cache, Permissions::from_mode(0o700)).expect("the test owns it");
    runs_right(&[], 1);
    fs::set_permissions(&cache, Permissions::from_mode(0o500)).expect("the test owns it");
    runs_right(&[], 0);
    runs_right(&["--cache-mode", "require"], 0);
    // Without permission to search the directory, the artifact cannot be opened.
    fs::set_permissions(&cache, Permissions::from_mode(0o000)).expect("the test owns it");
    runs_right(&[], 1);
    run(&["--cache-mode", "require"]).status(126);
    fs::set_permissions(&cache, Permissions::from_mode(0o700)).expect("the test owns it");
}

#[test]
fn an_entry_that_cannot_be_read() {
    let site = site();
    let prefix = bound_by_permissions();
    site.runs();
    fs::set_permissions(site.entry(), Permissions::from_mode(0o000)).expect("the test owns it");
    let cache = site.cache();
    let words = [
        "--cache-dir".as_ref(),
        cache.as_os_str(),
        site.module().into_os_string().leak(),
    ];
    wrun_through(prefix, words).run().prints(site.program().output());
    assert_eq!(site.compiles(), 0, "it was replaced by one that can");
}

#[test]
fn a_mount_that_records_no_uses() {
    let site = site();
    fs::write(site.path().join("second.wasm"), site.program().seeded(2).wasm()).expect("writable");
    fs::write(site.path().join("third.wasm"), site.program().seeded(3).wasm()).expect("writable");
    // Both were used within the last hours, the first one longer ago. Then the first one is used again.
    let script = "mount -t tmpfs -o mode=700,noatime none \"$CACHE\"
        all() { echo \"$CACHE\"/*.wrun; }
        run >/dev/null; first=$(all); MODULE=second.wasm run >/dev/null
        for file in $(all); do touch -d '1 hour ago' $file; done; touch -d '2 hours ago' $first
        run --cache-mode read-only >/dev/null; [ $(($(date +%s) - $(stat -c %X $first))) -gt 7000 ]; echo not recorded
        run >/dev/null; [ $(($(date +%s) - $(stat -c %X $first))) -lt 60 ]; echo recorded
        size=$(stat -c %s $first); MODULE=third.wasm run --cache-size $((2 * size + 1)) >/dev/null
        [ -e $first ]; all | wc -w";
    if let Some(printed) = where_mounting_is_permitted(&site, script) {
        assert_eq!(printed, "not recorded\nrecorded\n2\n");
    }
}

#[test]
fn a_mount_without_execution() {
    let site = site();
    let script =
        "mount -t tmpfs -o mode=700,noexec none \"$CACHE\"; run; run; run --cache-mode require; sleep 3.3; run; run
        ls \"$CACHE/by-file\" | grep -cE '(-.*){7}'; cp \"$CACHE\"/*.wrun \"$CACHE\"/own
        \"$WRUN\" --no-cache --allow-precompiled \"$CACHE\"/own </dev/null";
    if let Some(printed) = where_mounting_is_permitted(&site, script) {
        let output = site.program().output();
        assert_eq!(printed, format!("{}1\n{output}", output.repeat(5)));
        let log = log_of(&site);
        assert_eq!(compilations(&log), 1, "{log}");
        let copied = log
            .lines()
            .filter(|line| line.contains("cannot be mapped as code"))
            .count();
        assert_eq!(copied, 5, "{log}");
    }
}

#[test]
fn no_home() {
    let site = site();
    let output = site.program().output();
    let none = site.path().join("none");
    let file = site.path().join("file");
    fs::write(&file, "").expect("writable");
    for (name, home) in [
        ("OTHER", file.as_os_str()),
        ("HOME", "".as_ref()),
        ("HOME", "home".as_ref()),
        ("HOME", "/dev/null".as_ref()),
        ("HOME", "/proc/self".as_ref()),
        ("HOME", file.as_os_str()),
        ("XDG_CACHE_HOME", file.as_os_str()),
        ("HOME", none.as_os_str()),
    ] {
        println!("{name}={}", home.display());
        let ended = wrun([site.module()]).current_dir(site.path()).env(name, home).run();
        ended.prints(&output);
        assert!(!site.path().join("home").exists(), "a relative path is no home");
    }
    assert!(!none.exists(), "a home is not made");
    for (options, parts) in [
        (&["--cache-mode", "require"][..], &["HOME"][..]),
        (&["--cache-mode", "require", "--cache-dir", "/dev/null"], &["/dev/null"]),
        (&["--cache-mode", "require", "--cache-dir", "not-there"], &["not-there"]),
    ] {
        let ended = wrun(options).args([site.module()]).current_dir(site.path()).run();
        ended.fails(126, parts);
    }
}

#[test]
fn a_directory_that_is_not_to_be_trusted() {
    let site = site();
    fs::create_dir(site.cache()).expect("writable");
    fs::set_permissions(site.cache(), Permissions::from_mode(0o777)).expect("the test owns it");
    let ended = site.wrun(&[]).run().status(0).says(["others can write"]);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    assert_eq!(ended.stdout, site.program().output().as_bytes());
    assert_eq!(site.names(), [""; 0]);
    site.wrun(&["--cache-mode", "require"])
        .run()
        .fails(126, ["others can write"]);
}

/// A guarded memory does not fit then, so there is other code under another key.
#[test]
fn little_address_space() {
    let site = site();
    site.runs();
    let cache = site.cache();
    for compiled in [1, 0] {
        let words = ["--cache-dir".as_ref(), cache.as_os_str(), "module.wasm".as_ref()];
        let ended = wrun_after("ulimit -v 2000000", words).current_dir(site.path());
        let ended = ended.env("WRUN_LOG", "debug").run().status(0);
        assert_eq!(ended.stdout, site.program().output().as_bytes());
        assert_eq!(compilations(&ended.stderr), compiled, "{}", ended.stderr);
    }
    assert_eq!(site.names_with(".wrun").len(), 2);
    assert_eq!(site.compiles(), 0, "the first one is still there");
}

/// The directory is removed again and again while programs start.
#[test]
fn a_directory_that_is_removed_again_and_again() {
    let site = Site::new(Program::new(Size::SMALL));
    let remove = || drop(fs::remove_dir_all(site.cache()));
    while_repeating(remove, || {
        for _ in 0..40 {
            let ended = site.wrun(&[]).run();
            // The user has named the directory, so wrun prints a notice if it cannot be opened after it was created.
            let ended = ended.status(0);
            assert_eq!(ended.stdout, site.program().output().as_bytes());
            assert!(ended.stderr.lines().count() <= 1, "{}", ended.stderr);
        }
    });
    site.runs();
    assert_eq!(site.compiles(), 0);
}

#[test]
fn a_directory_that_is_moved_away_while_it_is_used() {
    let site = site();
    let live = Live::start(&site);
    fs::rename(site.cache(), site.path().join("moved")).expect("writable");
    live.ends_right();
    assert_eq!(site.compiles(), 1);
}

#[test]
fn a_cache_that_is_a_file_or_a_link() {
    let dir = Dir::new();
    let program = Program::new(Size::SMALL);
    let module = dir.write("m.wasm", program.wasm());
    dir.write("file", "");
    std::os::unix::fs::symlink("nowhere", dir.path().join("dangling")).expect("writable");
    std::os::unix::fs::symlink("loop", dir.path().join("loop")).expect("writable");
    let long = "long".repeat(1500);
    for cache in ["file", "file/below", "dangling", "loop", &long] {
        let ended = dir.wrun(["--cache-dir", cache]).args([&module]).run().status(0);
        assert_eq!(ended.stdout, program.output().as_bytes());
        // The user has named the directory, so there is a notice.
        assert_eq!(ended.says(["notice: the cache directory"]).stderr.lines().count(), 1);
    }
}

/// Replaces an artifact by another program, as another user could while the directory was writable.
#[test]
fn an_artifact_that_somebody_else_could_have_written() {
    let site = site();
    site.settle();
    site.runs();
    site.runs();
    assert_eq!(links(&site.cache()).len(), 1, "it is known");
    let own = fs::metadata(site.entry()).expect("it exists").uid();
    let other = other_artifact(&site);
    let mut cases = vec![(own, 0o666), (own, 0o620), (own, 0o602)];
    if own == 0 {
        cases.extend([(NOBODY, 0o600), (NOBODY, 0o666)]);
    }
    for (owner, mode) in cases {
        println!("{owner} {mode:o}");
        fs::write(site.entry(), &other).expect("the test owns it");
        fs::set_permissions(site.entry(), Permissions::from_mode(mode)).expect("the test owns it");
        chown(site.entry(), Some(owner), None).expect("root may");
        let reason = match owner == own {
            true => "others can write to it",
            false => "it belongs to another user",
        };
        site.wrun(&["--cache-mode", "require"]).run().fails(126, [reason]);
        let (compiled, log) = site.logged(&[]);
        assert_eq!(compiled, 1, "{log}");
        assert!(log.contains(reason), "{log}");
        let metadata = fs::metadata(site.entry()).expect("it exists");
        assert_eq!(
            (metadata.uid(), metadata.mode() & 0o777),
            (own, 0o600),
            "it was replaced"
        );
        assert_eq!(site.compiles(), 0);
    }
}

#[test]
fn an_artifact_that_is_a_link() {
    let site = site();
    site.settle();
    site.runs();
    site.runs();
    let elsewhere = site.path().join("elsewhere");
    fs::write(&elsewhere, other_artifact(&site)).expect("writable");
    fs::set_permissions(&elsewhere, Permissions::from_mode(0o600)).expect("the test owns it");
    let entry = site.entry();
    fs::remove_file(&entry).expect("the test owns it");
    symlink(&elsewhere, &entry).expect("writable");
    site.is_missed();
    assert_eq!(site.compiles(), 1);
    assert!(!entry.is_symlink(), "it was replaced");
    assert_eq!(site.compiles(), 0);
}

#[test]
fn links_that_somebody_else_could_have_made() {
    let site = site();
    fs::write(site.path().join("other.wasm"), site.program().seeded(2).wasm()).expect("writable");
    site.settle();
    site.runs();
    site.runs();
    let first = site.entry();
    let cache = site.cache();
    let words = ["--cache-dir".as_ref(), cache.as_os_str(), "other.wasm".as_ref()];
    let other = site.program().seeded(2).output();
    wrun(words).current_dir(site.path()).run().prints(&other);
    let second = site.names_with(".wrun").into_iter().find(|name| !first.ends_with(name));
    let links = cache.join("by-file");
    let to_first =
        |name: &String| fs::read_link(links.join(name)).is_ok_and(|target| target.file_name() == first.file_name());
    let link = crate::site::links(&cache)
        .into_iter()
        .find(to_first)
        .expect("it is known");
    let link = links.join(link);
    let lead = |target: &Path| {
        fs::remove_file(&link).expect("the test owns it");
        symlink(target, &link).expect("the test owns it");
    };
    // A symlink of this user decides which artifact runs.
    let second = Path::new("..").join(second.expect("compiled"));
    lead(&second);
    site.wrun(&[]).run().prints(&other);

    let own = fs::metadata(&links).expect("it exists").uid();
    let change = |owner, mode| {
        fs::set_permissions(&links, Permissions::from_mode(mode)).expect("the test owns it");
        chown(&links, Some(owner), None).expect("root may");
    };
    let mut cases = vec![(own, 0o777), (own, 0o730)];
    if own == 0 {
        cases.push((NOBODY, 0o700));
    }
    for (owner, mode) in cases {
        change(owner, mode);
        let (compiled, log) = site.logged(&[]);
        assert_eq!(compiled, 0, "{log}");
        assert!(log.contains("by-file: "), "{log}");
        change(own, 0o700);
        assert_eq!(
            fs::read_link(&link).expect("it exists"),
            second,
            "nothing was written there"
        );
    }
    // In another directory the symlinks have no effect.
    let moved = site.path().join("moved");
    fs::rename(&links, &moved).expect("the test owns it");
    symlink(&moved, &links).expect("the test owns it");
    assert_eq!(site.compiles(), 0);
    fs::remove_file(&links).expect("the test owns it");
    fs::rename(&moved, &links).expect("the test owns it");

    // Symlinks that lead out of the cache.
    let elsewhere = site.path().join("elsewhere.wrun");
    fs::copy(links.join(&second), &elsewhere).expect("readable");
    for target in [&*elsewhere, Path::new("../../elsewhere.wrun")] {
        lead(target);
        let (compiled, log) = site.logged(&[]);
        assert_eq!(compiled, 0, "{log}");
        assert!(log.contains("a link that leads out of the cache"), "{log}");
        assert_eq!(
            fs::read_link(&link).expect("it exists").file_name(),
            first.file_name(),
            "put right"
        );
    }
}

#[test]
fn an_artifact_made_under_any_umask() {
    for umask in ["000", "002", "077"] {
        let site = site();
        for mode in ["read-write", "require"] {
            let cache = site.cache();
            let words = ["--cache-mode", mode, "--cache-dir"].map(OsStr::new);
            let ended = wrun_after(&format!("umask {umask}"), words).args([cache, site.module()]);
            ended.run().prints(site.program().output());
        }
    }
}

/// On an overlay, the file system below decides how a change through a mapping affects the times.
#[test]
fn a_program_on_an_overlay() {
    let site = site();
    fs::write(site.path().join("second.wasm"), site.program().seeded(2).wasm()).expect("writable");
    // Writes one module, runs it until it is remembered, and writes another one through the mapping.
    let program = "import mmap, os, subprocess, sys, time
first, second = [open(name, 'rb').read() for name in (sys.argv[1], 'second.wasm')]
open('m/x.wasm', 'wb').write(first)
view = mmap.mmap(os.open('m/x.wasm', os.O_RDWR), 0)
view[:] = first
time.sleep(3.3)
run = lambda: subprocess.run([sys.argv[2], '--cache-dir', sys.argv[3], 'm/x.wasm'], check=True)
run(), run()
view[:] = second
run()";
    fs::write(site.path().join("program.py"), program).expect("writable");
    let (first, second) = (site.program().output(), site.program().seeded(2).output());
    for (below, known) in [("mount -t tmpfs none below", 0), ("true", 1)] {
        let script = format!(
            "rm -rf below m \"$CACHE\"/*; mkdir below m; {below}; cd below; mkdir lower upper work; cd ..
             mount -t overlay -o lowerdir=below/lower,upperdir=below/upper,workdir=below/work none m || {{ echo none; exit 0; }}
             python3 program.py \"$MODULE\" \"$WRUN\" \"$CACHE\"; ls \"$CACHE\"/by-file 2>/dev/null | grep -cE '(-.*){{7}}' || true"
        );
        match where_mounting_is_permitted(&site, &script) {
            Some(printed) if printed == "none\n" => skip("overlay", "nobody may mount an overlay here"),
            Some(printed) => assert_eq!(printed, format!("{first}{first}{second}{known}\n"), "{below}"),
            None => {}
        }
    }
}

/// Device, inode, length and times are the same as in the image before.
#[test]
fn a_program_in_an_image_that_was_built_again() {
    let site = site();
    fs::write(site.path().join("second.wasm"), site.program().seeded(2).wasm()).expect("writable");
    let script = "uuid=01234567-89ab-cdef-0123-456789abcdef; mkdir root mounted
        image() {
            cp \"$1\" root/x.wasm; touch -d @1700000000 root/x.wasm root
            mke2fs -q -t ext4 -U $uuid -E hash_seed=$uuid -d root image 8M >/dev/null 2>&1 || return 1
            for time in atime ctime mtime; do echo set_inode_field x.wasm $time @1700000000; done | debugfs -wf - image >/dev/null 2>&1
            mount -o ro,loop image mounted 2>/dev/null
        }
        image \"$MODULE\" || { echo none; exit 0; }
        MODULE=mounted/x.wasm; run; run; stat -c '%d %i %s %Y %Z' $MODULE; umount mounted; rm image
        image second.wasm; run; stat -c '%d %i %s %Y %Z' $MODULE";
    match where_mounting_is_permitted(&site, script) {
        Some(printed) if printed == "none\n" => skip("image", "no images can be made or mounted here"),
        Some(printed) => {
            let (first, second) = (site.program().output(), site.program().seeded(2).output());
            let identities: Vec<_> = printed.lines().filter(|line| line.contains(' ')).collect();
            let &[before, after] = &identities[..] else {
                panic!("{printed}")
            };
            assert_eq!(printed, format!("{first}{first}{before}\n{second}{after}\n"));
            if before != after {
                println!("the device was another one; so the file is: {before}, {after}");
            }
        }
        None => {}
    }
}

/// The user `nobody`.
const NOBODY: u32 = 65534;

/// Returns the artifact of another program than the site's.
fn other_artifact(site: &Site) -> Vec<u8> {
    let path = site.path();
    fs::write(path.join("other.wasm"), site.program().seeded(2).wasm()).expect("writable");
    let ended = wrun(["--cache-dir", "other", "other.wasm"]).current_dir(path).run();
    ended.prints(site.program().seeded(2).output());
    let artifacts = names(&path.join("other"));
    let name = artifacts.iter().find(|name| name.ends_with(".wrun")).expect("compiled");
    fs::read(path.join("other").join(name)).expect("the test owns it")
}
