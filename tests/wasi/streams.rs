//! Standard streams, terminals and FIFOs: their attributes for the guest, and the state of the user's streams after the run.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::fs::{OFlags, fcntl_getfl};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::guests;
use crate::script::Script;
use crate::text::{self, call};
use crate::tree::{Tree, Way, each_way};

/// Prepares a run of the interpreter with the given streams.
fn with_streams(tree: &Tree, script: &Script<'_>, stdin: impl Into<Stdio>, stdout: impl Into<Stdio>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wrun"));
    command
        .args(tree.grants())
        .arg(guests::wasm("calls"))
        .args(script.calls())
        .env_clear()
        .stdin(stdin)
        .stdout(stdout);
    command
}

/// Opens a terminal: the side of the screen, and the side of programs.
fn terminal() -> (File, File) {
    let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("there are terminals");
    grantpt(&screen).expect("the test owns the terminal");
    unlockpt(&screen).expect("the test owns the terminal");
    let name = ptsname(&screen, Vec::new()).expect("the test owns the terminal");
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let programs = rustix::fs::open(&name, flags, rustix::fs::Mode::empty()).expect("the test owns the terminal");
    (File::from(screen), File::from(programs))
}

#[test]
fn a_terminal_is_recognised_and_other_streams_are_not() {
    let tree = Tree::new(Way::AsItIs);
    let isatty = |stdin: Stdio| {
        let output = Command::new(env!("CARGO_BIN_EXE_wrun"))
            .args(tree.grants())
            .arg(guests::wasm("terminal"))
            .env_clear()
            .stdin(stdin)
            .output()
            .expect("cargo has built the binary");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("it prints ASCII")
    };
    let (_screen, programs) = terminal();
    assert_eq!(isatty(programs.into()), "terminal\nother\n");
    assert_eq!(isatty(Stdio::piped()), "other\nother\n");
    assert_eq!(isatty(Stdio::null()), "other\nother\n");
    tree.write("grant/file", "");
    let file = File::open(tree.path("grant/file")).expect("it was written");
    assert_eq!(isatty(file.into()), "other\nother\n");

    let (_screen, programs) = terminal();
    let script = Script::new(
        "fd_fdstat_get 0 r+seek+tell     = character - r
         fd_filestat_get 0 type          = character
         fd_seek 0 0 cur                 = SPIPE
         fd_sync 0                       = INVAL",
    );
    let output = with_streams(&tree, &script, programs, Stdio::piped())
        .output()
        .expect("cargo has built the binary");
    script.check(&output.stdout, "a terminal as input");
}

#[test]
fn text_comes_through_a_terminal_line_by_line() {
    let tree = Tree::new(Way::AsItIs);
    let (mut screen, programs) = terminal();
    let script = Script::new(
        "poll_oneoff read:0              = 1=6
         fd_read 0 100                   = hello%0a
         poll_oneoff read:0 clock:monotonic:0 = 2",
    );
    let mut child = with_streams(&tree, &script, programs, Stdio::piped())
        .spawn()
        .expect("cargo has built the binary");
    screen.write_all(b"hello\n").expect("the test owns the terminal");
    let mut printed = Vec::new();
    let mut stdout = child.stdout.take().expect("it is a pipe");
    stdout.read_to_end(&mut printed).expect("a pipe can be read");
    assert!(child.wait().expect("the test owns the child").success());
    script.check(&printed, "a line");
}

/// Runs a guest that shares a file description with this test and sets `NONBLOCK`. The description must never have the flag.
/// Returns the output of the guest.
#[track_caller]
pub(crate) fn leaves_flags(command: &mut Command, shared: BorrowedFd<'_>) -> Vec<u8> {
    let flags = || fcntl_getfl(shared).expect("it is open");
    let before = flags();
    assert!(!before.contains(OFlags::NONBLOCK), "{command:?}");
    let mut child = command.spawn().expect("cargo has built the binary");
    let mut printed = Vec::new();
    let mut stdout = child.stdout.take().expect("it is a pipe");
    let mut piece = [0; 4096];
    loop {
        assert_eq!(flags(), before, "{command:?}, while it runs");
        match stdout.read(&mut piece).expect("a pipe can be read") {
            0 => break,
            len => printed.extend_from_slice(&piece[..len]),
        }
    }
    assert!(child.wait().expect("the test owns the child").success());
    assert_eq!(flags(), before, "{command:?}");
    printed
}

/// Calls that set the flag on each of the guest's streams.
const NONBLOCK: &str = "
    fd_fdstat_set_flags 0 nonblock      = ok
    fd_fdstat_set_flags 1 nonblock      = ok
    fd_fdstat_set_flags 2 nonblock      = ok
    fd_fdstat_get 0 r                   = unknown nonblock r or character nonblock r
    fd_read 0 1                         = AGAIN
    fd_read 0 1|1|1                     = AGAIN
    poll_oneoff read:0 clock:monotonic:0 = 2";

#[test]
fn o_nonblock_is_never_seen_by_anybody_else() {
    let tree = Tree::new(Way::AsItIs);
    let (_screen, programs) = terminal();
    let (reader, _writer) = std::io::pipe().expect("there are descriptors left");
    let (reader, programs) = (OwnedFd::from(reader), OwnedFd::from(programs));
    for (what, stream) in [("a pipe", reader), ("a terminal", programs)] {
        // The test shares the description with the guest, which ends in different ways.
        for end in ["fd_close 0 = ok", "proc_exit 0 = (nothing)"] {
            let table = format!("{NONBLOCK}\n{end}");
            let script = Script::new(&table);
            let shared = stream.try_clone().expect("there are descriptors left");
            let mut command = with_streams(&tree, &script, shared, Stdio::piped());
            let mut printed = leaves_flags(&mut command, stream.as_fd());
            if end.starts_with("proc_exit") {
                printed.extend_from_slice(b"(nothing)\n");
            }
            script.check(&printed, what);
        }
    }
}

