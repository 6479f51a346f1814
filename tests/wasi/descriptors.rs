//! The functions on open descriptors: reading and writing, positions, attributes, storage, and the table of descriptors.

use crate::tree::{Tree, each_way};

#[test]
fn fd_read_and_fd_write_use_all_buffers() {
    each_way(|tree| {
        tree.calls(
            "path_open 3 - file creat r+w -      = 5
             fd_write 5 ab|c||def                = 6
             fd_write 5 ||                       = 0
             fd_write 5 ''                       = 0
             fd_seek 5 0 set                     = 0
             fd_read 5 1|0|3|10                  = a||bcd|ef
             fd_read 5 1|1                       = |
             fd_pread 5 2|2 1                    = bc|de
             fd_pread 5 2|0|2|5 4                = ef|||
             fd_pread 5 5 6                      = ''
             fd_pwrite 5 X|Y 2                   = 2
             fd_pwrite 5 Z 9                     = 1
             fd_tell 5                           = 6
             fd_pread 5 20 0                     = abXYef%00%00%00Z",
        );
        assert_eq!(tree.read("grant/file"), b"abXYef\0\0\0Z");
    });
}

#[test]
fn a_thousand_buffers_are_written_and_read_in_order() {
    let pieces = vec!["x"; 1024].join("|");
    let lens = vec!["1"; 1024].join("|");
    each_way(|tree| {
        tree.calls(&format!(
            "path_open 3 - file creat r+w -      = 5
             fd_write 5 {pieces}                 = 1024
             fd_pread 5 {lens} 0                 = {pieces}
             // With more ranges than the kernel takes at a time, the count may be short, but not zero.
             fd_pwrite 5 {pieces}|{pieces} 0     = 1024 or 2048"
        ));
    });
}

#[test]
fn what_cannot_be_read_or_written_is_refused() {
    each_way(|tree| {
        tree.write("grant/file", "abc");
        tree.calls(
            "path_open 3 - file - r+w -      = 5
             fd_read 3 10                    = ISDIR
             fd_pread 3 10 0                 = ISDIR
             fd_write 3 x                    = BADF
             fd_pwrite 3 x 0                 = BADF
             fd_read 99 10                   = BADF
             fd_pread 99 10 0                = BADF
             fd_write 99 x                   = BADF
             fd_pwrite 99 x 0                = BADF
             fd_pread 5 1 0x8000000000000000 = INVAL
             fd_pwrite 5 x max               = INVAL
             fd_pwrite 5 x 0x7fffffffffffffff = FBIG or INVAL
             fd_pread 0 1 0                  = SPIPE
             fd_pwrite 1 x 0                 = SPIPE",
        );
        assert_eq!(tree.read("grant/file"), b"abc");
    });
}

#[test]
fn append_mode_writes_at_the_end_whatever_the_position() {
    each_way(|tree| {
        tree.write("grant/file", "abc");
        tree.calls(
            "path_open 3 - file - r+w append     = 5
             fd_write 5 d                        = 1
             fd_seek 5 0 set                     = 0
             fd_write 5 e                        = 1
             fd_tell 5                           = 5
             // As always on Linux, append mode takes precedence over the offset.
             fd_pwrite 5 f 0                     = 1
             fd_fdstat_set_flags 5 -             = ok
             fd_fdstat_get 5 -                   = regular - -
             fd_pwrite 5 A 0                     = 1
             fd_fdstat_set_flags 5 append        = ok
             fd_fdstat_get 5 -                   = regular append -
             fd_pwrite 5 g 0                     = 1",
        );
        assert_eq!(tree.read("grant/file"), b"Abcdefg");
    });
}

#[test]
fn fd_seek_and_fd_tell() {
    each_way(|tree| {
        tree.write("grant/file", "0123456789");
        tree.calls(
            "path_open 3 - file - r -            = 5
             fd_tell 5                           = 0
             fd_seek 5 4 set                     = 4
             fd_seek 5 -1 cur                    = 3
             fd_seek 5 -1 end                    = 9
             fd_seek 5 5 end                     = 15
             fd_read 5 10                        = ''
             fd_seek 5 0 set                     = 0
             fd_seek 5 -1 set                    = INVAL
             fd_seek 5 -1 cur                    = INVAL
             fd_seek 5 -11 end                   = INVAL
             fd_seek 5 0x7fffffffffffffff set    = INVAL or 9223372036854775807
             fd_seek 5 0 set                     = 0
             fd_seek 5 0 3                       = INVAL
             fd_seek 5 0 255                     = INVAL
             fd_tell 5                           = 0
             fd_seek 3 0 set                     = BADF
             fd_tell 3                           = BADF
             fd_seek 99 0 set                    = BADF
             fd_tell 99                          = BADF
             fd_seek 0 0 cur                     = SPIPE
             fd_tell 0                           = SPIPE",
        );
    });
}

