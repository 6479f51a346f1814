//! The functions on paths: their effects and all their errors, which are those of Linux.

use std::os::unix::fs::MetadataExt;

use crate::support::Dir;
use crate::tree::{Tree, each_way};

/// Makes a directory with a file, an empty directory, and links to each.
fn populated(tree: &Tree) -> &Tree {
    tree.write("grant/file", "abc");
    tree.write("grant/dir/inner", "inner");
    tree.directory("grant/empty");
    tree.link("grant/to-file", "file");
    tree.link("grant/to-dir", "dir");
    tree.link("grant/dangling", "nowhere");
    tree.link("grant/loop", "loop");
    tree
}

#[test]
fn path_create_directory() {
    each_way(|tree| {
        populated(tree).calls(&format!(
            "path_create_directory 3 new          = ok
             path_create_directory 3 new/below/   = ok
             path_create_directory 3 to-dir/new   = ok
             path_create_directory 3 dir/../other = ok
             path_create_directory 3 new          = EXIST
             path_create_directory 3 file         = EXIST
             path_create_directory 3 to-dir       = EXIST
             path_create_directory 3 to-dir/      = EXIST
             path_create_directory 3 dangling     = EXIST
             path_create_directory 3 dangling/    = EXIST
             path_create_directory 3 .            = EXIST
             path_create_directory 3 new/..       = EXIST
             path_create_directory 3 none/new     = NOENT
             path_create_directory 3 ''           = NOENT
             path_create_directory 3 file/new     = NOTDIR
             path_create_directory 3 loop/new     = LOOP
             path_create_directory 3 {}           = NAMETOOLONG
             path_create_directory 3 {}           = NAMETOOLONG
             path_create_directory 3 /absolute    = PERM
             path_create_directory 3 ../escaped   = PERM
             path_create_directory 4 new          = ROFS
             path_create_directory 1 new          = NOTDIR
             path_create_directory 9 new          = BADF",
            "x".repeat(256),
            "x/".repeat(2048),
        ));
        assert_eq!(tree.names("grant/dir"), ["inner", "new"]);
        assert_eq!(tree.names("grant/new"), ["below"]);
        assert!(tree.path("grant/other").is_dir());
    });
}

#[test]
fn path_remove_directory() {
    each_way(|tree| {
        populated(tree).directory("grant/dir/empty");
        tree.calls(
            "path_remove_directory 3 dir             = NOTEMPTY
             path_remove_directory 3 dir/            = NOTEMPTY
             path_remove_directory 3 to-dir/empty/   = ok
             path_remove_directory 3 empty           = ok
             path_remove_directory 3 empty           = NOENT
             path_remove_directory 3 file            = NOTDIR
             path_remove_directory 3 file/           = NOTDIR
             path_remove_directory 3 to-dir          = NOTDIR
             path_remove_directory 3 to-dir/         = NOTDIR
             path_remove_directory 3 dangling        = NOTDIR
             path_remove_directory 3 .               = INVAL
             path_remove_directory 3 dir/.           = INVAL
             path_remove_directory 3 dir/..          = INVAL
             path_remove_directory 3 none/x          = NOENT
             path_remove_directory 3 file/x          = NOTDIR
             path_remove_directory 3 ''              = NOENT
             path_remove_directory 3 ..              = INVAL
             path_remove_directory 3 ../outside      = PERM
             path_remove_directory 4 x               = ROFS
             path_remove_directory 2 x               = NOTDIR
             path_remove_directory 9 x               = BADF",
        );
        assert!(!tree.exists("grant/empty"));
        assert_eq!(tree.names("grant/dir"), ["inner"]);
    });
}

