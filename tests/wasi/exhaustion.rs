//! Exhaustion of descriptors: no descriptor leaks, and calls still work correctly if none is free.

use crate::live::Live;
use crate::tree::{Tree, Way, each_way};

/// Calls of every kind that opens a descriptor in the host for a moment, successful ones and others.
const BUSY: &str = "
    path_open 3 - dir/file - r -                    = 5
    path_open 3 - dir/none - r -                    = NOENT
    path_open 3 follow link - r -                   = 6
    path_open 3 follow out - r -                    = PERM
    path_open 3 - dir directory r -                 = 7
    path_open 3 - dir/file directory r -            = NOTDIR
    path_open 3 - dir - w -                         = ISDIR
    path_open 4 - dir creat+excl r -                = ROFS
    path_filestat_get 3 follow link size            = 4
    path_filestat_get 3 - dir/../dir/file size      = 4
    path_filestat_set_times 3 follow link 1 2 atim+mtim = ok
    path_create_directory 3 dir/new                 = ok
    path_rename 3 dir/new 3 dir/other               = ok
    path_remove_directory 3 dir/other               = ok
    path_symlink x 3 dir/new                        = ok
    path_readlink 3 dir/new 10                      = x
    path_link 3 - dir/new 3 dir/other               = ok
    path_unlink_file 3 dir/new                      = ok
    path_unlink_file 3 dir/other                    = ok
    list 7 100                                      = . .. file
    fd_renumber 5 6                                 = ok
    fd_renumber 6 7                                 = ok
    sock_accept 7 -                                 = NOTSOCK
    poll_oneoff read:7 read:99 clock:monotonic:0    = 1=4 2!BADF 3
    fd_close 7                                      = ok
    ";

fn world(tree: &Tree) {
    tree.write("grant/dir/file", "file");
    tree.link("grant/link", "dir/file");
    tree.link("grant/out", "../outside/secret");
}

#[test]
fn what_a_guest_has_closed_the_host_has_closed() {
    each_way(|tree| {
        world(tree);
        let table = format!("pause = ok\n{}\npause = ok\n{BUSY}", BUSY.repeat(5));
        let mut live = Live::start(tree, "true", &table);
        live.paused();
        let before = live.descriptors();
        live.resume();
        live.paused();
        // Entries that were read ahead take memory and no descriptor.
        assert_eq!(live.descriptors(), before);
        live.resume();
        live.finish();
    });
}

#[test]
fn renumbering_closes_what_was_there() {
    each_way(|tree| {
        world(tree);
        let mut live = Live::start(
            tree,
            "ulimit -n 256",
            "pause                           = ok
             renumber_often 3 dir/file 20000 = 5
             pause                           = ok",
        );
        live.paused();
        let before = live.descriptors();
        live.resume();
        live.paused();
        assert_eq!(live.descriptors(), before + 1);
        live.resume();
        live.finish();
    });
}

#[test]
fn a_guest_without_a_free_descriptor_can_do_all_that_needs_none() {
    each_way(|tree| {
        world(tree);
        tree.write("grant/contents", "contents");
        Live::start(
            tree,
            "ulimit -n 64",
            "path_open 3 - dir directory r -             = 5
             open_all 3 dir/file                         = MFILE
             // A call that fails because no descriptor is free has no effect.
             path_open 3 - new creat w -                 = MFILE
             path_open 3 - contents trunc w -            = MFILE
             path_filestat_get 3 - new type              = NOENT
             path_filestat_get 3 - contents size         = 8
             path_filestat_get 3 follow link size        = 4
             path_filestat_set_times 3 follow link 1 2 mtim = ok
             path_create_directory 3 dir/new             = ok
             path_rename 3 dir/new 3 dir/../other        = ok
             path_remove_directory 3 dir/../other        = ok
             path_symlink x 3 dir/new                    = ok
             path_link 3 - dir/new 3 dir/../other        = ok
             path_unlink_file 3 dir/../other             = ok
             path_unlink_file 3 dir/new                  = ok
             list 5 50                                   = . .. file
             poll_oneoff read:6 clock:monotonic:0        = 1=4 2
             random_get 100                              = ok
             fd_read 6 10                                = file
             fd_renumber 7 6                             = ok
             path_open 3 - dir/file - r -                = 7
             path_open 3 - dir/file - r -                = MFILE
             fd_close 9                                  = ok
             path_open 3 - dir/../dir/file - r -         = 9
             open_all 3 dir/file                         = none",
        )
        .finish();
    });
}

#[test]
fn a_path_that_is_deeper_than_the_host_has_descriptors_is_an_error_at_most() {
    let deep = "d/".repeat(200);
    each_way(|tree| {
        tree.directory(&format!("grant/{deep}"));
        tree.write("grant/file", "abc");
        // Without `openat2`, the walk holds a descriptor for every directory on the way.
        let table = format!(
            "path_filestat_get 3 - {deep}. type          = directory or MFILE
             path_create_directory 3 {deep}new           = ok or MFILE
             path_open 3 - {deep}file creat w -          = 5 or MFILE
             close_all 5 5                               = 1 or 0
             path_open 3 - d/../file - r -               = 5
             fd_read 5 10                                = abc"
        );
        Live::start(tree, "ulimit -n 64", &table).finish();
    });
}

#[test]
fn a_file_that_may_not_grow_is_an_error() {
    each_way(|tree| {
        let block = "x".repeat(1000);
        let table = format!(
            "path_open 3 - file creat w -                = 5
             fd_write 5 {block}                          = 1000
             fd_seek 5 100 end                           = 1100
             fd_pwrite 5 {block} 100000                  = FBIG
             fd_filestat_set_size 5 100000               = FBIG
             fd_seek 5 100000 set                        = 100000
             fd_write 5 x                                = FBIG
             fd_filestat_get 5 size                      = 1000"
        );
        Live::start(tree, "ulimit -f 16", &table).finish();
    });
}

#[test]
fn descriptors_can_be_waited_for_more_often_than_the_host_has_descriptors() {
    let tree = Tree::new(Way::AsItIs);
    tree.write("grant/file", "abc");
    let many = "read:5 ".repeat(40);
    let ready: Vec<String> = (1..=40).map(|index| format!("{index}=3")).collect();
    let table = format!(
        "path_open 3 - file - r -                    = 5
         poll_oneoff {many}write:5 write:1 read:1 read:99 = {} 41 42 44!BADF
         poll_oneoff {many}read:1 clock:monotonic:0  = {} 42",
        ready.join(" "),
        ready.join(" ")
    );
    Live::start(&tree, "ulimit -n 40", &table).finish();
}
