//! The sandbox: no path and no link makes a call open, create, change or reveal anything outside of the grants.

use std::path::Path;

use crate::guests;
use crate::script::Script;
use crate::support::wrun_through;
use crate::text::{Call, Data, call, results};
use crate::tree::{Tree, each_way};

const OUT: u64 = 1 << 17;

/// Names in the guest's memory.
#[derive(Default)]
struct Names {
    bytes: Vec<u8>,
}

impl Names {
    /// Adds a name, and returns its address and length.
    fn add(&mut self, name: &str) -> [u64; 2] {
        let at = self.bytes.len() as u64;
        self.bytes.extend_from_slice(name.as_bytes());
        [at, name.len() as u64]
    }

    fn data(&self) -> Data {
        assert!(self.bytes.len() < OUT as usize);
        vec![(0, self.bytes.clone())]
    }
}

/// Returns all ways to open a path: with and without following links, all flags of creation, all rights.
fn opens([path, len]: [u64; 2], lookups: &[u64]) -> Vec<Call> {
    let mut calls = Vec::new();
    let (read, write) = (wasip1::RIGHTS_FD_READ, wasip1::RIGHTS_FD_WRITE);
    for lookup in lookups {
        for oflags in 0..16 {
            for rights in [0, read, write, read | write] {
                calls.push(call("path_open", [3, *lookup, path, len, oflags, rights, 0, 0, OUT]));
            }
        }
    }
    calls
}

/// Returns calls of every function that takes a path, except for opening, with the path in every position. `other` is a file of
/// the grant, and `free` an unused name. `lookups` has the flags for following links. Calls on a link itself are included only
/// if `itself` is true.
fn others([path, len]: [u64; 2], lookups: &[u64], other: [u64; 2], free: [u64; 2], itself: bool) -> Vec<Call> {
    let ([file, file_len], [new, new_len]) = (other, free);
    let mut calls = vec![
        call("path_create_directory", [3, path, len]),
        call("path_remove_directory", [3, path, len]),
        call("path_link", [3, 0, file, file_len, 3, path, len]),
        call("path_symlink", [file, file_len, 3, path, len]),
    ];
    for lookup in lookups {
        calls.push(call("path_filestat_get", [3, *lookup, path, len, OUT]));
        calls.push(call("path_filestat_set_times", [3, *lookup, path, len, 1, 1, 5]));
    }
    if itself {
        calls.extend([
            call("path_unlink_file", [3, path, len]),
            call("path_readlink", [3, path, len, OUT, 4096, OUT + 8192]),
            call("path_link", [3, 0, path, len, 3, new, new_len]),
            call("path_rename", [3, path, len, 3, new, new_len]),
            call("path_rename", [3, file, file_len, 3, path, len]),
        ]);
    }
    calls
}

/// Makes links of every form in the grant that lead out of it.
fn hostile(tree: &Tree) {
    tree.write("outside/sub/file", "secret too");
    tree.write("grant/file", "inside");
    tree.directory("grant/dir/deep");
    let outside = tree.path("outside");
    let link = |name: &str, target: &Path| tree.link(&format!("grant/{name}"), target);
    link("relative", Path::new("../outside"));
    link("relative-slash", Path::new("../outside/"));
    link("relative-slashes", Path::new("..//outside//"));
    link("relative-dot", Path::new("../outside/."));
    link("inner", Path::new("dir/../../outside"));
    link("absolute", &outside);
    link("absolute-slash", &outside.join(""));
    link("chain", Path::new("relative"));
    link("chain-slash", Path::new("relative/"));
    link("chain-of-slashes", Path::new("chain-slash/"));
    link("dir/up", Path::new("../../outside"));
    link("dir/up-slash", Path::new("../../outside/"));
    link("dir/deep/chain-slash", Path::new("../up-slash/"));
    link("parent", Path::new(".."));
    link("parent-slash", Path::new("../"));
    link("root", Path::new("/"));
    link("magic-root", Path::new("/proc/self/root"));
    link("magic-cwd", Path::new("/proc/self/cwd/"));
    link("magic-fd", Path::new("/proc/self/fd/3/../outside"));
    link("to-secret", Path::new("../outside/secret"));
    link("to-secret-slash", Path::new("../outside/secret/"));
    link("to-new", Path::new("../outside/new"));
    link("to-new-slash", Path::new("../outside/new/"));
    link("to-absolute-secret", &outside.join("secret"));
    link("to-chain", Path::new("dir/up-slash/secret"));
}