#[test]
fn path_unlink_file() {
    each_way(|tree| {
        populated(tree).fifo("grant/fifo");
        tree.calls(
            "path_unlink_file 3 dir             = ISDIR
             path_unlink_file 3 dir/            = ISDIR
             path_unlink_file 3 .               = ISDIR
             path_unlink_file 3 dir/..          = ISDIR
             path_unlink_file 3 file/           = NOTDIR
             path_unlink_file 3 to-dir/         = NOTDIR
             path_unlink_file 3 to-dir/inner    = ok
             path_unlink_file 3 to-dir          = ok
             path_unlink_file 3 to-file         = ok
             path_unlink_file 3 dangling        = ok
             path_unlink_file 3 loop            = ok
             path_unlink_file 3 fifo            = ok
             path_unlink_file 3 file            = ok
             path_unlink_file 3 file            = NOENT
             path_unlink_file 3 none/x          = NOENT
             path_unlink_file 3 ''              = NOENT
             path_unlink_file 3 ../outside/secret = PERM
             path_unlink_file 4 x               = ROFS
             path_unlink_file 0 x               = NOTDIR
             path_unlink_file 9 x               = BADF",
        );
        assert_eq!(tree.names("grant"), ["dir", "empty"]);
        assert!(tree.names("grant/dir").is_empty());
    });
}

#[test]
fn path_rename() {
    each_way(|tree| {
        populated(tree).calls(
            "path_rename 3 file 3 dir                = ISDIR
             path_rename 3 dir 3 file                = NOTDIR
             path_rename 3 empty 3 dir               = NOTEMPTY
             path_rename 3 dir 3 dir/below           = INVAL
             path_rename 3 file 3 new/               = NOTDIR
             path_rename 3 file/ 3 new               = NOTDIR
             path_rename 3 to-dir/ 3 new             = NOTDIR
             path_rename 3 empty/ 3 to-dir/          = NOTDIR
             path_rename 3 . 3 new                   = BUSY
             path_rename 3 empty 3 .                 = BUSY
             path_rename 3 dir/.. 3 new              = BUSY
             path_rename 3 none 3 new                = NOENT
             path_rename 3 file 3 none/new           = NOENT
             path_rename 3 file 3 file/new           = NOTDIR
             path_rename 3 '' 3 new                  = NOENT
             path_rename 3 file 3 ''                 = NOENT
             path_rename 3 file 3 ../outside/new     = PERM
             path_rename 3 ../outside/secret 3 new   = PERM
             path_rename 3 file 4 new                = ROFS
             path_rename 4 x 3 new                   = ROFS
             path_rename 3 file 1 new                = NOTDIR
             path_rename 1 file 3 new                = NOTDIR
             path_rename 3 file 9 new                = BADF
             path_rename 9 file 3 new                = BADF
             path_rename 3 file 3 file               = ok
             path_rename 3 dangling 3 to-file        = ok
             path_rename 3 to-dir/inner 3 renamed    = ok
             path_rename 3 empty/ 3 moved/           = ok
             path_rename 3 moved 3 to-dir/moved      = ok
             path_rename 3 renamed 3 file            = ok
             path_readlink 3 to-file 100             = nowhere",
        );
        assert_eq!(tree.names("grant"), ["dir", "file", "loop", "to-dir", "to-file"]);
        assert_eq!(tree.names("grant/dir"), ["moved"]);
        assert_eq!(tree.read("grant/file"), b"inner");
    });
}

