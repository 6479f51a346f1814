//! `--listen` and the sockets of a service manager: the guest accepts connections on the granted sockets only.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Dir, guest, wrun};

/// A server that takes this long hangs.
const HANGS: Duration = Duration::from_secs(60);

/// A `wrun` that serves in the background.
struct Server {
    child: Child,
    stderr: BufReader<ChildStderr>,
}

impl Server {
    /// Starts the guest `echo` with these options.
    fn start(options: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wrun"));
        command.args(options.into_iter().map(Into::into)).arg(guest("echo"));
        Self::spawn(command.stdin(Stdio::null()))
    }

    /// Starts it after the shell command `prepare`, with a socket as standard input.
    fn after(prepare: &str, socket: OwnedFd, options: &[&str]) -> Self {
        let mut command = Command::new("/bin/sh");
        command
            .arg("-c")
            .arg(format!("{prepare}; exec \"$0\" \"$@\" </dev/null"))
            .arg(env!("CARGO_BIN_EXE_wrun"))
            .args(options)
            .arg(guest("echo"));
        Self::spawn(command.stdin(Stdio::from(socket)))
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .env_clear()
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("cargo has built the binary");
        let stderr = BufReader::new(child.stderr.take().expect("it is a pipe"));
        Self { child, stderr }
    }

    /// Returns the port from the notice of wrun.
    fn port(&mut self) -> u16 {
        let mut line = String::new();
        self.stderr.read_line(&mut line).expect("a pipe can be read");
        let port = line.trim_end().rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        assert!(line.starts_with("wrun: notice: --listen "), "{line}");
        port.unwrap_or_else(|| panic!("no port in {line}"))
    }

