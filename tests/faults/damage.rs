//! Artifacts in the cache that are damaged, truncated or from another version, and the same files given as MODULE. (The
//! artifact tests damage every field, without a process for each case.)

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use wrun_artifact::BUILD;
use wrun_artifact::config::CpuFeatures;
use wrun_artifact::elf::{Expect, Part, Stale};
use wrun_artifact::header::{Compare, HEADER_OFFSET, Header, PAGE, Section, TARGET};

use crate::program::{Program, Size};
use crate::site::{Site, links};

pub(crate) fn header(artifact: &[u8]) -> Header {
    let expect = Expect {
        build: BUILD,
        config: None,
        cpu: CpuFeatures::detect(),
    };
    Header::read(artifact, &expect, Compare::Head).expect("wrun has written it")
}

/// Returns an artifact for each reason for which it has to be refused.
fn wrong(good: &[u8]) -> Vec<(Vec<u8>, Stale)> {
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.to_vec();
        change(&mut bytes);
        bytes
    };
    let sealed = |change: &dyn Fn(&mut Header)| {
        let mut header = header(good);
        change(&mut header);
        with(&|bytes| header.seal(bytes))
    };
    let target = good
        .windows(TARGET.len())
        .position(|window| window == TARGET.as_bytes());
    let target = target.expect("the header has it");
    let mut cases = vec![
        (with(&|bytes| bytes[HEADER_OFFSET] ^= 1), Stale::NotAnArtifact),
        (with(&|bytes| bytes.truncate(good.len() / 2)), Stale::Truncated),
        (
            with(&|bytes| bytes[HEADER_OFFSET + 8..][..4].copy_from_slice(&77u32.to_le_bytes())),
            Stale::FormatVersion { found: 77 },
        ),
        (sealed(&|header| header.build = [0x5a; 16]), Stale::Build),
        (
            with(&|bytes| bytes[target..][..6].copy_from_slice(b"sparc6")),
            Stale::Target,
        ),
        (
            sealed(&|header| header.config.address_map = !header.config.address_map),
            Stale::Config,
        ),
        (
            sealed(&|header| header.sections[Section::Info as usize].start += 1),
            Stale::Sections,
        ),
        (with(&|bytes| bytes.push(0)), Stale::Length),
        (
            with(&|bytes| bytes[header(good).section(Section::Info).start + 9] ^= 4),
            Stale::Checksum(Part::Head),
        ),
    ];
    // A machine that has every feature known to wrun lacks none.
    let lacking = CpuFeatures::KNOWN
        .iter()
        .find(|(feature, _)| !CpuFeatures::detect().contains(*feature));
    if let Some((feature, _)) = lacking {
        let bytes = sealed(&|header| header.config.cpu = header.config.cpu.union(*feature));
        cases.push((bytes, Stale::Cpu(*feature)));
    }
    cases
}

/// Replaces a file by renaming, as wrun does, so that existing mappings do not change.
pub(crate) fn replace(path: &Path, bytes: &[u8]) {
    let temporary = path.with_extension("replacing");
    fs::write(&temporary, bytes).expect("the directory is writable");
    fs::rename(&temporary, path).expect("the directory is writable");
}

/// Returns a site whose module has an artifact and is found by its identity, and the bytes of the artifact.
fn known() -> (Site, Vec<u8>) {
    let site = Site::new(Program::new(Size::SMALL));
    site.settle();
    assert_eq!(site.compiles(), 1);
    assert_eq!(site.compiles(), 0);
    site.wrun(&["--cache-mode", "require"])
        .run()
        .prints(site.program().output());
    let good = fs::read(site.entry()).expect("readable");
    (site, good)
}

/// Runs each mode with an unusable artifact.
#[track_caller]
fn is_made_anew(site: &Site, good: &[u8], what: &str) {
    let bad = fs::read(site.entry()).expect("readable");
    site.is_missed();
    let (compiled, log) = site.logged(&["--cache-mode", "read-only"]);
    assert_eq!(compiled, 1, "{what}: {log}");
    assert!(
        fs::read(site.entry()).expect("readable") == bad,
        "{what}: read-only replaced it"
    );
    let (compiled, log) = site.logged(&[]);
    assert_eq!(compiled, 1, "{what}: {log}");
    assert!(
        fs::read(site.entry()).expect("readable") == good,
        "{what}: it was not replaced"
    );
    assert_eq!(site.compiles(), 0, "{what}");
    assert_eq!(
        site.names_with(".wrun").len() + usize::from(site.cache().join("by-file").is_dir()),
        site.names().len()
    );
}

#[test]
fn an_entry_with_a_wrong_field_is_made_anew_and_the_log_has_the_reason() {
    let (site, good) = known();
    let mut reasons = BTreeSet::new();
    for (bytes, reason) in wrong(&good) {
        replace(&site.entry(), &bytes);
        let (_, log) = site.logged(&["--cache-mode", "read-only"]);
        assert!(log.contains(&reason.to_string()), "{reason}: {log}");
        assert!(reasons.insert(reason.to_string()));
        is_made_anew(&site, &good, &reason.to_string());
    }
    assert!(reasons.len() >= 9);
}

