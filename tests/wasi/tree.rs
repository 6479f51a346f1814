//! A scratch directory with grants for a guest, and the ways in which `openat2` may behave.
//!
//! ```text
//! grant/      descriptor 3, `/` for the guest
//! read-only/  descriptor 4, `/ro` for the guest, for reading
//! outside/    not granted, with the file `secret`
//! ```
//!
//! After every run, everything outside of `grant` must be unchanged: names, contents, links, times.

use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use crate::guests;
use crate::script::Script;
use crate::support::{Dir, Wrun, wrun_through};

/// The behaviour of `openat2`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    /// The normal behaviour of the kernel.
    AsItIs,
    /// The call is denied with this error.
    Denied(&'static str),
}

impl Way {
    /// All ways.
    pub(crate) const ALL: [Way; 3] = [Way::AsItIs, Way::Denied("EPERM"), Way::Denied("ENOSYS")];

    /// Returns the command that starts a program with this behaviour.
    pub(crate) fn prefix(self) -> Vec<String> {
        match self {
            Way::AsItIs => Vec::new(),
            Way::Denied(error) => vec![
                guests::native("deny_openat2").to_string_lossy().into_owned(),
                error.to_owned(),
            ],
        }
    }
}

/// Runs a test in a new directory for each behaviour.
pub(crate) fn each_way(test: impl Fn(&Tree)) {
    for way in Way::ALL {
        test(&Tree::new(way));
    }
}

/// The scratch directory.
pub(crate) struct Tree {
    dir: Dir,
    pub(crate) way: Way,
}

impl Tree {
    pub(crate) fn new(way: Way) -> Self {
        let tree = Self { dir: Dir::new(), way };
        for name in ["grant", "read-only", "outside"] {
            std::fs::create_dir(tree.path(name)).expect("the directory for tests can be written");
        }
        tree.write("outside/secret", "secret");
        tree
    }

