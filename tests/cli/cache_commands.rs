//! `wrun cache …`: the output of each command, for people and as JSON, and its effect.

use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::support::{Dir, Ended, artifacts, bound_by_permissions, guest, wrun, wrun_through};
use serde_json::{Value, json};

/// A scratch directory with a cache in `cache`.
struct Site(Dir);

impl Site {
    /// Makes a cache with the artifacts of these guests, used in this order.
    fn new(guests: &[&str]) -> Self {
        let site = Self(Dir::new());
        for name in guests {
            site.run(name);
        }
        site
    }

    fn cache(&self) -> PathBuf {
        self.0.path().join("cache")
    }

    fn run(&self, name: &str) {
        let run = self.0.wrun(["--cache-dir=cache"]).args([guest(name)]);
        run.run().status(0).quiet();
    }

    /// Runs `wrun cache` with these arguments.
    fn command(&self, words: &[&str]) -> Ended {
        let command = self.0.wrun(["cache", "--cache-dir=cache"]);
        command.args(words).run()
    }

    /// Runs it, and returns its output.
    #[track_caller]
    fn text(&self, words: &[&str]) -> String {
        let ended = self.command(words).status(0).quiet();
        String::from_utf8(ended.stdout).expect("it is UTF-8")
    }

    /// Runs it with `--json`, and returns its output.
    #[track_caller]
    fn json(&self, words: &[&str]) -> Value {
        parsed(&self.text(&[words, &["--json"]].concat()))
    }

    /// Returns the key of a guest.
    fn key(&self, name: &str) -> String {
        let path = guest(name);
        self.text(&["key", path.to_str().expect("UTF-8")]).trim().to_owned()
    }

    /// Returns the path of a guest's artifact.
    fn artifact(&self, name: &str) -> PathBuf {
        self.cache().join(format!("{}.wrun", self.key(name)))
    }

    /// Returns the names of the symlinks from wasm files to artifacts.
    fn links(&self) -> Vec<String> {
        let entries = fs::read_dir(self.cache().join("by-file")).into_iter().flatten();
        let names = entries.map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"));
        names.filter(|name| name.split('-').count() == 8).collect()
    }

    /// Lists the contents of the cache.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.cache()).expect("it exists");
        let names = entries.map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"));
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    /// Makes an artifact look as if it had not been used for this time.
    fn unused_for(&self, name: &str, time: Duration) {
        let file = fs::File::open(self.artifact(name)).expect("it exists");
        let old = SystemTime::now() - time;
        let times = fs::FileTimes::new().set_accessed(old).set_modified(old);
        file.set_times(times).expect("the test owns it");
    }
}

#[track_caller]
fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

/// Changes the byte at this offset, from the end if it is negative.
fn damage(path: &Path, offset: i64) {
    let mut file = fs::File::options()
        .read(true)
        .write(true)
        .open(path)
        .expect("it exists and the test owns it");
    let from = if offset < 0 {
        SeekFrom::End(offset)
    } else {
        SeekFrom::Start(offset.unsigned_abs())
    };
    let at = file.seek(from).expect("it is that long");
    let mut byte = [0];
    file.read_exact(&mut byte).expect("it is that long");
    file.seek(SeekFrom::Start(at)).expect("it is that long");
    file.write_all(&[!byte[0]]).expect("the test owns it");
}

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn path_prints_the_directory_whether_it_is_there_or_not() {
    let site = Site::new(&[]);
    assert_eq!(site.text(&["path"]), "cache\n");
    assert_eq!(site.json(&["path"]), json!({"dir": "cache"}));
    assert!(!site.cache().exists());
    for (variable, value, expected) in [
        ("WRUN_CACHE_DIR", "/some/where", "/some/where\n"),
        ("XDG_CACHE_HOME", "/some/where", "/some/where/wrun\n"),
        ("HOME", "/some/where", "/some/where/.cache/wrun\n"),
    ] {
        wrun(["cache", "path"]).env(variable, value).run().prints(expected);
    }
}

#[test]
fn without_a_directory_every_command_says_how_to_name_one() {
    for command in ["path", "ls", "stats", "verify", "prune", "clear"] {
        wrun(["cache", command])
            .run()
            .fails(125, ["no directory for the cache", "set HOME", "--cache-dir DIR"]);
    }
}

