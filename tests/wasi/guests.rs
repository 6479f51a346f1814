//! Compiles guests and helpers in C when a test first needs them. The results are kept below cargo's directory for temporary
//! files, under names with a hash of the source and the flags. So a changed file is compiled again, and several test programs
//! can compile at the same time.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns the path of a C program of tests/guests/wasi, as wasm.
pub(crate) fn wasm(name: &str) -> PathBuf {
    let flags = ["--target=wasm32-wasi", "-O1", "-Wall", "-Wextra", "-Werror"];
    compiled("clang", &flags, &format!("guests/wasi/{name}.c"), "wasm")
}

/// Returns the path of a guest of tests/guests/wasi in the text format.
pub(crate) fn wat(name: &str) -> PathBuf {
    source(&format!("guests/wasi/{name}.wat"))
}

/// Returns the path of a helper of tests/support, as a native program.
pub(crate) fn native(name: &str) -> PathBuf {
    let flags = ["-O1", "-Wall", "-Wextra", "-Werror"];
    compiled("cc", &flags, &format!("support/{name}.c"), "native")
}

fn source(path: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests").join(path);
    path.canonicalize()
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn compiled(compiler: &str, flags: &[&str], path: &str, extension: &str) -> PathBuf {
    let path = source(path);
    let mut hasher = DefaultHasher::new();
    (
        compiler,
        flags,
        std::fs::read(&path).expect("a source file can be read"),
    )
        .hash(&mut hasher);
    let stem = path.file_stem().expect("it has a name").to_string_lossy();
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guests");
    let made = directory.join(format!("{stem}-{:016x}.{extension}", hasher.finish()));
    if made.exists() {
        return made;
    }
    std::fs::create_dir_all(&directory).expect("the build directory can be written");
    let thread = std::thread::current().id();
    let temporary = made.with_extension(format!("{}-{thread:?}", std::process::id()));
    let output = Command::new(compiler)
        .args(flags)
        .arg(&path)
        .arg("-o")
        .arg(&temporary)
        .output()
        .unwrap_or_else(|error| panic!("cannot run {compiler}: {error}; `ci/install` installs what the tests need"));
    assert!(
        output.status.success(),
        "{}: `ci/install` installs what this needs\n{}",
        path.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    std::fs::rename(&temporary, &made).expect("the build directory can be written");
    made
}
