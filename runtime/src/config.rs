//! Settings of an engine.

use std::num::NonZeroUsize;

use wrun_artifact::config::{self as artifact_config, CpuFeatures, MemoryMode};
use wrun_artifact::header;

use crate::sys::deadline::Deadline;

/// The guest's stack unless told otherwise, in bytes.
const STACK_SIZE: usize = 8 << 20;

/// The settings of an [`crate::Engine`]. The stack's size, the number of threads, the deadline,
/// `perf` and `collect_always` do not change the artifacts that it makes; all others do.
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
    /// The settings of a run without options: for this machine's CPU, guarded memories, 8 MiB of stack, a thread per core for
    /// compiling and, with the feature `backtrace`, an address map. Without that feature nothing reads address maps, so that
    /// artifacts have none ([`Config::like_artifact`] lets an engine load one that has).
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

    /// Lets artifacts say which instruction each address comes from, or not. Without, backtraces have no offsets and no lines.
    pub fn address_map(&mut self, on: bool) -> &mut Self {
        self.artifact.address_map = on;
        self
    }

    /// Takes over the settings with which an artifact was made, from its first 4096 bytes, so that an engine with these
    /// settings loads it. Nothing changes when they are not those of an artifact: loading it will say what it is.
    pub fn like_artifact(&mut self, beginning: &[u8]) -> &mut Self {
        if let Some(settings) = header::settings_of(beginning) {
            self.artifact = settings;
        }
        self
    }

    /// How accesses to memories are kept in bounds.
    pub fn memory_mode(&mut self, mode: MemoryMode) -> &mut Self {
        self.artifact.memory = mode;
        self
    }

    /// The CPU features that compiled code may use: at least [`CpuFeatures::X86_64_V2`].
    pub fn cpu(&mut self, cpu: CpuFeatures) -> &mut Self {
        self.artifact.cpu = cpu;
        self
    }

    /// Lets the code generator remove and reorder loads and stores, or not. Only for finding its bugs.
    pub fn alias_analysis(&mut self, on: bool) -> &mut Self {
        self.artifact.alias_analysis = on;
        self
    }

    /// Gives results for which the specification leaves a choice the meaning of its deterministic profile: relaxed vector
    /// instructions have the results of their counterparts in fixed-width SIMD, and every NaN that arithmetic makes is the positive
    /// one with an empty payload. Results are then the same on every CPU. Off unless asked for, and then what is fastest is done,
    /// which is the same in all runs on one machine.
    pub fn deterministic(&mut self, on: bool) -> &mut Self {
        self.artifact.deterministic = on;
        self
    }

    /// Bytes of padding between functions, for tests of far calls.
    pub fn padding(&mut self, bytes: u32) -> &mut Self {
        self.artifact.padding = bytes;
        self
    }

    /// The number of threads that compile. Does not change the artifact. 0 means one per core.
    pub fn threads(&mut self, threads: usize) -> &mut Self {
        self.threads = NonZeroUsize::new(threads);
        self
    }

    /// Gives up compiling, and waiting for another process that compiles, when this deadline passes:
    /// `CompileError::Interrupted`. Guests have a deadline of their own ([`crate::Store::set_deadline`]). Does not change the
    /// artifact.
    pub fn deadline(&mut self, deadline: &Deadline) -> &mut Self {
        self.deadline = Some(deadline.clone());
        self
    }

    /// Describes the code of modules to perf, in `/tmp/perf-PID.map` and `/tmp/jit-PID.dump`. Their code is copied into memory for
    /// that. Does not change the artifact.
    pub fn perf(&mut self, on: bool) -> &mut Self {
        self.perf = on;
        self
    }

    /// The size of the guest's stack in bytes: reserved, not committed. Host functions have a part of their own beside it.
    pub fn stack_size(&mut self, bytes: usize) -> &mut Self {
        self.stack_size = bytes;
        self
    }

    /// Drops the host objects that guests cannot reach at each call of a host function, at each table instruction that calls the
    /// runtime, and before each object that the guest gets, rather than now and then. For tests: slow, but a reference that is
    /// overlooked shows at once. Does not change the artifact.
    pub fn collect_always(&mut self, on: bool) -> &mut Self {
        self.collect_always = on;
        self
    }
}
