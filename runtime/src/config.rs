//! Settings of an engine.
//!
//! Input: an embedder's choices. Output: the settings of the artifact and of runs. Must not hold: the effects of the settings.

use std::num::NonZeroUsize;

use wrun_artifact::config::{self as artifact_config, CpuFeatures, MemoryMode};
use wrun_artifact::header;

use crate::sys::deadline::Deadline;

/// Default size of the guest's stack in bytes.
const STACK_SIZE: usize = 8 << 20;

/// The settings of an [`crate::Engine`]. The stack size, the number of threads, the deadline, `perf` and `collect_always` do not
/// change the artifacts. All others do.
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) artifact: artifact_config::Config,
    pub(crate) stack_size: usize,
    pub(crate) threads: Option<NonZeroUsize>,
    pub(crate) deadline: Option<Deadline>,
    pub(crate) collect_always: bool,
    pub(crate) perf: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

impl Config {
    /// Makes the settings of a run without options: code for this machine's CPU, guarded memories, 8 MiB of stack, one thread per
    /// core for compiling and, with the feature `backtrace`, an address map. Without this feature nothing reads address maps, so
    /// artifacts have none. [`Config::like_artifact`] lets such an engine load an artifact that has one.
    pub fn new() -> Self {
        Self {
            artifact: artifact_config::Config {
                address_map: cfg!(feature = "backtrace"),
                ..artifact_config::Config::native()
            },
            stack_size: STACK_SIZE,
            threads: None,
            deadline: None,
            collect_always: false,
            perf: false,
        }
    }

    /// Sets if artifacts have an address map: the offset in the wasm file of each instruction. Without it, backtraces have no
    /// offsets and no source lines.
    pub fn address_map(&mut self, on: bool) -> &mut Self {
        self.artifact.address_map = on;
        self
    }

    /// Takes the settings of an artifact from its first 4096 bytes, so that an engine with these settings can load it. Changes
    /// nothing if the bytes are not the beginning of an artifact. Loading then reports the cause.
    pub fn like_artifact(&mut self, beginning: &[u8]) -> &mut Self {
        if let Some(settings) = header::settings_of(beginning) {
            self.artifact = settings;
        }
        self
    }

    /// Sets how memory accesses are kept in bounds.
    pub fn memory_mode(&mut self, mode: MemoryMode) -> &mut Self {
        self.artifact.memory = mode;
        self
    }

    /// Sets the CPU features that compiled code may use. [`CpuFeatures::X86_64_V2`] is the smallest set.
    pub fn cpu(&mut self, cpu: CpuFeatures) -> &mut Self {
        self.artifact.cpu = cpu;
        self
    }

    /// Sets if the code generator may remove and reorder loads and stores. Turn this off only to find bugs of the code generator.
    pub fn alias_analysis(&mut self, on: bool) -> &mut Self {
        self.artifact.alias_analysis = on;
        self
    }

    /// Makes results that the specification leaves open the same on every CPU, as in the deterministic profile of the
    /// specification: a relaxed vector instruction has the result of its counterpart in fixed-width SIMD, and every NaN from
    /// arithmetic is the positive one with an empty payload. This is off by default. Code then takes the fastest way, which is
    /// the same in all runs on one machine.
    pub fn deterministic(&mut self, on: bool) -> &mut Self {
        self.artifact.deterministic = on;
        self
    }

    /// Sets the number of bytes of padding between functions, for tests of far calls.
    pub fn padding(&mut self, bytes: u32) -> &mut Self {
        self.artifact.padding = bytes;
        self
    }

    /// Sets the number of threads that compile. 0 means one per core. Does not change the artifact.
    pub fn threads(&mut self, threads: usize) -> &mut Self {
        self.threads = NonZeroUsize::new(threads);
        self
    }

    /// Sets a deadline for compiling, and for waiting for another process that compiles: `CompileError::Interrupted` ends both.
    /// Guests have their own deadline ([`crate::Store::set_deadline`]). Does not change the artifact.
    pub fn deadline(&mut self, deadline: &Deadline) -> &mut Self {
        self.deadline = Some(deadline.clone());
        self
    }

    /// Describes the code of modules to perf, in `/tmp/perf-PID.map` and `/tmp/jit-PID.dump`. The code is copied into memory for
    /// this. Does not change the artifact.
    pub fn perf(&mut self, on: bool) -> &mut Self {
        self.perf = on;
        self
    }

    /// Sets the size of the guest's stack in bytes. The stack is reserved but not committed. Host functions get an extra part of
    /// the stack.
    pub fn stack_size(&mut self, bytes: usize) -> &mut Self {
        self.stack_size = bytes;
        self
    }

    /// Collects host objects at every opportunity instead of rarely: at each call of a host function, at each table instruction
    /// that calls the runtime, and before each object that the guest gets. This is slow and serves tests, because a missing
    /// reference shows at once. Does not change the artifact.
    pub fn collect_always(&mut self, on: bool) -> &mut Self {
        self.collect_always = on;
        self
    }
}
