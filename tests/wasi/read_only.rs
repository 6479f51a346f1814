//! Read-only grants: no function changes anything in them, through any descriptor. After every run of a guest, the tree is
//! compared with its state before, including times and links (see `tree`).

use wasip1::{ERRNO_ROFS, RIGHTS_FD_READ, RIGHTS_FD_WRITE};

use crate::text::{Call, Data, call, results};
use crate::tree::{Tree, each_way};

const FILE: [u64; 2] = [0, 8];
const FREE: [u64; 2] = [16, 8];
const LINK: [u64; 2] = [32, 4];
const EMPTY: [u64; 2] = [40, 9];
const HERE: [u64; 2] = [56, 1];
const IOVEC: u64 = 64;
const OUT: u64 = 1024;

/// The read-only grant, and the writable one.
const GRANT: u64 = 4;
const WRITABLE: u64 = 3;

fn data() -> Data {
    [
        (FILE, "dir/file"),
        (FREE, "dir/free"),
        (LINK, "link"),
        (EMPTY, "dir/empty"),
        (HERE, "."),
        ([IOVEC, 8], "\0\x08\0\0\x04\0\0\0"),
    ]
    .map(|([at, _], bytes)| (at as u32, bytes.into()))
    .into()
}

/// Makes the same tree in both grants.
fn world(tree: &Tree) {
    for grant in ["grant", "read-only"] {
        tree.write(&format!("{grant}/dir/file"), "contents");
        tree.directory(&format!("{grant}/dir/empty"));
        tree.link(&format!("{grant}/link"), "dir/file");
    }
}

/// Returns all kinds of calls that would change something below a directory.
fn changes(dir: u64) -> Vec<Call> {
    let ([file, file_len], [free, free_len]) = (FILE, FREE);
    let ([link, link_len], [empty, empty_len]) = (LINK, EMPTY);
    let [here, here_len] = HERE;
    let mut calls = vec![
        call("path_create_directory", [dir, free, free_len]),
        call("path_remove_directory", [dir, empty, empty_len]),
        call("path_unlink_file", [dir, file, file_len]),
        call("path_unlink_file", [dir, link, link_len]),
        call("path_symlink", [file, file_len, dir, free, free_len]),
        call("path_filestat_set_times", [dir, 0, file, file_len, 1, 1, 5]),
        call("path_filestat_set_times", [dir, 1, file, file_len, 1, 1, 10]),
        call("path_filestat_set_times", [dir, 0, link, link_len, 1, 1, 5]),
        call("path_filestat_set_times", [dir, 1, link, link_len, 1, 1, 5]),
        call("path_filestat_set_times", [dir, 1, here, here_len, 1, 1, 5]),
        call("fd_filestat_set_times", [dir, 1, 1, 5]),
        call("fd_filestat_set_times", [dir, 1, 1, 10]),
    ];
    // Into the directory, out of it, and within it.
    for (from, to) in [(dir, dir), (dir, WRITABLE), (WRITABLE, dir), (dir, GRANT), (GRANT, dir)] {
        for [source, len] in [FILE, LINK, EMPTY] {
            calls.push(call("path_rename", [from, source, len, to, free, free_len]));
            calls.push(call("path_rename", [from, source, len, to, file, file_len]));
            calls.push(call("path_link", [from, 0, source, len, to, free, free_len]));
        }
    }
    calls
}

#[test]
fn every_change_below_a_read_only_grant_is_refused() {
    let [here, here_len] = HERE;
    // A directory that is opened below the grant, and one below that, are read-only like the grant.
    let mut calls = vec![
        call("path_open", [GRANT, 0, here, here_len, 2, RIGHTS_FD_READ, 0, 0, OUT]),
        call("path_open", [5, 0, here, here_len, 2, RIGHTS_FD_READ, 0, 0, OUT]),
        call("path_open", [GRANT, 0, FILE[0], FILE[1], 0, RIGHTS_FD_READ, 0, 0, OUT]),
    ];
    let opened = calls.len();
    for dir in [GRANT, 5, 6] {
        calls.extend(changes(dir));
    }
    let file = 7;
    calls.extend([
        call("fd_filestat_set_times", [file, 1, 1, 5]),
        call("fd_filestat_set_size", [file, 0]),
        call("fd_allocate", [file, 0, 100]),
    ]);
    each_way(|tree| {
        world(tree);
        let found = tree.unchanged(|| results(tree, &[], &data(), &calls));
        assert_eq!(found[..opened], [0, 0, 0]);
        for (call, found) in calls.iter().zip(found).skip(opened) {
            assert_eq!(found, u32::from(ERRNO_ROFS.raw()), "{:?}: {call:?}", tree.way);
        }
        assert_eq!(tree.names("grant/dir"), ["empty", "file"]);
    });
}

