//! Grants of single files.

use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use crate::guests;
use crate::live::Live;
use crate::support::{bound_by_permissions, wrun, wrun_through};
use crate::tree::{Tree, Way, each_way};

/// Returns the value of `--dir` for a file.
fn granted(tree: &Tree, host: &str, guest: &str) -> String {
    format!("{}::{guest}", tree.path(host).display())
}

/// Returns options that grant three files in two directories: `/x/a` and `/y/c` are writable, `/x/b` is not.
fn three_files(tree: &Tree) -> [String; 6] {
    for name in ["a", "b", "c", "secret"] {
        tree.write(&format!("grant/{name}"), "0123456789");
    }
    [
        "--dir".into(),
        granted(tree, "grant/a", "/x/a"),
        "--dir".into(),
        granted(tree, "grant/c", "/y/c"),
        "--dir-ro".into(),
        granted(tree, "grant/b", "/x/b"),
    ]
}

#[test]
fn files_with_one_parent_share_a_directory_that_has_nothing_else() {
    each_way(|tree| {
        let options = three_files(tree);
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        tree.calls_granted(
            &options,
            "fd_prestat_dir_name 3 2                     = /x
             fd_prestat_dir_name 4 2                     = /y
             fd_prestat_dir_name 5 4                     = /dev
             fd_prestat_get 6                            = BADF
             list 3 4096 types                           = .:directory ..:directory a:regular b:regular
             list 4 50                                   = . .. c
             path_filestat_get 3 - a type,size           = regular,10
             path_open 3 - secret - r -                  = NOENT
             path_open 3 - c - r -                       = NOENT
             path_open 3 - ../y/c - r -                  = PERM
             path_open 3 - a/../secret - r -             = NOTDIR
             path_filestat_get 3 follow secret type      = NOENT
             path_filestat_get 3 - a/ type               = NOTDIR
             path_create_directory 3 new                 = ROFS
             path_open 3 - new creat w -                 = ROFS
             path_unlink_file 3 a                        = ROFS
             path_rename 3 a 3 new                       = ROFS
             path_rename 3 a 4 c                         = ROFS
             path_link 3 - a 3 new                       = ROFS
             path_symlink a 3 new                        = ROFS
             path_remove_directory 3 a                   = ROFS
             path_readlink 3 a 10                        = INVAL",
        );
        assert_eq!(tree.names("grant"), ["a", "b", "c", "secret"]);
    });
}

#[test]
fn every_open_of_a_file_has_its_own_position() {
    each_way(|tree| {
        let options = three_files(tree);
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        tree.calls_granted(
            &options,
            "path_open 3 - a - r+w -                     = 6
             path_open 3 - a - r -                       = 7
             fd_read 6 4                                 = 0123
             fd_read 7 2                                 = 01
             fd_write 6 XY                               = 2
             fd_read 7 6                                 = 23XY67
             fd_write 7 x                                = BADF
             path_open 3 - a - w append                  = 8
             fd_write 8 end                              = 3
             fd_read 8 1                                 = BADF
             path_filestat_get 3 - a size                = 13
             path_open 3 - a creat+trunc w -             = 9
             fd_filestat_get 9 size                      = 0
             fd_write 9 new                              = 3
             path_open 3 - a creat+excl w -              = EXIST
             path_open 3 - a directory r -               = NOTDIR
             path_filestat_set_times 3 - a 1 2 atim+mtim = ok
             path_filestat_get 3 - a atim,mtim           = 1,2
             fd_filestat_set_times 9 1 4 mtim            = ok
             path_filestat_get 3 - a mtim                = 4",
        );
        assert_eq!(tree.read("grant/a"), b"new");
    });
}

#[test]
fn a_file_that_is_granted_for_reading_stays_as_it_is() {
    each_way(|tree| {
        let options = three_files(tree);
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let before = std::fs::metadata(tree.path("grant/b")).and_then(|meta| meta.modified());
        tree.calls_granted(
            &options,
            "path_open 3 - b - w -                       = ROFS
             path_open 3 - b - r+w -                     = ROFS
             path_open 3 - b trunc r -                   = ROFS
             path_open 3 - b creat+trunc w -             = ROFS
             path_filestat_set_times 3 - b 1 2 atim+mtim = ROFS
             path_open 3 - b creat r -                   = 6
             fd_read 6 20                                = 0123456789
             fd_write 6 x                                = BADF
             fd_filestat_set_times 6 1 2 mtim            = ROFS
             fd_filestat_set_size 6 0                    = ROFS
             fd_allocate 6 0 100                         = ROFS",
        );
        let after = std::fs::metadata(tree.path("grant/b")).and_then(|meta| meta.modified());
        assert_eq!(tree.read("grant/b"), b"0123456789");
        assert_eq!(before.expect("the test owns it"), after.expect("the test owns it"));
    });
}

