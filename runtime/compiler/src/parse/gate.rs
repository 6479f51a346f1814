//! Refuses parts of proposals that the validator accepts although the proposals are switched off.
//!
//! In: a payload and the features. Out: nothing, or the error that the validator should have given. So far these are shared
//! memories, which belong to the same proposal as atomic instructions, the import
//! of a function of an exact type (kind 0x20), whose kind the validator knows whatever the features are, and references to
//! exceptions that cannot be null or are always null, which it takes for a part of exception handling. In bodies such references
//! are harmless: their type is not compared with anything.

use wasmparser::{BinaryReaderError, ElementItems, Payload, RefType, TypeRef, ValType, WasmFeatures};

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
    if !features.contains(WasmFeatures::FUNCTION_REFERENCES)
        && let Ok(Some(offset)) = typed_reference(payload)
    {
        return refuse(
            offset,
            "references to exceptions that are never or always null are of the function-references proposal",
        );
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

/// Offset of the first entry of a section with a reference type that WebAssembly 2.0 and exception handling do not have.
fn typed_reference(payload: &Payload<'_>) -> Result<Option<usize>, BinaryReaderError> {
    let is_typed = |ty: RefType| ![RefType::FUNCREF, RefType::EXTERNREF, RefType::EXNREF].contains(&ty);
    let holds_typed = |ty: &ValType| matches!(ty, ValType::Ref(ty) if is_typed(*ty));
    match payload {
        Payload::TypeSection(section) => {
            for group in section.clone().into_iter_with_offsets() {
                let (offset, group) = group?;
                for ty in group.types() {
                    if let wasmparser::CompositeInnerType::Func(ty) = &ty.composite_type.inner
                        && ty.params().iter().chain(ty.results()).any(holds_typed)
                    {
                        return Ok(Some(offset));
                    }
                }
            }
        }
        Payload::ImportSection(section) => {
            for import in section.clone().into_imports_with_offsets() {
                let (offset, import) = import?;
                let found = match import.ty {
                    TypeRef::Global(ty) => holds_typed(&ty.content_type),
                    TypeRef::Table(ty) => is_typed(ty.element_type),
                    _ => false,
                };
                if found {
                    return Ok(Some(offset));
                }
            }
        }
        Payload::TableSection(section) => {
            for table in section.clone().into_iter_with_offsets() {
                let (offset, table) = table?;
                if is_typed(table.ty.element_type) {
                    return Ok(Some(offset));
                }
            }
        }
        Payload::GlobalSection(section) => {
            for global in section.clone().into_iter_with_offsets() {
                let (offset, global) = global?;
                if holds_typed(&global.ty.content_type) {
                    return Ok(Some(offset));
                }
            }
        }
        Payload::ElementSection(section) => {
            for elem in section.clone().into_iter_with_offsets() {
                let (offset, elem) = elem?;
                if matches!(elem.items, ElementItems::Expressions(ty, _) if is_typed(ty)) {
                    return Ok(Some(offset));
                }
            }
        }
        _ => {}
    }
    Ok(None)
}
