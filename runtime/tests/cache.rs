//! The cache of artifacts, through the public API: hits, misses, stale artifacts, and conditions on the directory.
#![cfg(feature = "compiler")]

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use wrun_runtime::{
    Cache, CacheError, CacheKey, CacheMode, Config, Engine, Error, FileIdentity, Imports, Instance, Module, Store,
    Value,
};
use wrun_tests::Scratch;

fn open_cache(scratch: &Scratch, mode: CacheMode) -> Cache {
    Cache::open(&scratch.join("cache"), mode, 1 << 30).expect("it is this user's own")
}

fn engine() -> Engine {
    Engine::new(&Config::new()).expect("made")
}

fn wasm(answer: i32) -> Vec<u8> {
    let text = format!(
        r#"(module (memory (export "memory") 2) (data (i32.const 70000) "\2a")
             (table funcref (elem $f)) (type $t (func (result i32)))
             (func $f (result i32) (i32.const {answer}))
             (func (export "answer") (result i32)
               (i32.add (i32.load8_u (i32.const 70000)) (call_indirect (type $t) (i32.const 0)))))"#
    );
    wat::parse_str(text).expect("valid")
}

fn answer(engine: &Engine, module: &Module) -> i32 {
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, module, &Imports::new(engine)).expect("instantiates");
    let func = instance.func(&mut store, "answer").expect("exported");
    match func.call(&mut store, &[]).expect("returns")[..] {
        [Value::I32(value)] => value - 42,
        _ => panic!("one result"),
    }
}

fn artifact_in(cache: &Cache) -> PathBuf {
    let entries = cache.entries().expect("readable");
    assert_eq!(entries.len(), 1);
    entries[0].path.clone()
}

#[test]
fn the_second_time_the_artifact_is_there() {
    let (scratch, engine) = (Scratch::new(), engine());
    let cache = open_cache(&scratch, CacheMode::ReadWrite);
    assert!(matches!(
        Module::new_cached(&engine, &open_cache(&scratch, CacheMode::Require), &wasm(1), None),
        Err(Error::CacheMiss { .. })
    ));
    let module = Module::new_cached(&engine, &cache, &wasm(1), None).expect("compiles");
    assert_eq!(answer(&engine, &module), 1);
    assert_eq!(
        cache.entries().expect("readable")[0].key,
        CacheKey::of(&engine, &wasm(1)).to_string()
    );
    let required = open_cache(&scratch, CacheMode::Require);
    let again = Module::new_cached(&engine, &required, &wasm(1), None).expect("is there");
    assert_eq!(answer(&engine, &again), 1);
    assert_eq!(module.serialize(), again.serialize());
    let mut left = names(&scratch.join("cache"));
    left.retain(|name| !name.ends_with(".wrun"));
    assert_eq!(left, ["by-file"], "no lock and no temporary file is left");
}

#[test]
fn other_contents_and_other_settings_have_artifacts_of_their_own() {
    let (scratch, engine) = (Scratch::new(), engine());
    let cache = open_cache(&scratch, CacheMode::ReadWrite);
    let plain = Engine::new(Config::new().address_map(false)).expect("made");
    for (engine, value) in [(&engine, 1), (&engine, 2), (&plain, 1)] {
        let module = Module::new_cached(engine, &cache, &wasm(value), None).expect("compiles");
        assert_eq!(answer(engine, &module), value);
    }
    assert_eq!(cache.entries().expect("readable").len(), 3);
}