#[test]
fn path_link() {
    each_way(|tree| {
        populated(tree).calls(
            "path_link 3 - file 3 hard              = ok
             path_link 3 - to-dir/inner 3 dir/hard  = ok
             path_link 3 - to-file 3 soft           = ok
             path_link 3 - dangling 3 soft2         = ok
             path_readlink 3 soft 100               = file
             path_readlink 3 soft2 100              = nowhere
             path_filestat_get 3 - hard nlink,size  = 2,3
             path_link 3 - file 3 hard              = EXIST
             path_link 3 - file 3 dangling          = EXIST
             path_link 3 - file 3 .                 = EXIST
             path_link 3 - dir 3 new                = PERM
             path_link 3 - dir/ 3 new               = PERM
             path_link 3 - . 3 new                  = PERM
             path_link 3 - file/ 3 new              = NOTDIR
             path_link 3 - to-dir/ 3 new            = NOTDIR
             path_link 3 - file 3 new/              = NOENT
             path_link 3 - file 3 file/             = EXIST
             path_link 3 - none 3 new               = NOENT
             path_link 3 - file 3 none/new          = NOENT
             path_link 3 - '' 3 new                 = NOENT
             path_link 3 - file 3 ''                = NOENT
             path_link 3 follow to-file 3 new       = INVAL
             path_link 3 2 file 3 new               = INVAL
             path_link 3 - ../outside/secret 3 new  = PERM
             path_link 3 - file 3 ../outside/new    = PERM
             path_link 3 - file 4 new               = ROFS
             path_link 4 - x 3 new                  = ROFS
             path_link 3 - file 0 new               = NOTDIR
             path_link 0 - file 3 new               = NOTDIR
             path_link 3 - file 9 new               = BADF
             path_link 9 - file 3 new               = BADF",
        );
        let inode = |name: &str| tree.path(name).symlink_metadata().expect("it was made").ino();
        assert_eq!(inode("grant/hard"), inode("grant/file"));
        assert_eq!(inode("grant/dir/hard"), inode("grant/dir/inner"));
        assert_eq!(inode("grant/soft"), inode("grant/to-file"));
    });
}

#[test]
fn path_symlink_and_path_readlink() {
    each_way(|tree| {
        populated(tree).link("grant/absolute", "/etc/passwd");
        tree.link("grant/bytes", "\u{ff}\n|");
        tree.calls(&format!(
            "path_symlink some/target 3 new          = ok
             path_symlink ../outside/secret 3 out    = ok
             path_symlink %ff%fe 3 %ff               = ok
             path_symlink x 3 to-dir/new             = ok
             path_symlink {long} 3 long              = ok
             path_symlink x 3 new                    = EXIST
             path_symlink x 3 dangling               = EXIST
             path_symlink x 3 .                      = EXIST
             path_symlink x 3 dir/                   = EXIST
             path_symlink x 3 file/                  = EXIST
             path_symlink x 3 other/                 = NOENT
             path_symlink x 3 none/new               = NOENT
             path_symlink x 3 ''                     = NOENT
             path_symlink '' 3 other                 = NOENT
             path_symlink /etc/passwd 3 other        = PERM
             path_symlink x 3 ../outside/new         = PERM
             path_symlink x 4 new                    = ROFS
             path_symlink x 1 new                    = NOTDIR
             path_symlink x 9 new                    = BADF
             path_readlink 3 new 100                 = some/target
             path_readlink 3 new 11                  = some/target
             path_readlink 3 new 4                   = some
             path_readlink 3 out 100                 = ../outside/secret
             path_readlink 3 out/ 100                = INVAL
             path_readlink 3 %ff 100                 = %ff%fe
             path_readlink 3 bytes 100               = %c3%bf%0a%7c
             path_readlink 3 long 5000               = {long}
             path_readlink 3 absolute 100            = PERM
             path_readlink 3 to-dir/new 100          = x
             path_readlink 3 file 100                = INVAL
             path_readlink 3 dir 100                 = INVAL
             path_readlink 3 . 100                   = INVAL
             path_readlink 3 file/ 100               = NOTDIR
             path_readlink 3 none 100                = NOENT
             path_readlink 3 '' 100                  = NOENT
             path_readlink 3 ../outside/secret 100   = PERM
             path_readlink 1 new 100                 = NOTDIR
             path_readlink 9 new 100                 = BADF",
            long = "long/".repeat(800),
        ));
        assert_eq!(
            tree.path("grant/new").read_link().expect("it was made").as_os_str(),
            "some/target"
        );
        assert!(!tree.exists("grant/other"));
    });
}

