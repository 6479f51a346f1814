//! Reading directories: the listing is complete and in order for every size of the buffer, and while entries are created and
//! removed.

use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;

use crate::tree::{Tree, Way, each_way};

/// Creates `count` files, named `000` and so on, in the grant's directory `dir`.
fn files(tree: &Tree, count: usize) {
    tree.directory("grant/dir");
    for i in 0..count {
        tree.write(&format!("grant/dir/{i:06}"), "");
    }
}

#[test]
fn names_and_types_are_listed() {
    each_way(|tree| {
        tree.write("grant/dir/file", "");
        tree.directory("grant/dir/directory");
        tree.link("grant/dir/link", "file");
        tree.link("grant/dir/dangling", "nowhere");
        tree.fifo("grant/dir/fifo");
        let name = std::ffi::OsStr::from_bytes(b"\xff\xfe %\n");
        std::fs::write(tree.path("grant/dir").join(name), "").expect("the directory for tests can be written");
        // The path of a socket must be short, so it goes through `/proc`.
        let dir = std::fs::File::open(tree.path("grant/dir")).expect("it was made");
        let _socket = UnixListener::bind(format!("/proc/self/fd/{}/socket", dir.as_raw_fd()))
            .expect("the directory for tests can be written");
        let long = "x".repeat(255);
        tree.write(&format!("grant/dir/{long}"), "");
        tree.calls(&format!(
            "path_open 3 - dir directory r -  = 5
             list 5 4096 types = .:directory ..:directory dangling:link directory:directory fifo:unknown file:regular \
             link:link socket:stream {long}:regular %ff%fe%20%25%0a:regular"
        ));
    });
}

#[test]
fn every_entry_comes_once_whatever_the_size_of_the_buffer() {
    each_way(|tree| {
        files(tree, 200);
        let all: Vec<String> = (0..200).map(|i| format!("{i:06}")).collect();
        let all = all.join(" ");
        tree.calls(&format!(
            "path_open 3 - dir directory r -  = 5
             list 5 30       = . .. {all}
             list 5 31       = . .. {all}
             list 5 100      = . .. {all}
             list 5 4096     = . .. {all}
             list 5 65536    = . .. {all}
             // From the start again, with the changes.
             path_unlink_file 5 000000       = ok
             path_open 5 - new creat w -     = 6
             list 5 100 count                = 202
             list 5 65536 count              = 202
             // A grant is a directory like others.
             list 3 4096                     = . .. dir
             list 4 4096                     = . .."
        ));
    });
}

#[test]
fn a_buffer_that_is_full_means_that_there_is_more() {
    each_way(|tree| {
        files(tree, 3);
        tree.calls(
            "path_open 3 - dir directory r -  = 5
             fd_readdir 5 0 0        = 0
             fd_readdir 5 1 0        = 1
             fd_readdir 5 24 0       = 24
             fd_readdir 5 25 0       = 25
             // Two dot entries, and three entries of 30 bytes.
             fd_readdir 5 140 0      = 140
             fd_readdir 5 141 0      = 141
             fd_readdir 5 142 0      = 141
             fd_readdir 5 65536 0    = 141",
        );
    });
}

#[test]
fn removing_entries_while_listing_leaves_nothing_behind() {
    for size in [30, 300, 4096] {
        each_way(|tree| {
            files(tree, 400);
            tree.directory("grant/dir/below");
            tree.link("grant/dir/link", "../../outside");
            tree.calls(&format!(
                "path_open 3 - dir directory r -     = 5
                 list 5 {size} count remove          = 404
                 list 5 4096                         = . ..
                 path_remove_directory 3 dir         = ok"
            ));
        });
    }
}

#[test]
fn a_tree_is_removed_as_a_libc_does_it() {
    each_way(|tree| {
        for directory in ["a", "a/b", "a/b/c", "a/d"] {
            tree.directory(&format!("grant/tree/{directory}"));
            for i in 0..100 {
                tree.write(&format!("grant/tree/{directory}/{i}"), "x");
            }
        }
        tree.link("grant/tree/out", "../../outside");
        tree.link("grant/tree/a/loop", "..");
        let ended = tree.unchanged(|| tree.guest("remove_tree", ["/tree"]).run());
        // Four hundred files, two links, five directories.
        ended.prints("407 removed\n");
        assert!(tree.names("grant").is_empty());
    });
}

#[test]
fn a_hundred_thousand_entries_are_listed() {
    // Hard links are the quickest way to create that many names.
    let mut tree = Tree::new(Way::AsItIs);
    tree.write("grant/dir/file", "");
    let (file, dir) = (tree.path("grant/dir/file"), tree.path("grant/dir"));
    let mut source = file.clone();
    for i in 1..100_000 {
        let name = dir.join(i.to_string());
        if std::fs::hard_link(&source, &name).is_err() {
            // The number of links of a file is limited.
            std::fs::write(&name, "").expect("the directory for tests can be written");
            source = name;
        }
    }
    tree.calls(
        "path_open 3 - dir directory r -    = 5
         list 5 65536 count                 = 100002
         list 5 500 count                   = 100002",
    );
    tree.way = Way::Denied("EPERM");
    tree.calls(
        "path_open 3 - dir directory r -    = 5
         list 5 4096 count                  = 100002",
    );
}

#[test]
fn inodes_are_those_of_the_files_and_nothing_above_a_grant_is_shown() {
    each_way(|tree| {
        tree.write("grant/dir/file", "");
        let inode = |name: &str| tree.path(name).metadata().expect("it exists").ino();
        let (grant, dir, file) = (inode("grant"), inode("grant/dir"), inode("grant/dir/file"));
        tree.calls(&format!(
            "path_open 3 - dir directory r -     = 5
             path_open 5 - . directory r -       = 6
             list 3 4096 inodes                  = .:{grant} ..:{grant} dir:{dir}
             list 5 4096 inodes                  = .:{dir} ..:{grant} file:{file}
             list 6 4096 inodes                  = .:{dir} ..:{grant} file:{file}"
        ));
    });
}

#[test]
fn what_is_no_directory_or_no_cookie_is_refused() {
    each_way(|tree| {
        tree.write("grant/file", "");
        tree.calls(
            "path_open 3 - file - r -        = 5
             fd_readdir 5 100 0              = NOTDIR
             fd_readdir 0 100 0              = NOTDIR
             fd_readdir 99 100 0             = BADF
             fd_readdir 3 100 max            = INVAL
             fd_readdir 3 100 0x8000000000000000 = INVAL
             list 3 4096                     = . .. file
             path_open 3 - . directory - -   = 6
             list 6 4096                     = . .. file",
        );
    });
}

#[test]
fn a_directory_that_was_removed_is_empty() {
    each_way(|tree| {
        tree.directory("grant/dir");
        tree.calls(
            "path_open 3 - dir directory r -  = 5
             list 5 4096                     = . ..
             path_remove_directory 3 dir     = ok
             list 5 4096                     = NOENT
             path_open 5 - file creat w -    = NOENT
             path_create_directory 5 dir     = NOENT
             path_filestat_get 5 - . type    = directory",
        );
    });
}