/// Prefixes that lead out of the grant.
const WAYS_OUT: [&str; 24] = [
    "..",
    "../outside",
    "dir/../../outside",
    "dir/deep/../../../outside",
    "relative",
    "relative-slash",
    "relative-slashes",
    "relative-dot",
    "inner",
    "absolute",
    "absolute-slash",
    "chain",
    "chain-slash",
    "chain-of-slashes",
    "dir/up",
    "dir/up-slash",
    "dir/deep/chain-slash",
    "parent/outside",
    "parent-slash/outside",
    "root",
    "magic-root",
    "magic-cwd",
    "magic-fd",
    "/",
];

/// Paths that are appended to them. The first of each pair exists and the second does not: no call may distinguish them.
const BEYOND: [(&str, &str); 7] = [
    ("/secret", "/nothing"),
    ("/secret/", "/nothing/"),
    ("/sub", "/none"),
    ("/sub/", "/none/"),
    ("/sub/file", "/sub/none"),
    ("/sub/../secret", "/sub/../none"),
    ("/new", "/new2"),
];

#[test]
fn no_path_leads_out_and_nothing_tells_what_is_there() {
    let mut names = Names::default();
    let (file, free) = (names.add("file"), names.add("free"));
    let mut pairs = Vec::new();
    for way in WAYS_OUT {
        for (there, not_there) in BEYOND {
            let paths = [there, not_there].map(|beyond| names.add(&format!("{way}{beyond}")));
            let [first, second] = paths.map(|path| {
                let mut calls = others(path, &[0, 1], file, free, true);
                if there == "/secret" || there == "/sub" {
                    calls.extend(opens(path, &[0, 1]));
                } else {
                    calls.push(call(
                        "path_open",
                        [3, 1, path[0], path[1], 1, wasip1::RIGHTS_FD_WRITE, 0, 0, OUT],
                    ));
                }
                calls
            });
            pairs.extend(first.into_iter().zip(second));
        }
    }
    each_way(|tree| {
        hostile(tree);
        let before = tree.names("grant");
        for pairs in pairs.chunks(4000) {
            let calls: Vec<Call> = pairs
                .iter()
                .flat_map(|(first, second)| [first.clone(), second.clone()])
                .collect();
            let found = tree.unchanged(|| results(tree, &[], &names.data(), &calls));
            for ((first, _), found) in pairs.iter().zip(found.chunks(2)) {
                let path = || names.bytes.escape_ascii().to_string();
                assert_ne!(found[0], 0, "{:?}: {first:?} succeeded; names: {}", tree.way, path());
                assert_eq!(
                    found[0],
                    found[1],
                    "{:?}: {first:?} tells what is there; names: {}",
                    tree.way,
                    path()
                );
            }
        }
        assert_eq!(tree.names("grant"), before);
        assert_eq!(tree.read("grant/file"), b"inside");
    });
}

#[test]
fn a_link_that_leads_out_is_not_followed_at_the_end_of_a_path() {
    let mut names = Names::default();
    let (file, free) = (names.add("file"), names.add("free"));
    let mut calls = Vec::new();
    // Without the links to a directory and the names without a link.
    let links = WAYS_OUT[4..16].iter().copied().chain([
        "to-secret",
        "to-secret-slash",
        "to-new",
        "to-new-slash",
        "to-absolute-secret",
        "to-chain",
        "magic-root",
        "magic-cwd",
        "root",
        "parent",
        "parent-slash",
    ]);
    for link in links {
        let path = names.add(link);
        calls.extend(opens(path, &[0, 1]));
        calls.extend(others(path, &[1], file, free, false));
        for slashes in ["/", "//", "/.", "/..", "/./"] {
            let path = names.add(&format!("{link}{slashes}"));
            calls.extend(opens(path, &[0, 1]));
            calls.extend(others(path, &[0, 1], file, free, true));
        }
    }
    each_way(|tree| {
        hostile(tree);
        let before = tree.names("grant");
        for calls in calls.chunks(4000) {
            let found = tree.unchanged(|| results(tree, &[], &names.data(), calls));
            for (call, found) in calls.iter().zip(found) {
                let names = names.bytes.escape_ascii();
                assert_ne!(found, 0, "{:?}: {call:?} succeeded; names: {names}", tree.way);
            }
        }
        assert_eq!(tree.names("grant"), before);
        assert_eq!(tree.read("grant/file"), b"inside");
    });
}