#[test]
fn append_mode_of_a_redirected_output_stays_the_users() {
    let tree = Tree::new(Way::AsItIs);
    tree.write("output", "0123456789");
    let open = || {
        File::options()
            .read(true)
            .write(true)
            .open(tree.path("output"))
            .expect("it was written")
    };
    let file = open();
    let script = Script::new(
        "fd_fdstat_set_flags 1 append   = ok
         fd_fdstat_get 1 w              = regular append w
         fd_write 1 ab|cd               = 2 or 4
         fd_fdstat_set_flags 1 -        = ok
         fd_fdstat_get 1 w              = regular - w",
    );
    let shared = file.try_clone().expect("there are descriptors left");
    let status = with_streams(&tree, &script, Stdio::null(), shared).status();
    assert!(status.expect("cargo has built the binary").success());
    assert!(!fcntl_getfl(&file).expect("it is open").contains(OFlags::APPEND));
    let written = tree.read("output");
    assert_eq!(written[..10], *b"0123456789", "{}", written.escape_ascii());
    assert_eq!(written[10..12], *b"ab");
}

#[test]
fn a_redirected_file_is_read_and_described_as_a_file() {
    let tree = Tree::new(Way::AsItIs);
    tree.write("grant/file", "0123456789");
    let script = Script::new(
        "fd_fdstat_get 0 r+seek+tell         = regular - r+seek+tell
         fd_filestat_get 0 type,size         = regular,10
         fd_seek 0 4 set                     = 4
         fd_read 0 3|3                       = 456|789
         fd_pread 0 2 0                      = 01
         poll_oneoff read:0                  = 1=0
         // The stream was given for reading.
         fd_write 0 x                        = BADF
         fd_filestat_set_size 0 0            = INVAL
         fd_filestat_set_times 0 1 1 mtim    = PERM",
    );
    let file = File::open(tree.path("grant/file")).expect("it was written");
    let output = with_streams(&tree, &script, file, Stdio::piped())
        .output()
        .expect("cargo has built the binary");
    script.check(&output.stdout, "a file as input");
    assert_eq!(tree.read("grant/file"), b"0123456789");
}

#[test]
fn fifos_are_opened_read_and_written() {
    each_way(|tree| {
        for name in ["in", "out", "silent"] {
            tree.fifo(&format!("grant/{name}"));
        }
        tree.link("grant/to-in", "in");
        let (incoming, outgoing) = (tree.path("grant/in"), tree.path("grant/out"));
        let writer = thread::spawn(move || {
            // The guest waits in `path_open` until the FIFO has a writer.
            thread::sleep(Duration::from_millis(30));
            std::fs::write(incoming, "through the fifo")
        });
        let reader = thread::spawn(move || std::fs::read(outgoing));
        tree.calls(
            "path_open 3 - silent - r nonblock   = 5
             fd_read 5 10                        = ''
             path_open 3 - silent - w nonblock   = 6
             fd_read 5 10                        = AGAIN
             fd_write 6 abc                      = 3
             fd_read 5 10                        = abc
             fd_fdstat_get 5 r+seek+tell         = unknown nonblock r
             fd_filestat_get 5 type              = unknown
             fd_pread 5 1 0                      = SPIPE
             fd_seek 5 0 cur                     = SPIPE
             fd_filestat_set_size 6 0            = INVAL
             fd_close 5                          = ok
             fd_write 6 abc                      = PIPE
             fd_close 6                          = ok
             path_open 3 - silent - w nonblock   = NXIO
             path_open 3 - in directory r -      = NOTDIR
             path_open 3 follow to-in - r -      = 5
             fd_read 5 7|1|100                   = through|%20|the%20fifo
             fd_read 5 10                        = ''
             path_open 3 - out - w -             = 6
             fd_write 6 an|swer                  = 6
             fd_close 6                          = ok",
        );
        writer.join().expect("no panic").expect("the guest reads it");
        assert_eq!(
            reader.join().expect("no panic").expect("the guest writes it"),
            b"answer"
        );
    });
}

#[test]
fn a_fifo_that_nobody_opens_is_waited_for_until_the_deadline() {
    each_way(|tree| {
        tree.fifo("grant/fifo");
        tree.link("grant/link", "fifo");
        for (path, lookup, rights) in [
            ("fifo", 0, wasip1::RIGHTS_FD_READ),
            ("link", 1, wasip1::RIGHTS_FD_WRITE),
        ] {
            let open = call("path_open", [3, lookup, 0, 4, 0, rights, 0, 0, 16]);
            let ended = text::run(tree, &["--epoch-timeout=300ms"], &[(0, path.into())], &[open]);
            ended.traps(
                124,
                "interrupted: the deadline of 300ms has passed (--epoch-timeout)",
                [": _start"],
            );
        }
    });
}

#[test]
fn a_closed_pipe_is_an_error_for_the_guest() {
    let tree = Tree::new(Way::AsItIs);
    let (reader, writer) = std::io::pipe().expect("there are descriptors left");
    drop(reader);
    let script = Script::new(
        "fd_write 1 x                = PIPE
         fd_write 1 x|y|z            = PIPE
         poll_oneoff write:1         = 1!IO",
    );
    let mut command = with_streams(&tree, &script, Stdio::null(), writer);
    let output = command
        .stderr(Stdio::piped())
        .output()
        .expect("cargo has built the binary");
    assert!(output.status.success(), "{output:?}");
    script.check(&output.stderr, "no reader");
}