#[test]
fn the_name_for_the_guest_is_that_of_the_host_unless_another_one_is_given() {
    let tree = Tree::new(Way::AsItIs);
    tree.write("grant/sub/file", "contents");
    let absolute = tree.path("grant/sub/file").display().to_string();
    let parent = tree.path("grant/sub").display().to_string();
    for (word, directory, name) in [
        ("file", ".", "file"),
        ("./file", ".", "file"),
        ("../sub/file", "../sub", "file"),
        (absolute.as_str(), parent.as_str(), "file"),
        ("file::/other", "/", "other"),
        ("file::d/other", "d", "other"),
    ] {
        let module = guests::wasm("calls");
        let module = module.to_string_lossy();
        wrun(["--dir", word, &module])
            .current_dir(&tree.path("grant/sub"))
            .args([
                "fd_prestat_dir_name 3 4096",
                &format!("path_open 3 - {name} - r -"),
                "fd_read 5 20",
            ])
            .run()
            .prints(format!("{directory}\n5\ncontents\n"));
    }
}

#[test]
fn the_file_that_was_granted_is_the_one_that_is_opened() {
    for way in Way::ALL {
        let tree = Tree::new(way);
        tree.write("grant/file", "granted");
        tree.write("grant/other", "other");
        let option = granted(&tree, "grant/file", "/x/file");
        let mut live = Live::start_granted(
            &tree,
            &["--dir", &option],
            "pause                               = ok
             path_open 3 - file - r -            = 5
             fd_read 5 20                        = granted
             path_open 3 - file - w append       = 6
             fd_write 6 +                        = 1
             path_filestat_get 3 - file size     = 8",
        );
        live.paused();
        std::fs::rename(tree.path("grant/file"), tree.path("grant/moved")).expect("the test owns it");
        tree.link("grant/file", "other");
        live.resume();
        live.finish();
        assert_eq!(tree.read("grant/other"), b"other");
        assert_eq!(tree.read("grant/moved"), b"granted+");
    }
}

#[test]
fn the_null_device_joins_files_that_are_granted_as_devices() {
    let tree = Tree::new(Way::AsItIs);
    tree.write("grant/file", "contents");
    let file = granted(&tree, "grant/file", "/dev/data");
    tree.calls_granted(
        &["--dir", &file],
        "fd_prestat_get 4                    = BADF
         list 3 4096 types                   = .:directory ..:directory data:regular null:character
         path_open 3 - data - r -            = 4
         fd_read 4 20                        = contents",
    );
    let null = granted(&tree, "grant/file", "/dev/null");
    tree.calls_granted(
        &["--dir", &null],
        "list 3 4096 types                   = .:directory ..:directory null:regular",
    );
    tree.calls_granted(
        &["--dir", "/dev/zero"],
        "list 3 4096 types                   = .:directory ..:directory null:character zero:character
         path_open 3 - zero - r -            = 4
         fd_read 4 2                         = %00%00",
    );
}

#[test]
fn a_longer_name_of_a_file_wins_over_a_directory() {
    let tree = Tree::new(Way::AsItIs);
    tree.write("grant/sub/file", "of the directory");
    tree.write("grant/replacement", "granted alone");
    let directory = granted(&tree, "grant", "/work");
    let file = granted(&tree, "grant/replacement", "/work/sub/file");
    let module = guests::wasm("files");
    let module = module.to_string_lossy();
    wrun(["--dir", &directory, "--dir", &file, &module, "read", "/work/sub/file"])
        .run()
        .prints("granted alone");
}

#[test]
fn programs_read_and_write_a_file_that_is_granted_alone() {
    each_way(|tree| {
        tree.write("grant/in", "some text");
        tree.write("grant/out", "older and longer text");
        let module = guests::wasm("files");
        let prefix = tree.way.prefix();
        let prefix: Vec<&str> = prefix.iter().map(String::as_str).collect();
        wrun_through(&prefix, ["--dir-ro", "in", "--dir", "out"])
            .current_dir(&tree.path("grant"))
            .args([&*module.to_string_lossy(), "copy", "in", "out"])
            .run()
            .prints("");
        assert_eq!(tree.read("grant/out"), b"some text");
        wrun_through(&prefix, ["--dir-ro", "in", "--dir", "out"])
            .current_dir(&tree.path("grant"))
            .args([&*module.to_string_lossy(), "copy", "in", "new"])
            .run()
            .status(1);
        assert_eq!(tree.names("grant"), ["in", "out"]);
    });
}