#[test]
fn a_link_that_leads_out_can_be_handled_as_what_it_is() {
    each_way(|tree| {
        hostile(tree);
        tree.calls(
            "path_filestat_get 3 - relative type             = link
             path_filestat_set_times 3 - relative 1 2 mtim   = ok
             path_readlink 3 relative 100                    = ../outside
             // The target would reveal paths of the host.
             path_readlink 3 absolute 100                    = PERM
             path_link 3 - relative 3 hard                   = ok
             path_rename 3 relative 3 dir/moved              = ok
             path_filestat_get 3 follow dir/moved type       = NOENT
             path_open 3 follow hard - r -                   = PERM
             path_unlink_file 3 hard                         = ok
             path_unlink_file 3 absolute                     = ok
             path_unlink_file 3 magic-root                   = ok",
        );
    });
}

#[test]
fn links_that_a_guest_makes_lead_nowhere_else() {
    each_way(|tree| {
        tree.write("grant/dir/file", "inside");
        tree.calls(
            "path_symlink /etc/passwd 3 absolute             = PERM
             path_symlink ../outside/secret 3 out            = ok
             path_open 3 follow out - r -                    = PERM
             path_open 3 follow out creat+trunc w -          = PERM
             path_symlink ../../outside/secret 3 dir/out     = ok
             path_open 3 follow dir/out - r -                = PERM
             path_symlink ../file 3 dir/in                   = ok
             path_filestat_get 3 follow dir/in type          = NOENT
             path_symlink ../dir/file 3 dir/good             = ok
             path_open 3 follow dir/good - r -               = 5
             // A good link leads out after it, or its directory, was moved up.
             path_symlink ../../dir/file 3 dir/far           = ok
             path_open 3 follow dir/far - r -                = PERM
             path_create_directory 3 dir/below               = ok
             path_rename 3 dir/far 3 dir/below/far           = ok
             path_open 3 follow dir/below/far - r -          = 6
             path_link 3 - dir/below/far 3 up                = ok
             path_open 3 follow up - r -                     = PERM
             path_rename 3 dir/below 3 below                 = ok
             path_open 3 follow below/far - r -              = PERM
             // From an opened directory, its parent cannot be reached either.
             path_open 3 - dir directory r -                 = 7
             path_open 7 - ../dir/file - r -                 = PERM
             path_open 7 follow good - r -                   = PERM
             path_open 7 - file - r -                        = 8
             path_open 7 - .. directory r -                  = PERM
             path_rename 7 file 7 ../file                    = PERM
             path_rename 3 dir 3 below/dir                   = ok
             path_open 7 - file - r -                        = 9
             path_open 7 - .. directory r -                  = PERM",
        );
    });
}

#[test]
fn links_inside_of_a_grant_work() {
    each_way(|tree| {
        tree.write("grant/dir/sub/file", "inside");
        for (name, target) in [
            ("a", "dir/sub/file"),
            ("b", "dir/"),
            ("c", "b/sub/"),
            ("d", "c/../sub/./file"),
            ("dir/e", "../dir/sub"),
            ("dir/sub/f", "../../a"),
            ("g", "."),
            ("h", "g/g/g/b/e/f"),
        ] {
            tree.link(&format!("grant/{name}"), target);
        }
        tree.calls(
            "path_open 3 follow a - r -              = 5
             path_open 3 - b/sub/file - r -          = 6
             path_open 3 - c/file - r -              = 7
             path_open 3 follow d - r -              = 8
             path_open 3 - dir/e/file - r -          = 9
             path_open 3 follow dir/sub/f - r -      = 10
             path_open 3 follow h - r -              = 11
             path_open 3 - g/g/a/../../dir - r -     = NOTDIR
             path_open 3 - c/ directory r -          = 12
             path_open 3 - g/ directory r -          = 13
             fd_read 8 10                            = inside
             fd_read 11 10                           = inside
             path_create_directory 3 c/new           = ok
             path_rename 3 c/new 3 b/e/newer         = ok
             path_filestat_get 3 - dir/sub/newer type = directory
             path_filestat_get 3 follow h size       = 6
             path_filestat_set_times 3 follow h 1 5 mtim = ok
             path_filestat_get 3 - a type,size       = link,12
             path_filestat_get 3 follow a mtim       = 5",
        );
    });
}