#[test]
fn path_open_looks_up_names_as_linux_does() {
    each_way(|tree| {
        populated(tree).calls(&format!(
            "path_open 3 - file - r -                = 5
             path_open 3 - dir/inner - r -           = 6
             path_open 3 - to-dir/inner - r -        = 7
             path_open 3 - dir/../file - r -         = 8
             path_open 3 - ./dir//./inner - r -      = 9
             path_open 3 follow to-file - r -        = 10
             path_open 3 - to-file - r -             = LOOP
             path_open 3 - to-dir directory r -      = NOTDIR
             path_open 3 - to-dir/ - r -             = 11
             path_open 3 follow to-dir directory r - = 12
             path_open 3 - . directory r -           = 13
             path_open 3 - dir/.. - r -              = 14
             path_open 3 follow loop - r -           = LOOP
             path_open 3 - loop/x - r -              = LOOP
             path_open 3 - none - r -                = NOENT
             path_open 3 follow dangling - r -       = NOENT
             path_open 3 - none/x - r -              = NOENT
             path_open 3 - '' - r -                  = NOENT
             path_open 3 - file/x - r -              = NOTDIR
             path_open 3 - file/ - r -               = NOTDIR
             path_open 3 follow to-file/ - r -       = NOTDIR
             path_open 3 - file directory r -        = NOTDIR
             path_open 3 - file/.. - r -             = NOTDIR
             path_open 3 - dir - w -                 = ISDIR
             path_open 3 - dir directory r+w -       = ISDIR
             path_open 3 - {name} - r -              = NAMETOOLONG
             path_open 3 - {path} - r -              = NAMETOOLONG
             path_open 3 - /file - r -               = PERM
             path_open 3 - ../grant/file - r -       = PERM
             path_open 3 - dir/../../grant - r -     = PERM
             path_open 1 - file - r -                = NOTDIR
             path_open 5 - file - r -                = NOTDIR
             path_open 99 - file - r -               = BADF
             path_open 11 - inner - r -              = 15
             path_open 11 - ../file - r -            = PERM
             path_open 14 - dir/inner - r -          = 16
             fd_read 15 10                           = inner
             fd_read 10 10                           = abc
             fd_filestat_get 13 type                 = directory
             fd_filestat_get 14 type                 = directory",
            name = "x".repeat(256),
            path = "x/".repeat(2048),
        ));
    });
}

#[test]
fn path_open_creates_and_truncates() {
    each_way(|tree| {
        populated(tree).link("grant/slash", "dir/");
        tree.link("grant/new-slash", "newer/");
        tree.calls(
            "path_open 3 - new creat w -             = 5
             path_open 3 - file creat w -            = 6
             path_open 3 - new creat+excl w -        = EXIST
             path_open 3 - new2 creat+excl r -       = 7
             path_open 3 - dangling creat w -        = LOOP
             path_open 3 - dangling creat+excl w -   = EXIST
             path_open 3 follow dangling creat+excl w - = EXIST
             path_open 3 follow dangling creat w -   = 8
             path_open 3 - to-dir/new creat r+w -    = 9
             path_open 3 - dir creat r -             = ISDIR
             path_open 3 - dir creat+excl r -        = EXIST
             path_open 3 - new3/ creat w -           = ISDIR
             path_open 3 - file/ creat w -           = ISDIR
             path_open 3 - none/new creat w -        = NOENT
             path_open 3 - . creat r -               = ISDIR
             path_open 3 - dir directory+creat r -   = INVAL
             path_open 3 - dir directory+excl r -    = INVAL
             path_open 3 - dir directory+trunc r -   = INVAL
             path_open 3 - dir trunc r -             = ISDIR
             path_open 3 follow to-dir trunc r -     = ISDIR
             path_open 3 follow to-dir creat r -     = ISDIR
             path_open 3 follow slash trunc r -      = ISDIR
             path_open 3 follow slash trunc w -      = ISDIR
             path_open 3 follow slash creat r -      = ISDIR
             path_open 3 follow slash creat w -      = ISDIR
             path_open 3 follow slash creat+trunc r - = ISDIR
             path_open 3 follow new-slash creat w -  = ISDIR
             path_open 3 follow new-slash creat r -  = ISDIR or NOENT
             fd_write 6 x                            = 1
             fd_write 8 created                      = 7",
        );
        assert_eq!(tree.read("grant/file"), b"xbc");
        assert_eq!(tree.read("grant/nowhere"), b"created");
        assert_eq!(tree.names("grant/dir"), ["inner", "new"]);
        assert!(!tree.exists("grant/new3") && !tree.exists("grant/newer"));
    });
}

