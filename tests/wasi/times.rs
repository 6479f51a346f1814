//! Times of files: the three kinds of times, dates that do not fit, and files that must not be opened.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps};

use crate::tree::{Tree, each_way};

/// Sets the modification time of a file to seconds before or after 1970.
fn date(tree: &Tree, name: &str, seconds: i64) {
    let time = Timespec {
        tv_sec: seconds,
        tv_nsec: 5,
    };
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    rustix::fs::utimensat(CWD, tree.path(name), &times, AtFlags::SYMLINK_NOFOLLOW).expect("the test owns the file");
}

#[test]
fn the_three_times_are_those_of_the_host() {
    each_way(|tree| {
        tree.write("grant/file", "abc");
        date(tree, "grant/file", 1_000_000_000);
        // Setting the times changes the status, so `ctim` is the current time and not the time of creation.
        let mode = std::fs::Permissions::from_mode(0o640);
        std::fs::set_permissions(tree.path("grant/file"), mode).expect("the test owns the file");
        let meta = tree.path("grant/file").metadata().expect("it was written");
        let ctim = meta.ctime() * 1_000_000_000 + meta.ctime_nsec();
        tree.calls(&format!(
            "path_filestat_get 3 - file atim,mtim    = 1000000000000000005,1000000000000000005
             path_filestat_get 3 - file ctim         = {ctim}
             path_open 3 - file - r -                = 5
             fd_filestat_get 5 atim,mtim,ctim        = 1000000000000000005,1000000000000000005,{ctim}
             fd_filestat_get 5 type,size,nlink,ino   = regular,3,1,{}",
            meta.ino()
        ));
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .expect("after 1970");
        assert!(Duration::from_nanos(ctim as u64) + Duration::from_secs(100) > now);
    });
}

#[test]
fn times_are_set_on_files_directories_and_links() {
    each_way(|tree| {
        tree.write("grant/dir/file", "abc");
        tree.link("grant/link", "dir/file");
        tree.link("grant/dir/dangling", "nowhere");
        tree.calls(
            "path_filestat_set_times 3 - dir/file 1 2000000003 atim+mtim        = ok
             path_filestat_get 3 - dir/file atim,mtim                           = 1,2000000003
             path_filestat_set_times 3 - dir/file 7 8 mtim                      = ok
             path_filestat_get 3 - dir/file atim,mtim                           = 1,8
             path_filestat_set_times 3 - dir/file 9 9 -                         = ok
             path_filestat_get 3 - dir/file atim,mtim                           = 1,8
             path_filestat_set_times 3 - link 10 11 atim+mtim                   = ok
             path_filestat_get 3 - link mtim                                    = 11
             path_filestat_get 3 follow link mtim                               = 8
             path_filestat_set_times 3 follow link 12 13 atim+mtim              = ok
             path_filestat_get 3 - link mtim                                    = 11
             path_filestat_get 3 follow link atim,mtim                          = 12,13
             path_filestat_set_times 3 - dir 14 15 atim+mtim                    = ok
             path_filestat_get 3 - dir mtim                                     = 15
             path_filestat_set_times 3 - dir/ 14 16 mtim                        = ok
             path_filestat_get 3 - dir mtim                                     = 16
             path_filestat_set_times 3 - dir/. 14 17 mtim                       = ok
             path_filestat_get 3 - dir mtim                                     = 17
             path_filestat_set_times 3 - dir/dangling 18 19 mtim                = ok
             path_filestat_get 3 - dir/dangling mtim                            = 19
             path_filestat_set_times 3 follow dir/dangling 1 1 mtim             = NOENT
             path_filestat_set_times 3 - none 1 1 mtim                          = NOENT
             path_filestat_set_times 3 - dir/file/ 1 1 mtim                     = NOTDIR
             path_filestat_set_times 3 - '' 1 1 mtim                            = NOENT
             path_filestat_set_times 3 - ../outside/secret 1 1 mtim             = PERM
             path_filestat_set_times 3 - .. 1 1 mtim                            = PERM
             path_filestat_set_times 4 - . 1 1 mtim                             = ROFS
             path_filestat_set_times 0 - x 1 1 mtim                             = NOTDIR
             path_filestat_set_times 9 - x 1 1 mtim                             = BADF",
        );
    });
}

