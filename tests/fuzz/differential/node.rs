//! node as an oracle for programs with legacy exceptions: many modules in one process.

use std::path::Path;
use std::process::{Command, Stdio};

use wrun_tests::Scratch;

use super::record::{End, Record, Verdict};
use super::ways::FUEL;

/// Modules that wait for node, with their seeds and records.
pub(crate) struct Node {
    scratch: Scratch,
    waiting: Vec<(u64, Record)>,
}

impl Node {
    /// Returns `None` if there is no node.
    pub(crate) fn find() -> Option<Self> {
        let version = Command::new("node").arg("--version").stdout(Stdio::null()).status();
        version.is_ok_and(|status| status.success()).then(|| Self {
            scratch: Scratch::new(),
            waiting: Vec::new(),
        })
    }

    /// Adds a module with the record of another engine. Returns the number of modules that wait.
    pub(crate) fn add(&mut self, seed: u64, wasm: &[u8], record: Record) -> usize {
        self.scratch.write(format!("{seed}.wasm"), wasm);
        self.waiting.push((seed, record));
        self.waiting.len()
    }

    /// Runs the modules that wait.
    pub(crate) fn run(&mut self) -> Vec<(u64, Verdict)> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/differential/node.mjs");
        let node = Command::new("node")
            .arg(script)
            .arg(self.scratch.path())
            .arg(FUEL.to_string())
            .stderr(Stdio::inherit())
            .output()
            .expect("there is a node");
        let output = String::from_utf8(node.stdout).expect("a text");
        let verdict = |(seed, record)| {
            std::fs::remove_file(self.scratch.join(format!("{seed}.wasm"))).expect("written");
            let start = format!("{seed}.wasm|");
            let line = output.lines().find_map(|line| line.strip_prefix(&start));
            (seed, compare(&record, line.unwrap_or("no answer")))
        };
        self.waiting.drain(..).map(verdict).collect()
    }
}

fn compare(record: &Record, line: &str) -> Verdict {
    for ((step, end), other) in record.iter().zip(line.split('|')) {
        if matches!(end, End::Limit(_)) || other == "limit" {
            return Verdict::Limit;
        }
        if end.to_string() != other {
            return Verdict::Different(format!("{step:?}: {end} and {other}"));
        }
    }
    match record.len() == line.split('|').count() {
        true => Verdict::Same,
        false => Verdict::Different(format!("another number of steps: {line}")),
    }
}
