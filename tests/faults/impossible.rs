//! Compiled code that does something impossible, from artifacts with right checksums: wrong trap records, illegal instructions,
//! and accesses outside of the sandbox. Each case ends with an error of wrun and not as a trap of the guest.

use std::fs;
use std::path::PathBuf;

use wrun_artifact::config::CpuFeatures;
use wrun_artifact::elf::{Artifact, Expect};
use wrun_artifact::header::{Compare, Section};
use wrun_artifact::{BUILD, TrapCode};

use crate::cli::{Dir, Ended, artifacts, guest};
use crate::damage::{header, replace};

/// A module that traps, with an artifact in a cache, which tests replace.
struct Trapping {
    dir: Dir,
    good: Vec<u8>,
}

/// Exports of the module with their arguments, one for each kind of fault.
const TRAPS: [&[&str]; 4] = [
    &["unreachable"],
    &["memory out of bounds"],
    &["far out of bounds"],
    &["divide by zero", "0"],
];

impl Trapping {
    fn new() -> Self {
        let dir = Dir::new();
        let trapping = Self { dir, good: Vec::new() };
        for trap in TRAPS {
            trapping.run(trap).status(134);
        }
        let good = fs::read(trapping.entry()).expect("readable");
        Self { good, ..trapping }
    }

    fn entry(&self) -> PathBuf {
        let cache = self.dir.path().join("cache");
        let names = artifacts(&cache);
        assert_eq!(names.len(), 1, "{names:?}");
        cache.join(&names[0])
    }

    fn artifact(&self) -> Artifact<'_> {
        let expect = Expect {
            build: BUILD,
            config: None,
            cpu: CpuFeatures::detect(),
        };
        Artifact::read(&self.good, &expect, Compare::Head).expect("wrun has written it")
    }

    fn run(&self, trap: &[&str]) -> Ended {
        let (export, args) = trap.split_first().expect("not empty");
        let wrun = self.dir.wrun(["--cache-dir", "cache", "--invoke", export]);
        wrun.args([guest("traps")]).args(args).run()
    }

    /// Runs each trap with a wrong artifact whose checksums are right. It must not end without a message.
    fn wrong(&self, what: &str, change: impl FnOnce(&mut Vec<u8>)) -> Vec<Ended> {
        let mut bytes = self.good.clone();
        change(&mut bytes);
        header(&self.good).seal(&mut bytes);
        replace(&self.entry(), &bytes);
        let run = |trap: &&[&str]| {
            let ended = self.run(trap);
            assert!(!ended.stderr.is_empty(), "{what}, {trap:?}: {ended:?}");
            ended
        };
        TRAPS.iter().map(run).collect()
    }
}

/// Checks the message for compiled code that does something impossible.
#[track_caller]
fn is_bad_code(ended: Ended) {
    ended.fails(125, ["compiled code failed where it cannot trap", "wrun cache verify"]);
}

#[test]
fn a_fault_without_a_trap_record_is_an_error_and_never_silent() {
    let trapping = Trapping::new();
    let traps = header(&trapping.good).section(Section::Traps);
    for byte in [0, 0xff] {
        let all = trapping.wrong("all of the records", |bytes| bytes[traps.start..traps.end].fill(byte));
        all.into_iter().for_each(is_bad_code);
    }
    // A wrong record is missing, or has another trap code.
    for at in traps.start..traps.end {
        let what = format!("the records from byte {}", at - traps.start);
        for ended in trapping.wrong(&what, |bytes| bytes[at] ^= 0x55) {
            if ended.stderr.starts_with("wrun: trap: ") {
                ended.status(134);
            } else {
                is_bad_code(ended);
            }
        }
    }
}

#[test]
fn an_illegal_instruction_in_compiled_code_is_an_error_and_never_silent() {
    let trapping = Trapping::new();
    let text = header(&trapping.good).section(Section::Text);
    let starts: Vec<u32> = trapping
        .artifact()
        .info()
        .funcs
        .iter()
        .map(|row| row.start.get())
        .collect();
    let functions = trapping.wrong("functions", |bytes| {
        for start in starts {
            bytes[text.start + start as usize..][..2].copy_from_slice(&[0x0f, 0x0b]);
        }
    });
    for ended in functions {
        assert!(ended.stderr.contains("(in function "), "{}", ended.stderr);
        is_bad_code(ended);
    }
    let all = trapping.wrong("all of the text", |bytes| {
        for pair in bytes[text.start..text.end].chunks_exact_mut(2) {
            pair.copy_from_slice(&[0x0f, 0x0b]);
        }
    });
    all.into_iter().for_each(is_bad_code);
}

/// Returns `mov eax, [address]`: an access of four bytes that depends on no register.
fn load_from(address: u32) -> [u8; 7] {
    let [a, b, c, d] = address.to_le_bytes();
    [0x8b, 0x04, 0x25, a, b, c, d]
}

#[test]
fn a_memory_access_with_a_trap_record_is_a_trap_only_inside_of_a_memory_or_on_the_null_page() {
    let trapping = Trapping::new();
    let text = header(&trapping.good).section(Section::Text);
    let traps = trapping.artifact().traps();
    let is_access = |at: &u32| traps.lookup(*at) == Some(TrapCode::MemoryOutOfBounds);
    let accesses: Vec<u32> = (0..text.end - text.start)
        .map(|at| u32::try_from(at).expect("small"))
        .filter(is_access)
        .collect();
    assert!(accesses.len() >= 2, "{accesses:?}");
    // The last bytes of the null page, the first bytes after it, and the last page of the address space.
    for (address, is_trap) in [(0xff8, true), (0x1000, false), (0x2000, false), (0xffff_f000, false)] {
        let what = format!("accesses to {address:#x}");
        let ended = trapping.wrong(&what, |bytes| {
            for at in &accesses {
                bytes[text.start + *at as usize..][..7].copy_from_slice(&load_from(address));
            }
        });
        for (trap, ended) in TRAPS.iter().zip(ended) {
            match (trap[0].ends_with("out of bounds"), is_trap) {
                (true, true) => drop(ended.status(134).says(["memory"])),
                (true, false) => is_bad_code(ended),
                (false, _) => drop(ended.status(134)),
            }
        }
    }
}