#[test]
fn a_time_is_given_or_now_but_not_both() {
    each_way(|tree| {
        tree.write("grant/file", "abc");
        date(tree, "grant/file", 1000);
        tree.calls(
            "path_open 3 - file - r+w -                                     = 5
             path_filestat_set_times 3 - file 1 1 atim+atim_now             = INVAL
             path_filestat_set_times 3 - file 1 1 mtim+mtim_now             = INVAL
             path_filestat_set_times 3 - file 1 1 atim+mtim+mtim_now        = INVAL
             path_filestat_set_times 3 - file 1 1 16                        = INVAL
             path_filestat_set_times 3 2 file 1 1 mtim                      = INVAL
             fd_filestat_set_times 5 1 1 atim+atim_now                      = INVAL
             fd_filestat_set_times 5 1 1 mtim+mtim_now+atim                 = INVAL
             fd_filestat_set_times 5 1 1 16                                 = INVAL
             fd_filestat_get 5 atim,mtim                                    = 1000000000005,1000000000005
             fd_filestat_set_times 5 1 2000000003 atim+mtim                 = ok
             fd_filestat_get 5 atim,mtim                                    = 1,2000000003
             fd_filestat_set_times 3 1 4 mtim                               = ok
             fd_filestat_get 3 mtim                                         = 4
             fd_filestat_set_times 4 1 4 mtim                               = ROFS
             fd_filestat_set_times 99 1 4 mtim                              = BADF
             path_filestat_set_times 3 - file 1 2 atim_now+mtim_now         = ok",
        );
        let modified = tree.path("grant/file").metadata().and_then(|meta| meta.modified());
        let age = modified.expect("the test owns the file").elapsed().unwrap_or_default();
        assert!(age < Duration::from_secs(100), "{age:?}");
    });
}

#[test]
fn dates_that_do_not_fit_are_the_nearest_that_do() {
    each_way(|tree| {
        for (name, seconds) in [("old", -86_400), ("before", -1), ("epoch", 0), ("new", 5_000_000_000)] {
            tree.write(&format!("grant/{name}"), "");
            date(tree, &format!("grant/{name}"), seconds);
        }
        tree.link("grant/link", "old");
        date(tree, "grant/link", -100_000);
        tree.calls(
            "path_filestat_get 3 - old atim,mtim         = 0,0
             path_filestat_get 3 follow link mtim        = 0
             path_filestat_get 3 - link mtim             = 0
             path_filestat_get 3 - before mtim           = 0
             path_filestat_get 3 - epoch mtim            = 5
             path_filestat_get 3 - new mtim              = 5000000000000000005
             path_open 3 - old - r -                     = 5
             fd_filestat_get 5 atim,mtim                 = 0,0
             list 3 4096                                 = . .. before epoch link new old
             // This date may be later than the file system can store. There must be no error and no panic, and the time must
             // not be before 2038.
             path_filestat_set_times 3 - new max max atim+mtim   = ok
             path_filestat_set_times 3 - new 999999999 1999999999 atim+mtim = ok
             path_filestat_get 3 - new atim,mtim         = 999999999,1999999999",
        );
    });
}

#[test]
fn neither_a_fifo_nor_a_running_program_is_in_the_way_of_its_times() {
    each_way(|tree| {
        tree.fifo("grant/fifo");
        tree.link("grant/to-fifo", "fifo");
        // Another process copies it: a child of another test may inherit a descriptor of this one that is open for writing.
        let copied = Command::new("cp")
            .arg("/bin/sleep")
            .arg(tree.path("grant/program"))
            .status();
        assert!(copied.is_ok_and(|status| status.success()), "there is a `sleep`");
        let mut running = Command::new(tree.path("grant/program"))
            .arg("60")
            .stdin(Stdio::null())
            .spawn()
            .expect("it is executable");
        tree.calls(
            "path_filestat_set_times 3 - fifo 1 2 atim+mtim          = ok
             path_filestat_set_times 3 follow fifo 1 3 mtim          = ok
             path_filestat_set_times 3 follow to-fifo 1 4 mtim       = ok
             path_filestat_get 3 follow to-fifo mtim                 = 4
             path_filestat_set_times 3 - program 1 5 mtim            = ok
             path_filestat_set_times 3 follow program 1 6 mtim       = ok
             path_filestat_get 3 - program mtim                      = 6
             // Writing to it is an error.
             path_open 3 - program - w -                             = TXTBSY
             path_open 3 - program trunc w -                         = TXTBSY",
        );
        running.kill().expect("the test owns it");
        running.wait().expect("the test owns it");
    });
}
