//! The directory `/dev`, which contains only the null device and needs no grant.

use std::process::Stdio;

use crate::tree::{Tree, Way, each_way};

#[test]
fn a_guest_without_grants_has_the_null_device() {
    each_way(|tree| {
        tree.calls_granted(
            &[],
            "fd_prestat_get 3                            = dir 4
             fd_prestat_dir_name 3 4                     = /dev
             fd_prestat_get 4                            = BADF
             fd_fdstat_get 3 open+readdir+unlink+times   = directory - readdir+open
             fd_filestat_get 3 type,size                 = directory,0
             list 3 4096 types                           = .:directory ..:directory null:character
             list 3 50                                   = . .. null
             path_filestat_get 3 - . type                = directory
             path_filestat_get 3 - null type,size        = character,0
             path_filestat_get 3 follow .//null type     = character

             path_open 3 - null creat+trunc w append     = 4
             fd_fdstat_get 4 r+w+times                   = character append w
             fd_filestat_get 4 type,size                 = character,0
             fd_write 4 abc|def                          = 6
             fd_read 4 1                                 = BADF
             fd_close 4                                  = ok
             path_open 3 follow null - r -               = 4
             fd_read 4 10                                = ''
             fd_write 4 abc                              = BADF
             path_open 3 - null - r+w -                  = 5
             fd_read 5 10                                = ''
             fd_write 5 abc                              = 3

             path_open 3 - . directory r -               = 6
             list 6 4096                                 = . .. null
             fd_prestat_get 6                            = BADF
             path_open 6 - null - r -                    = 7
             fd_filestat_get 7 type                      = character
             poll_oneoff read:3                          = 1=0",
        );
    });
}

#[test]
fn a_directory_of_devices_has_the_inode_that_its_listing_says() {
    let tree = Tree::new(Way::AsItIs);
    let run = |calls: &[&str]| {
        let module = crate::guests::wasm("calls");
        let ended = crate::support::wrun([module]).args(calls).run().status(0).quiet();
        String::from_utf8(ended.stdout).expect("the interpreter prints ASCII")
    };
    let shown = run(&[
        "list 3 4096 inodes",
        "fd_filestat_get 3 ino",
        "path_filestat_get 3 - null ino",
    ]);
    let lines: Vec<&str> = shown.lines().collect();
    let [listing, own, null] = lines[..] else {
        panic!("three calls print three lines: {shown}");
    };
    assert_eq!(listing, format!(".:{own} ..:{own} null:{null}"));
    drop(tree);
}

#[test]
fn nothing_is_created_changed_or_found_beside_the_null_device() {
    each_way(|tree| {
        tree.calls_granted(
            &[],
            "path_open 3 - null creat+excl w -           = EXIST
             path_open 3 - null directory r -            = NOTDIR
             path_open 3 - null/ - r -                   = NOTDIR
             path_open 3 - null/x creat w -              = NOTDIR
             path_open 3 - . - w -                       = ISDIR
             path_open 3 - . creat r -                   = ISDIR
             path_open 3 - zero - r -                    = NOENT
             path_open 3 - zero creat w -                = ROFS
             path_filestat_get 3 - zero type             = NOENT
             path_filestat_get 3 - nul type              = NOENT
             path_open 3 - .. directory r -              = PERM
             path_open 3 - ../etc/passwd - r -           = PERM
             path_open 3 - ./../dev/null - r -           = PERM
             path_open 3 - zero/../null - r -            = NOENT
             path_open 3 - /dev/null - r -               = PERM
             path_filestat_get 3 follow .. type          = PERM
             path_create_directory 3 d                   = ROFS
             path_create_directory 3 null                = ROFS
             path_remove_directory 3 .                   = ROFS
             path_unlink_file 3 null                     = ROFS
             path_unlink_file 3 zero                     = ROFS
             path_rename 3 null 3 zero                   = ROFS
             path_link 3 - null 3 zero                   = ROFS
             path_symlink null 3 zero                    = ROFS
             path_readlink 3 null 10                     = INVAL
             path_readlink 3 zero 10                     = NOENT
             path_filestat_set_times 3 - null 1 1 mtim   = ROFS
             path_filestat_set_times 3 - . 1 1 mtim      = ROFS
             fd_filestat_set_times 3 1 1 mtim            = ROFS
             fd_filestat_set_size 3 0                    = BADF
             fd_read 3 1                                 = ISDIR
             fd_write 3 x                                = BADF
             fd_seek 3 0 set                             = BADF
             fd_sync 3                                   = ok
             fd_fdstat_set_flags 3 -                     = ok
             fd_fdstat_set_flags 3 nonblock              = NOTSUP
             sock_shutdown 3 rd                          = NOTSOCK
             path_open 3 - null - r+w -                  = 4
             fd_filestat_set_times 4 1 1 mtim            = ROFS
             fd_filestat_set_times 4 1 1 atim_now        = ROFS
             fd_renumber 4 3                             = ok
             fd_filestat_get 3 type                      = character",
        );
    });
}

#[test]
fn a_grant_of_the_root_or_of_the_directory_of_devices_replaces_it() {
    for guest in ["/", "//", "/dev", "/dev/", "dev", "./dev"] {
        let tree = Tree::new(Way::AsItIs);
        tree.write("grant/file", "");
        let grant = format!("{}::{guest}", tree.path("grant").display());
        tree.calls_granted(
            &["--dir", &grant],
            "list 3 4096        = . .. file
             fd_prestat_get 4   = BADF",
        );
    }
}

