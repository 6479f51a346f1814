//! The options for compiled code. Input: flags. Output: settings of an engine.

use wrun_runtime::{Config, CpuFeatures, MemoryMode};

use crate::exit::Status;
use crate::flags::{CodegenFlags, Cpu};
use crate::report::Failure;

/// The settings of compiled code that the user can choose.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct CodegenOptions {
    /// The CPU to compile for, if the user chose one.
    cpu: Option<Cpu>,
    /// True if the artifact has an address map: a table from machine addresses to wasm offsets.
    pub(crate) address_map: bool,
    /// True if results are the same on every CPU.
    deterministic: bool,
}

impl CodegenOptions {
    /// Checks the flags.
    pub(crate) fn new(flags: &CodegenFlags) -> Self {
        Self {
            cpu: flags.cpu,
            address_map: !flags.no_address_map,
            deterministic: flags.deterministic,
        }
    }

    /// Refuses code that this machine cannot run. Commands that only compile do not call this.
    pub(crate) fn check_machine(&self) -> Result<(), Failure> {
        let cpu = self.cpu.unwrap_or(Cpu::Native);
        check(cpu, CpuFeatures::detect()).map_err(|reason| Failure::new(Status::Failure, &format!("--cpu: {reason}")))
    }

    /// Returns the settings of an engine for this code.
    pub(crate) fn config(&self, memory: MemoryMode) -> Config {
        let mut config = Config::new();
        config
            .memory_mode(memory)
            .address_map(self.address_map)
            .deterministic(self.deterministic);
        if let Some((level, _)) = self.cpu.and_then(level) {
            config.cpu(level);
        }
        config
    }

    /// Returns true if the user has chosen any of these settings.
    pub(crate) fn is_chosen(&self) -> bool {
        self.cpu.is_some() || !self.address_map || self.deterministic
    }
}

/// Returns the features and the name of a level. `None` stands for the features of this machine.
fn level(cpu: Cpu) -> Option<(CpuFeatures, &'static str)> {
    match cpu {
        Cpu::Native => None,
        Cpu::V2 => Some((CpuFeatures::X86_64_V2, "x86-64-v2")),
        Cpu::V3 => Some((CpuFeatures::X86_64_V3, "x86-64-v3")),
    }
}

/// Checks that a machine with the features `host` can run code for `cpu`. The error is the message.
fn check(cpu: Cpu, host: CpuFeatures) -> Result<(), String> {
    let Some((features, name)) = level(cpu) else {
        return Ok(());
    };
    let missing = features.without(host);
    if missing == CpuFeatures::NONE {
        return Ok(());
    }
    let instead = match cpu {
        Cpu::V3 => ": choose `native` or `x86-64-v2`; `wrun compile` makes code for other machines",
        _ => "",
    };
    Err(format!("this machine is not `{name}`, it lacks {missing}{instead}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_that_the_machine_lacks_is_not_run_and_what_is_missing_is_said() {
        let (v2, v3) = (CpuFeatures::X86_64_V2, CpuFeatures::X86_64_V3);
        for (cpu, host, missing) in [
            (Cpu::Native, v2, None),
            (Cpu::Native, CpuFeatures::NONE, None),
            (Cpu::V2, v3, None),
            (Cpu::V3, v3, None),
            (Cpu::V3, v3.without(CpuFeatures::FMA), Some("it lacks fma: choose")),
            (Cpu::V3, v2, Some("avx2")),
            (Cpu::V2, CpuFeatures::NONE, Some("sse4.2")),
        ] {
            let error = check(cpu, host).err();
            assert_eq!(error.is_some(), missing.is_some(), "{cpu:?} on {host}: {error:?}");
            let text = error.unwrap_or_default();
            assert!(text.contains(missing.unwrap_or_default()), "{cpu:?} on {host}: {text}");
        }
    }
}