#[test]
fn truncation_works_whatever_the_file_is_opened_for() {
    let modes = [
        ("-", "-"),
        ("r", "-"),
        ("w", "-"),
        ("r+w", "-"),
        ("w", "append"),
        ("r+w", "append+sync"),
        ("r", "nonblock"),
    ];
    let names = [
        ("file", "-", "trunc"),
        ("file", "follow", "trunc"),
        ("link", "follow", "trunc"),
        ("dir/../file", "-", "creat+trunc"),
        ("link", "follow", "creat+trunc"),
    ];
    let mut table = "path_open 3 - file creat w - = 5\n".to_owned();
    for (rights, flags) in modes {
        for (path, lookup, oflags) in names {
            table += &format!(
                "fd_pwrite 5 contents 0 = 8
                 path_open 3 {lookup} {path} {oflags} {rights} {flags} = 6
                 path_filestat_get 3 - file size = 0
                 fd_close 6 = ok\n"
            );
        }
    }
    each_way(|tree| {
        tree.directory("grant/dir");
        tree.link("grant/link", "file");
        tree.calls(&table);
    });
}

#[test]
fn a_file_can_do_what_it_was_opened_for() {
    each_way(|tree| {
        tree.write("grant/file", "abc");
        tree.calls(
            "path_open 3 - file - r -        = 5
             path_open 3 - file - w -        = 6
             path_open 3 - file - r+w -      = 7
             path_open 3 - file - - -        = 8
             path_open 3 - file - w append   = 9
             fd_read 5 10                    = abc
             fd_write 5 x                    = BADF
             fd_pwrite 5 x 0                 = BADF
             fd_filestat_set_size 5 0        = INVAL
             fd_allocate 5 0 10              = BADF
             fd_read 6 10                    = BADF
             fd_pread 6 10 0                 = BADF
             fd_write 6 d                    = 1
             fd_read 7 10                    = dbc
             fd_write 7 e                    = 1
             fd_read 8 10                    = BADF
             fd_pread 8 10 0                 = BADF
             fd_write 8 x                    = BADF
             fd_filestat_get 8 size          = 4
             fd_write 9 f                    = 1
             fd_pread 7 10 0                 = dbcef
             fd_fdstat_get 5 r+w             = regular - r
             fd_fdstat_get 6 r+w             = regular - w
             fd_fdstat_get 7 r+w             = regular - r+w
             fd_fdstat_get 8 r+w             = regular - -
             fd_fdstat_get 9 r+w             = regular append w",
        );
    });
}

#[test]
fn flags_of_an_open_file_are_the_ones_asked_for() {
    each_way(|tree| {
        tree.write("grant/dir/file", "abc");
        tree.link("grant/link", "dir/file");
        tree.calls(
            "path_open 3 - dir/file - w append        = 5
             path_open 3 - dir/file - w dsync         = 6
             path_open 3 - dir/file - w nonblock      = 7
             path_open 3 - dir/file - w sync          = 8
             path_open 3 - dir/file - w rsync         = 9
             path_open 3 follow link - w append+sync  = 10
             fd_fdstat_get 5 -                        = regular append -
             fd_fdstat_get 6 -                        = regular dsync -
             fd_fdstat_get 7 -                        = regular nonblock -
             fd_fdstat_get 8 -                        = regular sync -
             fd_fdstat_get 9 -                        = regular sync -
             fd_fdstat_get 10 -                       = regular append+sync -",
        );
    });
}

