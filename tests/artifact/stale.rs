//! An artifact that is damaged or made by another build is refused with its own reason, and never causes a crash.

use wrun_artifact::BUILD;
use wrun_artifact::config::CpuFeatures;
use wrun_artifact::elf::{Artifact, Expect, Stale};
use wrun_artifact::header::Compare;
use wrun_compiler::Config;
use wrun_runtime::MemoryMode;

use crate::{artifact, example};

fn expect() -> Expect {
    Expect {
        build: BUILD,
        config: None,
        cpu: CpuFeatures::detect(),
    }
}

fn reason(bytes: &[u8], expect: &Expect) -> Option<Stale> {
    Artifact::read(bytes, expect, Compare::Head).err()
}

#[test]
fn what_the_compiler_wrote_is_accepted() {
    let bytes = artifact(&example(), &Config::native());
    let read = Artifact::read(
        &bytes,
        &Expect {
            config: Some(Config::native()),
            ..expect()
        },
        Compare::Head,
    )
    .expect("whole");
    read.verify().expect("every checksum fits");
    assert!(read.info().export("fib").is_some());
}

#[test]
fn every_truncation_is_refused() {
    let bytes = artifact(&example(), &Config::native());
    for len in (0..bytes.len()).step_by(61).chain([bytes.len() - 1]) {
        assert!(
            reason(&bytes[..len], &expect()).is_some(),
            "cut at {len} of {}",
            bytes.len()
        );
    }
}

#[test]
fn every_damaged_byte_is_noticed_by_verification() {
    let bytes = artifact(&example(), &Config::native());
    for at in (0..bytes.len()).step_by(7) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        let noticed = match Artifact::read(&damaged, &expect(), Compare::Head) {
            Ok(read) => read.verify().is_err(),
            Err(_) => true,
        };
        assert!(noticed, "a changed byte at {at} goes unnoticed");
    }
}

#[test]
fn a_damaged_file_never_crashes_the_reader() {
    let bytes = artifact(&example(), &Config::native());
    for at in (0..bytes.len()).step_by(13) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0xff;
        if let Ok(read) = Artifact::read(&damaged, &expect(), Compare::Head) {
            // The look-ups are part of the test: in damaged tables they may give wrong results, but they must return.
            let _ = read.verify();
            let _ = read.traps().lookup(16);
            let _ = read.address_map().and_then(|map| map.lookup(16));
            let _ = (0..8).filter_map(|func| read.func_name(func)).count();
        }
    }
}

#[test]
fn another_build_other_settings_and_a_lesser_cpu_are_told_apart() {
    let bytes = artifact(&example(), &Config::native());
    let other_build = Expect {
        build: [0x5a; 16],
        ..expect()
    };
    assert!(matches!(reason(&bytes, &other_build), Some(Stale::Build)));
    let checked = Config {
        memory: MemoryMode::Checked,
        ..Config::native()
    };
    let other_config = Expect {
        config: Some(checked),
        ..expect()
    };
    assert!(matches!(reason(&bytes, &other_config), Some(Stale::Config)));
    let lesser_cpu = Expect {
        cpu: CpuFeatures::NONE,
        ..expect()
    };
    assert!(matches!(reason(&bytes, &lesser_cpu), Some(Stale::Cpu(_))));
    assert!(matches!(
        reason(b"#!/bin/sh\n", &expect()),
        Some(Stale::NotAnArtifact | Stale::Truncated)
    ));
}