#[test]
fn listeners_keep_their_numbers() {
    let tree = Tree::new(Way::AsItIs);
    let path = tree.path("grant/socket");
    let listen = format!("unix:{}", path.display());
    tree.calls_granted(
        &["--listen", &listen],
        "fd_prestat_get 3          = BADF
         fd_fdstat_get 3 accept    = stream - accept
         fd_fdstat_get 4 -         = BADF",
    );
    std::fs::remove_file(&path).expect("the test owns the socket");
    tree.write("grant/dev/null", "not a device");
    let dev = format!("{}::/dev", tree.path("grant/dev").display());
    tree.calls_granted(
        &["--listen", &listen, "--dir", &dev],
        "fd_prestat_dir_name 3 4           = /dev
         path_filestat_get 3 - null type   = regular
         fd_fdstat_get 4 accept            = stream - accept",
    );
}

/// A libc treats `dev/x` like `/dev/x`, so a guest with a grant of `.` must find the files of its own directory `dev` there.
#[test]
fn a_guest_finds_its_own_directory_of_the_same_name() {
    each_way(|tree| {
        let grant = format!("{}::.", tree.path("grant").display());
        tree.link("grant/up", "../outside");
        tree.calls_granted(
            &["--dir", &grant],
            "fd_prestat_dir_name 4 4                        = /dev
             path_filestat_get 4 - . type                   = directory
             path_create_directory 4 sub                    = NOENT
             path_open 4 - file creat w -                   = NOENT
             path_open 4 - . directory r -                  = 5
             list 5 4096                                    = . .. null
             path_create_directory 4 .                      = ok
             path_create_directory 4 .                      = EXIST
             path_create_directory 4 sub                    = ok
             path_open 4 - sub/file creat w -               = 6
             path_filestat_get 4 - sub/file type            = regular
             path_open 4 - null - r -                       = 7
             fd_filestat_get 7 type                         = character
             path_open 4 - . directory r -                  = 8
             list 8 4096                                    = . .. sub
             path_rename 4 sub/file 4 moved                 = ok
             path_unlink_file 4 null                        = ROFS
             path_rename 4 null 4 sub/null                  = ROFS
             path_filestat_get 4 - ../dev/moved type        = regular
             path_open 4 follow ../up/secret - r -          = PERM
             path_open 4 - ../../outside/secret - r -       = PERM
             path_open 4 - /outside/secret - r -            = PERM
             // After the grant is closed, the guest's own directory is gone too.
             fd_close 3                                     = ok
             path_filestat_get 4 - moved type               = NOENT
             path_filestat_get 4 - null type                = character",
        );
        assert_eq!(tree.names("grant"), ["dev", "up"]);
        assert_eq!(tree.names("grant/dev"), ["moved", "sub"]);
    });
}

#[test]
fn a_read_only_grant_stays_as_it_is_below_its_own_directory_of_devices() {
    each_way(|tree| {
        tree.write("grant/dev/file", "abc");
        let grant = format!("{}::.", tree.path("grant").display());
        tree.calls_granted(
            &["--dir-ro", &grant],
            "path_open 4 - file - w -                       = ROFS
             path_open 4 - file trunc r -                   = ROFS
             path_open 4 - new creat w -                    = ROFS
             path_unlink_file 4 file                        = ROFS
             path_remove_directory 4 .                      = ROFS
             path_filestat_set_times 4 - file 1 1 mtim      = ROFS
             path_open 4 - file - r -                       = 5
             fd_read 5 5                                    = abc",
        );
        assert_eq!(tree.read("grant/dev/file"), b"abc");
    });
}

#[test]
fn programs_use_the_null_device_as_on_unix() {
    each_way(|tree| {
        let module = crate::guests::wasm("null_device");
        let prefix = tree.way.prefix();
        let prefix: Vec<&str> = prefix.iter().map(String::as_str).collect();
        let ended = crate::support::wrun_through(&prefix, [module]).run();
        assert_eq!(ended.stderr, "");
        ended.prints("done\n");
        // With a grant of the working directory, which contains a directory `dev`.
        tree.write("grant/dev/data", "own data");
        let module = crate::guests::wasm("null_device");
        let module = module.to_string_lossy();
        crate::support::wrun_through(&prefix, ["--dir", ".", &module, "dev/data"])
            .current_dir(&tree.path("grant"))
            .run()
            .prints("own data\ndone\n");
    });
}

#[test]
fn times_of_the_standard_streams_are_not_the_guests_to_set() {
    let tree = Tree::new(Way::AsItIs);
    let module = crate::guests::wasm("calls");
    let null = || std::fs::File::options().read(true).write(true).open("/dev/null");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_wrun"))
        .arg(module)
        .args([
            "fd_filestat_set_times 0 1 1 mtim",
            "fd_filestat_set_times 1 1 1 mtim",
            "fd_filestat_set_times 1 1 1 atim_now+mtim_now",
            "fd_filestat_set_times 2 1 1 mtim",
            "fd_fdstat_get 1 w+times",
            "fd_fdstat_get 2 w+times",
        ])
        .env_clear()
        .stdin(null().expect("there is a null device"))
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(tree.path("grant/log")).expect("the test owns it"))
        .output()
        .expect("cargo has built the binary");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(shown, "PERM\nPERM\nPERM\nPERM\nunknown - w\nregular - w\n");
}