#[test]
fn a_cache_that_is_not_there_is_empty_and_stays_away() {
    let site = Site::new(&[]);
    assert_eq!(site.text(&["ls"]), "");
    assert_eq!(site.json(&["ls"]), json!([]));
    assert_eq!(site.json(&["stats"])["artifacts"], 0);
    assert_eq!(site.json(&["stats"])["oldest_use"], Value::Null);
    assert!(site.text(&["stats"]).contains("artifacts   0\n"));
    assert_eq!(site.text(&["verify"]), "0 sound, 0 stale, 0 damaged\n");
    for command in ["prune", "clear"] {
        assert_eq!(site.json(&[command]), json!({"removed": 0, "bytes": 0, "failed": 0}));
    }
    assert!(!site.cache().exists());
}

#[test]
fn a_cache_that_cannot_be_trusted_is_refused() {
    let site = Site::new(&["hello"]);
    let open = fs::Permissions::from_mode(0o777);
    fs::set_permissions(site.cache(), open).expect("the test owns it");
    for command in ["ls", "stats", "verify", "prune", "clear"] {
        site.command(&[command]).fails(125, ["is not used", "others can write"]);
    }
    assert_eq!(artifacts(&site.cache()).len(), 1);
}

#[test]
fn ls_lists_what_was_used_longest_ago_first() {
    let site = Site::new(&["hello", "cat", "words"]);
    site.unused_for("cat", HOUR * 50);
    site.unused_for("words", HOUR);
    let text = site.text(&["ls"]);
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    let keys: Vec<_> = lines.iter().map(|line| line[line.len() - 1]).collect();
    assert_eq!(keys, [site.key("cat"), site.key("words"), site.key("hello")]);
    assert_eq!(lines[0][2..5], ["2", "d", "ago"], "{text}");
    assert_eq!(lines[1][2..5], ["1", "h", "ago"], "{text}");

    let rows = site.json(&["ls"]);
    for (row, key) in rows.as_array().expect("a list").iter().zip(keys) {
        assert_eq!(row["key"], key);
        let path = row["path"].as_str().expect("text");
        let metadata = fs::metadata(site.0.path().join(path)).expect("the path is right");
        assert_eq!(row["bytes"], metadata.len());
        assert!(row["used"].as_u64() > Some(1_000_000_000), "{row}");
    }
}

