//! Backtraces for people: functions of the wasm module, with names, offsets and, where the module has DWARF, source lines.

use std::fmt;

use super::{CodeMap, RawTrace};

/// The functions that were active, innermost first. In deep recursion frames in the middle are left out.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Backtrace {
    frames: Vec<Frame>,
    head: usize,
    omitted: usize,
}

/// One active function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    func_index: u32,
    name: Option<String>,
    offset: Option<u32>,
    location: Option<Location>,
}

/// A place in a source file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Location {
    /// The file, as the compiler recorded it.
    pub file: String,
    /// The line, from 1.
    pub line: Option<u32>,
}

impl Frame {
    /// The function, in the function index space.
    pub fn func_index(&self) -> u32 {
        self.func_index
    }

    /// Function and instruction, without names.
    pub(super) fn place(&self) -> String {
        let nameless = Self {
            name: None,
            location: None,
            ..self.clone()
        };
        nameless.to_string()
    }

    /// Its name, demangled, where the module gives one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The instruction, in bytes from the beginning of the wasm file. Absent without address map.
    pub fn offset(&self) -> Option<u32> {
        self.offset
    }

    /// The instruction's place in the source, where the module has DWARF.
    pub fn location(&self) -> Option<&Location> {
        self.location.as_ref()
    }
}

impl Backtrace {
    pub(super) const EMPTY: &Self = &Self {
        frames: Vec::new(),
        head: 0,
        omitted: 0,
    };

    pub(super) fn new(trace: &RawTrace, code: Option<&CodeMap>) -> Self {
        let (addresses, head, omitted) = trace.addresses();
        let Some(code) = code else {
            return Self::default();
        };
        let mut frames = Vec::with_capacity(addresses.len());
        let mut kept_head = 0;
        for (index, address) in addresses.into_iter().enumerate() {
            if let Some(frame) = frame(code, address) {
                frames.push(frame);
                kept_head += usize::from(index < head);
            }
        }
        demangle(&mut frames);
        Self {
            frames,
            head: kept_head,
            omitted,
        }
    }

    /// The frames that were kept.
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// How many frames were left out in the middle.
    pub fn omitted(&self) -> usize {
        self.omitted
    }

    /// One line per frame, `   0: name @ 0x1234 (file.c:12)`, and one for the frames that were left out. `text` is asked what to
    /// write for each text that comes from the module: names and files.
    pub fn lines(&self, text: impl Fn(&str) -> String) -> String {
        let mut lines = Vec::with_capacity(self.frames.len() + 1);
        for (index, frame) in self.frames.iter().enumerate() {
            if index == self.head && self.omitted > 0 {
                lines.push(format!("      ... {} more frames ...", self.omitted));
            }
            let number = index + if index < self.head { 0 } else { self.omitted };
            lines.push(format!("{number:>4}: {}", frame.line(&text)));
        }
        lines.join("\n")
    }
}

fn frame(code: &CodeMap, address: usize) -> Option<Frame> {
    let (range, text_offset) = code.find(address)?;
    let artifact = range.image.artifact();
    let func_index = artifact.info().func_at(text_offset)? + artifact.info().counts().imported_funcs;
    let offset = artifact.address_map().and_then(|map| map.lookup(text_offset));
    Some(Frame {
        func_index,
        name: artifact.func_name(func_index).map(str::to_owned),
        offset,
        location: offset.and_then(|offset| location(artifact, offset)),
    })
}

/// Names as they were written in place of symbols.
#[cfg(feature = "backtrace")]
fn demangle(frames: &mut [Frame]) {
    let names = super::demangle::demangle(frames.iter().filter_map(Frame::name));
    for name in frames.iter_mut().filter_map(|frame| frame.name.as_mut()) {
        if let Some(demangled) = names.get(name) {
            name.clone_from(demangled);
        }
    }
}

#[cfg(not(feature = "backtrace"))]
fn demangle(_frames: &mut [Frame]) {}

#[cfg(feature = "backtrace")]
use super::source::location;

#[cfg(not(feature = "backtrace"))]
fn location(_artifact: &wrun_artifact::elf::Artifact<'_>, _offset: u32) -> Option<Location> {
    None
}

impl Frame {
    fn line(&self, text: impl Fn(&str) -> String) -> String {
        let mut line = match &self.name {
            Some(name) => text(name),
            None => format!("function {}", self.func_index),
        };
        if let Some(offset) = self.offset {
            line += &format!(" @ {offset:#x}");
        }
        if let Some(Location { file, line: number }) = &self.location {
            let number = number.map_or_else(String::new, |number| format!(":{number}"));
            line += &format!(" ({}{number})", text(file));
        }
        line
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line(str::to_owned))
    }
}

impl fmt::Display for Backtrace {
    /// As [`Backtrace::lines`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines(str::to_owned))
    }
}