#[test]
fn no_way_of_opening_a_file_gives_one_that_can_be_changed() {
    let mut calls = Vec::new();
    // A file that can be opened is descriptor 5 and is closed again.
    let after = [
        call("fd_write", [5, IOVEC, 1, OUT]),
        call("fd_pwrite", [5, IOVEC, 1, 0, OUT]),
        call("fd_filestat_set_size", [5, 0]),
        call("fd_filestat_set_times", [5, 1, 1, 5]),
        call("fd_allocate", [5, 0, 100]),
        call("path_create_directory", [5, FREE[0] + 4, 4]),
    ];
    let mut opens = Vec::new();
    for [path, len] in [FILE, FREE, LINK, EMPTY, HERE] {
        for lookup in [0, 1] {
            for oflags in 0..16 {
                for rights in [0, RIGHTS_FD_READ, RIGHTS_FD_WRITE, RIGHTS_FD_READ | RIGHTS_FD_WRITE] {
                    for fdflags in [0, u64::from(wasip1::FDFLAGS_APPEND)] {
                        let open = call(
                            "path_open",
                            [GRANT, lookup, path, len, oflags, rights, rights, fdflags, OUT],
                        );
                        opens.push((calls.len(), open.clone()));
                        calls.push(open);
                        calls.extend(after.clone());
                        calls.push(call("fd_close", [5]));
                    }
                }
            }
        }
    }
    each_way(|tree| {
        world(tree);
        let found = tree.unchanged(|| results(tree, &[], &data(), &calls));
        let mut opened = 0;
        for (at, open) in &opens {
            let (oflags, rights) = (open.args[4], open.args[5]);
            if found[*at] == 0 {
                opened += 1;
                let truncates = oflags & u64::from(wasip1::OFLAGS_TRUNC) != 0;
                assert!(!truncates && rights & RIGHTS_FD_WRITE == 0, "{:?}: {open:?}", tree.way);
            }
            for after in 1..=after.len() {
                assert_ne!(
                    found[at + after],
                    0,
                    "{:?}: {:?} after {open:?}",
                    tree.way,
                    calls[at + after]
                );
            }
        }
        assert!(opened > 20, "only {opened} could be opened at all");
    });
}

#[test]
fn a_read_only_grant_answers_as_a_read_only_file_system_does() {
    each_way(|tree| {
        world(tree);
        tree.calls(
            "path_open 4 - dir/file - r -                = 5
             path_open 4 - dir/file creat r -            = 6
             path_open 4 - dir/file creat+excl r -       = EXIST
             path_open 4 - dir/free creat r -            = ROFS
             path_open 4 - dir/free creat+excl r -       = ROFS
             path_open 4 - dir/free - r -                = NOENT
             path_open 4 - dir/file - w -                = ROFS
             path_open 4 - dir/file - r+w -              = ROFS
             path_open 4 - dir/file trunc r -            = ROFS
             path_open 4 - dir/file creat+trunc - append = ROFS
             path_open 4 follow link trunc r -           = ROFS
             path_open 4 - dir directory r -             = 7
             path_open 7 - file - w -                    = ROFS
             path_open 7 - ../link - r -                 = PERM
             path_filestat_get 4 follow link size        = 8
             path_readlink 4 link 100                    = dir/file
             fd_read 5 100                               = contents
             list 7 100                                  = . .. empty file
             fd_sync 5                                   = ok
             fd_advise 5 0 0 dontneed                    = ok
             fd_fdstat_set_flags 5 append                = ok
             fd_write 5 x                                = BADF
             // The grant keeps its access when its number changes.
             fd_renumber 7 3                             = ok
             path_open 3 - file - w -                    = ROFS
             path_unlink_file 3 file                     = ROFS
             fd_prestat_get 3                            = BADF",
        );
    });
}

#[test]
fn a_grant_inside_of_a_read_only_one_is_open_to_changes_by_its_own_name_only() {
    each_way(|tree| {
        world(tree);
        let module = crate::guests::wasm("calls").to_string_lossy().into_owned();
        let path = |name: &str, guest: &str| format!("{}::{guest}", tree.path(name).display());
        let words = [
            "--dir".to_owned(),
            path("grant/dir", "/inner"),
            "--dir-ro".to_owned(),
            path("grant", "/outer"),
            module,
        ];
        // 3 is the usual grant; then come the inner one, the usual read-only one, and the outer one.
        let script = crate::script::Script::new(
            "fd_prestat_dir_name 4 100               = /inner
             fd_prestat_dir_name 6 100               = /outer
             path_open 6 - dir/new creat w -         = ROFS
             path_open 4 - new creat w -             = 7
             path_unlink_file 6 dir/new              = ROFS
             path_rename 6 dir/new 4 newer           = ROFS
             path_rename 4 new 6 dir/newer           = ROFS
             path_link 6 - link 4 taken              = ROFS
             path_open 4 - ../link - w -             = PERM
             path_unlink_file 4 new                  = ok",
        );
        let ended = tree.unchanged(|| tree.wrun(words).args(script.calls()).run());
        script.check(&ended.status(0).quiet().stdout, "a grant in a grant");
    });
}