#[test]
fn stats_count_what_ls_lists() {
    let site = Site::new(&["hello", "cat"]);
    site.unused_for("cat", HOUR);
    let rows = site.json(&["ls"]);
    let rows = rows.as_array().expect("a list");
    let bytes: u64 = rows.iter().filter_map(|row| row["bytes"].as_u64()).sum();
    let expected = json!({
        "dir": "cache",
        "artifacts": 2,
        "bytes": bytes,
        "limit": 2_u64 << 30,
        "oldest_use": rows[0]["used"],
        "newest_use": rows[1]["used"],
        "left_over_bytes": 0,
        "links": site.links().len(),
    });
    assert_eq!(site.json(&["stats"]), expected);
    assert_eq!(site.json(&["stats", "--cache-size", "5K"])["limit"], 5 << 10);
    let text = site.text(&["stats", "--cache-size", "5K"]);
    for part in [
        "directory   cache\n",
        "artifacts   2\n",
        " of at most 5.0 KiB\n",
        "1 h ago to ",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn key_is_the_name_of_the_artifact_that_a_run_makes() {
    let hello = guest("hello");
    let hello = hello.to_str().expect("UTF-8");
    for options in [
        &[][..],
        &["--cpu", "native"],
        &["--cpu", "x86-64-v2"],
        &["--no-address-map"],
        &["--deterministic"],
    ] {
        let site = Site::new(&[]);
        let words = [&["key", hello][..], options].concat();
        assert_eq!(site.json(&words)["is_cached"], false);
        let run = site.0.wrun(["--cache-dir=cache"]).args(options).args([hello]);
        run.run().prints("hello, world\n");
        let key = site.text(&words).trim().to_owned();
        assert_eq!(artifacts(&site.cache()), [format!("{key}.wrun")], "{options:?}");
        let expected = json!({"file": hello, "key": key, "is_cached": true});
        assert_eq!(site.json(&words), expected);
    }
    // It needs no cache, and takes stdin too.
    let ended = wrun(["cache", "key", hello]).run().status(0).quiet();
    let text = fs::read(hello).expect("the guest exists");
    let from_stdin = wrun(["cache", "key", "-"]).stdin(text).run();
    from_stdin.prints(ended.stdout);
}

#[test]
fn key_of_no_file_and_of_native_code() {
    let site = Site::new(&["hello"]);
    site.command(&["key", "no/such.wasm"])
        .fails(127, ["no module `no/such.wasm`"]);
    site.command(&["key", "."]).fails(126, ["is a directory"]);
    let artifact = site.artifact("hello");
    site.command(&["key", artifact.to_str().expect("UTF-8")])
        .fails(126, ["it is native code"]);
}

#[test]
fn verify_finds_damage_wherever_it_is() {
    let site = Site::new(&["hello", "cat", "words"]);
    assert_eq!(site.text(&["verify"]), "3 sound, 0 stale, 0 damaged\n");
    let expected = json!({"dir": "cache", "sound": 3, "stale": 0, "damaged": [], "unreadable": []});
    assert_eq!(site.json(&["verify"]), expected);

    // In the text, and in the last byte, which no run reads.
    let (text, end) = (site.artifact("hello"), site.artifact("cat"));
    damage(&text, 4096 + 5);
    damage(&end, -1);
    let ended = site
        .command(&["verify"])
        .status(125)
        .says(["the cache is damaged", "wrun cache clear"]);
    let words = String::from_utf8(ended.stdout).expect("UTF-8");
    assert!(words.ends_with("1 sound, 0 stale, 2 damaged\n"), "{words}");
    for path in [&text, &end] {
        let name = path.file_name().and_then(|name| name.to_str()).expect("UTF-8");
        assert!(words.contains(name) && words.contains("checksum"), "{words}");
    }
    let ended = site.command(&["verify", "--json"]).status(125);
    let found = parsed(std::str::from_utf8(&ended.stdout).expect("UTF-8"));
    assert_eq!((&found["sound"], &found["stale"]), (&json!(1), &json!(0)));
    let damaged = found["damaged"].as_array().expect("a list");
    assert!(
        damaged.len() == 2
            && damaged[0]["reason"]
                .as_str()
                .is_some_and(|why| why.contains("checksum"))
    );

    // Truncated.
    let bytes = fs::read(&text).expect("it exists");
    fs::write(&text, &bytes[..bytes.len() / 2]).expect("the test owns it");
    let ended = site.command(&["verify"]).status(125);
    assert!(String::from_utf8_lossy(&ended.stdout).contains("truncated"));
}

#[test]
fn verify_tells_another_wruns_artifacts_from_damage() {
    let site = Site::new(&["hello"]);
    // The build is named in the header, after magic and format version.
    damage(&site.artifact("hello"), 64 + 16);
    assert_eq!(site.text(&["verify"]), "0 sound, 1 stale, 0 damaged\n");
}

#[test]
fn prune_removes_down_to_the_limit_and_clear_removes_all() {
    let site = Site::new(&["hello", "cat", "words"]);
    site.unused_for("cat", HOUR * 2);
    site.unused_for("hello", HOUR);
    let size = |name: &str| fs::metadata(site.artifact(name)).expect("it exists").len();
    let (hello, cat, words) = (size("hello"), size("cat"), size("words"));
    assert_eq!(site.text(&["prune"]), "removed 0 artifacts of 0 bytes\n");
    let limit = (hello + words).to_string();
    assert_eq!(
        site.json(&["prune", "--cache-size", &limit]),
        json!({"removed": 1, "bytes": cat, "failed": 0})
    );
    assert!(!site.artifact("cat").exists() && site.artifact("hello").exists());
    let text = site.text(&["clear"]);
    assert!(text.starts_with("removed 2 artifacts of "), "{text}");
    assert_eq!(artifacts(&site.cache()).len(), 0);
    site.run("hello");
    assert_eq!(
        site.json(&["clear"]),
        json!({"removed": 1, "bytes": hello, "failed": 0})
    );
}

#[test]
fn what_cannot_be_removed_is_a_failure_and_holds_nothing_else_up() {
    let site = Site::new(&["hello", "cat"]);
    // A directory in an artifact's place.
    let cat = site.artifact("cat");
    fs::remove_file(&cat).expect("the test owns it");
    fs::create_dir(&cat).expect("the test owns it");
    let name = cat.file_name().and_then(|name| name.to_str()).expect("UTF-8");
    let parts = ["cannot remove ", name, "directory", "by hand"];
    let ended = site.command(&["prune"]).status(125).says(parts);
    assert_eq!(ended.stdout, b"removed 0 artifacts of 0 bytes\n");
    let ended = site.command(&["clear"]).status(125).says(parts);
    assert!(ended.stdout.starts_with(b"removed 1 artifact of "), "{ended:?}");
    assert_eq!(site.names(), [name]);
    fs::remove_dir(&cat).expect("the test owns it");

    // A directory that cannot be written.
    site.run("hello");
    site.run("cat");
    let set = |mode| fs::set_permissions(site.cache(), fs::Permissions::from_mode(mode)).expect("the test owns it");
    set(0o500);
    let words = |words: &[&str]| {
        let all = [&["cache", "--cache-dir", "cache"], words].concat();
        wrun_through(bound_by_permissions(), all)
            .current_dir(site.0.path())
            .run()
    };
    // The empty directory of symlinks is removed too.
    let links = u64::from(site.cache().join("by-file").exists());
    for (command, count) in [(&["clear"][..], 2 + links), (&["prune", "--cache-size=0"], 2)] {
        let more = format!(".wrun (and {} more)", count - 1);
        let parts = ["cannot remove ", &more, "Permission denied", "writable"];
        let ended = words(command).status(125).says(parts);
        assert_eq!(ended.stdout, b"removed 0 artifacts of 0 bytes\n");
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
        let ended = words(&[command, &["--json"]].concat())
            .status(125)
            .says(["cannot remove "]);
        let value = parsed(std::str::from_utf8(&ended.stdout).expect("UTF-8"));
        assert_eq!((&value["removed"], &value["failed"]), (&json!(0), &json!(count)));
    }
    // If there is nothing to remove, nothing fails.
    assert_eq!(
        words(&["prune"]).status(0).quiet().stdout,
        b"removed 0 artifacts of 0 bytes\n"
    );
    set(0o700);
    assert_eq!(artifacts(&site.cache()).len(), 2);
}

#[test]
fn clear_removes_all_but_what_processes_at_work_hold_and_what_is_not_wruns() {
    let site = Site::new(&["hello"]);
    let write = |name: &str| {
        let path = site.cache().join(name);
        fs::write(&path, "some bytes").expect("the test owns it");
        fs::File::open(path).expect("the test owns it")
    };
    let key = site.key("cat");
    let held = write("new-0123456789abcdef");
    held.lock().expect("no other process has it");
    write("new-fedcba9876543210");
    write(&format!("{key}.lock"));
    write("notes.txt");
    let links = site.cache().join("by-file");
    let _ = fs::create_dir(&links);
    let link = |name: &str, target: &str| symlink(target, links.join(name)).expect("the test owns it");
    link("new-0123456789abcdef", &format!("../{key}.wrun"));
    link(&link_name(1), &format!("../{}.wrun", site.key("hello")));

    assert_eq!(site.json(&["stats"])["left_over_bytes"], 20);
    assert!(site.text(&["stats"]).contains("left over   20 bytes\n"));
    assert_eq!(site.json(&["clear"])["removed"], 1);
    assert_eq!(site.names(), ["new-0123456789abcdef", "notes.txt"]);
    drop(held);
    site.text(&["clear"]);
    assert_eq!(site.names(), ["notes.txt"]);
    assert!(!site.text(&["stats"]).contains("left over"));
}

/// Returns the name of a symlink for a file that does not exist.
fn link_name(number: u32) -> String {
    format!("abcdef-{number:x}-2-3-4-5-6-{}", "0".repeat(80))
}

#[test]
fn when_there_are_too_many_links_the_older_half_goes() {
    let site = Site::new(&[]);
    let text = fs::read(guest("hello")).expect("the guest exists");
    let run = |name: &str| site.0.wrun(["--cache-dir=cache", name]).run().prints("hello, world\n");
    for name in ["first.wat", "second.wat", "third.wat"] {
        site.0.write(name, &text);
    }
    // After this time the files are remembered.
    std::thread::sleep(Duration::from_millis(3300));
    run("first.wat");
    let first = site.links();
    assert_eq!(first.len(), 1, "{first:?}");
    let target = format!("../{}", artifacts(&site.cache())[0]);
    let add = |numbers: std::ops::Range<u32>| {
        for number in numbers {
            symlink(&target, site.cache().join("by-file").join(link_name(number))).expect("the test owns it");
        }
    };
    add(1..4096);
    run("first.wat");
    assert_eq!(site.links().len(), 4096, "as many as there may be");
    run("second.wat");
    let mut left = site.links();
    assert_eq!(left.len(), 4097 - 2048);
    assert!(!left.contains(&first[0]), "it was the oldest");
    assert!(left.contains(&link_name(4095)), "it was the newest but one");
    left.retain(|name| !name.starts_with("abcdef-"));
    assert_eq!(left.len(), 1, "the one that was just made");
    assert_eq!(site.json(&["stats"])["links"], 4097 - 2048);

    add(5000..9000);
    run("second.wat");
    assert!(site.links().len() > 4096, "a file that is known is not looked up");
    assert_eq!(site.json(&["prune"])["removed"], 0);
    let left = site.links();
    assert_eq!(left.len(), (4097 - 2048 + 4000_usize).div_ceil(2));
    assert!(left.contains(&link_name(8999)) && !left.contains(&link_name(4095)));
    assert!(site.text(&["stats"]).contains(&format!("known files {}\n", left.len())));
    run("third.wat");
    assert_eq!(site.links().len(), left.len() + 1);
}

#[test]
fn key_needs_no_cache_and_says_cached_where_a_run_that_requires_it_runs() {
    let site = Site::new(&["hello"]);
    let path = guest("hello");
    let hello = path.to_str().expect("UTF-8");
    let (key, artifact) = (site.key("hello"), site.artifact("hello"));
    let found = |is_cached: bool| {
        let expected = json!({"file": hello, "key": key, "is_cached": is_cached});
        assert_eq!(site.json(&["key", hello]), expected);
        let run = site.0.wrun(["--cache-dir=cache", "--cache-mode=require", hello]);
        run.run().status(if is_cached { 0 } else { 126 });
    };
    found(true);
    let bytes = fs::read(&artifact).expect("the test owns it");
    fs::write(&artifact, &bytes[..bytes.len() / 2]).expect("the test owns it");
    found(false);
    fs::write(&artifact, &bytes).expect("the test owns it");
    found(true);
    fs::set_permissions(site.cache(), fs::Permissions::from_mode(0o777)).expect("the test owns it");
    found(false);
}

#[test]
fn key_of_what_is_no_module_is_an_error_as_running_it_is() {
    let site = Site::new(&[]);
    site.0.write("cut.wasm", "\0asm\x01\0\0\0\x01\x7f");
    for (file, parts) in [
        (
            "/bin/true",
            &["cannot give the key of `/bin/true`: ", "not a wasm module"][..],
        ),
        ("cut.wasm", &["cannot give the key of `cut.wasm`: "]),
    ] {
        site.0.wrun([file]).run().fails(126, ["cannot run `"]);
        site.command(&["key", file]).fails(126, parts);
        site.command(&["key", "--json", file]).fails(126, parts);
    }
}

#[test]
fn verify_tells_what_cannot_be_read_from_damage() {
    let site = Site::new(&["hello", "cat"]);
    let set = fs::set_permissions(site.artifact("cat"), fs::Permissions::from_mode(0o000));
    set.expect("the test owns it");
    let verify = |words: &[&str]| {
        let all = [&["cache", "--cache-dir", "cache", "verify"], words].concat();
        wrun_through(bound_by_permissions(), all)
            .current_dir(site.0.path())
            .run()
    };
    let parts = ["cannot be read", "make the listed files readable"];
    let ended = verify(&[]).status(125).says(parts);
    let text = String::from_utf8(ended.stdout).expect("UTF-8");
    assert!(text.ends_with("1 sound, 0 stale, 0 damaged, 1 unreadable\n"), "{text}");
    let ended = verify(&["--json"]).status(125).says(parts);
    let value = parsed(std::str::from_utf8(&ended.stdout).expect("UTF-8"));
    assert_eq!((&value["sound"], &value["damaged"]), (&json!(1), &json!([])));
    let reason = value["unreadable"][0]["reason"].as_str().expect("it is said");
    assert!(reason.contains("Permission denied"), "{value}");
}

#[test]
fn wrong_words_are_wrong_usage() {
    let site = Site::new(&[]);
    for (words, parts) in [
        (&[][..], &["path, ls, stats, key, verify, prune, clear"][..]),
        (&["frob"], &["unrecognized subcommand 'frob'"]),
        (&["ls", "-x"], &["no option `-x`"]),
        (&["ls", "x"], &["x"]),
        (&["key"], &["<FILE>"]),
        (&["key", "--cpu", "z80", "x"], &["native, x86-64-v2, x86-64-v3"]),
        (&["prune", "--cache-size", "1GB"], &["--cache-size: ", "write `1GiB`"]),
    ] {
        site.command(words).fails(125, parts);
    }
    wrun(["cache", "ls", "--cache-dir", ""])
        .run()
        .fails(125, ["--cache-dir: "]);
}
