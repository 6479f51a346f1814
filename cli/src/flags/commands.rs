//! The arguments of `wrun compile`, `wrun cache` and `wrun inspect`, and the options that they share with a run.
//!
//! As everywhere in `flags`, values are kept as typed. `options` checks them.

use std::ffi::OsString;

use clap::ValueHint;

/// The options that change the compiled code of a module, and therefore its key in the cache.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct CodegenFlags {
    /// The CPU to compile for: this machine's (native, the default), or a level that different machines have in common, so
    /// that they can share a cache (x86-64-v2, x86-64-v3)
    #[arg(long, value_name = "CPU", value_enum, hide_possible_values = true)]
    pub(crate) cpu: Option<Cpu>,

    /// Leave out the table of wasm offsets: the compiled module is smaller, but backtraces have no offsets and no source lines
    #[arg(long)]
    pub(crate) no_address_map: bool,

    /// Give results that differ between CPUs the same value on every CPU, which is slower: relaxed vector instructions behave as
    /// in WebAssembly's deterministic profile, and NaNs from arithmetic have one form
    #[arg(long)]
    pub(crate) deterministic: bool,
}

/// The CPU to compile for.
#[derive(clap::ValueEnum, Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum Cpu {
    /// This machine.
    Native,
    /// CPUs since about 2009.
    #[value(name = "x86-64-v2")]
    V2,
    /// CPUs since about 2013.
    #[value(name = "x86-64-v3")]
    V3,
}

/// The options about the cache.
#[derive(clap::Args, Debug, Default)]
#[command(next_help_heading = "Cache")]
pub(crate) struct CacheFlags {
    /// The cache's directory [default: WRUN_CACHE_DIR, else $XDG_CACHE_HOME/wrun, else ~/.cache/wrun]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, allow_hyphen_values = true)]
    pub(crate) cache_dir: Option<OsString>,

    /// Neither use nor fill the cache
    #[arg(long)]
    pub(crate) no_cache: bool,

    /// Use and fill the cache (read-write, the default), only use it (read-only), or run only modules that it has (require;
    /// status 126 otherwise)
    #[arg(long, value_name = "MODE", value_enum, hide_possible_values = true)]
    pub(crate) cache_mode: Option<Mode>,

    /// The limit of the cache: above it, the least recently used modules are removed [default: 2GiB]
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    pub(crate) cache_size: Option<OsString>,
}

/// The permitted use of the cache.
#[derive(clap::ValueEnum, Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// Artifacts are used and added.
    ReadWrite,
    /// Artifacts are used.
    ReadOnly,
    /// A module without an artifact is not run.
    Require,
}

/// `wrun compile`.
#[derive(clap::Args, Debug)]
pub(crate) struct CompileLine {
    #[command(flatten)]
    pub(crate) codegen: CodegenFlags,

    /// The file to write the compiled module to; `-` is stdout
    #[arg(short, long, value_name = "OUT", value_hint = ValueHint::FilePath)]
    pub(crate) output: OsString,

    /// Print what was written as JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// The module: wasm or its text format, `-` is stdin
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: OsString,
}

/// `wrun inspect`.
#[derive(clap::Args, Debug)]
pub(crate) struct InspectLine {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) codegen: CodegenFlags,

    #[command(flatten)]
    pub(crate) cache: CacheFlags,

    /// A compiled module, a wasm file or its text format; components and modules that wrun refuses are listed too
    #[arg(value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub(crate) file: OsString,
}

/// `wrun cache`.
#[derive(clap::Args, Debug)]
pub(crate) struct CacheLine {
    #[command(subcommand)]
    pub(crate) action: CacheAction,

    /// The cache's directory [default: WRUN_CACHE_DIR, else $XDG_CACHE_HOME/wrun, else ~/.cache/wrun]
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath, allow_hyphen_values = true)]
    pub(crate) cache_dir: Option<OsString>,

    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// The commands about the cache.
#[derive(clap::Subcommand, Debug)]
pub(crate) enum CacheAction {
    /// Print the directory
    Path,
    /// List the compiled modules: size, last use, key; the least recently used first
    Ls,
    /// Print the number and size of the compiled modules and of the files beside them
    Stats {
        #[command(flatten)]
        limit: LimitFlag,
    },
    /// Print the key of a module, for the given --cpu, --no-address-map and --deterministic
    Key {
        #[command(flatten)]
        codegen: CodegenFlags,

        /// The module: wasm or its text format, `-` is stdin
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: OsString,
    },
    /// Verify all checksums; status 125 if a compiled module is damaged or cannot be read
    Verify,
    /// Remove the least recently used modules until the cache is within the limit, and the remains of killed processes;
    /// status 125 if something cannot be removed
    Prune {
        #[command(flatten)]
        limit: LimitFlag,
    },
    /// Remove all files of wrun from the cache; status 125 if something cannot be removed
    Clear,
}

/// The limit of the cache's size.
#[derive(clap::Args, Debug)]
pub(crate) struct LimitFlag {
    /// The limit of the cache [default: 2GiB]
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    pub(crate) cache_size: Option<OsString>,
}
