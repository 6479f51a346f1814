//! Tells perf about loaded code.
//!
//! Input: an image. Output: the image to run instead, and two files in `/tmp`. Must not hold: gdb (`load`).
//!
//! ```text
//! /tmp/perf-PID.map   a line for each function: address, length, name. `perf report` reads it for code that is in no file
//! /tmp/jit-PID.dump   jitdump: names, code, and source lines where the module has DWARF. `perf inject --jit` reads it
//! ```
//!
//! perf would take the names from the mapped file, so the code is copied into memory without a file. perf recognises the jitdump
//! by an executable mapping of it. The kernel's `tools/perf/Documentation` describes both formats.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::ops::Range;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use wrun_artifact::elf::Artifact;

use crate::error::Error;
use crate::load::Image;
use crate::sys::clock::monotonic_nanoseconds;
use crate::sys::process::thread_id;
use crate::trap::SourceLines;
use crate::vm::Code;

/// The number at the beginning of a jitdump: "JiTD".
const MAGIC: u32 = 0x4a69_5444;

/// Version of the format.
const VERSION: u32 = 1;

/// Size of the file's header in bytes.
const HEADER: u32 = 40;

/// Machine number of x86-64 in ELF.
const X86_64: u32 = 62;

/// Record with a function's code, name and place.
const CODE_LOAD: u32 = 0;

/// Record with source lines of the next function.
const DEBUG_INFO: u32 = 2;

/// Size in bytes of the common beginning of each record.
const PREFIX: usize = 16;

/// The files of this process, shared by all of its modules.
static FILES: Mutex<Option<Files>> = Mutex::new(None);

struct Files {
    map: File,
    dump: File,
    /// Number of functions that were written.
    functions: u64,
}

/// Copies an image out of its file and describes the copy to perf.
pub(crate) fn show_to_perf(image: &Image) -> Result<Image, Error> {
    let image = image.copied()?;
    let mut files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
    let files = match &mut *files {
        Some(files) => files,
        none => none.insert(Files::new()?),
    };
    let written = files.add(image.artifact(), image.text_addresses().start);
    written.map_err(|error| Error::resource("cannot write the files for perf in /tmp", &error))?;
    Ok(image)
}

impl Files {
    fn new() -> Result<Self, Error> {
        let id = std::process::id();
        let map = create(format!("/tmp/perf-{id}.map").into())?;
        let path = format!("/tmp/jit-{id}.dump");
        let mut dump = create(path.clone().into())?;
        let mut header = Vec::new();
        for word in [MAGIC, VERSION, HEADER, X86_64, 0, id] {
            header.extend(word.to_ne_bytes());
        }
        header.extend(monotonic_nanoseconds().to_ne_bytes());
        header.extend(0_u64.to_ne_bytes());
        let marked = dump.write_all(&header).and_then(|()| mark(&dump));
        marked.map_err(|error| Error::resource(&format!("cannot map {path} as code, which perf looks for"), &error))?;
        Ok(Self {
            map,
            dump,
            functions: 0,
        })
    }

    /// Describes the functions of an artifact whose text is at `base`.
    fn add(&mut self, artifact: &Artifact<'_>, base: usize) -> io::Result<()> {
        let lines = SourceLines::new(artifact);
        let mut rows = artifact.address_map().map(|map| map.rows().peekable());
        let (mut map, mut dump) = (String::new(), Vec::new());
        for (range, name) in artifact.symbols() {
            let name: String = name.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
            let start = (base + range.start) as u64;
            map += &format!("{start:x} {:x} {name}\n", range.len());

            let mut places = Vec::new();
            while let Some((offset, wasm)) = rows
                .as_mut()
                .and_then(|rows| rows.next_if(|(at, _)| (*at as usize) < range.end))
            {
                let place = lines.as_ref().and_then(|lines| lines.find(wasm));
                places.extend(place.map(|(file, line)| ((base + offset as usize) as u64, file, line)));
            }
            if !places.is_empty() {
                debug_info(&mut dump, start, &places);
            }
            let code = &artifact.bytes()[in_file(artifact, &range)];
            code_load(&mut dump, self.functions, start, &name, code);
            self.functions += 1;
        }
        self.map.write_all(map.as_bytes())?;
        self.dump.write_all(&dump)
    }
}

/// Returns the place in the file of a range of the text.
fn in_file(artifact: &Artifact<'_>, range: &Range<usize>) -> Range<usize> {
    let text = artifact.text().start;
    text + range.start..text + range.end
}

/// Appends a record of this kind with the contents that `write` appends.
fn record(dump: &mut Vec<u8>, kind: u32, write: impl FnOnce(&mut Vec<u8>)) {
    let start = dump.len();
    dump.extend(kind.to_ne_bytes());
    dump.extend(0_u32.to_ne_bytes());
    dump.extend(monotonic_nanoseconds().to_ne_bytes());
    debug_assert_eq!(dump.len() - start, PREFIX, "the beginning of a record");
    write(dump);
    // No function is 2 GiB long.
    let size = u32::try_from(dump.len() - start).unwrap_or(u32::MAX);
    dump[start + 4..start + 8].copy_from_slice(&size.to_ne_bytes());
}

fn code_load(dump: &mut Vec<u8>, index: u64, start: u64, name: &str, code: &[u8]) {
    record(dump, CODE_LOAD, |dump| {
        dump.extend(std::process::id().to_ne_bytes());
        dump.extend(thread_id().to_ne_bytes());
        for word in [start, start, code.len() as u64, index] {
            dump.extend(word.to_ne_bytes());
        }
        dump.extend(name.as_bytes());
        dump.push(0);
        dump.extend(code);
    });
}

fn debug_info(dump: &mut Vec<u8>, start: u64, places: &[(u64, &str, u32)]) {
    record(dump, DEBUG_INFO, |dump| {
        dump.extend(start.to_ne_bytes());
        dump.extend((places.len() as u64).to_ne_bytes());
        for (address, file, line) in places {
            dump.extend(address.to_ne_bytes());
            dump.extend(line.to_ne_bytes());
            dump.extend(0_u32.to_ne_bytes());
            dump.extend(file.bytes().filter(|byte| *byte != 0));
            dump.push(0);
        }
    });
}

/// Creates a file for this process. Replaces a file of the same name, which another process has left behind.
fn create(path: PathBuf) -> Result<File, Error> {
    let made = remove(&path).and_then(|()| {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600).open(&path)
    });
    made.map_err(|error| Error::resource(&format!("cannot write {} for perf", path.display()), &error))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Maps the jitdump as code until the process ends, so that perf notices it.
fn mark(dump: &File) -> io::Result<()> {
    crate::load::map_as_code(dump.as_fd(), HEADER as usize)
}
