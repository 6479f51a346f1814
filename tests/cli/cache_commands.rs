//! `wrun cache …`: what each command prints, for people and as JSON, and what it does.

mod support;

use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use support::{Dir, Ended, artifacts, guest, wrun};

/// A scratch directory with a cache in `cache`.
struct Site(Dir);

impl Site {
    /// A cache with the artifacts of these guests, in this order of use.
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

    /// `wrun cache` with these words.
    fn command(&self, words: &[&str]) -> Ended {
        let command = self.0.wrun(["cache", "--cache-dir=cache"]);
        command.args(words).run()
    }

    /// What it prints.
    #[track_caller]
    fn text(&self, words: &[&str]) -> String {
        let ended = self.command(words).status(0).quiet();
        String::from_utf8(ended.stdout).expect("it is UTF-8")
    }

    /// What it prints with `--json`.
    #[track_caller]
    fn json(&self, words: &[&str]) -> Value {
        parsed(&self.text(&[words, &["--json"]].concat()))
    }

    /// The key of a guest.
    fn key(&self, name: &str) -> String {
        let path = guest(name);
        self.text(&["key", path.to_str().expect("UTF-8")]).trim().to_owned()
    }

    /// The artifact of a guest.
    fn artifact(&self, name: &str) -> PathBuf {
        self.cache().join(format!("{}.wrun", self.key(name)))
    }

    /// Makes an artifact look as if it had not been used for so long.
    fn unused_for(&self, name: &str, time: Duration) {
        let file = fs::File::open(self.artifact(name)).expect("it is there");
        let old = SystemTime::now() - time;
        let times = fs::FileTimes::new().set_accessed(old).set_modified(old);
        file.set_times(times).expect("it is ours");
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
        .expect("it is there and ours");
    let from = if offset < 0 {
        SeekFrom::End(offset)
    } else {
        SeekFrom::Start(offset.unsigned_abs())
    };
    let at = file.seek(from).expect("it is that long");
    let mut byte = [0];
    file.read_exact(&mut byte).expect("it is that long");
    file.seek(SeekFrom::Start(at)).expect("it is that long");
    file.write_all(&[!byte[0]]).expect("it is ours");
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
    assert_eq!(site.text(&["verify"]), "0 sound, 0 of another wrun, 0 damaged\n");
    for command in ["prune", "clear"] {
        assert_eq!(site.json(&[command]), json!({"removed": 0, "bytes": 0}));
    }
    assert!(!site.cache().exists());
}

#[test]
fn a_cache_that_cannot_be_trusted_is_refused() {
    let site = Site::new(&["hello"]);
    let open = fs::Permissions::from_mode(0o777);
    fs::set_permissions(site.cache(), open).expect("it is ours");
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
    let text = fs::read(hello).expect("the guest is there");
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
    assert_eq!(site.text(&["verify"]), "3 sound, 0 of another wrun, 0 damaged\n");
    let expected = json!({"dir": "cache", "sound": 3, "stale": 0, "damaged": []});
    assert_eq!(site.json(&["verify"]), expected);

    // In the text, and in the last byte, where no run looks.
    let (text, end) = (site.artifact("hello"), site.artifact("cat"));
    damage(&text, 4096 + 5);
    damage(&end, -1);
    let ended = site
        .command(&["verify"])
        .status(125)
        .says(["the cache is damaged", "wrun cache clear"]);
    let words = String::from_utf8(ended.stdout).expect("UTF-8");
    assert!(words.ends_with("1 sound, 0 of another wrun, 2 damaged\n"), "{words}");
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

    // Cut short.
    let bytes = fs::read(&text).expect("it is there");
    fs::write(&text, &bytes[..bytes.len() / 2]).expect("it is ours");
    let ended = site.command(&["verify"]).status(125);
    assert!(String::from_utf8_lossy(&ended.stdout).contains("truncated"));
}

#[test]
fn verify_tells_another_wruns_artifacts_from_damage() {
    let site = Site::new(&["hello"]);
    // The build is named in the header, after magic and format version.
    damage(&site.artifact("hello"), 64 + 16);
    assert_eq!(site.text(&["verify"]), "0 sound, 1 of another wrun, 0 damaged\n");
}

#[test]
fn prune_removes_down_to_the_limit_and_clear_removes_all() {
    let site = Site::new(&["hello", "cat", "words"]);
    site.unused_for("cat", HOUR * 2);
    site.unused_for("hello", HOUR);
    let size = |name: &str| fs::metadata(site.artifact(name)).expect("it is there").len();
    let (hello, cat, words) = (size("hello"), size("cat"), size("words"));
    assert_eq!(site.text(&["prune"]), "removed 0 artifacts of 0 bytes\n");
    let limit = (hello + words).to_string();
    assert_eq!(
        site.json(&["prune", "--cache-size", &limit]),
        json!({"removed": 1, "bytes": cat})
    );
    assert!(!site.artifact("cat").exists() && site.artifact("hello").exists());
    let text = site.text(&["clear"]);
    assert!(text.starts_with("removed 2 artifacts of "), "{text}");
    assert_eq!(artifacts(&site.cache()).len(), 0);
    site.run("hello");
    assert_eq!(site.json(&["clear"]), json!({"removed": 1, "bytes": hello}));
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
