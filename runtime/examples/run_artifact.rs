//! Calls an export of an artifact that `write_artifact` made: `run_artifact ARTIFACT EXPORT [INTEGERS…]`. Needs no compiler:
//! build it with `--no-default-features`.
#![allow(
    unsafe_code,
    reason = "loading an artifact is a promise that wrun made it, which whoever runs this gives"
)]

use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use wrun_runtime::{Config, Engine, Imports, Instance, Module, Store, ValType, Value, Verify};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [artifact, export, integers @ ..] = arguments.as_slice() else {
        return Err("usage: run_artifact ARTIFACT EXPORT [INTEGERS...]".into());
    };
    let mut beginning = [0; 4096];
    let length = File::open(artifact)?.read(&mut beginning)?;
    let engine = Engine::new(Config::new().like_artifact(&beginning[..length]))?;
    // SAFETY: whoever runs this vouches for the file, and does not change it meanwhile.
    let module = unsafe { Module::deserialize_file(&engine, Path::new(artifact), Verify::Always)? };
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &Imports::new(&engine))?;
    let func = instance.func(&mut store, export).ok_or("no such function")?;
    let ty = func.ty(&store);
    if ty.params().len() != integers.len() {
        return Err(format!("the function's type is {ty}").into());
    }
    let values = ty
        .params()
        .iter()
        .zip(integers)
        .map(|(ty, text)| integer(*ty, text))
        .collect::<Result<Vec<_>, _>>()?;
    let results = match func.call(&mut store, &values) {
        Err(wrun_runtime::Error::Trap(trap)) => {
            let frames = trap.backtrace().frames().len();
            return Err(format!("{trap}, with {frames} frames").into());
        }
        results => results?,
    };
    for value in results {
        match value {
            Value::I32(value) => println!("{value}"),
            Value::I64(value) => println!("{value}"),
            other => println!("{other:?}"),
        }
    }
    Ok(())
}

fn integer(ty: ValType, text: &str) -> Result<Value, Box<dyn Error>> {
    match ty {
        ValType::I32 => Ok(Value::I32(text.parse()?)),
        ValType::I64 => Ok(Value::I64(text.parse()?)),
        other => Err(format!("a parameter is {other}, and only integers can be given here").into()),
    }
}
