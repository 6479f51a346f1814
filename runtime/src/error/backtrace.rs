//! Backtraces for people.
//!
//! Input: frames of the guest. Output: lines with the names, offsets and, if the module has DWARF, source lines of functions.
//! Must not hold: how frames are found (`trap`).

use std::fmt;

/// The active functions, innermost first. In deep recursion, frames in the middle are left out.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Backtrace {
    frames: Vec<Frame>,
    head: usize,
    omitted: usize,
}

/// An active function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    pub(crate) func_index: u32,
    pub(crate) name: Option<String>,
    pub(crate) offset: Option<u32>,
    pub(crate) location: Option<Location>,
}

/// A place in a source file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Location {
    /// Path of the file, as the compiler recorded it.
    pub file: String,
    /// Number of the line, from 1.
    pub line: Option<u32>,
}

impl Frame {
    /// Returns the function's number in the function index space.
    pub fn func_index(&self) -> u32 {
        self.func_index
    }

    /// Returns the function and the instruction in words, without names.
    pub(crate) fn place(&self) -> String {
        let nameless = Self {
            name: None,
            location: None,
            ..self.clone()
        };
        nameless.to_string()
    }

    /// Returns the function's name, demangled, if the module has one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Returns the instruction's offset in bytes from the beginning of the wasm file, if there is an address map.
    pub fn offset(&self) -> Option<u32> {
        self.offset
    }

    /// Returns the instruction's place in the source, if the module has DWARF.
    pub fn location(&self) -> Option<&Location> {
        self.location.as_ref()
    }
}

impl Backtrace {
    pub(crate) const EMPTY: &Self = &Self {
        frames: Vec::new(),
        head: 0,
        omitted: 0,
    };

    /// Makes a backtrace of these frames, innermost first. `omitted` frames are left out after the first `head`.
    #[cfg(feature = "backtrace")]
    pub(crate) fn new(frames: Vec<Frame>, head: usize, omitted: usize) -> Self {
        Self { frames, head, omitted }
    }

    /// Returns the frames that were kept.
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// Returns the number of frames that were left out in the middle.
    pub fn omitted(&self) -> usize {
        self.omitted
    }

    /// Returns a copy with the `innermost` and the `outermost` frames only. The others count as omitted.
    #[must_use]
    pub fn shortened(&self, innermost: usize, outermost: usize) -> Self {
        let head = innermost.min(self.head);
        let tail = outermost.min(self.frames.len() - head);
        let kept = head + tail;
        if kept >= self.frames.len() {
            return self.clone();
        }
        let frames = [&self.frames[..head], &self.frames[self.frames.len() - tail..]].concat();
        Self {
            omitted: self.omitted + self.frames.len() - kept,
            frames,
            head,
        }
    }

    /// Returns one line per frame, `   0: name @ 0x1234 (file.c:12)`, and one line for the frames that were left out. `text`
    /// converts each text that comes from the module: names and files.
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
    /// Writes the lines of [`Backtrace::lines`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines(str::to_owned))
    }
}