#[test]
fn fd_fdstat_get_tells_files_from_directories_and_streams() {
    each_way(|tree| {
        tree.write("grant/file", "");
        tree.write("read-only/file", "");
        tree.calls(
            "path_open 3 - file - r+w -             = 5
             path_open 3 - . directory r -          = 6
             path_open 4 - file - r -               = 7
             fd_fdstat_get 5 r+w+seek+tell+size     = regular - r+w+seek+tell+size
             fd_fdstat_get 5 times                  = regular - times
             fd_fdstat_get 7 r+w+seek+tell+size     = regular - r+seek+tell
             fd_fdstat_get 7 times                  = regular - -
             fd_fdstat_get 3 r+seek+tell+size       = directory - -
             fd_fdstat_get 3 open+readdir+unlink    = directory - readdir+open+unlink
             fd_fdstat_get 4 open+readdir+unlink    = directory - readdir+open
             fd_fdstat_get 6 seek+tell+open+readdir = directory - readdir+open
             // A pipe.
             fd_fdstat_get 0 seek+tell+r            = unknown - r
             fd_fdstat_get 1 seek+tell+w            = unknown - w
             fd_fdstat_get 99 max                   = BADF",
        );
    });
}

#[test]
fn fd_fdstat_set_flags_and_set_rights() {
    each_way(|tree| {
        tree.write("grant/file", "");
        tree.calls(
            "path_open 3 - file - w -                = 5
             path_open 3 - file - w sync             = 6
             fd_fdstat_set_flags 5 append+nonblock   = ok
             fd_fdstat_get 5 -                       = regular append+nonblock -
             fd_fdstat_set_flags 5 -                 = ok
             fd_fdstat_get 5 -                       = regular - -
             // This flag is fixed when the file is opened.
             fd_fdstat_set_flags 5 sync              = NOTSUP
             fd_fdstat_set_flags 5 dsync             = NOTSUP
             fd_fdstat_set_flags 5 rsync             = NOTSUP
             fd_fdstat_set_flags 6 sync+append       = ok
             fd_fdstat_get 6 -                       = regular append+sync -
             fd_fdstat_set_flags 5 32                = INVAL
             fd_fdstat_set_flags 3 -                 = ok
             fd_fdstat_set_flags 99 -                = BADF
             // An error is better than a success without an effect.
             fd_fdstat_set_rights 5 w w              = NOTSUP
             fd_fdstat_set_rights 5 max max          = INVAL
             fd_fdstat_set_rights 99 - -             = BADF",
        );
    });
}

#[test]
fn fd_filestat_set_size() {
    each_way(|tree| {
        tree.write("grant/file", "abcdef");
        tree.calls(
            "path_open 3 - file - r+w -              = 5
             path_open 3 - file - r -                = 6
             fd_filestat_set_size 5 3                = ok
             fd_filestat_get 5 size                  = 3
             fd_filestat_set_size 5 5                = ok
             fd_read 5 10                            = abc%00%00
             fd_filestat_set_size 5 0x8000000000000000 = INVAL
             fd_filestat_set_size 5 max              = INVAL
             fd_filestat_set_size 5 0x7fffffffffffffff = FBIG
             fd_filestat_set_size 6 0                = INVAL
             fd_filestat_set_size 3 0                = BADF
             fd_filestat_set_size 0 0                = INVAL
             fd_filestat_set_size 99 0               = BADF
             fd_filestat_get 5 size                  = 5",
        );
    });
}

#[test]
fn fd_advise_allocate_and_sync() {
    each_way(|tree| {
        tree.write("grant/file", "abc");
        tree.calls(
            "path_open 3 - file - r+w -              = 5
             fd_advise 5 0 0 normal                  = ok
             fd_advise 5 0 10 sequential             = ok
             fd_advise 5 1 10 random                 = ok
             fd_advise 5 0 0 willneed                = ok
             fd_advise 5 0 100000 dontneed           = ok
             fd_advise 5 0 0 noreuse                 = ok
             fd_advise 5 0 0 6                       = INVAL
             fd_advise 5 0x8000000000000000 0 normal = INVAL
             fd_advise 5 0 max normal                = INVAL
             fd_advise 3 0 0 normal                  = BADF
             fd_advise 0 0 0 normal                  = SPIPE
             fd_advise 99 0 0 normal                 = BADF
             fd_allocate 5 0 0                       = INVAL
             fd_allocate 5 0 10                      = ok or NOTSUP
             fd_filestat_get 5 size                  = 10 or 3
             fd_allocate 5 max 2                     = FBIG
             fd_allocate 5 0x7fffffffffffffff 1      = FBIG
             fd_allocate 3 0 10                      = BADF
             fd_allocate 0 0 10                      = BADF
             fd_allocate 1 0 10                      = SPIPE
             fd_allocate 99 0 10                     = BADF
             fd_datasync 5                           = ok
             fd_sync 5                               = ok
             fd_datasync 3                           = ok
             fd_sync 3                               = ok
             fd_datasync 1                           = INVAL
             fd_sync 1                               = INVAL
             fd_datasync 99                          = BADF
             fd_sync 99                              = BADF",
        );
        assert_eq!(tree.read("grant/file")[..3], *b"abc");
    });
}

