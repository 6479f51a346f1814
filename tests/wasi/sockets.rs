//! The functions on sockets, with a socket as standard input. The tests of the command cover the options that grant listeners.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::process::{Command, Stdio};

use crate::guests;
use crate::script::Script;
use crate::streams::leaves_flags;
use crate::tree::{Tree, Way};

/// Runs a table of calls with this socket as descriptor 0.
#[track_caller]
fn calls(stdin: impl Into<OwnedFd>, table: &str) {
    let script = Script::new(table);
    let output = Command::new(env!("CARGO_BIN_EXE_wrun"))
        .arg("--epoch-timeout=5s")
        .arg(guests::wasm("calls"))
        .args(script.calls())
        .env_clear()
        .stdin(Stdio::from(stdin.into()))
        .output()
        .expect("cargo has built the binary");
    assert!(output.status.success(), "{output:?}");
    script.check(&output.stdout, "a socket as input");
}

#[test]
fn sock_accept_recv_send_and_shutdown() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a loopback");
    let address = listener.local_addr().expect("it is bound");
    let mut client = TcpStream::connect(address).expect("it listens");
    client.write_all(b"hello, world").expect("it is connected");
    let reader = std::thread::spawn(move || {
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).map(|_| (answer, client))
    });
    calls(
        listener,
        "fd_fdstat_get 0 accept              = stream - accept
         sock_accept 0 -                     = 4
         fd_fdstat_get 4 r+w+seek+shutdown   = stream - r+w+shutdown
         sock_recv 4 5 peek+waitall          = hello
         sock_recv 4 2|3 waitall             = he|llo
         poll_oneoff read:4 write:4          = 1=7 2
         fd_read 4 100                       = ,%20world
         sock_send 4 an|swer -               = 6
         fd_write 4 !                        = 1
         sock_shutdown 4 wr                  = ok
         sock_send 4 x -                     = PIPE
         sock_shutdown 4 rd                  = ok or NOTCONN
         fd_seek 4 0 cur                     = SPIPE
         // The flag of `sock_accept` applies to the connection. This one applies to the listener.
         fd_fdstat_set_flags 0 nonblock      = ok
         sock_accept 0 -                     = AGAIN
         sock_accept 4 -                     = INVAL
         sock_recv 0 10 -                    = NOTCONN
         fd_close 4                          = ok
         sock_send 4 x -                     = BADF",
    );
    let (answer, _client) = reader.join().expect("no panic").expect("it is connected");
    assert_eq!(answer, b"answer!");
}

#[test]
fn an_accepted_connection_waits_or_not_as_asked() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a loopback");
    let address = listener.local_addr().expect("it is bound");
    let _clients = [(); 2].map(|()| TcpStream::connect(address).expect("it listens"));
    calls(
        listener,
        "sock_accept 0 nonblock          = 4
         fd_fdstat_get 4 -               = stream nonblock -
         sock_recv 4 10 -                = AGAIN
         fd_read 4 10                    = AGAIN
         sock_accept 0 -                 = 5
         fd_fdstat_get 5 -               = stream - -
         fd_fdstat_set_flags 5 nonblock  = ok
         sock_recv 5 10 -                = AGAIN",
    );
}

#[test]
fn o_nonblock_of_a_passed_listener_is_never_seen_by_anybody_else() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a loopback");
    let address = listener.local_addr().expect("it is bound");
    for end in ["fd_close 3 = ok", "proc_exit 0 = (nothing)"] {
        let _client = TcpStream::connect(address).expect("it listens");
        let table = format!(
            "fd_fdstat_set_flags 3 nonblock      = ok
             fd_fdstat_get 3 accept              = stream nonblock accept
             sock_accept 3 -                     = 4
             fd_fdstat_get 4 -                   = stream - -
             sock_accept 3 -                     = AGAIN
             poll_oneoff read:3 clock:monotonic:0 = 2
             {end}"
        );
        let script = Script::new(&table);
        let passed = listener.try_clone().expect("there are descriptors left");
        let mut command = Command::new("/bin/sh");
        command
            .arg("-c")
            .arg("exec 3<&0; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" --epoch-timeout=5s \"$@\" </dev/null")
            .arg(env!("CARGO_BIN_EXE_wrun"))
            .arg(guests::wasm("calls"))
            .args(script.calls())
            .env_clear()
            .stdin(Stdio::from(OwnedFd::from(passed)))
            .stdout(Stdio::piped());
        let mut printed = leaves_flags(&mut command, listener.as_fd());
        if end.starts_with("proc_exit") {
            printed.extend_from_slice(b"(nothing)\n");
        }
        script.check(&printed, "a listener of a service manager");
    }
}

#[test]
fn a_message_that_was_cut_off_says_so() {
    let (sender, receiver) = UnixDatagram::pair().expect("there are descriptors left");
    for message in [&b"too long"[..], b"fits", b""] {
        sender.send(message).expect("it is connected");
    }
    calls(
        receiver,
        "fd_fdstat_get 0 r+w             = datagram - r+w
         sock_recv 0 3 peek              = too truncated
         sock_recv 0 3 -                 = too truncated
         sock_recv 0 4 -                 = fits
         sock_recv 0 4 -                 = ''
         sock_send 0 an|swer -           = 6",
    );
    let mut answer = [0; 16];
    let len = sender.recv(&mut answer).expect("it is connected");
    assert_eq!(&answer[..len], b"answer");
}

#[test]
fn the_end_of_a_connection_is_the_end_of_the_stream() {
    let (mut ours, theirs) = UnixStream::pair().expect("there are descriptors left");
    ours.write_all(b"last words").expect("it is connected");
    ours.shutdown(Shutdown::Write).expect("it is connected");
    calls(
        theirs,
        "sock_recv 0 100 -               = last%20words
         sock_recv 0 100 -               = ''
         fd_read 0 100                   = ''
         poll_oneoff read:0              = 1=0 or 1=0#
         sock_send 0 still -             = 5
         sock_shutdown 0 rd+wr           = ok
         sock_send 0 x -                 = PIPE",
    );
    let mut rest = Vec::new();
    ours.read_to_end(&mut rest).expect("it is connected");
    assert_eq!(rest, b"still");
}

#[test]
fn what_is_no_socket_is_refused() {
    let tree = Tree::new(Way::AsItIs);
    tree.write("grant/file", "");
    let mut table = "path_open 3 - file - r+w - = 5\n".to_owned();
    for (fd, error) in [
        (0, "NOTSOCK"),
        (1, "NOTSOCK"),
        (3, "NOTSOCK"),
        (5, "NOTSOCK"),
        (99, "BADF"),
    ] {
        table += &format!(
            "sock_accept {fd} -         = {error}
             sock_recv {fd} 10 -        = {error}
             sock_send {fd} x -         = {error}
             sock_shutdown {fd} rd      = {error}\n"
        );
    }
    tree.calls(&table);
}