#[test]
fn a_file_is_known_by_its_identity_only_when_that_can_be_trusted() {
    let (scratch, engine) = (Scratch::new(), engine());
    let cache = open_cache(&scratch, CacheMode::ReadWrite);
    let path = scratch.join("module.wasm");
    fs::write(&path, wasm(1)).expect("written");
    let file = File::open(&path).expect("there");
    let fresh = FileIdentity::of(&file).expect("a file");
    let fresh = cache.before_reading(fresh, &file);
    Module::new_cached(&engine, &cache, &wasm(1), Some(&fresh)).expect("compiles");
    assert!(
        Module::from_cache(&engine, &cache, &fresh).is_none(),
        "it was changed just now"
    );

    std::thread::sleep(Duration::from_millis(3200));
    let settled = FileIdentity::of(&file).expect("a file");
    Module::new_cached(&engine, &cache, &wasm(1), Some(&settled)).expect("is there");
    assert!(
        Module::from_cache(&engine, &cache, &settled).is_none(),
        "it might have been changed while it was read"
    );
    let settled = cache.before_reading(settled, &file);
    assert!(settled.still_holds(&file));
    Module::new_cached(&engine, &cache, &wasm(1), Some(&settled)).expect("is there");
    let module = Module::from_cache(&engine, &cache, &settled).expect("remembered");
    assert_eq!(answer(&engine, &module), 1);

    // The length and the modification time are the same as before. Only the time of the inode's change differs.
    let times = fs::metadata(&path).expect("there").modified().expect("has one");
    fs::write(&path, wasm(2)).expect("written");
    let file = File::options().write(true).open(&path).expect("there");
    file.set_modified(times).expect("its owner's right");
    let changed = FileIdentity::of(&file).expect("a file");
    assert!(!settled.still_holds(&file));
    assert!(Module::from_cache(&engine, &cache, &changed).is_none());
}

#[test]
fn a_link_that_leads_to_another_artifact_is_corrected() {
    let (scratch, engine) = (Scratch::new(), engine());
    let cache = open_cache(&scratch, CacheMode::ReadWrite);
    let path = scratch.join("module.wasm");
    fs::write(&path, wasm(1)).expect("written");
    std::thread::sleep(Duration::from_millis(3200));
    let file = File::open(&path).expect("there");
    let identity = FileIdentity::of(&file).expect("a file");
    let identity = cache.before_reading(identity, &file);
    Module::new_cached(&engine, &cache, &wasm(1), Some(&identity)).expect("compiles");
    assert!(Module::from_cache(&engine, &cache, &identity).is_some());
    let links = cache.dir().join("by-file");
    let link = links.join(&known(&links)[0]);
    let right = fs::read_link(&link).expect("a link");

    // An artifact for other settings is not used.
    let plain = Engine::new(Config::new().address_map(false)).expect("made");
    Module::new_cached(&plain, &cache, &wasm(1), None).expect("compiles");
    let other = CacheKey::of(&plain, &wasm(1));
    for wrong in [
        format!("../{other}.wrun"),
        "nowhere".to_owned(),
        "../by-file".to_owned(),
    ] {
        fs::remove_file(&link).expect("own");
        symlink(&wrong, &link).expect("own");
        assert!(Module::from_cache(&engine, &cache, &identity).is_none(), "{wrong}");
        let reading = open_cache(&scratch, CacheMode::ReadOnly);
        Module::new_cached(&engine, &reading, &wasm(1), Some(&identity)).expect("is there");
        assert_eq!(
            fs::read_link(&link).expect("a link"),
            Path::new(&wrong),
            "read-only writes nothing"
        );

        Module::new_cached(&engine, &cache, &wasm(1), Some(&identity)).expect("is there");
        assert_eq!(fs::read_link(&link).expect("a link"), right);
        let module = Module::from_cache(&engine, &cache, &identity).expect("remembered");
        assert_eq!(answer(&engine, &module), 1);
        assert_eq!(known(&links).len(), 1, "{wrong}");
    }
}

