//! Compiles a module to an artifact: `write_artifact MODULE ARTIFACT`. The module may be in the text format.

use std::error::Error;
use std::fs;

use wrun_runtime::{Config, Engine, Module};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [module, artifact] = arguments.as_slice() else {
        return Err("usage: write_artifact MODULE ARTIFACT".into());
    };
    let wasm = wat::parse_file(module)?;
    let engine = Engine::new(&Config::new())?;
    let module = Module::new(&engine, &wasm)?;
    fs::write(artifact, module.serialize())?;
    Ok(())
}
