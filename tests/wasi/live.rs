//! A guest that pauses: the call `pause` of the interpreter prints a line and waits for a byte. Meanwhile the test can inspect
//! the process and change files.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::guests;
use crate::script::Script;
use crate::tree::Tree;

/// A running guest that makes the calls of a table, with pauses.
pub(crate) struct Live<'a> {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    script: Script<'a>,
    printed: Vec<u8>,
}

impl<'a> Live<'a> {
    /// Starts the guest after a shell command such as `ulimit -n 64`.
    pub(crate) fn start(tree: &Tree, prepare: &str, table: &'a str) -> Self {
        let grants = tree.grants();
        Self::start_with(tree, prepare, &grants.each_ref().map(String::as_str), table)
    }

    /// Starts the guest with these options in place of the grants.
    pub(crate) fn start_granted(tree: &Tree, options: &[&str], table: &'a str) -> Self {
        Self::start_with(tree, "true", options, table)
    }

    fn start_with(tree: &Tree, prepare: &str, options: &[&str], table: &'a str) -> Self {
        let script = Script::new(table);
        let mut child = Command::new("/bin/sh")
            .arg("-c")
            .arg(format!("{prepare} && exec \"$0\" \"$@\""))
            .args(tree.way.prefix())
            .arg(env!("CARGO_BIN_EXE_wrun"))
            .args(options)
            .arg(guests::wasm("calls"))
            .args(script.calls())
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("cargo has built the binary");
        Self {
            stdin: child.stdin.take().expect("it is a pipe"),
            stdout: BufReader::new(child.stdout.take().expect("it is a pipe")),
            child,
            script,
            printed: Vec::new(),
        }
    }

    /// Waits until the guest pauses.
    #[track_caller]
    pub(crate) fn paused(&mut self) {
        let mut line = Vec::new();
        while line != b"paused\n" {
            line.clear();
            let read = self.stdout.read_until(b'\n', &mut line).expect("a pipe can be read");
            assert!(
                read > 0,
                "the guest ended before it paused:\n{}",
                self.printed.escape_ascii()
            );
            self.printed.extend_from_slice(&line);
        }
    }

    /// Lets the guest continue.
    pub(crate) fn resume(&mut self) {
        self.stdin.write_all(b"x").expect("the guest waits for this");
    }

    /// Returns the number of descriptors of the process.
    pub(crate) fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id()))
            .expect("the test owns the process")
            .count()
    }

    /// Waits for the end of the guest, and compares its output with the table.
    #[track_caller]
    pub(crate) fn finish(mut self) {
        drop(self.stdin);
        self.stdout.read_to_end(&mut self.printed).expect("a pipe can be read");
        let status = self.child.wait().expect("the test owns the child");
        assert!(status.success(), "{status}");
        self.script.check(&self.printed, "a guest with pauses");
    }
}