#[test]
fn a_damaged_artifact_is_replaced() {
    let (scratch, engine) = (Scratch::new(), engine());
    let cache = open_cache(&scratch, CacheMode::ReadWrite);
    Module::new_cached(&engine, &cache, &wasm(1), None).expect("compiles");
    let path = artifact_in(&cache);
    let good = fs::read(&path).expect("readable");
    for damaged in [Vec::new(), b"nonsense".to_vec(), good[..good.len() / 2].to_vec(), {
        let mut flipped = good.clone();
        flipped[100] ^= 1;
        flipped
    }] {
        // wrun itself never removes and writes an artifact like this, it only renames.
        fs::remove_file(&path).expect("there");
        fs::write(&path, damaged).expect("written");
        assert!(matches!(
            Module::new_cached(&engine, &open_cache(&scratch, CacheMode::Require), &wasm(1), None),
            Err(Error::CacheMiss { .. })
        ));
        let module = Module::new_cached(&engine, &cache, &wasm(1), None).expect("compiles again");
        assert_eq!(answer(&engine, &module), 1);
        assert_eq!(fs::read(&path).expect("readable"), good);
    }
}

#[test]
fn a_module_in_use_outlives_its_artifact() {
    let (scratch, engine) = (Scratch::new(), engine());
    let cache = open_cache(&scratch, CacheMode::ReadWrite);
    let module = Module::new_cached(&engine, &cache, &wasm(1), None).expect("compiles");
    assert_eq!(cache.clear().expect("readable").files, 1);
    assert!(cache.entries().expect("readable").is_empty());
    assert_eq!(answer(&engine, &module), 1);
    fs::remove_dir_all(scratch.join("cache")).expect("there");
    let module = Module::new_cached(&engine, &cache, &wasm(2), None).expect("compiles without a directory");
    assert_eq!(answer(&engine, &module), 2);
}

#[test]
fn read_only_writes_nothing() {
    let (scratch, engine) = (Scratch::new(), engine());
    fs::create_dir(scratch.join("cache")).expect("new");
    fs::set_permissions(scratch.join("cache"), Permissions::from_mode(0o700)).expect("own");
    let cache = open_cache(&scratch, CacheMode::ReadOnly);
    let module = Module::new_cached(&engine, &cache, &wasm(1), None).expect("compiles");
    assert_eq!(answer(&engine, &module), 1);
    assert_eq!(fs::read_dir(scratch.join("cache")).expect("readable").count(), 0);
}

#[test]
fn a_directory_that_others_can_write_is_not_used() {
    let scratch = Scratch::new();
    let path = scratch.join("cache");
    fs::create_dir(&path).expect("new");
    for (mode, trusted) in [(0o777, false), (0o770, false), (0o755, true), (0o700, true)] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("own");
        let result = Cache::open(&path, CacheMode::ReadWrite, 0);
        assert_eq!(result.is_ok(), trusted, "{mode:o}");
        if let Err(error) = result {
            assert!(matches!(error, CacheError::Untrusted(..)), "{error}");
            assert_eq!(error.to_string().lines().count(), 1);
        }
    }
}

#[test]
fn a_new_directory_is_for_its_owner_alone() {
    let scratch = Scratch::new();
    let path = scratch.join("a").join("b");
    Cache::open(&path, CacheMode::ReadWrite, 0).expect("made");
    let mode = fs::metadata(&path).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    assert!(Cache::open(Path::new("/proc/self/nothing"), CacheMode::ReadWrite, 0).is_err());
    assert!(Cache::open(&scratch.join("none"), CacheMode::ReadOnly, 0).is_err());
}

#[test]
fn beyond_the_limit_those_not_used_for_longest_go() {
    let (scratch, engine) = (Scratch::new(), engine());
    let cache = open_cache(&scratch, CacheMode::ReadWrite);
    for value in 0..4 {
        Module::new_cached(&engine, &cache, &wasm(value), None).expect("compiles");
        let path = cache
            .dir()
            .join(format!("{}.wrun", CacheKey::of(&engine, &wasm(value))));
        let file = File::options().write(true).open(path).expect("there");
        let used = SystemTime::now() - Duration::from_secs(1000 * u64::try_from(10 - value).expect("small"));
        file.set_times(fs::FileTimes::new().set_accessed(used).set_modified(used))
            .expect("own");
    }
    let size = cache.entries().expect("readable")[0].bytes;
    let small = Cache::open(cache.dir(), CacheMode::ReadWrite, 3 * size).expect("own");
    Module::new_cached(&engine, &small, &wasm(9), None).expect("compiles");
    let left: Vec<_> = small
        .entries()
        .expect("readable")
        .into_iter()
        .map(|entry| entry.key)
        .collect();
    let expected = [2, 3, 9].map(|value| CacheKey::of(&engine, &wasm(value)).to_string());
    assert_eq!(left, expected);
}