    /// Returns a path of the host. The name `""` is the scratch directory itself.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file, and creates the directories above it.
    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("it has a name")).expect("the directory for tests can be written");
        std::fs::write(path, contents).expect("the directory for tests can be written");
    }

    /// Creates a directory, and those above it.
    pub(crate) fn directory(&self, name: &str) {
        std::fs::create_dir_all(self.path(name)).expect("the directory for tests can be written");
    }

    /// Creates a symbolic link.
    pub(crate) fn link(&self, name: &str, target: impl AsRef<Path>) {
        symlink(target, self.path(name)).expect("the directory for tests can be written");
    }

    /// Creates a FIFO.
    pub(crate) fn fifo(&self, name: &str) {
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mkfifoat(rustix::fs::CWD, self.path(name), mode).expect("the directory for tests can be written");
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.path(name).symlink_metadata().is_ok()
    }

    /// Returns the names in a directory, sorted.
    pub(crate) fn names(&self, name: &str) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(self.path(name))
            .expect("readable")
            .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// Lists everything below a directory: paths, types, sizes and the targets of links.
    pub(crate) fn listing(&self, name: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut directories = vec![self.path(name)];
        while let Some(directory) = directories.pop() {
            for entry in std::fs::read_dir(directory).expect("readable") {
                let path = entry.expect("readable").path();
                let meta = path.symlink_metadata().expect("no other process removes it");
                let target = path.read_link().unwrap_or_default();
                let shown = path.strip_prefix(self.path(name)).expect("it lies below").display();
                let size = if meta.is_dir() { 0 } else { meta.size() };
                found.push(format!("{shown} {:?} {size} {}", meta.file_type(), target.display()));
                if meta.is_dir() {
                    directories.push(path);
                }
            }
        }
        found.sort();
        found
    }

    /// Returns the grants as options.
    pub(crate) fn grants(&self) -> [String; 4] {
        let path = |name: &str, guest: &str| format!("{}::{guest}", self.path(name).display());
        [
            "--dir".into(),
            path("grant", "/"),
            "--dir-ro".into(),
            path("read-only", "/ro"),
        ]
    }

    /// Prepares `wrun` with the grants and these further arguments, with this behaviour of `openat2`.
    pub(crate) fn wrun<S: AsRef<str>>(&self, words: impl IntoIterator<Item = S>) -> Wrun {
        let prefix = self.way.prefix();
        let prefix: Vec<&str> = prefix.iter().map(String::as_str).collect();
        let mut all = self.grants().to_vec();
        all.extend(words.into_iter().map(|word| word.as_ref().to_owned()));
        wrun_through(&prefix, all)
    }

    /// Runs a C guest with the grants.
    pub(crate) fn guest<S: AsRef<str>>(&self, name: &str, args: impl IntoIterator<Item = S>) -> Wrun {
        let module = guests::wasm(name);
        self.wrun([module.to_string_lossy()])
            .args(args.into_iter().map(|arg| arg.as_ref().to_owned()))
    }

    /// Makes the calls of a table, and compares the results.
    #[track_caller]
    pub(crate) fn calls(&self, table: &str) {
        self.calls_with(table, |wrun| wrun);
    }

    /// Makes the calls of a table, with a change to the run of the guest.
    #[track_caller]
    pub(crate) fn calls_with(&self, table: &str, change: impl FnOnce(Wrun) -> Wrun) {
        let script = Script::new(table);
        let ended = self.unchanged(|| change(self.guest("calls", script.calls())).run());
        script.check(&ended.status(0).quiet().stdout, &format!("{:?}", self.way));
    }

    /// Makes the calls of a table with these options in place of the grants.
    #[track_caller]
    pub(crate) fn calls_granted(&self, options: &[&str], table: &str) {
        let script = Script::new(table);
        let module = guests::wasm("calls");
        let prefix = self.way.prefix();
        let prefix: Vec<&str> = prefix.iter().map(String::as_str).collect();
        let ended = self.unchanged(|| wrun_through(&prefix, options).args([module]).args(script.calls()).run());
        script.check(&ended.status(0).quiet().stdout, &format!("{:?} {options:?}", self.way));
    }

    /// Runs `act`, and checks that nothing outside of the writable grant has changed.
    #[track_caller]
    pub(crate) fn unchanged<R>(&self, act: impl FnOnce() -> R) -> R {
        let before = self.fingerprint();
        let result = act();
        let after = self.fingerprint();
        assert_eq!(before, after, "{:?}: what was not granted has changed", self.way);
        result
    }

    /// Describes everything that must not change.
    fn fingerprint(&self) -> Vec<String> {
        let mut found = Vec::new();
        for name in ["outside", "read-only"] {
            look(&self.path(name), &mut found);
        }
        let top = self.names("");
        found.push(format!("{top:?}"));
        found
    }
}

/// Describes a file and everything below it. Access times are left out: reading changes them.
fn look(path: &Path, found: &mut Vec<String>) {
    let meta = path.symlink_metadata().expect("no other process removes it");
    let contents = if meta.is_symlink() {
        path.read_link().expect("readable").display().to_string()
    } else if meta.is_file() {
        std::fs::read(path).expect("readable").escape_ascii().to_string()
    } else {
        String::new()
    };
    found.push(format!(
        "{} {:o} ino {} nlink {} size {} mtime {}.{:09} ctime {}.{:09} {contents}",
        path.display(),
        meta.mode(),
        meta.ino(),
        meta.nlink(),
        meta.size(),
        meta.mtime(),
        meta.mtime_nsec(),
        meta.ctime(),
        meta.ctime_nsec(),
    ));
    if meta.is_dir() {
        let mut below: Vec<_> = std::fs::read_dir(path)
            .expect("readable")
            .map(|entry| entry.expect("readable").path())
            .collect();
        below.sort();
        for path in below {
            look(&path, found);
        }
    }
}

#[test]
fn openat2_is_denied_where_it_should_be() {
    for way in Way::ALL {
        let prefix = way.prefix();
        let prefix: Vec<&str> = prefix.iter().map(String::as_str).collect();
        // The launcher tries the call itself, and starts the program only if the call is denied.
        wrun_through(&prefix, ["--version"]).run().status(0).quiet();
    }
}

#[test]
fn a_change_is_found() {
    let tree = Tree::new(Way::AsItIs);
    for name in ["outside/new", "outside/secret", "read-only/new", "beside"] {
        let changed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            tree.unchanged(|| tree.write(name, "changed"));
        }));
        assert!(changed.is_err(), "{name}");
    }
    tree.unchanged(|| tree.write("grant/new", "allowed"));
}
