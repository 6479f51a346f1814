//! A wrun that is killed at any moment, especially while it publishes an artifact, leaves nothing that harms the next run.

use std::fs;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use wrun_runtime::verify_artifact;
use wrun_tests::Random;

use crate::program::{Program, Size};
use crate::site::{Site, age, names};

/// The number of killed runs.
const KILLS: u64 = 200;

/// The size of a program that takes about as long to publish as to compile.
const SIZE: Size = Size {
    functions: 10,
    steps: 20,
    data: 1_500_000,
};

fn spawn(site: &Site) -> Child {
    let mut command = site.command(&[]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("cargo has built the binary")
}

fn write_module(site: &Site, program: &Program) {
    fs::write(site.module(), program.wasm()).expect("writable");
}

/// Returns the number of files that are being written or were left over.
fn temporaries(site: &Site) -> usize {
    names(&site.cache())
        .iter()
        .filter(|name| name.starts_with("new-"))
        .count()
}

/// Returns the duration of a cold run, and the part of it in which an artifact is written.
fn durations(site: &Site, program: &Program) -> (Duration, Duration) {
    let mut whole = Vec::new();
    let mut publishing = Vec::new();
    for seed in 0..5 {
        write_module(site, &program.seeded(1_000_000 + seed));
        let started = Instant::now();
        let mut child = spawn(site);
        let mut first = None;
        while child.try_wait().expect("the test owns the child").is_none() {
            match (temporaries(site), first) {
                (1, None) => first = Some(Instant::now()),
                (0, Some(since)) => {
                    publishing.push(since.elapsed());
                    break;
                }
                _ => thread::sleep(Duration::from_micros(100)),
            }
        }
        assert!(child.wait().expect("the test owns the child").success());
        whole.push(started.elapsed());
    }
    whole.sort();
    publishing.sort();
    let publishing = publishing.get(publishing.len() / 2).copied();
    (whole[2], publishing.unwrap_or(Duration::from_millis(1)))
}

/// Waits until the moment at which the run is to be killed in this round.
fn until_the_moment(
    site: &Site,
    child: &mut Child,
    before: usize,
    round: u64,
    longest: (Duration, Duration),
    random: &mut Random,
) {
    let (whole, publishing) = longest;
    if round.is_multiple_of(4) {
        thread::sleep(random.up_to(whole));
        return;
    }
    while temporaries(site) == before && child.try_wait().expect("the test owns the child").is_none() {
        thread::yield_now();
    }
    thread::sleep(random.up_to(publishing.mul_f64(1.5)));
}

#[test]
fn killed_at_200_random_moments_the_cache_stays_sound() {
    let program = Program::new(SIZE);
    let site = Site::new(program.clone());
    let longest = durations(&site, &program);
    let mut random = Random::from_clock();
    for round in 0..KILLS {
        write_module(&site, &program.seeded(round));
        let before = temporaries(&site);
        let mut child = spawn(&site);
        until_the_moment(&site, &mut child, before, round, longest, &mut random);
        child.kill().expect("the test owns the child");
        child.wait().expect("the test owns the child");
    }

    let left = temporaries(&site);
    let entries = site.names_with(".wrun");
    println!(
        "{longest:?}: {left} half written, {} written, {} locks",
        entries.len(),
        site.names_with(".lock").len()
    );
    assert!(left >= 20, "{left} of {KILLS} were killed while they wrote");
    for name in &entries {
        let artifact = fs::read(site.cache().join(name)).expect("readable");
        verify_artifact(&artifact).unwrap_or_else(|reason| panic!("{name}: {reason}"));
    }
    let cache = site.cache();
    let verify = [
        "cache".as_ref(),
        "verify".as_ref(),
        "--cache-dir".as_ref(),
        cache.as_os_str(),
    ];
    crate::cli::wrun(verify).run().status(0);

    // Left-over files are removed when they are old, and no run waits because of them.
    for name in names(&cache) {
        if name.starts_with("new-") || name.ends_with(".lock") {
            age(&cache.join(name));
        }
    }
    for round in (0..KILLS).step_by(7).chain([KILLS]) {
        let program = program.seeded(round);
        write_module(&site, &program);
        site.wrun(&[]).run().prints(program.output());
    }
    assert_eq!(temporaries(&site), 0);
    assert_eq!(site.names_with(".lock"), [""; 0]);
}
