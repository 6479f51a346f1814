//! Path resolution compared with the kernel: for thousands of random paths, with and without links at every position, a guest
//! gets the same result as the kernel gives below the grant, with and without `openat2`. The test itself needs `openat2`, as
//! the oracle.

use std::fs::File;

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use wrun_tests::Random;

use crate::text::{Call, Data, call, results};
use crate::tree::{Tree, Way};

const OUT: u64 = 1 << 17;

/// Parts of paths: names of files of each type, and special parts such as `..`.
const NAMES: [&str; 14] = [
    "a",
    "d",
    "e",
    "file",
    "none",
    ".",
    "..",
    "to-d",
    "to-d-slash",
    "to-file",
    "dangling",
    "loop",
    "up",
    "to-chain",
];

/// Makes the same tree every time. No link leads out of the grant by itself, but paths do.
fn world(way: Way) -> Tree {
    let tree = Tree::new(way);
    for name in ["a", "file", "d/a", "d/file", "d/e/a", "d/d/file", "e/file"] {
        tree.write(&format!("grant/{name}"), name);
    }
    for directory in ["", "d/", "e/", "d/d/"] {
        for (name, target) in [
            ("to-d", "d"),
            ("to-d-slash", "./d//"),
            ("to-file", "file"),
            ("dangling", "none"),
            ("loop", "loop/x"),
            ("to-chain", "to-d-slash/../to-file"),
        ] {
            tree.link(&format!("grant/{directory}{name}"), target);
        }
    }
    tree.link("grant/d/up", "..");
    tree.link("grant/d/d/up", "../../e/");
    tree
}

/// Returns random paths. They are always the same, so that a failure is reproducible.
fn paths(count: usize) -> Vec<String> {
    let mut random = Random::new(3);
    let mut below = |end| random.below(end);
    let mut made = Vec::new();
    while made.len() < count {
        let mut path = String::new();
        for at in 0..=below(5) {
            if at > 0 {
                path += ["/", "/", "/", "//", "/./"][below(5)];
            }
            // At the beginning, prefer names that exist.
            let end = if at == 0 && below(2) == 0 { 3 } else { NAMES.len() };
            path += NAMES[below(end)];
        }
        path += ["", "", "", "/", "//", "/."][below(6)];
        made.push(path);
    }
    made
}

/// Returns the contents of the guest's memory with the paths, and the address and length of each path.
fn memory(paths: &[String]) -> (Data, Vec<[u64; 2]>) {
    let mut bytes = Vec::new();
    let mut places = Vec::new();
    for path in paths {
        places.push([bytes.len() as u64, path.len() as u64]);
        bytes.extend_from_slice(path.as_bytes());
    }
    assert!(bytes.len() < OUT as usize);
    (vec![(0, bytes)], places)
}

/// Returns the kernel's result for a path as an error number of the guest. A path that leads out of the grant gives an error.
fn host(grant: &File, path: &str, flags: OFlags) -> u32 {
    let flags = flags | OFlags::CLOEXEC;
    let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let result = rustix::fs::openat2(grant, path, flags, Mode::empty(), beneath);
    let errno = match result.map(drop) {
        Ok(()) => wasip1::ERRNO_SUCCESS,
        Err(Errno::NOENT) => wasip1::ERRNO_NOENT,
        Err(Errno::NOTDIR) => wasip1::ERRNO_NOTDIR,
        Err(Errno::LOOP) => wasip1::ERRNO_LOOP,
        Err(Errno::XDEV) => wasip1::ERRNO_PERM,
        Err(Errno::AGAIN) => return host(grant, path, flags),
        Err(other) => panic!("{other} was not expected"),
    };
    errno.raw().into()
}

#[test]
fn a_guest_sees_what_the_host_sees_or_is_told_that_the_path_leads_out() {
    let paths = paths(2500);
    let (data, places) = memory(&paths);
    let (read, perm) = (wasip1::RIGHTS_FD_READ, u32::from(wasip1::ERRNO_PERM.raw()));
    let mut calls: Vec<Call> = Vec::new();
    for [path, len] in &places {
        for lookup in [0, 1] {
            calls.push(call("path_filestat_get", [3, lookup, *path, *len, OUT]));
            calls.push(call("path_open", [3, lookup, *path, *len, 0, read, 0, 0, OUT]));
            calls.push(call("fd_close", [5]));
        }
    }
    let per_path = calls.len() / paths.len();
    let mut led_out = 0;
    for way in Way::ALL {
        let tree = world(way);
        let grant = File::open(tree.path("grant")).expect("it was made");
        let found = tree.unchanged(|| results(&tree, &[], &data, &calls));
        for (path, found) in paths.iter().zip(found.chunks(per_path)) {
            for (follow, found) in [OFlags::NOFOLLOW, OFlags::empty()].into_iter().zip(found.chunks(3)) {
                let expected = [OFlags::PATH, OFlags::RDONLY].map(|how| host(&grant, path, how | follow));
                assert_eq!(found[..2], expected, "{way:?}: stat and open of {path} with {follow:?}");
                led_out += u32::from(found[0] == perm);
            }
        }
    }
    assert!(led_out > 100, "only {led_out} paths led out of the grant");
}

#[test]
fn changes_are_the_same_in_every_way() {
    let paths = paths(1500);
    let (data, places) = memory(&paths);
    let write = wasip1::RIGHTS_FD_WRITE;
    let mut calls: Vec<Call> = Vec::new();
    for (at, [path, len]) in places.iter().enumerate() {
        let [other, other_len] = places[at * 7 % places.len()];
        calls.push(match at % 9 {
            0 => call("path_create_directory", [3, *path, *len]),
            1 => call("path_open", [3, 1, *path, *len, 1, write, 0, 0, OUT]),
            2 => call("path_open", [3, 0, *path, *len, 9, write, 0, 0, OUT]),
            3 => call("path_rename", [3, *path, *len, 3, other, other_len]),
            4 => call("path_link", [3, 0, *path, *len, 3, other, other_len]),
            5 => call("path_symlink", [*path, *len, 3, other, other_len]),
            6 => call("path_unlink_file", [3, *path, *len]),
            7 => call("path_remove_directory", [3, *path, *len]),
            _ => call("path_filestat_set_times", [3, 1, *path, *len, 1, 2, 5]),
        });
        calls.push(call("fd_close", [5]));
    }
    let outcomes = Way::ALL.map(|way| {
        let tree = world(way);
        let found = tree.unchanged(|| results(&tree, &[], &data, &calls));
        (found, tree.listing("grant"))
    });
    let (first, rest) = outcomes.split_first().expect("there are three");
    // The calls alternate between a change and `fd_close`.
    let changes = first.0.iter().step_by(2).filter(|found| **found == 0).count();
    assert!(changes > 60, "only {changes} changes");
    for other in rest {
        let differences: Vec<String> = first
            .0
            .iter()
            .zip(&other.0)
            .zip(&calls)
            .enumerate()
            .filter(|(_, ((a, b), _))| a != b)
            .map(|(at, ((a, b), call))| format!("{}: {call:?}: {a} and {b}", paths[at / 2]))
            .collect();
        assert!(differences.is_empty(), "{}", differences.join("\n"));
        assert_eq!(first.1, other.1);
    }
}
