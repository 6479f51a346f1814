//! What the options about compiled code mean: words in, settings of an engine out.

use wrun_runtime::{Config, CpuFeatures, MemoryMode};

use crate::exit::Status;
use crate::flags::{CodeFlags, Cpu};
use crate::report::Failure;

/// The settings of compiled code that the user can choose.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Code {
    /// What to compile for, if it was said.
    pub(crate) cpu: Option<CpuFeatures>,
    /// Whether the artifact says where in the wasm file an address comes from.
    pub(crate) address_map: bool,
}

impl Code {
    /// What the words mean on this machine.
    pub(crate) fn new(flags: &CodeFlags) -> Result<Self, Failure> {
        let cpu = match flags.cpu {
            None => None,
            Some(cpu) => Some(
                features(cpu, CpuFeatures::detect())
                    .map_err(|reason| Failure::new(Status::Failure, &format!("--cpu: {reason}")))?,
            ),
        };
        Ok(Self {
            cpu,
            address_map: !flags.no_address_map,
        })
    }

    /// The settings of an engine for this code.
    pub(crate) fn config(&self, memory: MemoryMode) -> Config {
        let mut config = Config::new();
        config.memory_mode(memory).address_map(self.address_map);
        if let Some(cpu) = self.cpu {
            config.cpu(cpu);
        }
        config
    }

    /// Whether the user has chosen any of them.
    pub(crate) fn is_chosen(&self) -> bool {
        self.cpu.is_some() || !self.address_map
    }
}

/// The features of a level, if this machine has them: what is compiled is run here too.
fn features(cpu: Cpu, host: CpuFeatures) -> Result<CpuFeatures, String> {
    let (level, name, instead) = match cpu {
        Cpu::Native => return Ok(host),
        Cpu::V2 => (CpuFeatures::X86_64_V2, "x86-64-v2", ""),
        Cpu::V3 => (CpuFeatures::X86_64_V3, "x86-64-v3", ": choose `native` or `x86-64-v2`"),
    };
    let missing = level.without(host);
    if missing == CpuFeatures::NONE {
        Ok(level)
    } else {
        Err(format!("this machine is not `{name}`, it lacks {missing}{instead}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_that_the_machine_lacks_is_refused_with_what_is_missing() {
        let (v2, v3) = (CpuFeatures::X86_64_V2, CpuFeatures::X86_64_V3);
        for (cpu, host, expected) in [
            (Cpu::Native, v2, Ok(v2)),
            (Cpu::Native, v3, Ok(v3)),
            (Cpu::V2, v3, Ok(v2)),
            (Cpu::V3, v3, Ok(v3)),
            (Cpu::V3, v3.without(CpuFeatures::FMA), Err("it lacks fma: choose")),
            (Cpu::V3, v2, Err("avx2")),
            (Cpu::V2, CpuFeatures::NONE, Err("sse4.2")),
        ] {
            match (features(cpu, host), expected) {
                (Ok(found), expected) => assert_eq!(Ok(found), expected, "{cpu:?} on {host}"),
                (Err(text), Err(part)) => assert!(text.contains(part), "{text}"),
                (Err(text), Ok(_)) => panic!("{cpu:?} on {host}: {text}"),
            }
        }
    }
}