#[test]
fn path_filestat_get() {
    each_way(|tree| {
        populated(tree).fifo("grant/fifo");
        let meta = tree.path("grant/file").metadata().expect("it was written");
        tree.calls(&format!(
            "path_filestat_get 3 - file type,size,nlink          = regular,3,1
             path_filestat_get 3 - file dev,ino                  = {},{}
             path_filestat_get 3 - to-file type,size             = link,4
             path_filestat_get 3 follow to-file type,size        = regular,3
             path_filestat_get 3 - dir type                      = directory
             path_filestat_get 3 - to-dir/ type                  = directory
             path_filestat_get 3 - to-dir/inner size             = 5
             path_filestat_get 3 - . type                        = directory
             path_filestat_get 3 - dir/.. type                   = directory
             path_filestat_get 3 - fifo type                     = unknown
             path_filestat_get 3 follow fifo type                = unknown
             path_filestat_get 3 - dangling type                 = link
             path_filestat_get 3 follow dangling type            = NOENT
             path_filestat_get 3 follow loop type                = LOOP
             path_filestat_get 3 - none type                     = NOENT
             path_filestat_get 3 - '' type                       = NOENT
             path_filestat_get 3 - file/ type                    = NOTDIR
             path_filestat_get 3 - file/x type                   = NOTDIR
             path_filestat_get 3 2 file type                     = INVAL
             path_filestat_get 3 - ../outside/secret type        = PERM
             path_filestat_get 3 - .. type                       = PERM
             path_filestat_get 3 - / type                        = PERM
             path_filestat_get 0 - file type                     = NOTDIR
             path_filestat_get 9 - file type                     = BADF",
            meta.dev(),
            meta.ino(),
        ));
    });
}

#[test]
fn names_are_bytes() {
    each_way(|tree| {
        tree.calls(
            "path_create_directory 3 %ff%80          = ok
             path_open 3 - %ff%80/%fe%0a creat w -   = 5
             fd_write 5 bytes                        = 5
             path_rename 3 %ff%80/%fe%0a 3 %c3       = ok
             path_filestat_get 3 - %c3 size          = 5
             path_symlink %c3 3 %01                  = ok
             path_open 3 follow %01 - r -            = 6
             path_link 3 - %c3 3 %20                 = ok
             path_unlink_file 3 %c3                  = ok
             list 3 4096 types                       = %01:link %20:regular .:directory ..:directory %ff%80:directory
             path_unlink_file 3 %20                  = ok
             path_remove_directory 3 %ff%80          = ok",
        );
    });
}

#[test]
fn files_move_between_grants_that_can_be_changed() {
    each_way(|tree| {
        let other = Dir::new();
        tree.write("grant/one", "1");
        tree.write("grant/two", "2");
        let grants = ["--dir".to_owned(), format!("{}::/other", other.path().display())];
        // Writable grants have the first numbers.
        let script = "path_rename 3 one 4 moved               = ok
             path_link 3 - two 4 linked              = ok
             path_rename 4 moved 3 back              = ok
             path_rename 3 back 5 x                  = ROFS
             path_link 4 - linked 5 x                = ROFS";
        let script = crate::script::Script::new(script);
        let module = crate::guests::wasm("calls");
        let mut words = grants.to_vec();
        words.push(module.to_string_lossy().into_owned());
        let ended = tree.unchanged(|| tree.wrun(words).args(script.calls()).run());
        script.check(&ended.status(0).quiet().stdout, "two grants");
        assert_eq!(tree.names("grant"), ["back", "two"]);
        assert_eq!(std::fs::read(other.path().join("linked")).expect("it was made"), b"2");
    });
}
