//! Races: another process exchanges directories and links while the guest uses paths through them. Every call stays in the
//! grant.

use std::path::Path;
use std::time::Duration;

use rustix::fs::{CWD, RenameFlags};

use crate::support::while_repeating;
use crate::tree::{Tree, Way, each_way};

/// Returns the duration of a guest's run. `WRUN_RACE_SECONDS` makes it longer.
fn duration() -> Duration {
    let seconds = std::env::var("WRUN_RACE_SECONDS")
        .ok()
        .and_then(|value| value.parse().ok());
    seconds.map_or(Duration::from_millis(800), Duration::from_secs)
}

/// Exchanges two names again and again while `act` runs: without a pause, and with pauses of different lengths, so that calls
/// meet both states and the moments in between.
fn exchanging<R>(one: &Path, other: &Path, act: impl FnOnce() -> R) -> R {
    let exchange =
        || rustix::fs::renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).expect("the test owns both");
    let mut round = 0_u32;
    let again = || {
        exchange();
        round += 1;
        if round % 4096 > 2048 {
            std::thread::sleep(Duration::from_micros((round % 64).into()));
        }
    };
    let result = while_repeating(again, act);
    // At the end both names are in their original place.
    if round % 2 == 1 {
        exchange();
    }
    result
}

/// Runs the guest during an exchange. The guest counts successful and failed calls, and there must be some of both.
#[track_caller]
fn run(tree: &Tree, one: &str, other: &str) {
    let milliseconds = duration().as_millis().to_string();
    let ended = exchanging(&tree.path(one), &tree.path(other), || {
        tree.guest("race", [milliseconds.as_str()]).run()
    });
    let ended = ended.status(0).quiet();
    let printed = String::from_utf8(ended.stdout).expect("it prints ASCII");
    assert!(!printed.contains("escaped"), "{:?}:\n{printed}", tree.way);
    let counts: Vec<u64> = printed
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    assert!(
        counts.len() == 2 && counts.iter().all(|count| *count > 20),
        "{:?}: {printed}",
        tree.way
    );
}

/// Makes the same names inside and outside, so that a call that leaves the grant would succeed.
fn fill(tree: &Tree, name: &str, contents: &str) {
    tree.write(&format!("{name}/file"), contents);
    tree.write(&format!("{name}/sub/file"), contents);
    for victim in ["victim", "sub/victim"] {
        tree.write(&format!("{name}/{victim}"), contents);
    }
    tree.directory(&format!("{name}/empty"));
    tree.link(&format!("{name}/link"), contents);
}

#[test]
fn an_exchange_ends_with_a_test_that_fails() {
    let tree = Tree::new(Way::AsItIs);
    let names = ["grant/one", "grant/other"].map(|name| {
        tree.directory(name);
        tree.path(name)
    });
    let failed = std::panic::catch_unwind(|| exchanging(&names[0], &names[1], || panic!("an assertion")));
    assert!(failed.is_err());
}

#[test]
fn a_directory_that_becomes_a_link() {
    each_way(|tree| {
        fill(tree, "grant/swap", "inside");
        fill(tree, "outside", "outside");
        tree.link("grant/other", "../outside");
        tree.unchanged(|| run(tree, "grant/swap", "grant/other"));
    });
}

#[test]
fn a_directory_that_becomes_a_link_with_a_slash() {
    each_way(|tree| {
        fill(tree, "grant/swap", "inside");
        fill(tree, "outside", "outside");
        tree.link("grant/between", "../outside/");
        tree.link("grant/other", "between/");
        tree.unchanged(|| run(tree, "grant/swap", "grant/other"));
    });
}

#[test]
fn a_file_that_becomes_a_link() {
    each_way(|tree| {
        fill(tree, "outside", "outside");
        tree.write("grant/entry", "inside");
        tree.link("grant/other", "../outside/file");
        tree.unchanged(|| run(tree, "grant/entry", "grant/other"));
    });
}

#[test]
fn a_directory_that_is_moved_out_and_in_again() {
    each_way(|tree| {
        fill(tree, "grant/swap", "inside");
        fill(tree, "outside/swap", "inside");
        // The target of `..` from outside.
        fill(tree, "outside", "outside");
        let before = tree.names("outside");
        run(tree, "grant/swap", "outside/swap");
        assert_eq!(tree.names("outside"), before);
        assert_eq!(tree.read("outside/file"), b"outside");
    });
}
