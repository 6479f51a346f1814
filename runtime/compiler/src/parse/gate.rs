//! Refuses the parts of proposals that the validator lets pass although they are switched off.
//!
//! In: a payload and the features. Out: nothing, or the error that the validator should have given. So far this is the import of a
//! function of an exact type (kind 0x20), whose kind the validator knows whatever the features are.

use wasmparser::{Payload, TypeRef, WasmFeatures};

use crate::error::CompileError;

/// Refuses what is in this payload and belongs to a proposal that is not among the features. What is malformed is left to the
/// validator.
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
