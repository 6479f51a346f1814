//! Describes artifacts for people and tools.
//!
//! Input: the bytes of an artifact, also of another build with the same format. Output: a description of its contents, or the
//! result of comparing its checksums. Must not hold: anything that runs code.

use std::io::{self, Read};

use wrun_artifact::config::{CpuFeatures, FORMAT_VERSION, GUARD_SIZE, MemoryMode, RESERVATION};
use wrun_artifact::elf::{Artifact, Expect, Stale};
use wrun_artifact::header::{self, Checksums, Compare, Section, TARGET};

use crate::cache::{Cache, CacheEntry};
use crate::error::describe;

/// The contents of an artifact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inspection {
    /// Id of the build of wrun that made the artifact, in hexadecimal.
    pub build: String,
    /// True if this build made the artifact.
    pub is_this_build: bool,
    /// Version of the artifact's format.
    pub format_version: u32,
    /// Processor and operating system for which the code is compiled.
    pub target: &'static str,
    /// CPU features that the code may use.
    pub cpu: CpuFeatures,
    /// The way in which memory accesses are kept in bounds.
    pub memory: MemoryMode,
    /// Address space that a guarded memory reserves, in bytes, without the guard.
    pub reservation: u64,
    /// Address space behind the reservation that is never accessible, in bytes.
    pub guard: u64,
    /// True if the artifact has an address map: the offset in the wasm file of each instruction.
    pub address_map: bool,
    /// True if the code generator could remove and reorder loads and stores.
    pub alias_analysis: bool,
    /// True if results that the specification leaves open are the same on every CPU.
    pub deterministic: bool,
    /// Bytes of padding between functions.
    pub padding: u32,
    /// Offset of the code section's contents in the wasm file.
    pub code_section: u64,
    /// The checksums in the header.
    pub checksums: Checksums,
    /// The name that the module gives itself.
    pub name: Option<String>,
    /// Functions with a body, by index.
    pub functions: Vec<InspectedFunction>,
    /// Imports: module, name, and type in words.
    pub imports: Vec<(String, String, String)>,
    /// Exports: name, and type in words.
    pub exports: Vec<(String, String)>,
    /// Sections: name, offset and length in bytes.
    pub sections: Vec<(&'static str, u64, u64)>,
    /// The size of the file in bytes.
    pub bytes: u64,
}

/// A function with a body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InspectedFunction {
    /// Number of the function in the function index space.
    pub index: u32,
    /// Name of the function in the module.
    pub name: Option<String>,
    /// Offset of the function's code in the file.
    pub offset: u64,
    /// Size of the function's code in bytes.
    pub bytes: u64,
}

fn any_config(build: [u8; 16]) -> Expect {
    let all = CpuFeatures::KNOWN
        .iter()
        .fold(CpuFeatures::NONE, |all, (one, _)| all.union(*one));
    Expect {
        build,
        config: None,
        cpu: all,
    }
}

/// Returns true if the bytes begin like an artifact of any build and any version of the format. The first 128 bytes are enough.
pub fn is_artifact(bytes: &[u8]) -> bool {
    header::is_artifact(bytes)
}

/// Describes an artifact of any build and for any CPU.
///
/// # Errors
/// Fails if the bytes are no artifact of this format, or if the header or the info section is damaged.
pub fn inspect(artifact: &[u8]) -> Result<Inspection, Stale> {
    // The place of the build id is unknown in another version of the format. The reader of the header refuses such an artifact.
    let build = header::build_of(artifact).unwrap_or_default();
    let artifact = Artifact::read(artifact, &any_config(build), Compare::Head)?;
    let (info, config) = (artifact.info(), artifact.config());
    let words = |ty| describe(&ty);
    Ok(Inspection {
        build: build.iter().map(|byte| format!("{byte:02x}")).collect(),
        is_this_build: build == wrun_artifact::BUILD,
        format_version: FORMAT_VERSION,
        target: TARGET,
        cpu: config.cpu,
        memory: config.memory,
        reservation: RESERVATION,
        guard: GUARD_SIZE,
        address_map: config.address_map,
        alias_analysis: config.alias_analysis,
        deterministic: config.deterministic,
        padding: config.padding,
        code_section: artifact.code_section(),
        checksums: header::checksums_of(artifact.bytes()).ok_or(Stale::NotAnArtifact)?,
        name: artifact.module_name().map(str::to_owned),
        functions: (info.counts().imported_funcs..)
            .zip(info.funcs)
            .map(|(index, row)| InspectedFunction {
                index,
                name: artifact.func_name(index).map(str::to_owned),
                offset: artifact.text().start as u64 + u64::from(row.start.get()),
                bytes: row.len.get().into(),
            })
            .collect(),
        imports: info
            .imports
            .iter()
            .map(|row| {
                let ty = info.extern_type(&row.ty).map(words).unwrap_or_default();
                (info.string(row.module).to_owned(), info.string(row.name).to_owned(), ty)
            })
            .collect(),
        exports: info
            .exports
            .iter()
            .map(|row| {
                let ty = info.export_type(row).map(words);
                (info.string(row.name).to_owned(), ty.unwrap_or_default())
            })
            .collect(),
        sections: Section::ALL
            .into_iter()
            .map(|section| {
                let range = artifact.section(section);
                (section.name(), range.start as u64, range.len() as u64)
            })
            .collect(),
        bytes: artifact.bytes().len() as u64,
    })
}

/// Compares all checksums of an artifact, which cover every byte. The artifact must be of this build.
///
/// # Errors
/// Fails if the bytes are no artifact of this build, or are damaged.
pub fn verify_artifact(artifact: &[u8]) -> Result<(), Stale> {
    Artifact::read(artifact, &any_config(wrun_artifact::BUILD), Compare::All).map(drop)
}

/// Compares all checksums of an artifact in a cache, and remembers the result. After a success, no run compares them again. After
/// a failure, the next run compares them. Returns the reason if the artifact cannot be used.
///
/// # Errors
/// Fails if the artifact cannot be read.
pub fn verify_cached(cache: &Cache, entry: &CacheEntry) -> io::Result<Option<Stale>> {
    let mut found = cache.open_entry(entry)?;
    let mut bytes = Vec::new();
    found.artifact.file.read_to_end(&mut bytes)?;
    let stale = verify_artifact(&bytes).err();
    match stale {
        None => cache.set_verified(&found, true),
        // The checksums of such an artifact were not compared, so nothing is remembered.
        Some(Stale::Build | Stale::FormatVersion { .. } | Stale::Target | Stale::Cpu(_) | Stale::Config) => {}
        Some(_) => cache.set_verified(&found, false),
    }
    Ok(stale)
}