#[test]
fn an_entry_that_is_cut_at_a_section_border_is_made_anew() {
    let (site, good) = known();
    let header = header(&good);
    let mut borders = BTreeSet::from([0, HEADER_OFFSET, PAGE, good.len() - 1]);
    for section in Section::ALL {
        let range = header.section(section);
        borders.extend([range.start, range.end, range.end.next_multiple_of(PAGE)]);
    }
    for border in borders.into_iter().filter(|border| *border < good.len()) {
        replace(&site.entry(), &good[..border]);
        is_made_anew(&site, &good, &format!("cut at {border}"));
    }
}

#[test]
fn an_entry_that_is_no_file_is_not_used() {
    let (site, good) = known();
    let entry = site.entry();
    // A symlink to nothing, to an endless device, and to an empty device.
    for target in [Path::new("nowhere"), Path::new("/dev/zero"), Path::new("/dev/null")] {
        fs::remove_file(&entry).expect("it exists");
        symlink(target, &entry).expect("the directory is writable");
        assert_eq!(site.compiles(), 1, "{}", target.display());
        assert!(
            fs::read(site.entry()).expect("readable") == good,
            "{}",
            target.display()
        );
    }
    // A pipe without a writer.
    fs::remove_file(&entry).expect("it exists");
    let made = std::process::Command::new("mkfifo").arg(&entry).status();
    assert!(made.expect("coreutils are there").success());
    site.is_missed();
    assert_eq!(site.compiles(), 1);
    assert!(fs::read(site.entry()).expect("readable") == good, "a pipe");
    // A directory cannot be replaced by renaming. The program runs each time nevertheless.
    fs::remove_file(&entry).expect("it exists");
    fs::create_dir(&entry).expect("the directory is writable");
    let (compiled, log) = site.logged(&[]);
    assert_eq!(compiled, 1);
    assert!(log.contains(".wrun is a directory"), "{log}");
    site.runs();
    site.is_missed();
    assert!(!site.names().iter().any(|name| name.starts_with("new-")));
}

#[test]
fn an_index_of_files_that_is_damaged_is_not_used() {
    let (site, _) = known();
    let index = site.cache().join("by-file");
    let names = links(&site.cache());
    assert_eq!(names.len(), 1, "the module's file: {names:?}");
    let link = index.join(&names[0]);

    // The symlink leads to nothing now, and to a file again after the artifact was added.
    fs::remove_file(site.entry()).expect("it exists");
    site.is_missed();
    assert_eq!(site.compiles(), 1);
    assert_eq!(site.compiles(), 0);

    // The artifact is still found by the contents of the module's file.
    for target in ["nowhere", "/dev/zero", "../../module.wasm", "/", &names[0]] {
        fs::remove_file(&link).expect("it exists");
        symlink(target, &link).expect("writable");
        assert_eq!(site.compiles(), 0, "{target}");
    }
    fs::remove_dir_all(&index).expect("it exists");
    fs::write(&index, "").expect("writable");
    assert_eq!(site.compiles(), 0, "it is a file");
    fs::remove_file(&index).expect("it exists");
    assert_eq!(site.compiles(), 0);
    assert!(index.join(&names[0]).exists(), "it is made anew");
}

#[test]
fn a_lock_that_cannot_be_had_is_done_without() {
    let site = Site::new(Program::new(Size::SMALL));
    site.runs();
    let entry = site.entry();
    let lock = entry.with_extension("lock");
    fs::create_dir(&lock).expect("writable");
    fs::remove_file(&entry).expect("it exists");
    assert_eq!(site.compiles(), 1);
    assert_eq!(site.compiles(), 0, "it was published nevertheless");
    fs::remove_dir(&lock).expect("empty");
    symlink("/dev/null", &lock).expect("writable");
    fs::remove_file(&entry).expect("it exists");
    assert_eq!(site.compiles(), 1);
    assert_eq!(site.compiles(), 0);
}

/// The same files, given as MODULE.
#[test]
fn a_wrong_artifact_given_as_the_program_is_refused_with_its_reason() {
    let (site, good) = known();
    let run = |name: &str| {
        let wrun = crate::cli::wrun(["--allow-precompiled", "--no-cache", name]);
        wrun.current_dir(site.path()).run()
    };
    fs::write(site.path().join("good"), &good).expect("writable");
    run("good").prints(site.program().output());
    for (bytes, reason) in wrong(&good) {
        fs::write(site.path().join("bad"), &bytes).expect("writable");
        let ended = run("bad");
        match reason {
            // Then it is treated as another kind of file.
            Stale::NotAnArtifact => drop(ended.fails(126, ["not a wasm module"])),
            // It runs with its own settings, unless options ask for others.
            Stale::Config => drop(ended.prints(site.program().output())),
            reason => drop(ended.fails(126, [reason.to_string()])),
        }
    }
    let other = ["--allow-precompiled", "--no-address-map", "good"];
    let ended = crate::cli::wrun(other).current_dir(site.path()).run();
    ended.fails(126, ["made with other settings"]);
}
