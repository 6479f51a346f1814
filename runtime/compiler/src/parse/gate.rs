//! Refuses parts of proposals that the validator accepts although the proposals are switched off.
//!
//! Input: a payload and the features. Output: nothing, or the error that the validator should have given. So far this is only
//! the import of a function of an exact type (kind 0x20), which the validator accepts with any features.

use wasmparser::{Payload, TypeRef, WasmFeatures};

use crate::error::CompileError;

/// Refuses parts of this payload that belong to a proposal outside of the features. The validator reports malformed payloads.
pub(super) fn check(payload: &Payload<'_>, features: WasmFeatures) -> Result<(), CompileError> {
    if features.contains(WasmFeatures::CUSTOM_DESCRIPTORS) {
        return Ok(());
    }
    let Payload::ImportSection(section) = payload else {
        return Ok(());
    };
    let mut imports = section.clone().into_imports_with_offsets().map_while(Result::ok);
    match imports.find(|(_, import)| matches!(import.ty, TypeRef::FuncExact(_))) {
        None => Ok(()),
        Some((offset, _)) => Err(CompileError::Invalid {
            offset: offset as u64,
            reason: "functions of an exact type are of the custom-descriptors proposal".to_owned(),
        }),
    }
}