#[test]
fn what_killed_processes_left_behind_is_swept() {
    let (scratch, engine) = (Scratch::new(), engine());
    let cache = open_cache(&scratch, CacheMode::ReadWrite);
    let key = CacheKey::of(&engine, &wasm(2));
    for name in ["new-0123456789abcdef", &format!("{key}.lock")] {
        old(&File::create(cache.dir().join(name)).expect("own"));
    }
    File::create(cache.dir().join("new-fedcba9876543210")).expect("own");
    let links = cache.dir().join("by-file");
    fs::create_dir(&links).expect("new");
    symlink(format!("../{key}.wrun"), links.join(link_name())).expect("own");
    Module::new_cached(&engine, &cache, &wasm(1), None).expect("compiles");
    let mut left = names(cache.dir());
    left.retain(|name| !name.ends_with(".wrun"));
    assert_eq!(left, ["by-file", "new-fedcba9876543210"]);
    // Links are checked only when artifacts are removed or a user asks for it, because there may be many.
    assert_eq!(known(&links), [link_name()]);
    cache.prune(u64::MAX).expect("readable");
    assert_eq!(known(&links), [""; 0]);
    assert_eq!(names(&links).len(), 1, "the artifact is still known to be whole");
}

/// Returns the name of a link in a cache, for a file that does not exist.
fn link_name() -> String {
    format!("fe00-1-2-3-4-5-6-{}", "0".repeat(80))
}

/// Sets the times of a file to an hour ago, as if it had been left behind.
fn old(file: &File) {
    let old = SystemTime::now() - Duration::from_secs(3600);
    file.set_times(fs::FileTimes::new().set_accessed(old).set_modified(old))
        .expect("own");
}

/// Returns the names in `by-file` of the links from wasm files to artifacts.
fn known(links: &Path) -> Vec<String> {
    let mut names = names(links);
    names.retain(|name| name.split('-').count() == 8);
    names
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("readable");
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    names
}

#[test]
fn in_a_directory_with_other_files_these_are_left_alone() {
    let (scratch, engine) = (Scratch::new(), engine());
    let cache = open_cache(&scratch, CacheMode::ReadWrite);
    let key = CacheKey::of(&engine, &wasm(9)).to_string();
    let links = cache.dir().join("by-file");
    fs::create_dir(&links).expect("new");
    for name in [
        "Cargo.lock",
        "flake.lock",
        ".lock",
        "tool.wrun",
        "new-york.txt",
        "new-0123456789abcde",
        "new-0123456789ABCDEF",
        "new-0123456789abcdef~",
        &format!("{key}.wrun.bak"),
        &format!("{}.wrun", key.to_uppercase()),
        &format!("{}.lock", &key[1..]),
        &format!("by-file/{}", link_name()),
        "by-file/new-0123456789abcdef",
        "by-file/notes.txt",
    ] {
        old(&File::create(cache.dir().join(name)).expect("own"));
    }
    // These have a right name and a wrong kind.
    symlink("nowhere", cache.dir().join("new-aaaaaaaaaaaaaaaa")).expect("own");
    for name in [
        format!("{key}.wrun"),
        format!("{key}.lock"),
        "new-bbbbbbbbbbbbbbbb".to_owned(),
    ] {
        let path = cache.dir().join(name);
        fs::create_dir(&path).expect("new");
        old(&File::open(&path).expect("there"));
    }
    // These are dangling links that do not belong to wrun.
    symlink(format!("../{key}.lock"), links.join("to-be-made")).expect("own");
    symlink(
        format!("../{key}x.wrun"),
        links.join(link_name().replace("fe00", "fe01")),
    )
    .expect("own");
    symlink("nowhere", links.join(link_name().replace("fe00", "fe02"))).expect("own");
    let (before, links_before) = (names(cache.dir()), names(&links));

    let small = Cache::open(cache.dir(), CacheMode::ReadWrite, 1).expect("own");
    for value in [1, 2] {
        Module::new_cached(&engine, &small, &wasm(value), None).expect("compiles");
        assert_eq!(
            artifact_in(&cache).file_stem().expect("has one").to_str(),
            Some(&*CacheKey::of(&engine, &wasm(value)).to_string()),
            "nothing else counts as an artifact"
        );
    }
    cache.prune(1 << 30).expect("readable");
    assert_eq!(cache.clear().expect("readable").files, 1);
    assert_eq!(names(cache.dir()), before);
    assert_eq!(names(&links), links_before);
}

