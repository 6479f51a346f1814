//! Helpers for the tests of every package.
//!
//! ```text
//! scratch  a directory of a test's own
//! random   random numbers from a seed
//! skip     tests that cannot run on this machine
//! ```
//!
//! This crate has no dependencies, so that every package can use it in its tests. Must not hold: code for particular tests.

mod random;
mod scratch;
mod skip;

use std::path::Path;
use std::process::Command;

pub use random::Random;
pub use scratch::{Scratch, temporary};
pub use skip::skip;

/// Returns the root of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ lies in the repository")
}

/// Returns the standard output of a tool, which must succeed.
pub fn output(tool: &str, arguments: &[&str]) -> String {
    let output = Command::new(tool)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("cannot run {tool}: {error}; `ci/test` installs what the tests need"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{tool} {arguments:?}: {}: {stderr}",
        output.status
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