#[test]
fn the_output_of_a_command_is_granted_by_process_substitution() {
    each_way(|tree| {
        let module = guests::wasm("files");
        let output = Command::new("bash")
            .args([
                "-c",
                "exec \"$@\" --dir-ro <(printf 'made\\nhere')::/in \"$0\" read /in",
            ])
            .arg(&module)
            .args(tree.way.prefix())
            .arg(env!("CARGO_BIN_EXE_wrun"))
            .output()
            .expect("there is a bash");
        let shown = (
            output.stdout.escape_ascii().to_string(),
            output.stderr.escape_ascii().to_string(),
        );
        assert_eq!(shown, ("made\\nhere".into(), String::new()));
    });
}

#[test]
fn files_that_cannot_be_granted_are_refused_with_the_reason() {
    let tree = Tree::new(Way::AsItIs);
    tree.write("grant/file", "");
    tree.write("grant/other", "");
    let _listener = UnixListener::bind(tree.path("grant/socket")).expect("it is new");
    let module = guests::wasm("calls");
    let refused = |options: &[&str], parts: &[&str]| {
        wrun(options.iter().copied().map(Path::new).chain([module.as_path()]))
            .current_dir(&tree.path("grant"))
            .run()
            .fails(125, parts);
    };
    refused(&["--dir", "none"], &["--dir: ", "'none'", "does not exist"]);
    refused(&["--dir", "file/"], &["'file/'", "a part of this path is a file"]);
    refused(
        &["--dir-ro", "file/x"],
        &["--dir-ro: ", "a part of this path is a file"],
    );
    refused(&["--dir", "socket"], &["'socket'", "it is a socket", "--listen"]);
    refused(
        &["--dir", "file::/x/"],
        &["'file'", "'/x/'", "end it with the name of a file"],
    );
    refused(&["--dir", "file::."], &["'.'", "that of a directory"]);
    refused(&["--dir", "file::.."], &["'..'", "that of a directory"]);
    refused(
        &["--dir", ".", "--dir", "file"],
        &["'file'", "'.'", "granted as a whole", "HOST::/DIRECTORY/NAME"],
    );
    refused(
        &["--dir", ".::/x", "--dir-ro", "file::/x/file"],
        &["--dir-ro: ", "'/x'", "granted as a whole"],
    );
    refused(
        &["--dir", "file::/x/f", "--dir-ro", ".::/x/"],
        &["'.'", "files are granted", "'/x/'"],
    );
    refused(
        &["--dir", "file::f", "--dir", "other::./f"],
        &["'other'", "'./f'", "granted twice"],
    );
}

#[test]
fn a_file_is_refused_where_proc_is_not_mounted() {
    let hidden = |namespace: &[&'static str]| {
        let shell = ["/bin/sh", "-c", "mount -t tmpfs none /proc && exec \"$0\" \"$@\""];
        [namespace, &shell].concat()
    };
    let ways = [hidden(&["unshare", "-m"]), hidden(&["unshare", "-r", "-m"])];
    let is_permitted = |way: &&Vec<&str>| {
        let output = Command::new(way[0]).args(&way[1..]).arg("true").output();
        output.is_ok_and(|output| output.status.success())
    };
    let Some(way) = ways.iter().find(is_permitted) else {
        wrun_tests::skip("mount", "/proc cannot be hidden");
        return;
    };
    let tree = Tree::new(Way::AsItIs);
    tree.write("grant/file", "");
    let module = guests::wasm("calls");
    let module = module.to_string_lossy();
    let file = tree.path("grant/file").display().to_string();
    wrun_through(way, ["--dir", &file, &module]).run().fails(
        125,
        [
            "--dir: ",
            "without /proc only directories can be granted",
            "mount /proc",
        ],
    );
    wrun_through(way, [&*module, "path_open 3 - null - r+w -"])
        .run()
        .prints("4\n");
}

#[test]
fn a_file_without_permission_is_refused_at_the_start() {
    use std::os::unix::fs::PermissionsExt;
    let tree = Tree::new(Way::AsItIs);
    tree.write("grant/file", "");
    let module = guests::wasm("calls");
    let module = module.to_string_lossy();
    let path = tree.path("grant/file").display().to_string();
    let mode = |mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(tree.path("grant/file"), permissions).expect("the test owns it");
    };
    mode(0o000);
    for option in ["--dir", "--dir-ro"] {
        wrun_through(bound_by_permissions(), [option, &path, &module])
            .run()
            .fails(125, [option, "no permission"]);
    }
    // A log may have permission for writing only.
    mode(0o200);
    wrun_through(bound_by_permissions(), ["--dir", &path, &module])
        .run()
        .prints("");
    wrun_through(bound_by_permissions(), ["--dir-ro", &path, &module])
        .run()
        .fails(125, ["no permission"]);
}
