//! Makes backtraces from recorded addresses.
//!
//! Input: a trace, the code of a store. Output: frames with names, offsets and source lines. Must not hold: walking the stack.

use super::source::location;
use crate::error::{Backtrace, Frame};
use crate::vm::{CodeMap, RawTrace};

/// Makes the frames that `trace` recorded.
pub(super) fn collect(trace: &RawTrace, code: Option<&CodeMap>) -> Backtrace {
    let (addresses, head, omitted) = trace.addresses().get();
    let Some(code) = code else {
        return Backtrace::default();
    };
    let mut frames = Vec::with_capacity(addresses.len());
    let mut kept_head = 0;
    for (index, address) in addresses.into_iter().enumerate() {
        if let Some(frame) = frame(code, address) {
            frames.push(frame);
            kept_head += usize::from(index < head);
        }
    }
    demangle(&mut frames);
    Backtrace::new(frames, kept_head, omitted)
}

fn frame(code: &CodeMap, address: usize) -> Option<Frame> {
    let (range, text_offset) = code.find(address)?;
    let artifact = range.artifact();
    let func_index = artifact.info().func_at(text_offset)? + artifact.info().counts().imported_funcs;
    let offset = artifact.address_map().and_then(|map| map.lookup(text_offset));
    Some(Frame {
        func_index,
        name: artifact.func_name(func_index).map(str::to_owned),
        offset,
        location: offset.and_then(|offset| location(artifact, offset)),
    })
}

/// Replaces symbols by the names in the source.
fn demangle(frames: &mut [Frame]) {
    let names = super::demangle::demangle(frames.iter().filter_map(Frame::name));
    for name in frames.iter_mut().filter_map(|frame| frame.name.as_mut()) {
        if let Some(demangled) = names.get(name) {
            name.clone_from(demangled);
        }
    }
}