#[test]
fn without_a_grant_there_is_no_file() {
    each_way(|tree| {
        // There is only the directory `/dev`.
        let mut table = "fd_prestat_get 4 = BADF\nclose_all 3 5000 = 1\n".to_owned();
        for fd in 0..8 {
            let error = if fd < 3 { "NOTDIR" } else { "BADF" };
            for call in [
                "path_open FD - / directory r -",
                "path_open FD - . directory r -",
                "path_open FD - file creat w -",
                "path_open FD follow /etc/passwd - r -",
                "path_filestat_get FD - . type",
                "path_create_directory FD new",
                "path_symlink x FD new",
                "path_rename FD a FD b",
                "path_unlink_file FD file",
                "fd_readdir FD 100 0",
            ] {
                table += &format!("{} = {error}\n", call.replace("FD", &fd.to_string()));
            }
            table += &format!("fd_prestat_get {fd} = BADF\n");
        }
        let script = Script::new(&table);
        let module = guests::wasm("calls");
        // A guest does not get descriptors that the process that started wrun has left open.
        let shell = ["/bin/sh", "-c", "exec 9</etc/passwd 7</ && exec \"$0\" \"$@\""].map(str::to_owned);
        let prefix: Vec<String> = shell.into_iter().chain(tree.way.prefix()).collect();
        let prefix: Vec<&str> = prefix.iter().map(String::as_str).collect();
        let ended = wrun_through(&prefix, [module])
            .args(script.calls())
            .current_dir(&tree.path("grant"))
            .run();
        script.check(&ended.status(0).quiet().stdout, "without a grant");
        assert!(tree.names("grant").is_empty());
    });
}

#[test]
fn magic_links_are_not_followed_even_when_proc_is_granted() {
    each_way(|tree| {
        let script = Script::new(
            "path_open 3 - root/etc/passwd - r -                 = PERM or LOOP
             path_open 3 - root/ directory r -                   = PERM or LOOP
             path_open 3 follow root directory r -               = PERM or LOOP
             path_open 3 - root directory r -                    = NOTDIR
             path_open 3 - cwd/. - r -                           = PERM or LOOP
             path_open 3 follow exe - r -                        = PERM or LOOP
             path_open 3 - exe - r -                             = LOOP
             path_open 3 follow fd/0 - r -                       = LOOP or NOENT
             path_open 3 - fd/3/ - r -                           = PERM or LOOP
             path_open 3 - fd/3/../.. - r -                      = PERM or LOOP
             path_open 3 - task/../cwd/x creat w -               = PERM or LOOP
             path_filestat_get 3 follow exe size                 = PERM or LOOP
             path_filestat_get 3 - cwd/ type                     = PERM or LOOP
             path_filestat_set_times 3 follow exe 1 1 mtim       = PERM or LOOP
             path_filestat_set_times 3 - root/etc/passwd 1 1 mtim = PERM or LOOP
             path_create_directory 3 cwd/new                     = PERM or LOOP
             path_readlink 3 root 100                            = PERM
             path_readlink 3 exe 4096                            = PERM
             path_unlink_file 3 cwd/file                         = PERM or LOOP
             path_rename 3 cwd/file 3 cwd/other                  = PERM or LOOP
             path_filestat_get 3 - exe type                      = link
             path_open 3 - status - r -                          = 5",
        );
        let prefix = tree.way.prefix();
        let prefix: Vec<&str> = prefix.iter().map(String::as_str).collect();
        tree.write("grant/file", "");
        let ended = wrun_through(&prefix, ["--dir", "/proc/self::/proc"])
            .args([guests::wasm("calls")])
            .args(script.calls())
            .current_dir(&tree.path("grant"))
            .run();
        script.check(&ended.status(0).quiet().stdout, &format!("{:?}", tree.way));
        assert_eq!(tree.names("grant"), ["file"]);
    });
}

#[test]
fn names_that_another_system_reserves_are_ordinary() {
    each_way(|tree| {
        for name in [
            "COM1",
            "COM%c2%b9",
            "LPT%c2%b2.txt",
            "CON",
            "NUL",
            "aux.c",
            "C:",
            "a%5cb",
            "%5c..%5coutside",
        ] {
            tree.calls(&format!(
                "path_open 3 - {name} creat+excl r+w -   = 5
                 fd_write 5 {name}                       = {}
                 path_filestat_get 3 - {name} type       = regular
                 path_unlink_file 3 {name}               = ok",
                name.len() - 2 * name.matches('%').count()
            ));
        }
        assert!(tree.names("grant").is_empty());
    });
}