    /// Checks the exit status (the number of connections served) and the messages of wrun after the ports.
    #[track_caller]
    fn ends(mut self, status: i32, said: &str) {
        let started = Instant::now();
        let ended = loop {
            if let Some(ended) = self.child.try_wait().expect("the test owns the child") {
                break ended;
            }
            assert!(started.elapsed() < HANGS, "wrun hangs");
            thread::sleep(Duration::from_millis(1));
        };
        let mut stderr = String::new();
        self.stderr.read_to_string(&mut stderr).expect("messages are UTF-8");
        assert_eq!(ended.code(), Some(status), "{ended}\n{stderr}");
        assert!(
            stderr.contains(said) && stderr.is_empty() == said.is_empty(),
            "{stderr}"
        );
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After a failed test it may still run.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends more than fits into the buffers of a socket, and checks that all of it comes back.
#[track_caller]
fn echoes(mut client: impl Read + Write + Send, end: impl FnOnce()) {
    let sent: Vec<u8> = (0..1_000_000_u32).map(|i| ((i * 7) >> 3) as u8).collect();
    let mut received = Vec::new();
    for part in sent.chunks(100_000) {
        client.write_all(part).expect("the guest listens");
        let mut back = vec![0; part.len()];
        client.read_exact(&mut back).expect("the guest answers");
        received.extend(back);
    }
    end();
    client.read_to_end(&mut received).expect("the guest closes");
    assert!(received == sent, "{} bytes came back", received.len());
}

#[track_caller]
fn tcp_echoes(address: (&str, u16)) {
    let client = TcpStream::connect(address).expect("somebody listens");
    client.set_read_timeout(Some(HANGS)).expect("the timeout is not zero");
    echoes(&client, || client.shutdown(Shutdown::Write).expect("still connected"));
}

#[track_caller]
fn unix_echoes(path: &Path) {
    let started = Instant::now();
    let client = loop {
        match UnixStream::connect(path) {
            Ok(client) => break client,
            Err(error) => assert!(started.elapsed() < HANGS, "{error}"),
        }
        thread::sleep(Duration::from_millis(1));
    };
    client.set_read_timeout(Some(HANGS)).expect("the timeout is not zero");
    echoes(&client, || client.shutdown(Shutdown::Write).expect("still connected"));
}

#[test]
fn a_guest_serves_tcp_and_wrun_says_which_port_it_got() {
    for address in ["127.0.0.1:0", "localhost:0", "[::1]:0"] {
        if TcpListener::bind(address).is_err() {
            // A machine without IPv6.
            wrun(["--listen", address])
                .args([guest("echo")])
                .run()
                .fails(125, [address]);
            continue;
        }
        let mut server = Server::start(["--listen", address]);
        let port = server.port();
        tcp_echoes((if address.starts_with('[') { "::1" } else { "127.0.0.1" }, port));
        server.ends(1, "");
    }
}

#[test]
fn listeners_are_numbered_after_the_directories_in_their_order() {
    let dir = Dir::new();
    let mut server = Server::start([
        OsString::from("--listen=127.0.0.1:0"),
        "--dir".into(),
        dir.path().into(),
        "--listen=127.0.0.1:0".into(),
        "--dir-ro".into(),
        format!("{}::read", dir.path().display()).into(),
    ]);
    let ports = [server.port(), server.port()];
    for port in ports {
        tcp_echoes(("127.0.0.1", port));
    }
    server.ends(2, "");
}

#[test]
fn a_guest_without_listeners_has_none() {
    Server::start([""; 0]).ends(0, "");
}

#[test]
fn a_unix_socket_that_was_left_behind_is_replaced_and_one_in_use_is_not() {
    let dir = Dir::new();
    let path = dir.path().join("socket");
    let option = || [OsString::from("--listen"), format!("unix:{}", path.display()).into()];
    for _ in 0..2 {
        let server = Server::start(option());
        unix_echoes(&path);
        server.ends(1, "");
        assert!(path.exists(), "the next round finds a left-over");
    }
    std::fs::remove_file(&path).expect("it exists");
    let taken = UnixListener::bind(&path).expect("it is free");
    let in_use = |parts: [&str; 2]| {
        wrun(option()).args([guest("echo")]).run().fails(125, parts);
    };
    in_use(["--listen: cannot listen on unix:", "it is in use"]);
    drop(taken);
    std::fs::remove_file(&path).expect("it exists");
    dir.write("socket", "a file of somebody");
    in_use(["--listen: cannot listen on unix:", "it is in use"]);
    assert_eq!(std::fs::read(&path).expect("it exists"), b"a file of somebody");
}

#[test]
fn an_address_that_cannot_be_had_is_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let address = taken.local_addr().expect("it is bound").to_string();
    for (address, part) in [
        (address.as_str(), "it is in use"),
        ("192.0.2.1:1", "this machine does not have that address"),
        ("unix:/nowhere/at/all", "No such file or directory"),
    ] {
        let ended = wrun(["--listen", address]).args([guest("echo")]).run();
        ended.fails(125, [&format!("--listen: cannot listen on {address}: "), part]);
    }
    for (word, part) in [
        ("8080", "write 127.0.0.1:8080"),
        ("example.org:80", "names are not looked up"),
    ] {
        let ended = wrun(["--listen", word]).args([guest("echo")]).run();
        ended.fails(125, ["--listen: ", part, "wrun --help"]);
    }
}

#[test]
fn an_accept_that_waits_is_ended_by_the_deadline() {
    let mut server = Server::start(["--listen=127.0.0.1:0", "--epoch-timeout=300ms"]);
    server.port();
    server.ends(124, "interrupted: the deadline of 300ms has passed");
}

#[test]
fn sockets_of_a_service_manager_follow_those_of_the_options() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let prepare = "exec 3<&0 4<&0; export LISTEN_PID=$$ LISTEN_FDS=2";
    let mut server = Server::after(prepare, listener.into(), &["--listen=127.0.0.1:0", "--dir=/"]);
    let own = server.port();
    for port in [own, port, port] {
        tcp_echoes(("127.0.0.1", port));
    }
    server.ends(3, "");
}

#[test]
fn sockets_for_another_process_are_left_alone() {
    for prepare in [
        "exec 3<&0; export LISTEN_PID=1 LISTEN_FDS=1",
        "exec 3<&0; export LISTEN_PID= LISTEN_FDS=1",
        "exec 3<&0; export LISTEN_FDS=1",
        "exec 3<&0; export LISTEN_PID=$$",
        "exec 3<&0; export LISTEN_PID=$$ LISTEN_FDS=0",
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        Server::after(prepare, listener.into(), &[]).ends(0, "");
    }
}

#[test]
fn a_service_manager_that_errs_is_told_so() {
    for (prepare, said) in [
        (
            "exec 3<&0; export LISTEN_PID=$$ LISTEN_FDS=many",
            "LISTEN_FDS is `many`",
        ),
        (
            "exec 3<&0; export LISTEN_PID=$$ LISTEN_FDS=4294967295",
            "is not a number of sockets",
        ),
        (
            "exec 3<&0; export LISTEN_PID=$$ LISTEN_FDS=2",
            "descriptor 4 is not open",
        ),
        (
            "exec 3</dev/null; export LISTEN_PID=$$ LISTEN_FDS=1",
            "descriptor 3 is not a socket",
        ),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        Server::after(prepare, listener.into(), &[]).ends(125, said);
    }
}