#[test]
fn fd_prestat_names_the_grants_and_nothing_else() {
    each_way(|tree| {
        tree.calls(
            "fd_prestat_get 3                = dir 1
             fd_prestat_dir_name 3 1         = /
             fd_prestat_get 4                = dir 3
             fd_prestat_dir_name 4 3         = /ro
             fd_prestat_dir_name 4 100       = /ro
             fd_prestat_dir_name 4 2         = NAMETOOLONG
             fd_prestat_dir_name 4 0         = NAMETOOLONG
             path_open 3 - . directory r -   = 5
             // A libc expects BADF after the last grant.
             fd_prestat_get 5                = BADF
             fd_prestat_get 0                = BADF
             fd_prestat_get 6                = BADF
             fd_prestat_get 0xffffffff       = BADF
             fd_prestat_dir_name 5 10        = BADF
             fd_prestat_dir_name 0 10        = BADF
             fd_prestat_dir_name 99 10       = BADF
             // A grant can be closed.
             fd_close 3                      = ok
             fd_prestat_get 3                = BADF
             fd_prestat_get 4                = dir 3",
        );
    });
}

#[test]
fn numbers_are_reused_lowest_first() {
    each_way(|tree| {
        tree.write("grant/file", "");
        tree.calls(
            "path_open 3 - file - r -    = 5
             path_open 3 - file - r -    = 6
             path_open 3 - file - r -    = 7
             fd_close 5                  = ok
             fd_close 7                  = ok
             fd_close 7                  = BADF
             fd_read 5 1                 = BADF
             path_open 3 - file - r -    = 5
             path_open 3 - file - r -    = 7
             path_open 3 - file - r -    = 8
             fd_close 0                  = ok
             path_open 3 - file - r -    = 0
             fd_read 0 1                 = ''
             fd_close 2                  = ok
             fd_close 2                  = BADF
             fd_close 0xffffffff         = BADF
             fd_close 0x7fffffff         = BADF
             fd_close 9                  = BADF",
        );
    });
}

#[test]
fn fd_renumber_moves_and_closes_and_never_panics() {
    each_way(|tree| {
        tree.write("grant/one", "1");
        tree.write("grant/two", "2");
        tree.calls(
            "path_open 3 - one - r -             = 5
             path_open 3 - two - r -             = 6
             fd_renumber 5 5                     = ok
             fd_renumber 5 6                     = ok
             fd_read 6 1                         = 1
             fd_read 5 1                         = BADF
             fd_renumber 5 6                     = BADF
             fd_renumber 6 5                     = BADF
             fd_renumber 6 99                    = BADF
             fd_renumber 6 0x7fffffff            = BADF
             fd_renumber 6 0xffffffff            = BADF
             fd_renumber 0xffffffff 6            = BADF
             fd_renumber 0xffffffff 0xffffffff   = BADF
             fd_renumber 99 99                   = BADF
             // Directories and standard streams can be renumbered like other descriptors.
             fd_renumber 3 6                     = ok
             path_filestat_get 6 - one size      = 1
             fd_prestat_get 6                    = dir 1
             fd_renumber 6 0                     = ok
             path_filestat_get 0 - one size      = 1
             fd_renumber 0 2                     = ok
             path_open 2 - two - r -             = 0
             fd_read 0 1                         = 2",
        );
    });
}

#[test]
fn the_transcript_goes_to_standard_error_when_the_guest_closes_its_output() {
    // The guest closes only its own descriptor: the stream of the process stays open for wrun.
    let tree = Tree::new(crate::tree::Way::AsItIs);
    let ended = tree.guest("calls", ["fd_close 1", "fd_close 1", "fd_write 1 x"]).run();
    assert_eq!(ended.stderr, "ok\nBADF\nBADF\n");
    let ended = tree.guest("calls", ["fd_renumber 2 1"]).run();
    assert_eq!((ended.stderr.as_str(), &ended.stdout[..]), ("ok\n", &b""[..]));
}
