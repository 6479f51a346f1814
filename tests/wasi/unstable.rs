//! The older interface `wasi_unstable` where it differs from preview1. The tests of signatures check that it has all functions.

use std::time::{Duration, SystemTime};

use wasip1::{ERRNO_BADF, ERRNO_INVAL, EVENTTYPE_FD_READ, FILETYPE_REGULAR_FILE};

use crate::guests;
use crate::tree::{Tree, each_way};

/// Returns the output of an export, one number per line.
fn values(tree: &Tree, export: &str, args: &[&str]) -> Vec<i64> {
    let module = guests::wat("unstable").to_string_lossy().into_owned();
    let words = ["--invoke", export, &module].map(str::to_owned);
    let ended = tree.unchanged(|| tree.wrun(words).args(args).run()).status(0).quiet();
    let text = String::from_utf8(ended.stdout).expect("numbers are ASCII");
    text.lines().map(|line| line.parse().expect("it is a number")).collect()
}

fn world(tree: &Tree) {
    tree.write("grant/file", "0123456789");
    std::fs::hard_link(tree.path("grant/file"), tree.path("grant/other"))
        .expect("the directory for tests can be written");
    let file = std::fs::File::options().write(true).open(tree.path("grant/file"));
    let time = SystemTime::UNIX_EPOCH + Duration::new(1_234_567_890, 123_456_789);
    file.and_then(|file| file.set_modified(time))
        .expect("the test owns the file");
}

#[test]
fn whence_has_another_order() {
    each_way(|tree| {
        world(tree);
        assert_eq!(values(tree, "seek", &["0"]), [0, 7], "CUR");
        assert_eq!(values(tree, "seek", &["1"]), [0, 13], "END");
        assert_eq!(values(tree, "seek", &["2"]), [0, 3], "SET");
        assert_eq!(values(tree, "seek", &["3"])[0], ERRNO_INVAL.raw().into());
    });
}

#[test]
fn a_filestat_is_shorter() {
    each_way(|tree| {
        world(tree);
        let regular = FILETYPE_REGULAR_FILE.raw().into();
        for export in ["filestat of a descriptor", "filestat of a path"] {
            assert_eq!(
                values(tree, export, &[]),
                [regular, 2, 10, 1_234_567_890_123_456_789, 0],
                "{export}"
            );
        }
    });
}

#[test]
fn a_subscription_is_longer() {
    let tree = Tree::new(crate::tree::Way::AsItIs);
    let (bad, read) = (ERRNO_BADF.raw().into(), EVENTTYPE_FD_READ.raw().into());
    assert_eq!(values(&tree, "poll", &[]), [0, 1, bad, read]);
    let started = std::time::Instant::now();
    assert_eq!(values(&tree, "sleep", &[]), [0, 1, 7]);
    assert!(started.elapsed() >= Duration::from_millis(10));
}
