//! Links compiled functions to an artifact: places them in one text, resolves the references between them, and writes the other
//! sections behind the text.
//!
//! Input: the module, and its compiled functions in the order of the text ([`Linker::push`]). Any function may be left out and
//! replaced by a stub. Output: the artifact's bytes ([`Linker::finish`]). The buffer in which the text grows becomes the
//! artifact.
//!
//! Must not hold: the code generator, files, the resolution of imports.

mod contents;
mod image;
mod info;
mod placement;
mod symbols;
mod text;

use wrun_artifact::Config;
use wrun_artifact::elf::Writer;
use wrun_artifact::header::Section;
use wrun_artifact::names::TooLong;

pub(crate) use self::symbols::made_up_name;

use self::image::Images;
use self::text::Text;
use crate::code::{CompiledFunction, Symbol};
use crate::error::CompileError;
use crate::parse::{Module, Scan};

/// Usual upper limit of the ratio of machine code to function bodies, both in bytes.
const EXPANSION: usize = 2;

/// Takes compiled functions one after the other, then writes the artifact.
pub(crate) struct Linker<'m> {
    module: &'m Module<'m>,
    scan: &'m Scan,
    config: &'m Config,
    text: Text,
}

/// An artifact.
#[derive(Debug)]
pub(crate) struct Linked {
    /// The whole file.
    pub(crate) bytes: Vec<u8>,
    /// Length of the machine code in it in bytes.
    pub(crate) text_bytes: usize,
}

impl<'m> Linker<'m> {
    /// Makes a linker for the functions of this module.
    pub(crate) fn new(module: &'m Module<'m>, scan: &'m Scan, config: &'m Config) -> Self {
        let bodies: usize = module.bodies.values().map(|body| body.range.len()).sum();
        let text = Text::new(EXPANSION * bodies, config.padding);
        Self {
            module,
            scan,
            config,
            text,
        }
    }

    /// Places a function, its stub or a trampoline. Functions come first, in index order, then trampolines.
    pub(crate) fn push(&mut self, symbol: Symbol, function: &CompiledFunction) -> Result<(), CompileError> {
        self.text.push(symbol, function)
    }

    /// Returns true if placed code refers to `symbol`, which has no place yet.
    pub(crate) fn is_wanted(&self, symbol: Symbol) -> bool {
        self.text.is_wanted(symbol)
    }

    /// Resolves the remaining references, and writes the artifact.
    pub(crate) fn finish(self) -> Result<Linked, CompileError> {
        let Self {
            module,
            scan,
            config,
            mut text,
        } = self;
        text.finish(module.bodies.len())?;
        let text_bytes = text.len();
        let Text {
            file,
            placement,
            traps,
            addresses,
            stack_maps,
            handlers,
            ..
        } = text;

        let mut writer = Writer::new(file);
        let images = Images::new(module);
        let image_at = writer.section(Section::Image, |out| {
            let start = out.len();
            let len = usize::try_from(images.len).expect("an image fits in memory");
            out.resize(start + len, 0);
            images.fill(module, &mut out[start..]);
            start
        });
        writer.section(Section::Tables, |out| {
            contents::write_tables(module, &scan.facts, &placement, out)
        });
        writer.section(Section::Data, |out| contents::write_data(module, &images, out));
        writer.section(Section::Info, |out| {
            out.append(&mut info::build(module, scan, &images, image_at as u64, &placement).encode());
        });
        writer.section(Section::Traps, |out| traps.finish(out));
        writer.section(Section::AddressMap, |out| {
            if config.address_map {
                addresses.finish(out);
            }
        });
        writer.section(Section::StackMaps, |out| stack_maps.finish(out));
        writer.section(Section::Handlers, |out| handlers.finish(out));

        let too_long = |TooLong| CompileError::Limit("the names of its functions exceed 4 GiB: strip them".into());
        let (names, symbols) = symbols::collect(module, &placement).map_err(too_long)?;
        writer
            .section(Section::Names, |out| names.names(out))
            .map_err(too_long)?;
        for (name, contents) in &module.debug_sections {
            writer.debug_section(name, contents);
        }
        writer.symbols(symbols.into_iter());
        writer.section(Section::Strings, |out| out.extend_from_slice(names.strings()));
        let bytes = writer.finish(wrun_artifact::BUILD, config, module.code_section);
        Ok(Linked { bytes, text_bytes })
    }
}

#[cfg(test)]
mod tests;
