//! `wrun compile FILE -o OUT`: compiles a module to a file of native code. The code may need CPU features that this machine
//! lacks.
//!
//! A regular file appears completely or not at all: it is written without a name, or under another name in the same directory,
//! and then renamed. If OUT is a symbolic link, the target of the link is replaced. A device, a pipe and standard output are
//! written to directly.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, PROC_SUPER_MAGIC, fstat, linkat, statfs};
use rustix::io::Errno;
use rustix::stdio;
use serde_json::json;
use wrun_runtime::{Engine, MemoryMode, inspect};

use crate::exit::Status;
use crate::flags::CompileLine;
use crate::input::Input;
use crate::options::{Options, Source};
use crate::report::{self, Action, Failure};

/// Compiles a module to a file.
pub(crate) fn compile(line: CompileLine) -> Result<Status, Failure> {
    let CompileLine {
        codegen,
        output,
        json,
        file,
    } = line;
    if output.is_empty() {
        return Err(Failure::usage("--output: the path of the file to write is missing"));
    }
    let options = super::options(Action::Compile, file, codegen, super::without_cache())?;
    let report = options.reporter();
    let target = PathBuf::from(&output);
    if is_input(&options, &target) {
        return Err(Failure::usage(&format!(
            "--output: `{}` is the module itself: choose another name",
            target.display()
        )));
    }
    if json && (output == "-" || matches!(Place::of(&target), Ok(Place::Stdout))) {
        return Err(Failure::usage(
            "--json cannot be used if the module goes to stdout: write it to a file",
        ));
    }
    let input = Input::open(&options, None)?;
    // Refuse native code before anything is compiled.
    input.wasm()?;
    let engine = Engine::new(&options.config(MemoryMode::Guarded)).map_err(|error| report.failure(&error))?;
    let artifact = input
        .compile_only(&engine)
        .map_err(|refusal| refusal.failure(&report))?;
    let place = if output == "-" {
        Ok(Place::Stdout)
    } else {
        Place::of(&target)
    };
    let written = match place {
        Ok(Place::Stdout) => return report::to_stdout(&artifact),
        Ok(Place::Open(path)) => append(&path, &artifact),
        Ok(Place::File(path)) => replace(&path, &artifact),
        Err(error) => Err(error),
    };
    written.map_err(|error| {
        Failure::new(
            Status::Failure,
            &format!("cannot write `{}`: {error}", target.display()),
        )
    })?;
    if !json {
        return Ok(Status::Success);
    }
    let made = inspect(&artifact).map_err(|stale| Failure::bug(&stale.to_string()))?;
    let value = json!({
        "file": options.module.to_string(),
        "out": super::lossy(&target),
        "bytes": artifact.len(),
        "cpu": super::features(made.cpu),
        "address_map": made.address_map,
        "deterministic": made.deterministic,
        "functions": made.functions.len(),
    });
    super::print(true, &value, String::new)
}

/// Returns true if the file to write is the file to read.
fn is_input(options: &Options, target: &Path) -> bool {
    let Source::File(path) = &options.module else {
        return false;
    };
    let (Ok(input), Ok(target)) = (fs::metadata(path), fs::metadata(target)) else {
        return false;
    };
    (input.dev(), input.ino()) == (target.dev(), target.ino())
}

/// The longest chain of symbolic links that is followed, as in the kernel.
const MOST_LINKS: usize = 40;

/// The target of a path.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// Standard output of this process, under any name.
    Stdout,
    /// An existing device, pipe, or open file of a process. It is written to and not replaced.
    Open(PathBuf),
    /// A regular file to replace or to create. Its path is not a link.
    File(PathBuf),
}

impl Place {
    fn of(target: &Path) -> io::Result<Self> {
        let mut path = target.to_owned();
        for _ in 0..MOST_LINKS {
            let Ok(next) = fs::read_link(&path) else {
                return Ok(if fs::metadata(&path).is_ok_and(|metadata| !metadata.is_file()) {
                    Self::Open(path)
                } else {
                    Self::File(path)
                });
            };
            let parent = parent(&path);
            if statfs(parent)?.f_type == PROC_SUPER_MAGIC {
                // A link of `/proc`, such as `/proc/self/fd/1`: it leads to the open file. The text of the link is only a
                // description.
                return Ok(if is_stdout(&path) {
                    Self::Stdout
                } else {
                    Self::Open(path)
                });
            }
            path = parent.join(next);
        }
        Err(Errno::LOOP.into())
    }
}

/// Returns true if a path leads to standard output.
fn is_stdout(path: &Path) -> bool {
    let (Ok(target), Ok(stdout)) = (fs::metadata(path), fstat(stdio::stdout())) else {
        return false;
    };
    (target.dev(), target.ino()) == (stdout.st_dev, stdout.st_ino)
}

/// Appends to the file that is there, so that the output of other processes in it is kept.
fn append(target: &Path, bytes: &[u8]) -> io::Result<()> {
    File::options().append(true).open(target)?.write_all(bytes)
}

/// Creates the file, or replaces it if it exists.
fn replace(target: &Path, bytes: &[u8]) -> io::Result<()> {
    let removed = |temporary: &Path| _ = fs::remove_file(temporary);
    let temporary = match write_unnamed(target, bytes)? {
        Some(temporary) => temporary,
        None => {
            let (temporary, file) = beside(target, |path| File::create_new(path))?;
            write(&file, bytes).inspect_err(|_| removed(&temporary))?;
            temporary
        }
    };
    fs::rename(&temporary, target).inspect_err(|_| removed(&temporary))
}

/// Writes a file without a name, and gives it a name in the directory of `target` when it is complete. A process that is killed
/// before leaves no file behind. Returns `None` if the file system has no files without names, or if the file cannot be named
/// afterwards.
fn write_unnamed(target: &Path, bytes: &[u8]) -> io::Result<Option<PathBuf>> {
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let all = Mode::from_raw_mode(0o666);
    let Ok(file) = rustix::fs::open(parent(target), flags, all) else {
        return Ok(None);
    };
    let file = File::from(file);
    write(&file, bytes)?;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let named = beside(target, |name| {
        Ok(linkat(CWD, &path, CWD, name, AtFlags::SYMLINK_FOLLOW)?)
    });
    Ok(named.ok().map(|(temporary, ())| temporary))
}

/// Writes the whole file and syncs it to disk.
fn write(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()
}

/// Calls `make` with a new name in the directory of `target`.
fn beside<R>(target: &Path, make: impl Fn(&Path) -> io::Result<R>) -> io::Result<(PathBuf, R)> {
    let name = target.file_name().ok_or(ErrorKind::IsADirectory)?;
    for attempt in 0_u32.. {
        let mut temporary = OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{}-{attempt}", std::process::id()));
        let temporary = target.with_file_name(temporary);
        match make(&temporary) {
            // A killed process with the same process id has left this file.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            result => return result.map(|made| (temporary, made)),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

/// Returns the directory that contains a path.
fn parent(path: &Path) -> &Path {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}