#[test]
fn a_directory_of_links_that_is_itself_a_link_is_not_swept() {
    let (scratch, engine) = (Scratch::new(), engine());
    let cache = open_cache(&scratch, CacheMode::ReadWrite);
    let key = CacheKey::of(&engine, &wasm(9));
    let elsewhere = scratch.join("elsewhere");
    fs::create_dir(&elsewhere).expect("new");
    symlink(format!("../{key}.wrun"), elsewhere.join(link_name())).expect("own");
    symlink(&elsewhere, cache.dir().join("by-file")).expect("own");
    cache.clear().expect("readable");
    assert_eq!(names(&elsewhere).len(), 1);
}

#[test]
fn a_use_is_recorded_with_the_artifact_and_does_not_change_it() {
    let (scratch, engine) = (Scratch::new(), engine());
    let cache = open_cache(&scratch, CacheMode::ReadWrite);
    Module::new_cached(&engine, &cache, &wasm(1), None).expect("compiles");
    old(&File::open(artifact_in(&cache)).expect("there"));
    let written = |path| fs::metadata(path).and_then(|metadata| metadata.modified());
    let before = written(artifact_in(&cache)).expect("there");
    Module::new_cached(&engine, &cache, &wasm(1), None).expect("is there");
    let entry = &cache.entries().expect("readable")[0];
    assert!(entry.used.elapsed().expect("past") < Duration::from_secs(60));
    assert_eq!(written(entry.path.clone()).expect("there"), before);
}

#[test]
fn a_pipe_in_the_cache_holds_nobody_up() {
    let (scratch, engine) = (Scratch::new(), engine());
    let cache = open_cache(&scratch, CacheMode::ReadWrite);
    let key = CacheKey::of(&engine, &wasm(1));
    for suffix in ["wrun", "lock"] {
        make_pipe(&cache.dir().join(format!("{key}.{suffix}")));
    }
    make_pipe(&cache.dir().join("new-0123456789abcdef"));
    let module = Module::new_cached(&engine, &cache, &wasm(1), None).expect("compiles");
    assert_eq!(answer(&engine, &module), 1);
    // The entry in the artifact's place is replaced. The others do not belong to wrun and stay.
    Module::new_cached(&engine, &open_cache(&scratch, CacheMode::Require), &wasm(1), None).expect("is there");
    assert_eq!(cache.clear().expect("readable").files, 1);
    assert_eq!(
        names(cache.dir()),
        [format!("{key}.lock"), "new-0123456789abcdef".to_owned()]
    );
}

/// Makes a named pipe with times of an hour ago.
fn make_pipe(path: &Path) {
    let run = |program: &str, options: &[&str]| {
        let status = Command::new(program).args(options).arg(path).status();
        assert!(status.expect("coreutils are there").success());
    };
    run("mkfifo", &[]);
    run("touch", &["-d", "1 hour ago"]);
}
