//! Scratch directories for tests.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// A new, empty directory. It is removed when the value is dropped, but kept for inspection if the test panics.
///
/// It lies in [`temporary`], which is on a disk. The system's directory for temporary files may be in memory (tmpfs), and the
/// cache does not remember files there by their identity.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes the directory.
    #[expect(clippy::new_without_default, reason = "making a directory is no default value")]
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        // Short, because the path of a Unix socket has at most 107 bytes.
        let name = format!("t-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = temporary().join(name);
        // An earlier process with the same id may have left one.
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("the build directory can be written");
        Self(path)
    }

    /// Returns the directory's path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file in it, and returns the file's path.
    pub fn write(&self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).expect("the build directory can be written");
        path
    }

    /// Writes a program in it (mode 0755), and returns the file's path.
    ///
    /// Another process opens the program for writing. A test on another thread may fork at any time, and its child would keep a
    /// descriptor of this process open for a moment: the kernel refuses to start such a program (`ETXTBSY`, execve(2)).
    pub fn write_program(&self, name: impl AsRef<Path>, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        let source = self.write(path.with_extension("source"), text);
        let copied = Command::new("install")
            .args(["-m", "755"])
            .args([&source, &path])
            .status();
        assert!(copied.is_ok_and(|status| status.success()), "install(1) failed");
        std::fs::remove_file(source).expect("it was just written");
        path
    }
}

impl Deref for Scratch {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("kept: {}", self.0.display());
        } else {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

/// Returns cargo's directory for temporary files of tests. `CARGO_TARGET_TMPDIR` names it too, but unit tests do not have that.
pub fn temporary() -> PathBuf {
    // `target/TRIPLE/PROFILE/deps/NAME-HASH`
    let program = std::env::current_exe().expect("Linux has /proc");
    let triple = program.ancestors().nth(3).expect("cargo puts tests there");
    triple.join("tmp")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_new_and_goes_at_its_end() {
        let (one, other) = (Scratch::new(), Scratch::new());
        assert_ne!(one.path(), other.path());
        let file = one.write("file", "text");
        assert_eq!(std::fs::read(&file).expect("written"), b"text");
        let path = one.path().to_owned();
        drop(one);
        assert!(!path.exists() && other.exists());
    }

    #[test]
    fn a_failed_test_keeps_its_directory() {
        let scratch = Scratch::new();
        let path = scratch.path().to_owned();
        let failed = std::panic::catch_unwind(move || {
            let _scratch = scratch;
            panic!("as a test that fails");
        });
        assert!(failed.is_err() && path.is_dir());
        std::fs::remove_dir(path).expect("kept");
    }
}
