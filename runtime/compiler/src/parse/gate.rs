//! Refuses parts of proposals that the validator accepts although the proposals are switched off.
//!
//! Input: a payload and the features. Output: nothing, or the error that the validator should have given. So far these are
//! shared memories, which belong to the same proposal as atomic instructions, and the import of a function of an exact type
//! (kind 0x20), which the validator accepts with any features.

use wasmparser::{BinaryReaderError, Payload, TypeRef, WasmFeatures};

use crate::error::CompileError;

/// Refuses parts of this payload that belong to a proposal outside of the features. The validator reports malformed payloads.
pub(super) fn check(payload: &Payload<'_>, features: WasmFeatures) -> Result<(), CompileError> {
    if !features.contains(WasmFeatures::CUSTOM_DESCRIPTORS)
        && let Some(offset) = exact_import(payload)
    {
        return refuse(
            offset,
            "functions of an exact type are of the custom-descriptors proposal",
        );
    }
    if !features.contains(WasmFeatures::SHARED_EVERYTHING_THREADS)
        && let Ok(Some(offset)) = shared_memory(payload)
    {
        return refuse(offset, "shared memories need threads");
    }
    Ok(())
}

fn refuse(offset: usize, reason: &str) -> Result<(), CompileError> {
    Err(CompileError::Invalid {
        offset: offset as u64,
        reason: reason.to_owned(),
    })
}

/// Offset of the first import of a function of an exact type.
fn exact_import(payload: &Payload<'_>) -> Option<usize> {
    let Payload::ImportSection(section) = payload else {
        return None;
    };
    let mut imports = section.clone().into_imports_with_offsets().map_while(Result::ok);
    imports
        .find(|(_, import)| matches!(import.ty, TypeRef::FuncExact(_)))
        .map(|(offset, _)| offset)
}

/// Offset of the first memory that is shared.
fn shared_memory(payload: &Payload<'_>) -> Result<Option<usize>, BinaryReaderError> {
    match payload {
        Payload::ImportSection(section) => {
            for import in section.clone().into_imports_with_offsets() {
                let (offset, import) = import?;
                if matches!(import.ty, TypeRef::Memory(ty) if ty.shared) {
                    return Ok(Some(offset));
                }
            }
        }
        Payload::MemorySection(section) => {
            for memory in section.clone().into_iter_with_offsets() {
                let (offset, memory) = memory?;
                if memory.shared {
                    return Ok(Some(offset));
                }
            }
        }
        _ => {}
    }
    Ok(None)
}
