//! What the tests of this package share: where the repository is, a scratch directory, and running a tool.
//!
//! May not enter: anything that knows a test.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ lies in the repository")
}

/// A directory of its own for a test, below cargo's directory for temporary files of tests; empty at first, and kept for
/// looking into afterwards. The first argument is `env!("CARGO_TARGET_TMPDIR")`, which only tests know.
pub fn scratch(temporary: &str, name: &str) -> PathBuf {
    let directory = Path::new(temporary).join(name);
    if directory.exists() {
        std::fs::remove_dir_all(&directory).expect("the scratch directory is ours");
    }
    std::fs::create_dir_all(&directory).expect("the build directory can be written");
    directory
}

/// The standard output of a tool that must succeed.
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
