//! `wrun compile FILE -o OUT`: a module in, a file of native code out, which may be for a machine that can do more than this one.
//!
//! The file appears as a whole or not at all: it is written under another name in the same directory, and renamed.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use wrun_runtime::{Engine, MemoryMode};

use crate::exit::Status;
use crate::flags::CompileLine;
use crate::module::Input;
use crate::options::{Options, Source};
use crate::report::{self, Failure, Reporter};

/// Compiles a module to a file.
pub(crate) fn compile(line: CompileLine) -> Result<Status, Failure> {
    let CompileLine { code, output, file } = line;
    if output.is_empty() {
        return Err(Failure::usage("--output: the path of the file to write is missing"));
    }
    let options = super::options(file, code, super::without_cache())?;
    let report = Reporter::new(&options);
    let target = PathBuf::from(&output);
    if is_input(&options, &target) {
        return Err(Failure::usage(&format!(
            "--output: `{}` is the module itself: choose another name",
            target.display()
        )));
    }
    let input = Input::open(&options, None)?;
    // What cannot be compiled is known before anything is compiled.
    input.wasm()?;
    let engine = Engine::new(&options.config(MemoryMode::Guarded)).map_err(|error| report.failure(&error))?;
    let artifact = input
        .compile_only(&engine)
        .map_err(|refusal| refusal.failure(&report))?;
    if output == "-" {
        return report::to_stdout(&artifact);
    }
    write(&target, &artifact).map_err(|error| {
        Failure::new(
            Status::Failure,
            &format!("cannot write `{}`: {error}", target.display()),
        )
    })?;
    Ok(Status::Success)
}

/// Whether the file to write is the one to read.
fn is_input(options: &Options, target: &Path) -> bool {
    let Source::File(path) = &options.module else {
        return false;
    };
    let (Ok(input), Ok(target)) = (fs::metadata(path), fs::metadata(target)) else {
        return false;
    };
    (input.dev(), input.ino()) == (target.dev(), target.ino())
}

fn write(target: &Path, bytes: &[u8]) -> io::Result<()> {
    // A device or a pipe is written to, not replaced.
    if fs::metadata(target).is_ok_and(|metadata| !metadata.is_file()) {
        return File::options().write(true).open(target)?.write_all(bytes);
    }
    let (temporary, mut file) = beside(target)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.and_then(|()| fs::rename(&temporary, target)).inspect_err(|_| {
        let _ = fs::remove_file(&temporary);
    })
}

/// A new file in the directory of `target`.
fn beside(target: &Path) -> io::Result<(PathBuf, File)> {
    let name = target.file_name().ok_or(ErrorKind::IsADirectory)?;
    for attempt in 0_u32.. {
        let mut temporary = OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{}-{attempt}", std::process::id()));
        let temporary = target.with_file_name(temporary);
        match File::create_new(&temporary) {
            // Left over by a process that was killed, and had the number that this one has now.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            result => return Ok((temporary, result?)),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}
